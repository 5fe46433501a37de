/* key: file keys and server secrets, wrapped under the organisation key; generations of organisation keys in the database.
 * Nothing unwrapped is ever stored. */
#ifndef SEALDROP_CORE_KEY_KEY_H
#define SEALDROP_CORE_KEY_KEY_H

#include "core/app/app.h"

struct wrapped {
    struct id kek_id;
    struct wrapped_key key;
};

/* The purpose under which the token signing key is wrapped (core/token); named here because a rotation re-wraps it. */
#define KEY_LABEL_SIGNING "sft/1/jwtkey"

/* A fresh random key. */
MUST_USE enum err key_new(struct ctx *c, struct key *ret);
/* Stores the wrapped key, and whatever belongs to it; as a function of db_tx, so it may run more than once. */
typedef enum err key_put_fn(struct ctx *c, struct db_conn *conn, const struct wrapped *w, void *arg);
/* Wraps `key`, bound to `label` and `object` ("sft/1/dek", the content id), and runs `put` in a write transaction in which that
 * organisation key cannot be destroyed. A node that has not heard of its destruction wraps anew under the active one: nothing is
 * ever stored that nobody can open. The only way to store a wrapped key, but for re-wrapping. */
MUST_USE enum err key_put(struct ctx *c, struct app *app, const char *label, const struct id *object, const struct key *key,
                          key_put_fn *put, void *arg);
/* The same for several objects, each with its key, in one transaction: `put` gets n wrapped keys, in their order. */
struct key_item {
    struct id object;
    const struct key *key;
};
MUST_USE enum err key_put_all(struct ctx *c, struct app *app, const char *label, const struct key_item *items, size_t n, key_put_fn *put,
                              void *arg);
/* Loads organisation keys made by other nodes when it meets an unknown one. */
MUST_USE enum err key_unwrap(struct ctx *c, struct app *app, const char *label, const struct id *object,
                             struct slice wrapped, struct key *ret);

/* At start: loads all generations; makes the first when there is none. */
MUST_USE enum err key_load(struct ctx *c, struct app *app);
/* Picks up generations made by other nodes; run every half minute. */
MUST_USE enum err key_reload(struct ctx *c, struct app *app);
struct kek_row {
    struct id id;
    int64_t generation;
    struct slice state;
    int64_t created_at;
};
/* All generations, newest first, in the arena. */
MUST_USE enum err key_list(struct ctx *c, struct app *app, struct kek_row **ret, size_t *ret_n);
/* A new generation becomes the active one; old ones only decrypt from now on. Enqueues the rewrap job. */
MUST_USE enum err key_rotate(struct ctx *c, struct app *app, struct id *ret_kek);
/* Re-wraps at most `batch` keys that are under an old generation, and destroys old generations that wrap nothing any more once
 * every node must know the new one. *ret_left: an old generation is still there. Idempotent: the rewrap job repeats it. */
MUST_USE enum err key_rewrap_some(struct ctx *c, struct app *app, size_t batch, bool *ret_left);

/* Named server secrets: made on first use, wrapped in the settings table. */
MUST_USE enum err key_secret(struct ctx *c, struct app *app, const char *name, struct key *ret);

#endif
