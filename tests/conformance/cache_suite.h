/* The cache suite: every sentence of cache/cache.h, run against each backend. A backend file (cache_local.c …) gives this: */
#ifndef SEALDROP_TESTS_CONFORMANCE_CACHE_SUITE_H
#define SEALDROP_TESTS_CONFORMANCE_CACHE_SUITE_H

#include "cache/cache.h"

/* A new, empty cache with room for 10,000 entries. */
MUST_USE enum err backend_cache_open(struct cache **ret);

#endif
