/* session: the signed-in account as a credential: one access token shared by threads and processes, renewed in time or after a 401. */
#ifndef SEALDROP_CMD_CLI_SESSION_H
#define SEALDROP_CMD_CLI_SESSION_H

#include "cmd/cli/cli.h"
#include "cmd/cli/wire.h"
#include "os/thread.h"

struct session {
    struct credential credential; /* first: the credential is the session */
    struct app *app;
    struct server server;
    struct mutex lock;       /* guards what is below */
    struct ctx memory[2];    /* the account's strings live in one while the other is filled */
    unsigned now;
    struct account account;
};

/* Reads the account and how its server is trusted. ERR_UNAUTH in words when nobody is signed in. */
MUST_USE enum err session_open(struct app *a, struct session *s);
/* The account is used with an API key, which is not renewed. */
static inline bool session_by_key(const struct account *a) { return a->refresh_token.len == 0; }
/* Harmless on a zeroed one. */
void session_close(struct session *s);
/* A link made on this computer, on the account's server. ERR_NOT_FOUND in words. */
MUST_USE enum err session_known_link(struct app *a, const struct session *s, struct slice link, struct link_record *ret);
/* The account to keep after a sign-in or a renewal. `now` is the time the tokens were asked for. */
struct account session_account(const struct wire_tokens *t, struct slice server, struct slice email, struct slice device,
                               int64_t now_ms);

#endif
