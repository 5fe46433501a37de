/* config: what the client keeps in the home directory, all private (directories 0700, files 0600), written atomically:
 *   $XDG_CONFIG_HOME/sealdrop/account.json   who is signed in where, with tokens
 *   $XDG_CONFIG_HOME/sealdrop/hosts.json     certificates pinned and CA files named, by server
 *   $XDG_STATE_HOME/sealdrop/links.jsonl     links made here (their SHA-256 only), so that they can be revoked by link
 *   $XDG_STATE_HOME/sealdrop/send-….jsonl, get-….jsonl   interrupted work
 * Strings land in the ctx arena. */
#ifndef SEALDROP_CMD_CLI_CONFIG_H
#define SEALDROP_CMD_CLI_CONFIG_H

#include "base/ctx.h"
#include "crypto/hash.h"
#include "codec/json.h"

struct home {
    const char *config; /* directories; made when first written to */
    const char *state;
};
/* From the environment. ERR_INVALID when neither HOME nor the XDG variables are set to absolute paths. */
MUST_USE enum err home_find(struct ctx *c, struct home *ret);
/* Makes both directories, and gives the path of a file in the state directory: prefix + hash in hex + ".jsonl". */
MUST_USE enum err home_state_path(struct ctx *c, const struct home *h, const char *prefix, const struct sha256 *key,
                                  const char **ret);

struct account {
    struct slice server; /* origin: "https://host[:port]" */
    struct slice email;
    struct slice device;
    struct slice access_token;
    struct slice refresh_token;
    int64_t access_until; /* wall clock, ms */
};
/* ERR_UNAUTH, in words for people, when nobody is signed in. */
MUST_USE enum err account_load(struct ctx *c, const struct home *h, struct account *ret);
MUST_USE enum err account_save(struct ctx *c, const struct home *h, const struct account *a);
MUST_USE enum err account_forget(struct ctx *c, const struct home *h);
/* One process at a time changes the account: an open, locked fd; closing it unlocks. */
MUST_USE enum err account_lock(struct ctx *c, const struct home *h, int *ret_fd);

struct host_trust {
    struct slice origin;
    struct slice pin;     /* 64 hex digits; ptr NULL: none */
    struct slice ca_file; /* absolute path; ptr NULL: none */
};
/* A host nobody said anything about gives a zeroed answer. */
MUST_USE enum err trust_load(struct ctx *c, const struct home *h, struct slice origin, struct host_trust *ret);
extern const struct json_table cli_host_table;
/* Adds or replaces the entry of t->origin. */
MUST_USE enum err trust_save(struct ctx *c, const struct home *h, const struct host_trust *t);

struct link_record {
    struct slice link_hash; /* hex SHA-256 of the link's token */
    struct slice server;
    struct id transfer_id;
    struct opt_id link_id;
    int64_t created_at;
};
MUST_USE enum err links_add(struct ctx *c, const struct home *h, const struct link_record *r);
/* By token. ERR_NOT_FOUND. */
MUST_USE enum err links_find(struct ctx *c, const struct home *h, struct slice token, struct link_record *ret);
/* Hex SHA-256 of a token, in the arena. */
MUST_USE enum err token_hash(struct ctx *c, struct slice token, struct slice *ret);

#endif
