/* Password hashes: Argon2id for accounts (RFC 9106), bcrypt for link passwords (docs/FORMAT.md section 6).
 *
 * Input is normalised by the caller (NFKC) and keyed with a pepper here. Verification is constant-time in the hash. Argon2id
 * takes its memory (64 MiB by default) through libsodium; the caller bounds how many run at once. Thread-safe. */
#ifndef SEALDROP_CRYPTO_PWHASH_H
#define SEALDROP_CRYPTO_PWHASH_H

#include "base/key.h"
#include "base/slice.h"

#define PWHASH_TEXT_MAX 128

struct pwhash_cost {
    uint32_t memory_kib; /* default 65536 */
    uint32_t passes;     /* default 3 */
};
#define PWHASH_COST_DEFAULT ((struct pwhash_cost){65536, 3})
#define PWHASH_COST_FLOOR ((struct pwhash_cost){19456, 2})

/* PHC string "$argon2id$v=19$m=…,t=…,p=1$salt$hash" of HMAC-SHA-256(pepper, password). */
MUST_USE enum err argon2id_hash(const struct key *pepper, struct slice password, struct pwhash_cost cost,
                                char ret[PWHASH_TEXT_MAX]);
/* ERR_OK when it matches, ERR_DENIED when not, ERR_CORRUPT for an unreadable hash. */
MUST_USE enum err argon2id_verify(const struct key *pepper, struct slice password, struct slice phc);
/* True when `phc` was made with less than `cost`. */
bool argon2id_outdated(struct slice phc, struct pwhash_cost cost);
/* Raw Argon2id, p = 1, 32-byte result (end-to-end links, key vectors). */
MUST_USE enum err argon2id_raw(struct slice password, const uint8_t salt[16], struct pwhash_cost cost, struct key *ret);

/* bcrypt "$2b$NN$" over base64(HMAC-SHA-384(pepper, password)). cost 4..14; product default 12. */
MUST_USE enum err bcrypt_hash(const struct key *pepper, struct slice password, unsigned cost, char ret[PWHASH_TEXT_MAX]);
MUST_USE enum err bcrypt_verify(const struct key *pepper, struct slice password, struct slice hash);

/* Hashes of other systems, unkeyed: bcrypt ("$2a$", "$2b$", "$2y$") and Argon2id or Argon2i as PHC text, of bounded cost. bcrypt never
 * looked at more than 72 bytes of a password: those end with the first sign-in, which replaces the hash. */
bool foreign_hash_readable(struct slice hash);
MUST_USE enum err foreign_hash_verify(struct slice password, struct slice hash);

#endif
