/* keyring: wraps and unwraps keys under organisation keys, which are themselves wrapped by the root key. An interface: today a
 * local implementation that holds them in locked memory; later a key process behind the same four operations. Thread-safe.
 *
 * WrappedKey (122 bytes) = 0x01 || 0x01 || kek_id[16] || seal(KEK, context, key)[104]      (docs/FORMAT.md, key hierarchy) */
#ifndef SEALDROP_CRYPTO_KEYRING_H
#define SEALDROP_CRYPTO_KEYRING_H

#include "base/ctx.h"
#include "base/id.h"
#include "base/key.h"

#define WRAPPED_KEY_BYTES 122
#define SEALED_KEK_BYTES 104

struct wrapped_key {
    uint8_t b[WRAPPED_KEY_BYTES];
};
struct sealed_kek {
    uint8_t b[SEALED_KEK_BYTES];
};

struct keyring;
/* Organisation keys in one ring, old generations included; ERR_TOO_LARGE past it. */
#define KEYRING_KEKS_MAX 4096
/* Root key from a file of exactly 32 raw bytes, or 43 base64url characters and perhaps a newline (ERR_INVALID otherwise), mode 0600
 * or stricter (ERR_DENIED otherwise). */
MUST_USE enum err keyring_open_file(struct ctx *c, const char *path, struct keyring **ret);
/* Make a new root key file (text form), durable, 0600; ERR_EXISTS when there is one. */
MUST_USE enum err keyring_create_file(struct ctx *c, const char *path);
void keyring_close(struct keyring *k);
/* First 8 bytes of SHA-256("sft/1/root" 00 || root key): to tell which root a backup belongs to. */
MUST_USE enum err keyring_fingerprint(const struct keyring *k, uint8_t ret[8]);

/* A fresh organisation key, wrapped by the root; it is also added to the ring, to unwrap with. It does not wrap yet: a key lost
 * with a transaction that fails must never have wrapped anything. Store it, commit, then call keyring_add_kek(…, true, …).
 * ERR_EXISTS when the id is taken. */
MUST_USE enum err keyring_new_kek(struct ctx *c, struct keyring *k, const struct id *kek_id, const struct id *org_id,
                                  struct sealed_kek *ret);
/* Add one read from the database, or change whether a known one is `active`: the one of its organisation used for wrapping (the
 * last one made active is). ERR_CORRUPT: not made by this root. */
MUST_USE enum err keyring_add_kek(struct ctx *c, struct keyring *k, const struct id *kek_id, const struct id *org_id,
                                  bool active, struct slice sealed);
/* Wrap under the active organisation key; ERR_NOT_FOUND without one. `context` binds the purpose, e.g.
 * sft_context("sft/1/dek", org, file). */
MUST_USE enum err keyring_wrap(struct ctx *c, struct keyring *k, const struct id *org_id, struct slice context,
                               const struct key *key, struct wrapped_key *ret);
/* ERR_NOT_FOUND: unknown kek id; ERR_CORRUPT: does not verify. */
MUST_USE enum err keyring_unwrap(struct ctx *c, struct keyring *k, struct slice context, struct slice wrapped,
                                 struct key *ret);
/* Which organisation key a wrapped key is under. */
MUST_USE enum err wrapped_key_kek(struct slice wrapped, struct id *ret);

#endif
