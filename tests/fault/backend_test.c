/* Every call of the database and of the blob store fails at their interfaces, once and for ever. */
#include "base/intmath.h"
#include "base/limits.h"
#include "fault/story.h"
#include "fault/sys_fault.h"

static struct stage stage;
static enum err with;
static struct {
    uint64_t at;
    bool armed, fired;
} blow;

static void db_arm(uint64_t n, bool for_ever)
{
    blow.at = n;
    blow.armed = true;
    blow.fired = false;
    db_fault_set(stage.l.be.db, n, for_ever, with);
}

static bool db_fired(void)
{
    if (blow.armed) blow.fired = db_fault_count(stage.l.be.db) > blow.at;
    return blow.fired;
}

static void db_off(void)
{
    blow.fired = db_fired();
    blow.armed = false;
    db_fault_set(stage.l.be.db, UINT64_MAX, false, ERR_IO);
}

static void blob_arm(uint64_t n, bool for_ever)
{
    blow.at = n;
    blow.armed = true;
    blow.fired = false;
    blob_fault_set(stage.l.be.blobs, n, for_ever, with);
}

static bool blob_fired(void)
{
    if (blow.armed) blow.fired = blob_fault_count(stage.l.be.blobs) > blow.at;
    return blow.fired;
}

static void blob_off(void)
{
    blow.fired = blob_fired();
    blow.armed = false;
    blob_fault_set(stage.l.be.blobs, UINT64_MAX, false, ERR_IO);
}

#define DB(name, statuses) {"database " name, db_arm, db_off, db_fired, (statuses)}
#define BLOB(name, statuses) {"blob " name, blob_arm, blob_off, blob_fired, (statuses)}

static const struct {
    struct fault fault;
    enum err with;
    bool for_ever;
    uint64_t stride;
} kinds[] = {
    {DB("io", STATUS(500) | STATUS_CUT), ERR_IO, false, 1},
    {DB("io", STATUS(500) | STATUS_CUT), ERR_IO, true, 3},
    {DB("no_space", STATUS(507) | STATUS_CUT), ERR_NOSPACE, false, 3},
    {DB("no_space", STATUS(507) | STATUS_CUT), ERR_NOSPACE, true, 5},
    {DB("busy", 0), ERR_BUSY, false, 3}, /* is tried again */
    {DB("conflict", 0), ERR_CONFLICT, false, 3},
    {BLOB("io", STATUS(500) | STATUS_CUT), ERR_IO, false, 1},
    {BLOB("io", STATUS(500) | STATUS_CUT), ERR_IO, true, 1},
    {BLOB("no_space", STATUS(507) | STATUS_CUT), ERR_NOSPACE, false, 1},
    {BLOB("busy", STATUS(503) | STATUS_CUT), ERR_BUSY, false, 1},
};

static void each(story_fn *story, const char *name)
{
    sys_fault_install();
    stage_open(&stage);
    if (!test_failed()) loop_faulty(&stage.l);
    for (size_t i = 0; i < ARRAY_LEN(kinds) && !test_failed(); i++) {
        with = kinds[i].with;
        /* Signing in stores no bytes. */
        if (story == story_sign_in && kinds[i].fault.arm == blob_arm) continue;
        fault_loop(&stage, &kinds[i].fault, kinds[i].for_ever, kinds[i].stride, story, name);
    }
    stage_close(&stage);
}

TEST(backends_of_sign_in_fail) { each(story_sign_in, "sign-in"); }
TEST(backends_of_an_upload_fail) { each(story_upload, "upload"); }
TEST(backends_of_one_shot_uploads_fail) { each(story_one_shot, "one-shot"); }
TEST(backends_of_resumable_uploads_fail) { each(story_resumable, "resumable"); }
TEST(backends_of_joined_uploads_fail) { each(story_joined, "joined"); }
TEST(backends_of_downloads_fail) { each(story_download, "download"); }
TEST(backends_of_links_fail) { each(story_links, "links"); }
TEST(backends_of_deletion_fail) { each(story_clean, "deletion"); }
