/* The blob suite through the fault wrapper, unarmed, on local files. */
#include "blob_suite.h"
#include "lib/test.h"

const bool backend_blob_has_fd = true;

enum err backend_blob_open(struct ctx *c, struct blob_store **ret)
{
    struct blob_store *inner = NULL;
    TRY(blob_fs_open(c, test_dir(), &inner));
    return blob_fault_open(c, inner, ret);
}
