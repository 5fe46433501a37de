/* recipient: who fetches files, and what: the holder of a link (the ticket is renewed by itself), or the account with files of its
 * library. File keys are opened with a one-time key pair. */
#ifndef SEALDROP_CMD_CLI_RECIPIENT_H
#define SEALDROP_CMD_CLI_RECIPIENT_H

#include "cmd/cli/cli.h"
#include "cmd/cli/session.h"
#include "cmd/cli/wire.h"
#include "codec/frames.h"
#include "crypto/hash.h"
#include "os/thread.h"

struct recipient {
    struct credential credential; /* first: "Link <ticket>" */
    struct session *session;      /* NULL: a link */
    struct opt_u64 version;       /* of own files: an older one */
    struct app *app;
    struct server server;
    struct slice token; /* of the link; of own files what stands for it in the names of journals */
    struct buf password; /* kept to get another ticket; empty: none needed */
    struct mutex lock;   /* guards ticket */
    struct buf ticket;
    struct wire_share share;
};

/* Parses the link, meets the server, asks what is behind it, gets the password if one is needed, and a ticket; then `share` names the
 * files. Errors in words: gone, wrong password, something this client cannot do. */
MUST_USE enum err recipient_open(struct app *a, struct slice link, struct recipient *ret);
/* Files of the account's library, under the names they shall have here. `s` outlives it. */
MUST_USE enum err recipient_own(struct app *a, struct session *s, const struct wire_file *files, size_t n, struct recipient *ret);
/* Harmless on a zeroed one. */
void recipient_close(struct recipient *r);

struct file_secret {
    struct key key;
    struct id content_id;
    uint64_t size;
    uint64_t stored_size;  /* what is sealed: the same, unless it is compressed */
    struct frame_map *map; /* of compressed content; NULL */
    uint32_t part_size;
    struct sha256 headers_hash;
    struct slice grant; /* in c's arena */
};
/* Wipes the key, frees the map. */
void file_secret_done(struct file_secret *s);
/* `grant`: of an earlier call, or empty. ERR_CORRUPT: the answer does not open or contradicts itself. */
MUST_USE enum err recipient_key(struct ctx *c, struct client *cl, struct recipient *r, const struct id *file_id,
                                struct slice grant, struct file_secret *ret);
/* Where its sealed bytes are, and who may fetch them. */
MUST_USE enum err recipient_content_path(struct ctx *c, const struct recipient *r, const struct id *file_id, struct slice grant,
                                         const char **ret);
struct credential *recipient_credential(struct recipient *r);
/* Every byte verified: the server may count this download. */
MUST_USE enum err recipient_done(struct ctx *c, struct client *cl, struct recipient *r, struct slice grant);

#endif
