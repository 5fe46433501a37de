/* For tests of crypto/: reading JSON vector files, hex, and a scripted random source. */
#ifndef SEALDROP_CRYPTO_VECTOR_UTIL_H
#define SEALDROP_CRYPTO_VECTOR_UTIL_H

#include <jansson.h>

#include "base/buf.h"
#include "base/key.h"

/* A file below tests/vectors; ends the program when it is not there, for then nothing is tested. Free with json_decref. */
json_t *vectors_load(const char *name);
static inline void json_done(json_t **j)
{
    json_decref(*j);
}
const char *vector_text(const json_t *object, const char *name);
/* Hex string to bytes, replacing what is in `ret`; ends the program on bad hex. */
void hex_to_buf(const char *hex, struct buf *ret);
void vector_hex(const json_t *object, const char *name, struct buf *ret);
struct key vector_key(const json_t *object, const char *name);
/* base64url without padding, the same. */
void vector_b64url(const json_t *object, const char *name, struct buf *ret);
bool hex_equal(struct slice bytes, const char *hex);

/* Random bytes come from this script from now on, in order; past its end they are an error. random_restore() ends it. */
void random_script(struct slice bytes);
/* sys()->random fails from call n on (0-based). */
void random_fail_from(unsigned n);
void random_restore(void);

/* Runs `scenario` with the n-th allocation failing, ours or OpenSSL's, n = 0.. until none fires, once and for ever. Each run in which
 * one fails must be ERR_NOMEM or ERR_CRYPTO, the last ERR_OK. True when the whole loop holds. */
bool survives_alloc_faults(enum err (*scenario)(void));

#endif
