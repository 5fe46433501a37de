/* Local backend: what only it promises: its lock, its layout, what is synced when, receipts over restarts, erasing. */
#include <errno.h>
#include <string.h>

#include "base/intmath.h"
#include "blob/fs_impl.h"
#include "conformance/blob_suite.h"
#include "lib/test.h"

struct place {
    struct ctx c;
    const char *dir;
    struct blob_store *s;
};

static void place_done(struct place *p)
{
    *sys_table() = *sys_real();
    blob_store_close(p->s);
    ctx_done(&p->c);
}

static enum err reopen(struct place *p)
{
    blob_store_close(p->s);
    p->s = NULL;
    return blob_fs_open(&p->c, p->dir, &p->s);
}

#define PLACE(name)                                                                                \
    CLEANUP(place_done) struct place name = {.dir = test_dir()};                                   \
    ctx_init(&name.c, 1 * MIB);                                                                    \
    CHECK_OK(blob_fs_open(&name.c, name.dir, &name.s))

static bool exists(const struct place *p, const char *where, struct blob_key key)
{
    char id[ID_TEXT_LEN + 1], path[300];
    struct stat st;
    id_text(key.id, id);
    snprintf(path, sizeof path, "%s/%s/%s", p->dir, where, id);
    return sys()->stat(path, &st) == 0;
}

TEST(one_process_per_directory)
{
    PLACE(p);
    struct blob_store *second = NULL;
    CHECK_ERR(blob_fs_open(&p.c, p.dir, &second), ERR_BUSY);
    CHECK(!second);
    CHECK_OK(reopen(&p));
}

TEST(bad_directories_are_refused)
{
    PLACE(p);
    struct blob_store *s = NULL;
    char name[FS_PATH_BYTES + 10];
    memset(name, 'a', sizeof name);
    name[sizeof name - 1] = '\0';
    CHECK_ERR(blob_fs_open(&p.c, "", &s), ERR_INVALID);
    CHECK_ERR(blob_fs_open(&p.c, name, &s), ERR_INVALID);
    snprintf(name, sizeof name, "%s/file", p.dir);
    CHECK_OK(file_create(name, SLICE("x"), 0600));
    CHECK_ERR(blob_fs_open(&p.c, name, &s), ERR_IO);
    snprintf(name, sizeof name, "%s/new/deep", p.dir);
    CHECK_OK(blob_fs_open(&p.c, name, &s));
    blob_store_close(s);
}

TEST(layout_on_disk)
{
    PLACE(p);
    struct blob_key key = {0};
    struct blob_ref ref;
    struct stat st;
    for (size_t i = 0; i < 16; i++) key.id.b[i] = (uint8_t)(0xa0 + i);
    CHECK_OK(blob_begin(&p.c, p.s, key, &ref));
    CHECK(exists(&p, "tmp", key));
    CHECK_OK(blob_commit(&p.c, p.s, key, &ref, NULL, 0, 0));
    CHECK(!exists(&p, "tmp", key) && exists(&p, "af/ae", key));
    CHECK(sys()->stat(p.dir, &st) == 0);
    char path[200];
    snprintf(path, sizeof path, "%s/af", p.dir);
    CHECK(sys()->stat(path, &st) == 0 && (st.st_mode & 0777) == 0700);
}

/* Only counted. */
static unsigned syncs, datasyncs;
static int counting_fsync(int fd)
{
    syncs++;
    return fd >= 0 ? 0 : -1;
}
static int counting_fdatasync(int fd)
{
    datasyncs++;
    return fd >= 0 ? 0 : -1;
}
static void count_syncs(void)
{
    syncs = datasyncs = 0;
    sys_table()->fsync = counting_fsync;
    sys_table()->fdatasync = counting_fdatasync;
}

TEST(durable_means_synced_and_later_does_not)
{
    PLACE(p);
    struct blob_key one = key_new(), two = key_new();
    struct piece a = {0, 0, 10, 1}, b = {1, 10, 10, 1};
    struct blob_ref ref;
    struct blob_tag tags[2];
    CHECK_OK(blob_begin(&p.c, p.s, one, &ref));
    CHECK_OK(blob_begin(&p.c, p.s, two, &ref));
    count_syncs();
    CHECK_OK(piece_store(&p.c, p.s, one, &ref, &a, BLOB_LATER, &tags[0]));
    CHECK(syncs == 0 && datasyncs == 0);
    CHECK_OK(piece_store(&p.c, p.s, one, &ref, &b, BLOB_DURABLE, &tags[1]));
    CHECK(syncs == 1 && datasyncs == 1);
    /* The sync of the first name was of the second, too. */
    CHECK_OK(piece_store(&p.c, p.s, two, &ref, &a, BLOB_DURABLE, &tags[0]));
    CHECK(syncs == 1 && datasyncs == 2);
}

TEST(blobs_beside_each_other_share_the_syncs_of_names)
{
    PLACE(p);
    enum { N = 20 };
    struct blob_tag tags[N];
    struct blob_commit list[N];
    struct piece a = {0, 0, 10, 1};
    for (size_t i = 0; i < N; i++) {
        list[i] = (struct blob_commit){.key = key_new(), .tags = &tags[i], .n = 1, .size_bytes = 10};
        if (i) blob_key_beside(&list[i].key.id, &list[0].key.id);
        CHECK_OK(blob_begin(&p.c, p.s, list[i].key, &list[i].ref));
        CHECK_OK(piece_store(&p.c, p.s, list[i].key, &list[i].ref, &a, BLOB_LATER, &tags[i]));
    }
    count_syncs();
    CHECK_OK(blob_commit_all(&p.c, p.s, list, N));
    /* Each content; once the two new directories, the names in the inner one, and tmp/. */
    CHECK_U64(syncs + datasyncs, N + 4);
}

TEST(names_of_an_earlier_process_are_synced_at_the_start)
{
    PLACE(p);
    struct blob_key key = key_new();
    struct blob_ref ref;
    struct blob_tag tag;
    CHECK_OK(blob_begin(&p.c, p.s, key, &ref));
    count_syncs();
    CHECK_OK(reopen(&p));
    /* tmp/, trash/ and the directory itself; so that a part need not ask who made its name. */
    CHECK_U64(syncs, 3);
    CHECK_OK(piece_store(&p.c, p.s, key, &ref, &(struct piece){0, 0, 10, 1}, BLOB_DURABLE, &tag));
    CHECK(syncs == 3 && datasyncs == 1);
}

TEST(an_upload_goes_on_after_a_restart)
{
    PLACE(p);
    struct blob_key key = key_new();
    struct piece a = {0, 0, 1000, 1}, b = {1, 1000, 500, 1};
    struct blob_ref ref;
    struct blob_tag tags[2];
    CHECK_OK(blob_begin(&p.c, p.s, key, &ref));
    CHECK_OK(piece_store(&p.c, p.s, key, &ref, &b, BLOB_DURABLE, &tags[1]));
    CHECK_OK(reopen(&p));
    CHECK_OK(piece_store(&p.c, p.s, key, &ref, &a, BLOB_LATER, &tags[0]));
    CHECK_OK(blob_commit(&p.c, p.s, key, &ref, tags, 2, 1500));
    CHECK(blob_holds(&p.c, p.s, key, 1500, 1));
    CHECK_OK(reopen(&p));
    CHECK(blob_holds(&p.c, p.s, key, 1500, 1));
    CHECK_OK(blob_commit(&p.c, p.s, key, &ref, tags, 2, 1500));
}

TEST(what_was_left_for_later_dies_with_the_process)
{
    PLACE(p);
    struct blob_key key = key_new();
    struct piece a = {0, 0, 1000, 1}, b = {1, 1000, 500, 1};
    struct blob_ref ref;
    struct blob_tag tags[2];
    CHECK_OK(blob_begin(&p.c, p.s, key, &ref));
    CHECK_OK(piece_store(&p.c, p.s, key, &ref, &a, BLOB_LATER, &tags[0]));
    CHECK_OK(reopen(&p));
    CHECK_OK(piece_store(&p.c, p.s, key, &ref, &b, BLOB_LATER, &tags[1]));
    CHECK_ERR(blob_commit(&p.c, p.s, key, &ref, tags, 2, 1500), ERR_CORRUPT);
    /* Nor does what is left for later now stand in for it. */
    struct blob_tag unused;
    CHECK_OK(piece_store(&p.c, p.s, key, &ref, &b, BLOB_LATER, &unused));
    CHECK_OK(piece_store(&p.c, p.s, key, &ref, &b, BLOB_DURABLE, &tags[1]));
    CHECK_ERR(blob_commit(&p.c, p.s, key, &ref, tags, 2, 1500), ERR_CORRUPT);
    CHECK_OK(piece_store(&p.c, p.s, key, &ref, &a, BLOB_DURABLE, &tags[0]));
    CHECK_OK(blob_commit(&p.c, p.s, key, &ref, tags, 2, 1500));
}

static int failing_fsync(int fd)
{
    (void)fd;
    sys_table()->fsync = sys_real()->fsync;
    errno = EIO;
    return -1;
}
static int failing_fdatasync(int fd)
{
    (void)fd;
    sys_table()->fdatasync = sys_real()->fdatasync;
    errno = EIO;
    return -1;
}
static int failing_rename(const char *from, const char *to)
{
    (void)from;
    (void)to;
    sys_table()->rename = sys_real()->rename;
    errno = ENOSPC;
    return -1;
}

TEST(a_failed_sync_is_final)
{
    PLACE(p);
    struct blob_key key = key_new();
    struct piece a = {0, 0, 1000, 1};
    struct blob_ref ref;
    struct blob_tag tag = {.text = "untouched"};
    CHECK_OK(blob_begin(&p.c, p.s, key, &ref));
    sys_table()->fdatasync = failing_fdatasync;
    CHECK_ERR(piece_store(&p.c, p.s, key, &ref, &a, BLOB_DURABLE, &tag), ERR_IO);
    CHECK(strcmp(tag.text, "untouched") == 0);
    CHECK_OK(piece_store(&p.c, p.s, key, &ref, &a, BLOB_LATER, &tag));
    sys_table()->fsync = failing_fsync;
    CHECK_ERR(blob_commit(&p.c, p.s, key, &ref, &tag, 1, 1000), ERR_IO);
    CHECK_ERR(blob_commit(&p.c, p.s, key, &ref, &tag, 1, 1000), ERR_CORRUPT);
    CHECK_ERR(blob_probe(&p.c, p.s, key), ERR_NOT_FOUND);
    CHECK_OK(piece_store(&p.c, p.s, key, &ref, &a, BLOB_LATER, &tag));
    CHECK_OK(blob_commit(&p.c, p.s, key, &ref, &tag, 1, 1000));
    CHECK(blob_holds(&p.c, p.s, key, 1000, 1));
}

TEST(a_commit_that_failed_after_its_sync_can_be_repeated)
{
    PLACE(p);
    struct blob_key key = key_new();
    struct piece a = {0, 0, 1000, 1};
    struct blob_ref ref;
    struct blob_tag tag;
    CHECK_OK(blob_begin(&p.c, p.s, key, &ref));
    CHECK_OK(piece_store(&p.c, p.s, key, &ref, &a, BLOB_LATER, &tag));
    sys_table()->rename = failing_rename;
    CHECK_ERR(blob_commit(&p.c, p.s, key, &ref, &tag, 1, 1000), ERR_NOSPACE);
    CHECK_OK(blob_commit(&p.c, p.s, key, &ref, &tag, 1, 1000));
    CHECK(blob_holds(&p.c, p.s, key, 1000, 1));
}

TEST(descriptors_kept_for_later_are_bounded)
{
    PLACE(p);
    struct piece a = {0, 0, 10, 1};
    static struct blob_key keys[FS_LATER_MAX + 2];
    static struct blob_tag tags[FS_LATER_MAX + 2];
    struct blob_ref ref;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        keys[i] = key_new();
        CHECK_OK(blob_begin(&p.c, p.s, keys[i], &ref));
        count_syncs();
        CHECK_OK(piece_store(&p.c, p.s, keys[i], &ref, &a, BLOB_LATER, &tags[i]));
        CHECK_U64(datasyncs, i >= FS_LATER_MAX);
    }
    CHECK_U64(fs_of(p.s)->later_count, FS_LATER_MAX);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (i % 2)
            CHECK_OK(blob_abort(&p.c, p.s, keys[i], &ref));
        else
            CHECK_OK(blob_commit(&p.c, p.s, keys[i], &ref, &tags[i], 1, 10));
    CHECK_U64(fs_of(p.s)->later_count, 0);
}

TEST(overwriting_leaves_zeros)
{
    PLACE(p);
    struct blob_key key = key_new();
    struct blob_reader *r = NULL, *late = NULL;
    struct fs_path path;
    uint64_t size = 0;
    static char before[2500000], got[2500000];
    size_t n = 0;
    int fd = -1;
    CHECK_OK(blob_store_whole(&p.c, p.s, key, sizeof got, 1000000, 1));
    fs_path_final(fs_of(p.s), key, &path);
    CHECK_OK(file_open(path.s, O_RDONLY, 0, &fd));
    CHECK_OK(blob_open(&p.c, p.s, key, &r, &size));
    CHECK_OK(blob_read(&p.c, r, 0, before, sizeof before, &n));
    /* Not while somebody reads it: to nobody else it is there any more, to this one it is as it was. */
    for (int i = 0; i < 2; i++) {
        CHECK_ERR(blob_remove(&p.c, p.s, key, BLOB_OVERWRITE), ERR_BUSY);
        CHECK_ERR(blob_open(&p.c, p.s, key, &late, &size), ERR_NOT_FOUND);
        CHECK(exists(&p, "trash", key));
        CHECK_OK(blob_read(&p.c, r, 0, got, sizeof got, &n));
        CHECK(n == sizeof got && memcmp(got, before, n) == 0);
    }
    blob_close(r);
    CHECK_OK(blob_remove(&p.c, p.s, key, BLOB_OVERWRITE));
    CHECK(!exists(&p, "trash", key));
    CHECK_OK(file_pread(fd, got, sizeof got, 0, &n));
    fd_close(&fd);
    CHECK_U64(n, sizeof got);
    for (size_t i = 0; i < n; i++) CHECK(got[i] == 0);
}

static int no_unlink(const char *path)
{
    (void)path;
    errno = EIO;
    return -1;
}

TEST(trash_is_finished_at_the_next_start)
{
    PLACE(p);
    struct blob_key key = key_new(), other = key_new();
    CHECK_OK(blob_store_whole(&p.c, p.s, key, 3000000, 1000000, 1));
    CHECK_OK(blob_store_whole(&p.c, p.s, other, 3000, 1000, 1));
    sys_table()->unlink = no_unlink;
    CHECK_ERR(blob_remove(&p.c, p.s, key, BLOB_OVERWRITE), ERR_IO);
    CHECK_ERR(blob_remove(&p.c, p.s, other, BLOB_OVERWRITE), ERR_IO);
    CHECK_ERR(blob_probe(&p.c, p.s, key), ERR_NOT_FOUND);
    CHECK(exists(&p, "trash", key) && exists(&p, "trash", other));
    *sys_table() = *sys_real();
    /* Removing again finishes it as well. */
    CHECK_OK(blob_remove(&p.c, p.s, other, BLOB_OVERWRITE));
    CHECK(!exists(&p, "trash", other));
    CHECK_OK(reopen(&p));
    thread_join(&fs_of(p.s)->sweeper);
    CHECK(!exists(&p, "trash", key));
}

static enum err count_one(struct ctx *c, struct blob_key key, bool committed, int64_t ms, void *arg)
{
    (void)c;
    (void)key;
    (void)committed;
    (void)ms;
    ++*(int *)arg;
    return ERR_OK;
}

TEST(foreign_names_are_not_listed)
{
    PLACE(p);
    char path[300];
    int n = 0;
    static const char *const names[] = {"tmp/readme", "tmp/.probe", "lost+found", "ff"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(path, sizeof path, "%s/%s", p.dir, names[i]);
        CHECK_OK(file_create(path, SLICE("x"), 0600));
    }
    CHECK_OK(blob_list(&p.c, p.s, count_one, &n));
    CHECK_U64(n, 0);
}
