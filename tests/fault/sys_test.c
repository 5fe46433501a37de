/* Every system call of the blob store, of SQLite and of the keys fails, once and for ever, with the errors it may have. */
#include <errno.h>

#include "base/intmath.h"
#include "fault/story.h"
#include "fault/sys_fault.h"

#define CALLS_SPACE (CALLS_DURABLE & ~BIT(CALL_UNLINK))
#define CALLS_SLOW (BIT(CALL_OPEN) | BIT(CALL_CREATE) | BIT(CALL_READ) | BIT(CALL_PREAD) | BIT(CALL_WRITE) | BIT(CALL_PWRITE))

static unsigned calls;
static int error;
static void arm(uint64_t n, bool for_ever) { sys_fault_fail(calls, n, for_ever, error); }

static const struct fault failing_calls = {"EIO", arm, sys_fault_off, sys_fault_fired, STATUS(500) | STATUS(503) | STATUS_CUT};
static const struct fault full_disk = {"ENOSPC", arm, sys_fault_off, sys_fault_fired, STATUS(507)};
static const struct fault interrupted = {"EINTR", arm, sys_fault_off, sys_fault_fired, 0};
static const struct fault no_descriptors = {"EMFILE", arm, sys_fault_off, sys_fault_fired, STATUS(503) | STATUS_CUT};

static const struct {
    const struct fault *fault;
    unsigned calls;
    int error;
    bool for_ever;
} kinds[] = {
    {&failing_calls, CALLS_ALL, EIO, true},
    {&full_disk, CALLS_SPACE, ENOSPC, true},
    {&interrupted, CALLS_SLOW, EINTR, false}, /* for ever is no interruption */
    {&no_descriptors, BIT(CALL_OPEN) | BIT(CALL_CREATE), EMFILE, true},
};

/* Those for ever end in the same requests as those that strike once: a sample of them will do. */
static void each(story_fn *story, const char *name)
{
    struct stage s;
    sys_fault_install();
    stage_open(&s);
    for (size_t i = 0; i < ARRAY_LEN(kinds) * 2 && !test_failed(); i++) {
        calls = kinds[i / 2].calls;
        error = kinds[i / 2].error;
        if (i & 1 && !kinds[i / 2].for_ever) continue;
        /* Signing in opens no file, and owners' downloads change nothing. */
        if ((story == story_sign_in && error == EMFILE) || (story == story_download && error == ENOSPC)) continue;
        fault_loop(&s, kinds[i / 2].fault, i & 1, i == 0 || error == EMFILE ? 1 : 3, story, name);
        if (test_failed()) printf("  first struck: %s\n", fcall_name(sys_fault_first()));
    }
    stage_close(&s);
}

TEST(system_calls_of_sign_in_fail) { each(story_sign_in, "sign-in"); }
TEST(system_calls_of_an_upload_fail) { each(story_upload, "upload"); }
TEST(system_calls_of_one_shot_uploads_fail) { each(story_one_shot, "one-shot"); }
TEST(system_calls_of_resumable_uploads_fail) { each(story_resumable, "resumable"); }
TEST(system_calls_of_downloads_fail) { each(story_download, "download"); }
TEST(system_calls_of_links_fail) { each(story_links, "links"); }
TEST(system_calls_of_deletion_fail) { each(story_clean, "deletion"); }
