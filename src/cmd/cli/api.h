/* api: calls to one Sealdrop server: base path, JSON bodies by tables, credentials that renew themselves, patience with a server
 * that is away for a while. What is called, and when, is for the commands. */
#ifndef SEALDROP_CMD_CLI_API_H
#define SEALDROP_CMD_CLI_API_H

#include "cmd/cli/config.h"
#include "cmd/cli/progress.h"
#include "net/client.h"

#define API_TRIES_MAX 50u
#define API_PATIENCE_MS (2 * 60 * 1000)

/* A server and how its certificate is judged. Immutable while threads run. */
struct server {
    const char *origin; /* "https://host[:port]" */
    const char *pin;
    const char *ca_file;
    const atomic_bool *halt;
    struct progress *progress; /* where stalls are shown; may be NULL */
};

/* "host", "https://host:port/" → origin in *ret (arena). Plain http only for this machine itself. ERR_INVALID in words. */
MUST_USE enum err server_origin(struct ctx *c, struct slice text, const char **ret);
/* "https://host/s/TOKEN" → origin and token (arena). ERR_INVALID; ERR_UNSUPPORTED for an end-to-end link. */
MUST_USE enum err server_link(struct ctx *c, struct slice text, const char **ret_origin, struct slice *ret_token);
/* Pin and CA file from hosts.json, overridden by `ca_file` (--cacert; may be NULL), then SSL_CERT_FILE. */
MUST_USE enum err server_trust(struct ctx *c, const struct home *h, const char *ca_file, struct server *s);
/* A client for one thread. `bulk`: for file bytes. */
MUST_USE enum err server_client(struct ctx *c, const struct server *s, bool bulk, struct client **ret);

/* Gives the value of the Authorization header (into c's arena). `stale`: the value just refused with 401; renew it, unless another
 * thread has already. Thread-safe. */
struct credential {
    enum err (*get)(struct credential *cr, struct ctx *c, struct client *cl, struct slice stale, struct slice *ret);
};

struct call {
    const char *method;
    const char *path; /* below /api/v1, with its query */
    struct credential *credential; /* NULL: anonymous */
    const struct json_table *in_table;
    const void *in; /* NULL: no body */
    const struct json_table *out_table;
    void *out; /* NULL: the answer's body does not matter */
    const char *idempotency_key;
    bool patient; /* try again for up to two minutes while the server cannot be reached */
};
MUST_USE enum err api_call(struct ctx *c, struct client *cl, const struct server *s, const struct call *call);

/* The same for bytes: `rq` has all but the url, and at most one header. Not patient: the caller knows how to go on. */
MUST_USE enum err api_bytes(struct ctx *c, struct client *cl, const struct server *s, const char *path,
                            struct credential *credential, const struct client_request *rq, struct client_answer *ret);

/* Sleeps in slices, so that Ctrl-C is felt. */
void api_pause(int64_t ms, const atomic_bool *halt);

/* Waiting between tries. Zero it; call after each failure: true (after a pause) when to try again. */
struct retry {
    unsigned tries;
    int64_t since_ms;
    bool stalled; /* shown to the user */
};
bool retry_again(struct retry *r, const struct ctx *c, enum err e, const struct server *s);
/* Something worked: patience begins anew. */
void retry_reset(struct retry *r, const struct server *s);

#endif
