/* The blob suite on local files. */
#include "blob_suite.h"
#include "lib/test.h"

const bool backend_blob_has_fd = true;

enum err backend_blob_open(struct ctx *c, struct blob_store **ret)
{
    return blob_fs_open(c, test_dir(), ret);
}
