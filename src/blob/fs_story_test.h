/* fs_story_test: one upload on the local backend, from begin to removal, that notes what was promised on the way. Told with
 * failing system calls (fs_fault_test.c) and with power cuts (fs_crash_test.c); afterwards the promises are checked. */
#ifndef SEALDROP_BLOB_FS_STORY_TEST_H
#define SEALDROP_BLOB_FS_STORY_TEST_H

#include "conformance/blob_suite.h"

#define STORY_PARTS 3
#define STORY_PART_BYTES 3000u
#define STORY_LAST_BYTES 500u
#define STORY_BYTES (2 * STORY_PART_BYTES + STORY_LAST_BYTES)

struct story {
    struct blob_key key;
    struct blob_ref ref;
    struct blob_tag tags[STORY_PARTS];
    bool acked[STORY_PARTS]; /* with BLOB_DURABLE; the last part is left for commit to sync */
    bool committed, removing, removed;
};

/* Tells the story up to the first error; goes on where an earlier telling of it ended. */
enum err story_tell(struct ctx *c, struct blob_store *s, struct story *t);
/* Takes it up again after whatever happened, on a store without faults. False, with test_fail, when a promise was broken. */
bool story_finish(struct ctx *c, struct blob_store *s, struct story *t);

#endif
