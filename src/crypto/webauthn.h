/* webauthn: what a passkey's authenticator sends, verified (W3C WebAuthn level 2, sections 6 and 7): the binary part. The JSON part
 * (type, challenge, origin) is core/passkey's, which hands its hash in here.
 *
 * libfido2 reads authenticator data and verifies signatures, libcbor splits the attestation object; neither touches a device.
 * Algorithms: ES256, EdDSA, RS256. Attestation: "none" without a statement, or "packed" with one that verifies (which tells that the
 * key is the authenticator's, not who made it). Thread-safe. ERR_DENIED for whatever does not verify, ERR_NOMEM. */
#ifndef SEALDROP_CRYPTO_WEBAUTHN_H
#define SEALDROP_CRYPTO_WEBAUTHN_H

#include "base/slice.h"
#include "crypto/hash.h"

#define WEBAUTHN_ES256 (-7)
#define WEBAUTHN_EDDSA (-8)
#define WEBAUTHN_RS256 (-257)
#define WEBAUTHN_ID_BYTES_MAX 1023
#define WEBAUTHN_KEY_BYTES_MAX 300
#define WEBAUTHN_OBJECT_BYTES_MAX (16 * 1024)

struct webauthn_expect {
    struct slice rp_id; /* host name */
    struct sha256 client_data_hash;
    bool user_verified; /* PIN or biometrics must have been asked for; presence always must */
};

struct webauthn_credential {
    size_t id_len, key_len;
    uint8_t id[WEBAUTHN_ID_BYTES_MAX];
    int64_t alg;
    uint8_t key[WEBAUTHN_KEY_BYTES_MAX]; /* ES256: x, y; EdDSA: 32 bytes; RS256: n, e */
    uint32_t sign_count;
};
MUST_USE enum err webauthn_register(const struct webauthn_expect *x, struct slice attestation_object,
                                    struct webauthn_credential *ret);

struct webauthn_assertion {
    int64_t alg; /* of the credential, as it was registered */
    struct slice key;
    struct slice auth_data, signature;
};
MUST_USE enum err webauthn_verify(const struct webauthn_expect *x, const struct webauthn_assertion *a, uint32_t *ret_sign_count,
                                  bool *ret_user_verified);

#endif
