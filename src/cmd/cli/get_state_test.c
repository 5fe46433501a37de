/* get_state: what is noted survives and is only what was synced; foreign states; the whole-file check. target: where files go. */
#include "cmd/cli/get_state.h"

#include "base/mem.h"
#include "cmd/cli/target.h"
#include "lib/test.h"
#include "os/file.h"

#define PART_SIZE 16384u
#define SIZE (PART_SIZE * 3ull + 5)

static struct seal_header header_of(uint8_t part)
{
    struct seal_header h;
    memset(h.b, part + 1, sizeof h.b);
    return h;
}

static void identity(struct get_identity *ret)
{
    uint8_t all[4 * SEAL_HEADER];
    *ret = (struct get_identity){.link_hash = SLICE("abcd"), .file_id = {{5}}, .size = SIZE, .part_size = PART_SIZE};
    for (uint8_t part = 0; part < 4; part++) {
        struct seal_header h = header_of(part);
        memcpy(all + part * SEAL_HEADER, h.b, SEAL_HEADER);
    }
    CHECK_OK(sft_headers_hash(slice_of(all, sizeof all), &ret->headers_hash));
}

static const char *path_in(const char *dir, const char *name)
{
    static char paths[8][200];
    static unsigned next;
    char *p = paths[next++ % 8];
    snprintf(p, sizeof paths[0], "%s/%s", dir, name);
    return p;
}

static unsigned syncs;
static int count_sync(int fd)
{
    (void)fd;
    syncs++;
    return 0;
}

static enum err add(struct ctx *c, struct get_state *s, int fd, uint8_t part)
{
    struct seal_header h = header_of(part);
    return get_state_part(c, s, fd, part, &h);
}

TEST(get_state_notes_after_sync)
{
    CLEANUP(ctx_done) struct ctx c;
    CLEANUP(fd_close) int fd = -1;
    struct get_identity id;
    struct get_state *s = NULL;
    bool continues = true;
    const char *dir = test_dir(), *path = path_in(dir, "x.part.state");
    ctx_init(&c, 1 << 20);
    identity(&id);
    CHECK_OK(file_open(path_in(dir, "x.part"), O_RDWR | O_CREAT, 0600, &fd));
    CHECK_OK(get_state_open(&c, path, false, &id, &s, &continues));
    CHECK(!continues && !get_state_has(s, 0) && !get_state_has(s, 99));
    syncs = 0;
    sys_table()->fdatasync = count_sync;
    CHECK_OK(add(&c, s, fd, 2));
    CHECK(syncs == 0 && get_state_has(s, 2)); /* small and young: not yet synced */
    get_state_close(s); /* killed here: part 2 must not be believed */
    CHECK_OK(get_state_open(&c, path, false, &id, &s, &continues));
    CHECK(continues && !get_state_has(s, 2));
    CHECK_OK(add(&c, s, fd, 2));
    CHECK_OK(add(&c, s, fd, 0));
    CHECK_OK(get_state_flush(&c, s, fd));
    *sys_table() = *sys_real();
    CHECK(syncs == 1);
    get_state_close(s);
    CHECK_OK(get_state_open(&c, path, false, &id, &s, &continues));
    CHECK(continues && get_state_has(s, 2) && get_state_has(s, 0) && !get_state_has(s, 1));
    CHECK_ERR(get_state_verify(&c, s), ERR_CORRUPT);
    CHECK_OK(add(&c, s, fd, 1));
    CHECK_OK(add(&c, s, fd, 3));
    CHECK_OK(get_state_verify(&c, s));
    struct seal_header other = header_of(9);
    CHECK_OK(get_state_part(&c, s, fd, 3, &other));
    CHECK_ERR(get_state_verify(&c, s), ERR_CORRUPT);
    CHECK_OK(get_state_forget(&c, s));
    get_state_close(s);
    CHECK_OK(get_state_open(&c, path, false, &id, &s, &continues));
    CHECK(continues && !get_state_has(s, 0));
    get_state_remove(s);
    struct stat st;
    CHECK(stat(path, &st) != 0);
}

/* The same file sealed anew: it goes on, but no part counts. */
TEST(get_state_sealed_anew)
{
    CLEANUP(ctx_done) struct ctx c;
    CLEANUP(fd_close) int fd = -1;
    struct get_identity id;
    struct get_state *s = NULL;
    bool continues = true;
    const char *path = path_in(test_dir(), "y.part.state");
    struct seal_header h = header_of(0);
    ctx_init(&c, 1 << 20);
    identity(&id);
    CHECK_OK(file_open(path_in(test_dir(), "y.part"), O_RDWR | O_CREAT, 0600, &fd));
    CHECK_OK(get_state_open(&c, path, false, &id, &s, &continues));
    CHECK_OK(get_state_part(&c, s, fd, 0, &h));
    CHECK_OK(get_state_flush(&c, s, fd));
    get_state_close(s);
    for (int i = 0; i < 2; i++) {
        id.headers_hash.b[0] ^= 1;
        id.size += (uint64_t)i;
        CHECK_OK(get_state_open(&c, path, false, &id, &s, &continues));
        CHECK(continues && !get_state_has(s, 0));
        CHECK_OK(get_state_part(&c, s, fd, 0, &h));
        CHECK_OK(get_state_flush(&c, s, fd));
        get_state_close(s);
        CHECK_OK(get_state_open(&c, path, false, &id, &s, &continues));
        CHECK(continues && get_state_has(s, 0));
        get_state_close(s);
    }
}

TEST(get_state_foreign)
{
    CLEANUP(ctx_done) struct ctx c;
    CLEANUP(fd_close) int fd = -1;
    struct get_identity id, other;
    struct get_state *s = NULL;
    bool continues = true;
    const char *path = path_in(test_dir(), "x.part.state");
    ctx_init(&c, 1 << 20);
    identity(&id);
    CHECK_OK(get_state_open(&c, path, false, &id, &s, &continues));
    get_state_close(s);
    other = id;
    other.file_id.b[15] ^= 1;
    CHECK_ERR(get_state_open(&c, path, false, &other, &s, &continues), ERR_CONFLICT);
    CHECK_OK(get_state_open(&c, path, true, &other, &s, &continues));
    CHECK(!continues);
    get_state_close(s);
    CHECK_OK(get_state_open(&c, path, false, &other, &s, &continues));
    CHECK(continues);
    get_state_close(s);
    CHECK_OK(file_replace(path, SLICE("my own notes\n"), 0600));
    CHECK_ERR(get_state_open(&c, path, false, &id, &s, &continues), ERR_CONFLICT);
    CHECK_OK(get_state_open(&c, path, true, &id, &s, &continues));
    get_state_close(s);
    /* Ours, but damaged behind its first line: described anew when it is forgotten. */
    CHECK_OK(file_open(path, O_WRONLY | O_APPEND, 0, &fd));
    CHECK_OK(file_write_all(fd, "garbage\n", 8));
    CHECK_ERR(get_state_open(&c, path, false, &id, &s, &continues), ERR_CONFLICT);
    CHECK_OK(get_state_open(&c, path, true, &id, &s, &continues));
    CHECK(!continues);
    get_state_close(s);
    CHECK_OK(get_state_open(&c, path, false, &id, &s, &continues));
    CHECK(continues);
    get_state_close(s);
    CHECK_OK(get_state_open(&c, NULL, false, &id, &s, &continues)); /* nothing kept */
    CHECK(!continues);
    get_state_remove(s);
}

TEST(get_state_no_memory)
{
    const char *dir = test_dir();
    struct get_identity id;
    identity(&id);
    for (uint64_t n = 0; n < 300; n++) {
        CLEANUP(ctx_done) struct ctx c;
        struct get_state *s = NULL;
        bool continues = false;
        ctx_init(&c, 1 << 20);
        test_fail_alloc(n, false);
        enum err e = get_state_open(&c, path_in(dir, "s"), false, &id, &s, &continues);
        bool fired = test_alloc_fired();
        test_fail_alloc(UINT64_MAX, false);
        CHECK(e == ERR_OK || fired);
        if (e == ERR_OK) get_state_close(s);
        if (!fired) return;
    }
    CHECK(false);
}

static enum err plan(struct ctx *c, const char *dir, enum target_rule rule, struct target *t, size_t n, const char *const *names)
{
    for (size_t i = 0; i < n; i++) t[i] = (struct target){.name = slice_cstr(names[i])};
    return target_plan(c, dir, rule, t, n);
}

TEST(target_refuses_to_leave_the_folder)
{
    static const char *const bad[] = {"../x", "/etc/passwd", "a/../../x", "a//b", "", ".", "..", "a/..", "a\nb", "a\\b", "\xff"};
    const char *dir = test_dir();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CLEANUP(ctx_done) struct ctx c;
        struct target t[1];
        ctx_init(&c, 1 << 20);
        CHECK_ERR(plan(&c, dir, TARGET_REPLACE, t, 1, &bad[i]), ERR_INVALID);
    }
}

TEST(target_rules)
{
    CLEANUP(ctx_done) struct ctx c;
    struct target t[3];
    const char *dir = test_dir();
    static const char *const names[] = {"a.txt", "d/b", "a.txt"};
    ctx_init(&c, 1 << 20);
    CHECK_OK(plan(&c, dir, TARGET_REFUSE, t, 3, names));
    CHECK_SLICE(slice_cstr(t[0].path), slice_cstr(path_in(dir, "a.txt")));
    CHECK_SLICE(slice_cstr(t[0].part_path), slice_cstr(path_in(dir, "a.txt.part")));
    CHECK_SLICE(slice_cstr(t[2].path), slice_cstr(path_in(dir, "a (2).txt")));
    CHECK_OK(file_create(path_in(dir, "a.txt"), SLICE("old"), 0600));
    CHECK_ERR(plan(&c, dir, TARGET_REFUSE, t, 3, names), ERR_EXISTS);
    CHECK_OK(plan(&c, dir, TARGET_REPLACE, t, 3, names));
    CHECK_SLICE(slice_cstr(t[0].path), slice_cstr(path_in(dir, "a.txt")));
    CHECK_OK(plan(&c, dir, TARGET_RENAME, t, 3, names));
    CHECK_SLICE(slice_cstr(t[0].path), slice_cstr(path_in(dir, "a (3).txt")));
    CHECK_SLICE(slice_cstr(t[2].path), slice_cstr(path_in(dir, "a (2).txt")));
    CHECK_OK(target_make_dirs(&c, dir, &t[1]));
    CHECK_OK(target_make_dirs(&c, dir, &t[1]));
    CHECK_ERR(plan(&c, dir, TARGET_REPLACE, t, 1, (const char *const[]){"d"}), ERR_EXISTS); /* a folder is not replaced */
}

TEST(target_does_not_follow_links)
{
    CLEANUP(ctx_done) struct ctx c;
    struct target t[1];
    const char *dir = test_dir(), *elsewhere = test_dir();
    ctx_init(&c, 1 << 20);
    CHECK(symlink(elsewhere, path_in(dir, "d")) == 0);
    CHECK_OK(plan(&c, dir, TARGET_REPLACE, t, 1, (const char *const[]){"d/b"}));
    CHECK_ERR(target_make_dirs(&c, dir, &t[0]), ERR_DENIED);
    CHECK_OK(plan(&c, dir, TARGET_REPLACE, t, 1, (const char *const[]){"d/e/b"}));
    CHECK_ERR(target_make_dirs(&c, dir, &t[0]), ERR_DENIED);
    CHECK_OK(target_make_root(&c, path_in(dir, "d/new/deep"))); /* what the person named is theirs */
    struct stat st;
    CHECK(stat(path_in(elsewhere, "new/deep"), &st) == 0 && S_ISDIR(st.st_mode));
}

/* No temporary name is the final name of another file or a folder of one, in any case, and no two are the same. */
static void check_apart(const struct target *t, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        CHECK(strcmp(t[i].part_path, t[i].state_path) != 0);
        for (size_t j = 0; j < n; j++) {
            const char *const temporary[] = {t[i].part_path, t[i].state_path};
            for (size_t k = 0; k < 2; k++) {
                size_t len = strlen(temporary[k]);
                CHECK(strncasecmp(temporary[k], t[j].path, len) != 0 || (t[j].path[len] != '\0' && t[j].path[len] != '/'));
                if (i != j) CHECK(strcmp(temporary[k], t[j].part_path) != 0 && strcmp(temporary[k], t[j].state_path) != 0);
            }
            if (i != j) CHECK(strcmp(t[i].path, t[j].path) != 0);
        }
    }
}

TEST(target_temporary_names_are_nobodys_names)
{
    static const char *const names[] = {"a",   "a.part",   "a.part.state", "a.part-2.STATE", "b.PART/c", "b",     "b-2",
                                        "c.x", "c.part",   "c",            "c.part-2",       "c.part-3", "d/a",   "d/a.part/x",
                                        "a",   "a.part-3", "a (2).part",   "e",              "e.part-x", "e.par", "e.part.state/f"};
    enum { N = sizeof names / sizeof names[0] };
    CLEANUP(ctx_done) struct ctx c;
    struct target t[N];
    const char *dir = test_dir();
    ctx_init(&c, 1 << 20);
    CHECK_OK(plan(&c, dir, TARGET_REFUSE, t, N, names));
    check_apart(t, N);
    CHECK_SLICE(slice_cstr(t[0].part_path), slice_cstr(path_in(dir, "a.part-4")));
    CHECK_SLICE(slice_cstr(t[0].state_path), slice_cstr(path_in(dir, "a.part-4.state")));
    CHECK_SLICE(slice_cstr(t[5].part_path), slice_cstr(path_in(dir, "b.part-2")));
    CHECK_SLICE(slice_cstr(t[9].part_path), slice_cstr(path_in(dir, "c.part-4")));
    CHECK_SLICE(slice_cstr(t[12].part_path), slice_cstr(path_in(dir, "d/a.part-2")));
    CHECK_SLICE(slice_cstr(t[17].part_path), slice_cstr(path_in(dir, "e.part-2")));
    for (size_t i = 0; i < 3; i++) CHECK_OK(file_create(path_in(dir, names[i]), SLICE("old"), 0600));
    CHECK_OK(plan(&c, dir, TARGET_REPLACE, t, N, names));
    check_apart(t, N);
    CHECK_OK(plan(&c, dir, TARGET_RENAME, t, N, names));
    check_apart(t, N);
    /* What an earlier run has finished keeps its name from the others. */
    struct target two[] = {{.name = SLICE("a.part"), .path = path_in(dir, "a.part"), .done = true}, {.name = SLICE("a")}};
    CHECK_OK(target_plan(&c, dir, TARGET_REPLACE, two, 2));
    CHECK_SLICE(slice_cstr(two[1].part_path), slice_cstr(path_in(dir, "a.part-2")));
}

TEST(target_publishes_only_what_was_written)
{
    CLEANUP(ctx_done) struct ctx c;
    CLEANUP(buf_done) struct buf text = BUF_INIT(100);
    CLEANUP(fd_close) int fd = -1;
    struct target t[1];
    const char *dir = test_dir();
    ctx_init(&c, 1 << 20);
    CHECK_OK(plan(&c, dir, TARGET_REPLACE, t, 1, (const char *const[]){"a"}));
    CHECK_OK(file_create(t[0].path, SLICE("old"), 0600));
    CHECK_OK(file_create(t[0].part_path, SLICE("ours"), 0600));
    CHECK_OK(file_open(t[0].part_path, O_RDWR, 0, &fd));
    CHECK(rename(t[0].part_path, path_in(dir, "ours")) == 0);
    CHECK_ERR(target_publish(&c, TARGET_REPLACE, t, fd), ERR_EXISTS); /* gone */
    CHECK_OK(file_create(t[0].part_path, SLICE("foreign"), 0600));
    CHECK_ERR(target_publish(&c, TARGET_REPLACE, t, fd), ERR_EXISTS); /* another file */
    CHECK(unlink(t[0].part_path) == 0 && symlink(path_in(dir, "ours"), t[0].part_path) == 0);
    CHECK_ERR(target_publish(&c, TARGET_REPLACE, t, fd), ERR_EXISTS); /* not itself */
    CHECK_OK(file_read_all(t[0].path, &text));
    CHECK_SLICE(buf_view(&text), SLICE("old"));
    CHECK(rename(path_in(dir, "ours"), t[0].part_path) == 0);
    CHECK_OK(target_publish(&c, TARGET_REPLACE, t, fd));
}

static void make_part(const struct target *t, struct slice text, int *ret_fd)
{
    fd_close(ret_fd);
    CHECK_OK(file_create(t->part_path, text, 0600));
    CHECK_OK(file_open(t->part_path, O_RDWR, 0, ret_fd));
}

TEST(target_publishes)
{
    CLEANUP(fd_close) int fd = -1;
    CLEANUP(ctx_done) struct ctx c;
    CLEANUP(buf_done) struct buf text = BUF_INIT(100);
    struct target t[1];
    const char *dir = test_dir();
    ctx_init(&c, 1 << 20);
    CHECK_OK(plan(&c, dir, TARGET_REFUSE, t, 1, (const char *const[]){"a"}));
    make_part(t, SLICE("new"), &fd);
    CHECK_OK(target_publish(&c, TARGET_REFUSE, t, fd));
    CHECK_OK(target_sync_dirs(&c, t, 1));
    CHECK_OK(file_read_all(t[0].path, &text));
    CHECK_SLICE(buf_view(&text), SLICE("new"));
    make_part(t, SLICE("newer"), &fd);
    CHECK_ERR(target_publish(&c, TARGET_REFUSE, t, fd), ERR_EXISTS); /* it appeared meanwhile */
    CHECK_OK(target_publish(&c, TARGET_REPLACE, t, fd));
    buf_reset(&text);
    CHECK_OK(file_read_all(t[0].path, &text));
    CHECK_SLICE(buf_view(&text), SLICE("newer"));
}
