/* walk: folders become lists with names; links, empty folders, doubles and bad names. */
#include "cmd/cli/walk.h"

#include "lib/test.h"
#include "os/file.h"

static const char *dir;
static const char *in(const char *name)
{
    static char paths[16][300];
    static unsigned next;
    char *p = paths[next++ % 16];
    snprintf(p, sizeof paths[0], "%s/%s", dir, name);
    return p;
}

static void put(const char *name, const char *text)
{
    CLEANUP(fd_close) int fd = -1;
    CHECK_OK(file_open(in(name), O_WRONLY | O_CREAT | O_EXCL, 0600, &fd));
    CHECK_OK(file_write_all(fd, text, strlen(text)));
}

static enum err walk(struct ctx *c, struct walk *w, const char *a, const char *b)
{
    const char *paths[] = {a, b};
    *w = (struct walk){0};
    return walk_paths(c, paths, b ? 2 : 1, w);
}

static void check_names(const struct walk *w, const char *const *names)
{
    size_t n = 0;
    while (names[n]) n++;
    CHECK_U64(w->count, n);
    for (size_t i = 0; i < n; i++) CHECK_SLICE(w->files[i].name, slice_cstr(names[i]));
}
#define NAMES(...) check_names(&w, (const char *const[]){__VA_ARGS__, NULL})

TEST(walk_folders)
{
    CLEANUP(ctx_done) struct ctx c;
    struct walk w;
    ctx_init(&c, 8 << 20);
    dir = test_dir();
    CHECK_OK(dir_make(in("d/e")));
    CHECK_OK(dir_make(in("d/empty")));
    put("d/b.txt", "12345");
    put("d/e/Grüße 😀", "");
    put("a", "x");
    CHECK(symlink(in("a"), in("d/link")) == 0 && symlink(in("d"), in("alias")) == 0);
    CHECK_OK(walk(&c, &w, in("d"), in("a")));
    NAMES("a", "d/b.txt", "d/e/Grüße 😀");
    CHECK(w.bytes == 6 && w.skipped == 1 && w.empty_dirs == 1 && w.root_count == 2);
    CHECK(w.files[1].size == 5 && w.files[1].mtime_ns != 0 && w.files[1].path[0] == '/');
    uint64_t size = 0;
    int64_t mtime = 0;
    CHECK_OK(walk_stat(w.files[1].path, &size, &mtime));
    CHECK(size == 5 && mtime == w.files[1].mtime_ns);
    CHECK_ERR(walk_stat(dir, &size, &mtime), ERR_INVALID);
    CHECK_OK(walk(&c, &w, in("d/"), NULL)); /* a slash at the end */
    NAMES("d/b.txt", "d/e/Grüße 😀");
    CHECK_OK(walk(&c, &w, in("alias"), NULL)); /* a link that was named is followed, under its name */
    NAMES("alias/b.txt", "alias/e/Grüße 😀");
    CHECK_OK(walk(&c, &w, in("d/e/.."), NULL));
    NAMES("d/b.txt", "d/e/Grüße 😀");
    CHECK_OK(walk(&c, &w, in("d"), in("d/b.txt"))); /* the same file twice counts once */
    CHECK_U64(w.count, 2);
}

TEST(walk_doubles_get_numbers)
{
    CLEANUP(ctx_done) struct ctx c;
    struct walk w;
    ctx_init(&c, 8 << 20);
    dir = test_dir();
    CHECK_OK(dir_make(in("x")));
    CHECK_OK(dir_make(in("y")));
    put("x/r.txt", "1");
    put("y/r.txt", "22");
    CHECK_OK(walk(&c, &w, in("x/r.txt"), in("y/r.txt")));
    NAMES("r (2).txt", "r.txt");
    CHECK(w.files[1].size == 1 && w.files[0].size == 2);
}

TEST(walk_refusals)
{
    CLEANUP(ctx_done) struct ctx c;
    struct walk w;
    ctx_init(&c, 8 << 20);
    dir = test_dir();
    CHECK_OK(dir_make(in("empty")));
    CHECK_OK(dir_make(in("bad")));
    put("bad/a\nb", "");
    CHECK_ERR(walk(&c, &w, in("missing"), NULL), ERR_NOT_FOUND);
    CHECK_ERR(walk(&c, &w, in("empty"), NULL), ERR_INVALID);
    CHECK_ERR(walk(&c, &w, in("bad"), NULL), ERR_INVALID);
    CHECK(strstr(c.err_detail, "cannot be sent") != NULL);
    CHECK_ERR(walk(&c, &w, "/dev/null", NULL), ERR_INVALID);
    CHECK_ERR(walk(&c, &w, "/", NULL), ERR_INVALID);
}

TEST(walk_no_memory)
{
    dir = test_dir();
    CHECK_OK(dir_make(in("d/e/f")));
    put("d/e/f/g", "x");
    for (uint64_t n = 0; n < 100; n++) {
        CLEANUP(ctx_done) struct ctx c;
        struct walk w;
        ctx_init(&c, 8 << 20);
        test_fail_alloc(n, true);
        enum err e = walk(&c, &w, in("d"), NULL);
        bool fired = test_alloc_fired();
        test_fail_alloc(UINT64_MAX, false);
        CHECK(fired ? e == ERR_NOMEM : e == ERR_OK);
        if (!fired) return;
    }
    CHECK(false);
}
