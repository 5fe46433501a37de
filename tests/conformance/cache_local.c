/* The cache suite in this process. */
#include "cache_suite.h"

enum err backend_cache_open(struct cache **ret) { return cache_local_open(10000, ret); }
