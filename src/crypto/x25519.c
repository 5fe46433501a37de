/* X25519 through libsodium. */
#include "crypto/x25519.h"

#include <sodium.h>
#include <string.h>

#include "crypto/crypto.h"

enum err x25519_public(const struct key *private_key, uint8_t ret[X25519_BYTES])
{
    uint8_t out[X25519_BYTES];
    TRY(crypto_setup());
    if (crypto_scalarmult_curve25519_base(out, private_key->b) != 0) return ERR_CRYPTO;
    memcpy(ret, out, sizeof out);
    return ERR_OK;
}

enum err x25519(const struct key *private_key, const uint8_t public_key[X25519_BYTES], struct key *ret)
{
    CLEANUP(key_done) struct key out;
    TRY(crypto_setup());
    if (crypto_scalarmult_curve25519(out.b, private_key->b, public_key) != 0) return ERR_INVALID;
    *ret = out;
    return ERR_OK;
}
