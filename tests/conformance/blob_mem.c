/* The blob suite in memory. */
#include "blob_suite.h"

const bool backend_blob_has_fd = false;

enum err backend_blob_open(struct ctx *c, struct blob_store **ret)
{
    return blob_mem_open(c, ret);
}
