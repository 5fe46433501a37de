/* Ed25519 through libsodium, which signs and verifies in about half of OpenSSL 3.0's time and takes no lock. */
#include "crypto/sign.h"

#include <sodium.h>

#include "crypto/crypto.h"
#include "crypto/evp.h"

enum err ed25519_public(const struct key *seed, uint8_t ret[ED25519_PUBLIC_BYTES])
{
    unsigned char secret[crypto_sign_SECRETKEYBYTES], public_key[ED25519_PUBLIC_BYTES];
    TRY(crypto_setup());
    if (crypto_sign_seed_keypair(public_key, secret, seed->b) != 0) return ERR_CRYPTO;
    mem_wipe(secret, sizeof secret);
    memcpy(ret, public_key, sizeof public_key);
    return ERR_OK;
}

enum err ed25519_sign(const struct key *seed, struct slice msg, uint8_t ret[ED25519_SIGNATURE_BYTES])
{
    /* libsodium's secret key is seed || public key; the public half is made anew from the seed each time, for a signature under
     * a wrong public half gives the seed away. */
    unsigned char secret[crypto_sign_SECRETKEYBYTES], public_key[ED25519_PUBLIC_BYTES], sig[ED25519_SIGNATURE_BYTES];
    TRY(crypto_setup());
    int bad = crypto_sign_seed_keypair(public_key, secret, seed->b);
    if (!bad) bad = crypto_sign_detached(sig, NULL, slice_u8(msg), msg.len, secret);
    mem_wipe(secret, sizeof secret);
    if (bad) return ERR_CRYPTO;
    memcpy(ret, sig, sizeof sig);
    return ERR_OK;
}

enum err ed25519_verify(const uint8_t pub[ED25519_PUBLIC_BYTES], struct slice msg, struct slice sig)
{
    TRY(crypto_setup());
    if (sig.len != ED25519_SIGNATURE_BYTES) return ERR_DENIED;
    return crypto_sign_verify_detached(slice_u8(sig), slice_u8(msg), msg.len, pub) == 0 ? ERR_OK : ERR_DENIED;
}
