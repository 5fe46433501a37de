/* One operation on many files: each with its own rights and result, and nothing half done. */
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "integration/loopback.h"

#define FILES "/api/v1/files"
#define ABSENT "01890a5d-ac96-774b-bcce-b302099a8057"

struct desk {
    struct loop l;
    const char *anna, *berta;
};

static void desk_open(struct desk *d)
{
    loop_open(&d->l);
    d->anna = loop_user(&d->l, "anna@example.com", ROLE_USER);
    d->berta = loop_user(&d->l, "berta@example.com", ROLE_USER);
}

static void bulk(struct desk *d, struct loop_answer *a, const char *bearer, const char *op, const char *ids, const char *more)
{
    LOOP(&d->l, a, .target = FILES "/bulk", .bearer = bearer, .json = loop_text("{\"op\":\"%s\",\"ids\":[%s]%s}", op, ids, more));
}

static int ask(struct desk *d, const char *bearer, const char *method, const char *target, const char *json)
{
    ANSWER a = {0};
    LOOP(&d->l, &a, .method = method, .target = target, .bearer = bearer, .json = json);
    return a.status;
}

static const char *member(struct desk *d, const char *bearer, const char *file, const char *path)
{
    ANSWER a = {0};
    LOOP(&d->l, &a, .target = loop_text(FILES "/%s", file), .bearer = bearer);
    return a.status == 200 ? loop_str(&a, path) : loop_text("%d", a.status);
}

static const char *two(const char *a, const char *b) { return loop_text("\"%s\",\"%s\"", a, b); }

TEST(bulk_each_with_its_own_result)
{
    struct desk d;
    ANSWER a = {0};
    if (loop_missing()) return;
    desk_open(&d);
    const char *own = loop_file(&d.l, d.anna, "own", SLICE("x")), *theirs = loop_file(&d.l, d.berta, "theirs", SLICE("y"));
    const char *shared = loop_file(&d.l, d.berta, "shared", SLICE("z"));
    CHECK(ask(&d, d.berta, "PUT", loop_text(FILES "/%s/permissions", shared), "{\"email\":\"anna@example.com\",\"permission\":\"edit\"}") ==
          200);
    bulk(&d, &a, d.anna, "trash", loop_text("\"%s\",\"%s\",\"%s\",\"" ABSENT "\",\"%s\"", theirs, own, shared, own), "");
    CHECK_STATUS(&a, 200);
    CHECK_U64(loop_count(&a, "items"), 5);
    static const char *const codes[] = {"not_found", "", "denied", "not_found", "duplicate"};
    for (unsigned i = 0; i < ARRAY_LEN(codes); i++) {
        CHECK(loop_true(&a, loop_text("items.%u.ok", i)) == !codes[i][0]);
        CHECK_STR(&a, loop_text("items.%u.error.code", i), codes[i]);
        CHECK(!codes[i][0] || loop_str(&a, loop_text("items.%u.error.detail", i))[0]);
    }
    CHECK_STR(&a, "items.0.id", theirs);
    /* Foreign and absent look the same here, too. */
    CHECK_STR(&a, "items.0.error.detail", loop_str(&a, "items.3.error.detail"));
    CHECK_SLICE(slice_cstr(member(&d, d.anna, own, "file.state")), SLICE("trashed"));
    CHECK_SLICE(slice_cstr(member(&d, d.berta, theirs, "file.state")), SLICE("ready"));
    bulk(&d, &a, d.anna, "restore", two(own, own), "");
    CHECK(loop_true(&a, "items.0.ok") && !loop_true(&a, "items.1.ok"));
    /* What one may change one may tag; what is in the trash one may not. */
    bulk(&d, &a, d.anna, "tag", two(own, shared), ",\"tags\":[\"Red\",\"blue\"]");
    CHECK(loop_true(&a, "items.0.ok") && loop_true(&a, "items.1.ok"));
    bulk(&d, &a, d.anna, "tag", two(own, shared), ",\"tags\":[\"RED\",\"green\"]");
    bulk(&d, &a, d.anna, "untag", two(own, shared), ",\"tags\":[\"BLUE\",\"nothing\"]");
    CHECK(loop_true(&a, "items.0.ok"));
    LOOP(&d.l, &a, .target = loop_text(FILES "/%s", own), .bearer = d.anna);
    CHECK_U64(loop_count(&a, "file.tags"), 2);
    CHECK_STR(&a, "file.tags.0", "Red");
    CHECK_STR(&a, "file.tags.1", "green");
    LOOP(&d.l, &a, .target = FILES "?tag=green", .bearer = d.anna);
    CHECK_U64(loop_count(&a, "items"), 1);
    CHECK(ask(&d, d.anna, "POST", "/api/v1/folders", "{\"path\":\"/Old/2026\"}") == 201);
    bulk(&d, &a, d.anna, "move", two(own, shared), ",\"folder\":\"/Old/2026\"");
    CHECK(loop_true(&a, "items.0.ok") && !loop_true(&a, "items.1.ok"));
    CHECK_SLICE(slice_cstr(member(&d, d.anna, own, "file.folder")), SLICE("/Old/2026"));
    bulk(&d, &a, d.anna, "delete", two(own, shared), "");
    CHECK(loop_true(&a, "items.0.ok") && !loop_true(&a, "items.1.ok"));
    CHECK_SLICE(slice_cstr(member(&d, d.anna, own, "file.state")), SLICE("404"));
    loop_close(&d.l);
}

TEST(bulk_takes_its_arguments)
{
    static const struct {
        const char *op, *more, *field;
    } wrong[] = {{"tag", "", "tags"}, {"tag", ",\"tags\":[]", "tags"}, {"tag", ",\"tags\":[\"\"]", "tags"}, {"move", "", "folder"},
                 {"trash", ",\"tags\":[\"a\"]", "tags"}, {"delete", ",\"folder\":\"/\"", "folder"},
                 {"delete", ",\"permission\":\"view\"", "permission"}, {"share", "", "permission"},
                 {"share", ",\"permission\":\"view\"", "user"}, {"share", ",\"permission\":\"view\",\"email\":\"no@example.com\"", "email"},
                 {"destroy", "", "op"}};
    struct desk d;
    ANSWER a = {0};
    if (loop_missing()) return;
    desk_open(&d);
    const char *file = loop_text("\"%s\"", loop_file(&d.l, d.anna, "f", SLICE("x")));
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        bulk(&d, &a, d.anna, wrong[i].op, file, wrong[i].more);
        CHECK_STATUS(&a, 400);
        CHECK_STR(&a, "errors.0.field", wrong[i].field);
    }
    bulk(&d, &a, d.anna, "move", file, ",\"folder\":\"/not/there\"");
    CHECK_STATUS(&a, 404);
    bulk(&d, &a, d.anna, "delete", "", "");
    CHECK_STATUS(&a, 400);
    bulk(&d, &a, loop_user(&d.l, "gast@example.com", ROLE_GUEST), "delete", file, "");
    CHECK_PROBLEM(&a, 403, "denied");
    /* For one item the file has tags enough, and keeps them. */
    const char *many = "\"t0\"";
    for (unsigned i = 1; i < LIMIT_FILE_TAGS; i++) many = loop_text("%s,\"t%u\"", many, i);
    bulk(&d, &a, d.anna, "tag", file, loop_text(",\"tags\":[%s]", many));
    CHECK(loop_true(&a, "items.0.ok"));
    bulk(&d, &a, d.anna, "tag", file, ",\"tags\":[\"one more\"]");
    CHECK_STATUS(&a, 200);
    CHECK_STR(&a, "items.0.error.code", "invalid");
    loop_close(&d.l);
}

TEST(bulk_shares)
{
    struct desk d;
    ANSWER a = {0};
    if (loop_missing()) return;
    desk_open(&d);
    const char *one = loop_file(&d.l, d.anna, "1", SLICE("1")), *other = loop_file(&d.l, d.berta, "2", SLICE("2"));
    const char *three = loop_file(&d.l, d.anna, "3", SLICE("3"));
    bulk(&d, &a, d.anna, "share", loop_text("%s,\"%s\"", two(one, other), three),
         ",\"email\":\"berta@example.com\",\"permission\":\"download\",\"expires_in\":60");
    CHECK(loop_true(&a, "items.0.ok") && !loop_true(&a, "items.1.ok") && loop_true(&a, "items.2.ok"));
    LOOP(&d.l, &a, .target = FILES "?shared=with_me", .bearer = d.berta);
    CHECK_U64(loop_count(&a, "items"), 2);
    loop_advance(60 * 1000);
    LOOP(&d.l, &a, .target = FILES "?shared=with_me", .bearer = d.berta);
    CHECK_U64(loop_count(&a, "items"), 0);
    loop_close(&d.l);
}

struct race {
    struct desk d;
    const char *files[8], *ids;
    unsigned gone[8];
};

static void bulk_or_single(void *arg, unsigned i)
{
    struct race *r = arg;
    ANSWER a = {0};
    if (i) {
        for (unsigned k = 0; k < 8; k++) {
            int status = ask(&r->d, r->d.anna, "DELETE", loop_text(FILES "/%s", r->files[k]), NULL);
            if (status == 204) __atomic_fetch_add(&r->gone[k], 1, __ATOMIC_RELAXED);
        }
        return;
    }
    bulk(&r->d, &a, r->d.anna, "delete", r->ids, "");
    for (unsigned k = 0; k < 8; k++)
        if (loop_true(&a, loop_text("items.%u.ok", k))) __atomic_fetch_add(&r->gone[k], 1, __ATOMIC_RELAXED);
}

/* Each is deleted once, and its bytes given back once. */
TEST(bulk_against_single_deletes)
{
    static struct race r;
    ANSWER a = {0};
    if (loop_missing()) return;
    desk_open(&r.d);
    loop_file(&r.d.l, r.d.anna, "stays", SLICE("12345"));
    for (int round = 0; round < 3; round++) {
        r.ids = "";
        memset(r.gone, 0, sizeof r.gone);
        for (unsigned k = 0; k < 8; k++) {
            r.files[k] = loop_file(&r.d.l, r.d.anna, "f", SLICE("content"));
            r.ids = loop_text("%s%s\"%s\"", r.ids, k ? "," : "", r.files[k]);
        }
        loop_parallel(3, bulk_or_single, &r);
        for (unsigned k = 0; k < 8; k++) CHECK_U64(r.gone[k], 1);
        LOOP(&r.d.l, &a, .target = "/api/v1/me", .bearer = r.d.anna);
        CHECK_U64(loop_num(&a, "user.used_bytes"), 5);
    }
    loop_close(&r.d.l);
}

TEST(bulk_of_a_thousand)
{
    struct desk d;
    ANSWER a = {0};
    if (loop_missing()) return;
    /* A thousand durable files take long to make, and say no more. */
    if (loop_chosen() == LOOP_FILES) return;
    desk_open(&d);
    const char *ids = NULL;
    CLEANUP(buf_done) struct buf text = BUF_INIT(64 * KIB);
    for (unsigned i = 0; i < LIMIT_BULK_FILES; i++)
        CHECK_OK(buf_printf(&text, "%s\"%s\"", i ? "," : "", loop_file(&d.l, d.anna, loop_text("f%u", i), SLICE("x"))));
    CHECK_OK(buf_cstr(&text, &ids));
    static const char *const steps[][2] = {{"tag", ",\"tags\":[\"a\"]"}, {"trash", ""}, {"restore", ""}, {"delete", ""}};
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        bulk(&d, &a, d.anna, steps[i][0], ids, steps[i][1]);
        CHECK_STATUS(&a, 200);
        CHECK_U64(loop_count(&a, "items"), LIMIT_BULK_FILES);
        for (unsigned k = 0; k < LIMIT_BULK_FILES; k += 333) CHECK(loop_true(&a, loop_text("items.%u.ok", k)));
    }
    bulk(&d, &a, d.anna, "trash", loop_text("%s,\"" ABSENT "\"", ids), "");
    CHECK_STATUS(&a, 400);
    LOOP(&d.l, &a, .target = "/api/v1/me", .bearer = d.anna);
    CHECK_U64(loop_num(&a, "user.used_bytes"), 0);
    loop_close(&d.l);
}

/* Every step of the database fails once: what is told of an item is what happened, and nothing is half done. */
TEST(bulk_survives_database_faults)
{
    struct desk d;
    if (loop_missing()) return;
    if (loop_chosen() != LOOP_MEMORY) return;
    desk_open(&d);
    loop_faulty(&d.l);
    CHECK_FINE();
    d.anna = loop_sign_in(&d.l, "anna@example.com", LOOP_PASSWORD, NULL);
    const char *one = loop_file(&d.l, d.anna, "1", SLICE("1")), *two_ = loop_file(&d.l, d.anna, "2", SLICE("2"));
    bool fired = true;
    unsigned failed = 0;
    for (uint64_t n = 0; fired && n < 200 && !test_failed(); n++) {
        ANSWER a = {0};
        const char *op = n % 2 ? "restore" : "trash", *want = n % 2 ? "ready" : "trashed", *was = n % 2 ? "trashed" : "ready";
        bulk(&d, &a, d.anna, n % 2 ? "trash" : "restore", two(one, two_), "");
        db_fault_set(d.l.be.db, n, false, ERR_IO);
        bulk(&d, &a, d.anna, op, two(one, two_), "");
        fired = db_fault_count(d.l.be.db) > n;
        db_fault_set(d.l.be.db, UINT64_MAX, false, ERR_IO);
        bool ok = a.status == 200 && loop_true(&a, "items.0.ok");
        if (a.status == 200) CHECK(loop_true(&a, "items.1.ok") == ok);
        if (a.status == 200 && !ok) failed += strcmp(loop_str(&a, "items.0.error.code"), "io") == 0;
        CHECK_SLICE(slice_cstr(member(&d, d.anna, one, "file.state")), slice_cstr(ok ? want : was));
        CHECK_SLICE(slice_cstr(member(&d, d.anna, two_, "file.state")), slice_cstr(ok ? want : was));
    }
    CHECK(!fired && failed > 5);
    loop_close(&d.l);
}
