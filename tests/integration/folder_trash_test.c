/* Folders that are deleted with what is in them: into the trash and back, for ever, broken off in the middle, at once with others. */
#include <string.h>

#include "base/limits.h"
#include "integration/loopback.h"

#define FOLDERS "/api/v1/folders"
#define FILES "/api/v1/files"
#define DAY_MS (86400 * 1000ll)

static int drop(struct loop *l, const char *bearer, const char *folder, const char *query)
{
    return loop_status(l, bearer, "DELETE", loop_text(FOLDERS "/%s%s", folder, query), NULL);
}
static int trash(struct loop *l, const char *bearer, const char *file)
{
    return loop_status(l, bearer, "DELETE", loop_text(FILES "/%s?purge=false", file), NULL);
}
static int restore(struct loop *l, const char *bearer, const char *file)
{
    return loop_status(l, bearer, "POST", loop_text(FILES "/%s/restore", file), NULL);
}

/* "state path" of a file; "404" when it is gone. */
static const char *where(struct loop *l, const char *bearer, const char *file)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = loop_text(FILES "/%s", file), .bearer = bearer);
    if (a.status != 200) return loop_text("%d", a.status);
    return loop_text("%s %s", loop_str(&a, "file.state"), loop_str(&a, "file.folder"));
}

#define CHECK_WHERE(l, bearer, file, want) CHECK_SLICE(slice_cstr(where((l), (bearer), (file))), slice_cstr(want))

static int64_t me(struct loop *l, const char *bearer, const char *member)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = "/api/v1/me", .bearer = bearer);
    return loop_num(&a, loop_text("user.%s", member));
}

static size_t recorded(struct loop *l, const char *admin, const char *event, const char *object, const char *detail)
{
    ANSWER a = {0};
    size_t n = 0;
    LOOP(l, &a, .target = loop_text("/api/v1/admin/audit-logs?event=%s&object=%s", event, object), .bearer = admin);
    for (size_t i = 0; i < loop_count(&a, "items"); i++)
        n += strcmp(loop_str(&a, loop_text("items.%zu.detail", i)), detail) == 0;
    return n;
}

TEST(folder_into_the_trash_and_back)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    const char *anna = loop_user(&l, "anna@example.com", ROLE_USER), *berta = loop_user(&l, "berta@example.com", ROLE_USER);
    const char *admin = loop_user(&l, "root@example.com", ROLE_ADMIN);
    const char *top = loop_folder(&l, anna, "/A"), *deep = loop_folder(&l, anna, "/A/b/c");
    const char *one = loop_file_in(&l, anna, "/A", "one", "abc");
    const char *two = loop_file_in(&l, anna, "/A/b/c", "two", "abc");
    const char *early = loop_file_in(&l, anna, "/A/b", "early", "abc");
    const char *outside = loop_file_in(&l, anna, "/AA", "outside", "abc");
    CHECK(loop_status(&l, anna, "PUT", loop_text(FILES "/%s/permissions", two),
              "{\"email\":\"berta@example.com\",\"permission\":\"edit\"}") == 200);
    CHECK(trash(&l, anna, early) == 204);
    CHECK(drop(&l, berta, top, "?recursive=true") == 404);
    CHECK(drop(&l, anna, top, "?recursive=true") == 204);
    CHECK_WHERE(&l, anna, one, "trashed /A");
    CHECK_WHERE(&l, anna, two, "trashed /A/b/c");
    CHECK_WHERE(&l, anna, early, "trashed /A/b");
    CHECK_WHERE(&l, anna, outside, "ready /AA");
    CHECK_WHERE(&l, berta, two, "404");
    CHECK(loop_status(&l, anna, "GET", loop_text(FILES "/%s/download", one), NULL) == 409);
    CHECK(me(&l, anna, "used_bytes") == 12 && me(&l, anna, "used_files") == 4);
    CHECK(drop(&l, anna, deep, "") == 404 && drop(&l, anna, top, "?recursive=true") == 404);
    CHECK(recorded(&l, admin, "file.trash", one, "folder") == 1 && recorded(&l, admin, "file.trash", early, "folder") == 0);
    CHECK(recorded(&l, admin, "folder.delete", top, "recursive") == 1);
    /* Each brings back what it needs of its path, spelled as it was, and finds what others brought. */
    LOOP(&l, &a, .method = "POST", .target = loop_text(FILES "/%s/restore", two), .bearer = anna);
    CHECK_STATUS(&a, 200);
    CHECK_STR(&a, "file.folder", "/A/b/c");
    CHECK(!loop_is_null(&a, "file.folder_id"));
    CHECK(restore(&l, anna, two) == 200 && restore(&l, anna, early) == 200 && restore(&l, anna, one) == 200);
    CHECK_WHERE(&l, anna, one, "ready /A");
    CHECK_WHERE(&l, anna, early, "ready /A/b");
    CHECK_WHERE(&l, berta, two, "ready ");
    LOOP(&l, &a, .target = FILES "?folder=/a/b", .bearer = anna);
    CHECK_U64(loop_count(&a, "items"), 1);
    LOOP(&l, &a, .target = FOLDERS, .bearer = anna);
    CHECK_U64(loop_count(&a, "items"), 2);
    /* A folder of the same path, made meanwhile, is it. An administrator's deletion is on record. */
    CHECK(drop(&l, admin, loop_folder(&l, anna, "/A/b"), "?recursive=true") == 204);
    loop_folder(&l, anna, "/a/B");
    CHECK(restore(&l, anna, two) == 200);
    CHECK_WHERE(&l, anna, two, "ready /A/B/c");
    /* In the trash of a folder that stays, a file follows it. */
    CHECK(trash(&l, anna, one) == 204);
    LOOP(&l, &a, .target = FOLDERS, .bearer = anna);
    CHECK(loop_status(&l, anna, "PATCH", loop_text(FOLDERS "/%s", loop_str(&a, "items.0.id")), "{\"name\":\"Z\"}") == 200);
    CHECK(restore(&l, anna, one) == 200);
    CHECK_WHERE(&l, anna, one, "ready /Z");
    loop_close(&l);
}

TEST(folder_for_ever)
{
    struct loop l;
    if (loop_missing()) return;
    loop_open(&l);
    const char *anna = loop_user(&l, "anna@example.com", ROLE_USER), *admin = loop_user(&l, "root@example.com", ROLE_ADMIN);
    const char *top = loop_folder(&l, anna, "/a");
    const char *one = loop_file_in(&l, anna, "/a/b", "one", "abc");
    const char *early = loop_file_in(&l, anna, "/a/b", "early", "abc");
    CHECK(trash(&l, anna, early) == 204);
    CHECK(drop(&l, anna, top, "?recursive=true&purge=true") == 204);
    CHECK_WHERE(&l, anna, one, "404");
    CHECK(recorded(&l, admin, "file.delete", one, "folder") == 1 && recorded(&l, admin, "folder.delete", top, "purge") == 1);
    /* What was thrown away before waits for its own end. */
    CHECK_WHERE(&l, anna, early, "trashed /a/b");
    CHECK(me(&l, anna, "used_bytes") == 3);
    /* A folder that holds nothing but trash is empty. */
    CHECK(restore(&l, anna, early) == 200 && trash(&l, anna, early) == 204);
    CHECK(drop(&l, anna, loop_folder(&l, anna, "/a"), "") == 409 && drop(&l, anna, loop_folder(&l, anna, "/a/b"), "") == 204);
    CHECK_WHERE(&l, anna, early, "trashed /a/b");
    /* Retention counts from when a file came, not from when its folder went. */
    loop_advance(20 * DAY_MS);
    anna = loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, NULL);
    const char *late = loop_file_in(&l, anna, "/a/late", "late", "abc");
    CHECK(drop(&l, anna, loop_folder(&l, anna, "/a"), "?recursive=true") == 204);
    loop_advance(11 * DAY_MS);
    anna = loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, NULL);
    loop_jobs(&l);
    CHECK_WHERE(&l, anna, early, "404");
    CHECK_WHERE(&l, anna, late, "trashed /a/late");
    loop_close(&l);
}

#define MANY 230u /* more than two transactions */

/* Every step of the database fails once: each file is in its folder or in the trash with its path, and doing it again finishes. */
TEST(folder_deletion_broken_off)
{
    struct loop l;
    ANSWER a = {0};
    const char *files[MANY], *top = "";
    if (loop_missing() || loop_chosen() != LOOP_MEMORY) return;
    loop_open(&l);
    loop_faulty(&l);
    CHECK_FINE();
    const char *anna = loop_user(&l, "anna@example.com", ROLE_USER);
    for (unsigned i = 0; i < MANY; i++) files[i] = loop_file_in(&l, anna, i % 2 ? "/a/b" : "/a", loop_text("%u", i), "abc");
    bool fired = true;
    unsigned halves = 0;
    for (uint64_t n = 0; fired && !test_failed(); n += n < 20 ? 1 : 47) {
        top = loop_folder(&l, anna, "/a");
        db_fault_set(l.be.db, n, false, ERR_IO);
        int status = drop(&l, anna, top, "?recursive=true");
        fired = db_fault_count(l.be.db) > n;
        db_fault_set(l.be.db, UINT64_MAX, false, ERR_IO);
        CHECK(status == 204 || fired);
        LOOP(&l, &a, .target = FOLDERS, .bearer = anna);
        CHECK_U64(loop_count(&a, "items"), status != 204);
        size_t in = 0, out = 0;
        for (unsigned i = 0; i < MANY; i++) {
            const char *at = where(&l, anna, files[i]), *path = i % 2 ? "/a/b" : "/a";
            in += strcmp(at, loop_text("trashed %s", path)) == 0;
            out += strcmp(at, loop_text("ready %s", path)) == 0;
        }
        CHECK(in + out == MANY && (status != 204 || out == 0));
        halves += in > 0 && out > 0;
        if (status != 204) CHECK(drop(&l, anna, top, "?recursive=true") == 204);
        for (unsigned i = 0; i < MANY; i++) CHECK(restore(&l, anna, files[i]) == 200);
        for (unsigned i = 0; i < MANY; i++) CHECK_WHERE(&l, anna, files[i], i % 2 ? "ready /a/b" : "ready /a");
    }
    CHECK(!fired && halves > 3);
    loop_close(&l);
}

/* The way back needs a place for its folders. */
TEST(folder_trash_without_room)
{
    struct loop l;
    ANSWER a = {0};
    const char *path = "";
    if (loop_missing() || loop_chosen() != LOOP_MEMORY) return;
    loop_open(&l);
    const char *anna = loop_user(&l, "anna@example.com", ROLE_USER), *file = loop_file_in(&l, anna, "/gone", "f", "abc");
    CHECK(drop(&l, anna, loop_folder(&l, anna, "/gone"), "?recursive=true") == 204);
    for (unsigned i = 1; i < LIMIT_FOLDER_DEPTH; i++) path = loop_text("%s/d", path);
    for (unsigned n = 0, chain = 0; n < LIMIT_FOLDERS; chain++) {
        unsigned depth = MIN(LIMIT_FOLDER_DEPTH, LIMIT_FOLDERS - n);
        loop_folder(&l, anna, loop_text("/%u%.*s", chain, (int)(2 * (depth - 1)), path));
        n += depth;
    }
    LOOP(&l, &a, .method = "POST", .target = loop_text(FILES "/%s/restore", file), .bearer = anna);
    CHECK_PROBLEM(&a, 413, "too_many_folders");
    CHECK_WHERE(&l, anna, file, "trashed /gone");
    CHECK(drop(&l, anna, loop_folder(&l, anna, "/0"), "?recursive=true") == 204);
    CHECK(restore(&l, anna, file) == 200);
    CHECK_WHERE(&l, anna, file, "ready /gone");
    loop_close(&l);
}

struct race {
    struct loop *nodes[2];
    const char *bearer, *folder, *files[20];
    _Atomic unsigned other;
};

/* One deletes the folder, another too, a third takes files out of it, a fourth brings back what it finds in the trash. */
static void tear(void *arg, unsigned i)
{
    struct race *r = arg;
    struct loop *l = r->nodes[i % 2];
    for (unsigned k = 0; k < ARRAY_LEN(r->files); k++) {
        int status = 204;
        if (i < 2 && k % 10 == 0) status = drop(l, r->bearer, r->folder, "?recursive=true");
        if (i == 2 && k % 2) status = loop_status(l, r->bearer, "PATCH", loop_text(FILES "/%s", r->files[k]), "{\"folder\":\"/\"}");
        if (i == 3 && k % 2 == 0) status = restore(l, r->bearer, r->files[k]);
        if (status != 204 && status != 200 && status != 404 && status != 409) r->other++;
    }
}

TEST(folder_trash_raced_for)
{
    struct loop l, beside;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    struct race r = {.bearer = loop_user(&l, "anna@example.com", ROLE_USER)};
    bool two = loop_durable(&l);
    if (two) loop_open_beside(&beside, &l);
    r.nodes[0] = &l;
    r.nodes[1] = two ? &beside : &l;
    for (unsigned round = 0; round < 3; round++) {
        const char *path = loop_text("/r%u", round);
        r.folder = loop_folder(&l, r.bearer, path);
        for (unsigned k = 0; k < ARRAY_LEN(r.files); k++) r.files[k] = loop_file_in(&l, r.bearer, path, loop_text("%u", k), "abc");
        loop_parallel(4, tear, &r);
        CHECK_U64(r.other, 0);
        /* Nothing is lost: it is out, in the trash, or back. */
        for (unsigned k = 0; k < ARRAY_LEN(r.files); k++) {
            const char *at = where(&l, r.bearer, r.files[k]);
            bool known = strcmp(at, "ready /") == 0 || strcmp(at, loop_text("ready %s", path)) == 0 ||
                         strcmp(at, loop_text("trashed %s", path)) == 0;
            if (!known) test_fail(__FILE__, __LINE__, "%u lies at '%s'", k, at);
            CHECK(restore(&l, r.bearer, r.files[k]) == 200);
        }
        LOOP(&l, &a, .target = loop_text(FILES "?folder=%s&limit=200", path), .bearer = r.bearer);
        CHECK(a.status == 200 || a.status == 404);
    }
    CHECK(me(&l, r.bearer, "used_files") == 3 * (int64_t)ARRAY_LEN(r.files));
    if (two) loop_close(&beside);
    loop_close(&l);
}
