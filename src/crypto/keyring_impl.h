/* For implementations of keyring.h only. The public functions check their arguments and call these; contracts are theirs. */
#ifndef SEALDROP_CRYPTO_KEYRING_IMPL_H
#define SEALDROP_CRYPTO_KEYRING_IMPL_H

#include "crypto/keyring.h"

/* One version, all entries set, all callable from any thread. */
struct keyring_ops {
    void (*close)(struct keyring *k);
    void (*fingerprint)(const struct keyring *k, uint8_t ret[8]);
    enum err (*new_kek)(struct ctx *c, struct keyring *k, const struct id *kek_id, const struct id *org_id,
                        struct sealed_kek *ret);
    enum err (*add_kek)(struct ctx *c, struct keyring *k, const struct id *kek_id, const struct id *org_id, bool active,
                        struct slice sealed);
    enum err (*wrap)(struct ctx *c, struct keyring *k, const struct id *org_id, struct slice context, const struct key *key,
                     struct wrapped_key *ret);
    /* `wrapped` has the right length and version. */
    enum err (*unwrap)(struct ctx *c, struct keyring *k, struct slice context, struct slice wrapped, struct key *ret);
};

struct keyring {
    const struct keyring_ops *ops;
};

/* A ring in this process; the root is copied into locked memory. */
MUST_USE enum err keyring_local_new(struct ctx *c, const struct key *root, struct keyring **ret);

/* Layout of a wrapped key. */
#define WRAPPED_VERSION 0x01
#define WRAPPED_ALG_COBBLESTONE_256 0x01
#define WRAPPED_KEK_AT 2
#define WRAPPED_SEALED_AT 18

#endif
