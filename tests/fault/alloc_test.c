/* Every allocation of sign-in, uploads, downloads and deletion fails, once and for ever. */
#include <stdatomic.h>

#include "base/mem.h"
#include "fault/story.h"
#include "fault/sys_fault.h"

static struct {
    uint64_t at;
    bool for_ever;
    _Atomic uint64_t seen;
    atomic_bool fired, on;
} armed;

/* Only while the product works on a request: the harness allocates, too. */
static bool hook(void)
{
    if (!atomic_load(&armed.on) || !story_asking()) return false;
    uint64_t n = atomic_fetch_add(&armed.seen, 1);
    bool fire = n == armed.at || (n > armed.at && armed.for_ever);
    if (fire) atomic_store(&armed.fired, true);
    return fire;
}

static void arm(uint64_t n, bool for_ever)
{
    armed.at = n;
    armed.for_ever = for_ever;
    atomic_store(&armed.seen, 0);
    atomic_store(&armed.fired, false);
    atomic_store(&armed.on, true);
    mem_set_fault(hook);
}

static void off(void) { atomic_store(&armed.on, false); }
static bool fired(void) { return atomic_load(&armed.fired); }

static const struct fault allocations = {"allocation", arm, off, fired, STATUS(500) | STATUS(503) | STATUS_CUT};

static void both(story_fn *story, const char *name)
{
    struct stage s;
    sys_fault_install();
    stage_open(&s);
    if (!test_failed()) fault_loop(&s, &allocations, false, 1, story, name);
    if (!test_failed()) fault_loop(&s, &allocations, true, 1, story, name);
    stage_close(&s);
}

TEST(allocations_of_sign_in_fail) { both(story_sign_in, "sign-in"); }
TEST(allocations_of_an_upload_fail) { both(story_upload, "upload"); }
TEST(allocations_of_one_shot_uploads_fail) { both(story_one_shot, "one-shot"); }
TEST(allocations_of_resumable_uploads_fail) { both(story_resumable, "resumable"); }
TEST(allocations_of_joined_uploads_fail) { both(story_joined, "joined"); }
TEST(allocations_of_downloads_fail) { both(story_download, "download"); }
TEST(allocations_of_links_fail) { both(story_links, "links"); }
TEST(allocations_of_deletion_fail) { both(story_clean, "deletion"); }
