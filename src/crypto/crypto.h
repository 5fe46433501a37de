/* One-time set-up of the cryptographic libraries. */
#ifndef SEALDROP_CRYPTO_CRYPTO_H
#define SEALDROP_CRYPTO_CRYPTO_H

#include "base/err.h"

/* Fetches what the layer uses from OpenSSL and starts libsodium. Idempotent and thread-safe; every function of the layer calls it
 * on its own. Programs call it first, so that a machine without our algorithms is told at the start, not at the first upload.
 * What it fetches lives as long as the process: there is no teardown. ERR_CRYPTO. */
MUST_USE enum err crypto_setup(void);

#endif
