/* Contents that several versions or files hold: nothing is erased before the last lets go, and then key and bytes are. */
#include "base/limits.h"
#include "core/file/file_store.h"
#include "core/file/version_store.h"
#include "integration/loopback.h"

#define FILES "/api/v1/files"

static char bytes_a[200000], bytes_b[70000];
static const struct slice content_a = {bytes_a, sizeof bytes_a}, content_b = {bytes_b, sizeof bytes_b};

static const char *begin(struct loop *l)
{
    loop_pattern(bytes_a, sizeof bytes_a, 3);
    loop_pattern(bytes_b, sizeof bytes_b, 4);
    loop_open(l);
    return loop_user(l, "anna@example.com", ROLE_USER);
}

static void check_now(struct loop *l, const char *bearer, const char *file, struct slice want)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = loop_text(FILES "/%s/download", file), .bearer = bearer);
    CHECK_STATUS(&a, 200);
    CHECK_SLICE(loop_body(&a), want);
}

static const struct db_stmt st_contents = {
    .name = "test_contents", .sql = "SELECT COUNT(*), CAST(COALESCE(SUM(refs), 0) AS BIGINT) FROM contents WHERE wrapped_key IS NOT NULL"};

static enum err contents_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    int64_t *counts = arg;
    struct db_result r;
    TRY(db_run_one(c, conn, &st_contents, NULL, 0, &r));
    counts[0] = db_get_i64(&r, 0, 0);
    counts[1] = db_get_i64(&r, 0, 1);
    return ERR_OK;
}

/* Contents, each with its key, and what is held of them. */
static void check_contents(struct loop *l, int64_t want, int64_t want_refs)
{
    CLEANUP(ctx_done) struct ctx c;
    int64_t counts[2] = {-1, -1};
    ctx_init(&c, MIB);
    CHECK_OK(db_tx(&c, l->be.db, DB_READ, contents_tx, counts));
    CHECK_U64(counts[0], want);
    CHECK_U64(counts[1], want_refs);
}

/* A piece of a file's sealed bytes. */
static const char *sealed_piece(struct loop *l, const char *bearer, const char *file)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = loop_text(FILES "/%s/content", file), .bearer = bearer);
    static char piece[4][64];
    static unsigned next;
    if (a.status != 200 || a.len < 1064) test_fail(__FILE__, __LINE__, "%s", loop_shown(&a));
    return memcpy(piece[next++ % 4], a.body + 1000, 64);
}

static bool on_disk(struct loop *l, const char *piece)
{
    return loop_disk_has(loop_text("%s/blobs", l->dir), slice_of(piece, 64));
}

TEST(versions_that_share_a_content_keep_it_to_the_last)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l), *file = loop_file(&l, bearer, "a", content_a), *piece = sealed_piece(&l, bearer, file);
    CHECK_U64(loop_version(&l, bearer, file, content_b), 2);
    LOOP(&l, &a, .method = "POST", .target = loop_text(FILES "/%s/versions/1/restore", file), .bearer = bearer);
    CHECK_STATUS(&a, 200);
    check_contents(&l, 2, 3);
    LOOP(&l, &a, .method = "DELETE", .target = loop_text(FILES "/%s/versions/1", file), .bearer = bearer);
    CHECK_STATUS(&a, 204);
    loop_jobs(&l);
    check_contents(&l, 2, 2);
    CHECK(l.backend == LOOP_MEMORY || on_disk(&l, piece));
    check_now(&l, bearer, file, content_a);
    LOOP(&l, &a, .method = "DELETE", .target = loop_text(FILES "/%s", file), .bearer = bearer);
    CHECK_STATUS(&a, 204);
    /* The keys at once, the bytes by job. */
    check_contents(&l, 0, 0);
    CHECK(l.backend == LOOP_MEMORY || on_disk(&l, piece));
    loop_jobs(&l);
    CHECK(!on_disk(&l, piece));
    CHECK_U64(loop_blobs(&l), 0);
    loop_close(&l);
}

struct twin {
    struct id file, twin;
};

/* Another file of the same content, as deduplication makes it. */
static enum err twin_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    const struct twin *t = arg;
    struct file_insert in = {.name_key = SLICE("twin")};
    TRY(file_store_get(c, conn, &t->file, &in.file));
    in.file.id = t->twin;
    const struct file *f = &in.file;
    TRY(content_hold(c, conn, &f->content.id));
    TRY(file_store_insert(c, conn, &in));
    struct version_row v = {.file_id = f->id, .version = 1, .content_id = f->content.id, .size = f->size, .type = f->type,
                            .state = f->state, .created_by = f->owner_id};
    return version_store_insert(c, conn, &v);
}

TEST(files_that_share_a_content_keep_it_to_the_last)
{
    struct loop l;
    ANSWER a = {0};
    CLEANUP(ctx_done) struct ctx c;
    struct twin t = {.twin = {{9, 9}}};
    char twin[ID_TEXT_LEN + 1];
    ctx_init(&c, MIB);
    if (loop_missing()) return;
    const char *bearer = begin(&l), *file = loop_file(&l, bearer, "a", content_a), *piece = sealed_piece(&l, bearer, file);
    CHECK_OK(id_parse(slice_cstr(file), &t.file));
    CHECK_OK(db_tx(&c, l.be.db, DB_WRITE, twin_tx, &t));
    id_text(t.twin, twin);
    check_contents(&l, 1, 2);
    LOOP(&l, &a, .method = "DELETE", .target = loop_text(FILES "/%s", file), .bearer = bearer);
    CHECK_STATUS(&a, 204);
    loop_jobs(&l);
    check_contents(&l, 1, 1);
    CHECK(l.backend == LOOP_MEMORY || on_disk(&l, piece));
    check_now(&l, bearer, twin, content_a);
    LOOP(&l, &a, .method = "DELETE", .target = loop_text(FILES "/%s", twin), .bearer = bearer);
    CHECK_STATUS(&a, 204);
    check_contents(&l, 0, 0);
    loop_jobs(&l);
    CHECK(!on_disk(&l, piece));
    CHECK_U64(loop_blobs(&l), 0);
    loop_close(&l);
}
