/* authenticator: devices of second factors in software, for tests: a passkey device with one ES256 credential and knobs for everything
 * it may get wrong; and an app that shows codes. */
#ifndef SEALDROP_TESTS_INTEGRATION_AUTHENTICATOR_H
#define SEALDROP_TESTS_INTEGRATION_AUTHENTICATOR_H

#include <openssl/evp.h>

#include "crypto/totp.h"
#include "integration/loopback.h"

struct authenticator {
    EVP_PKEY *key;
    char id[16];
    uint32_t count;
    /* what it says; authenticator_new sets the right things */
    const char *rp_id, *origin;
    const char *type; /* NULL: what belongs there */
    uint8_t flags;
    bool bad_signature;
};
void authenticator_new(struct authenticator *a);
void authenticator_free(struct authenticator *a);
/* The JSON bodies of the API. `more`: further members, from a comma on. */
const char *authenticator_register(struct authenticator *a, const char *challenge, const char *name);
const char *authenticator_sign(struct authenticator *a, const char *challenge, const char *more);

struct secret {
    uint8_t b[TOTP_SECRET_BYTES];
};
/* Of its text in base 32. */
struct secret secret_of(const char *text);
/* The code of a step `offset` from now. */
const char *code_at(const struct secret *s, int offset);

#endif
