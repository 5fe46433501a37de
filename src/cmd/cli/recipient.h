/* recipient: a link as its recipient uses it: what is behind it, the ticket (renewed by itself), and file keys opened with a one-time
 * key pair. */
#ifndef SEALDROP_CMD_CLI_RECIPIENT_H
#define SEALDROP_CMD_CLI_RECIPIENT_H

#include "cmd/cli/cli.h"
#include "cmd/cli/wire.h"
#include "codec/frames.h"
#include "crypto/hash.h"
#include "os/thread.h"

struct recipient {
    struct credential credential; /* first: "Link <ticket>" */
    struct app *app;
    struct server server;
    struct slice token;
    struct buf password; /* kept to get another ticket; empty: none needed */
    struct mutex lock;   /* guards ticket */
    struct buf ticket;
    struct wire_share share;
};

/* Parses the link, meets the server, asks what is behind it, gets the password if one is needed, and a ticket; then `share` names the
 * files. Errors in words: gone, wrong password, something this client cannot do. */
MUST_USE enum err recipient_open(struct app *a, struct slice link, struct recipient *ret);
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
/* Every byte verified: the server may count this download. */
MUST_USE enum err recipient_done(struct ctx *c, struct client *cl, struct recipient *r, struct slice grant);

#endif
