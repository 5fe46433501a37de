/* Files shared with named users: what each permission gives, how soon it ends, and what it tells about accounts. */
#include <stdatomic.h>
#include <string.h>

#include "base/limits.h"
#include "core/job/job.h"
#include "core/mail/mail.h"
#include "integration/loopback.h"

#define FILES "/api/v1/files"

struct office {
    struct loop l;
    const char *anna, *berta, *file; /* anna's */
};

static void office_open(struct office *o)
{
    *o = (struct office){.anna = NULL};
    loop_open(&o->l);
    o->anna = loop_user(&o->l, "anna@example.com", ROLE_USER);
    o->berta = loop_user(&o->l, "Berta@Example.com", ROLE_USER);
    o->file = loop_file(&o->l, o->anna, "plan.txt", SLICE("the plan of the office"));
}

static const char *id_of(struct loop *l, const char *bearer)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = "/api/v1/me", .bearer = bearer);
    return loop_str(&a, "user.id");
}

static const char *at(const struct office *o, const char *rest) { return loop_text(FILES "/%s%s", o->file, rest); }

static void put(struct office *o, struct loop_answer *a, const char *json)
{
    LOOP(&o->l, a, .method = "PUT", .target = at(o, "/permissions"), .bearer = o->anna, .json = json);
}

/* With berta; must succeed. */
static void share(struct office *o, const char *permission, const char *more)
{
    ANSWER a = {0};
    put(o, &a, loop_text("{\"email\":\"berta@example.com\",\"permission\":\"%s\"%s}", permission, more));
    if (a.status != 200) test_fail(__FILE__, __LINE__, "share: %d %s", a.status, loop_shown(&a));
}

static int status_of(struct office *o, const char *bearer, const char *method, const char *target, const char *json)
{
    ANSWER a = {0};
    LOOP(&o->l, &a, .method = method, .target = target, .bearer = bearer, .json = json);
    return a.status;
}

TEST(sharing_gives_what_it_says)
{
    static const struct {
        const char *permission;
        int get, download, change, remove, share;
    } want[] = {{"view", 200, 403, 403, 403, 403}, {"download", 200, 200, 403, 403, 403}, {"edit", 200, 200, 200, 403, 403}};
    struct office o;
    ANSWER a = {0};
    if (loop_missing()) return;
    office_open(&o);
    CHECK(status_of(&o, o.berta, "GET", at(&o, ""), NULL) == 404);
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        share(&o, want[i].permission, "");
        CHECK_FINE();
        LOOP(&o.l, &a, .target = at(&o, ""), .bearer = o.berta);
        CHECK_STATUS(&a, 200);
        CHECK_STR(&a, "file.permission", want[i].permission);
        CHECK_STR(&a, "file.owner_name", "anna");
        CHECK_U64(status_of(&o, o.berta, "GET", at(&o, "/download"), NULL), want[i].download);
        CHECK_U64(status_of(&o, o.berta, "GET", at(&o, "/content"), NULL), want[i].download);
        CHECK_U64(status_of(&o, o.berta, "PATCH", at(&o, ""), "{\"description\":\"d\"}"), want[i].change);
        CHECK_U64(status_of(&o, o.berta, "DELETE", at(&o, ""), NULL), want[i].remove);
        CHECK_U64(status_of(&o, o.berta, "GET", at(&o, "/permissions"), NULL), want[i].share);
        /* Nor by a way around: a transfer of it. */
        CHECK_U64(status_of(&o, o.berta, "POST", "/api/v1/transfers", loop_text("{\"file_ids\":[\"%s\"]}", o.file)), 400);
    }
    LOOP(&o.l, &a, .target = at(&o, ""), .bearer = o.anna);
    CHECK_STR(&a, "file.permission", "owner");
    CHECK(loop_is_null(&a, "file.owner_name"));
    LOOP(&o.l, &a, .target = at(&o, "/permissions"), .bearer = o.anna);
    CHECK_STATUS(&a, 200);
    CHECK_U64(loop_count(&a, "items"), 1);
    CHECK_STR(&a, "items.0.user_id", id_of(&o.l, o.berta));
    CHECK_STR(&a, "items.0.email", "Berta@Example.com");
    CHECK_STR(&a, "items.0.permission", "edit");
    CHECK_STR(&a, "items.0.granted_by", id_of(&o.l, o.anna));
    CHECK(loop_is_null(&a, "items.0.expires_at"));
    loop_close(&o.l);
}

TEST(sharing_ends_with_the_next_request)
{
    struct office o;
    ANSWER a = {0};
    if (loop_missing()) return;
    office_open(&o);
    const char *berta = id_of(&o.l, o.berta);
    share(&o, "download", ",\"expires_in\":60");
    CHECK(status_of(&o, o.berta, "GET", at(&o, "/download"), NULL) == 200);
    loop_advance(60 * 1000);
    CHECK(status_of(&o, o.berta, "GET", at(&o, "/download"), NULL) == 404);
    CHECK(status_of(&o, o.berta, "GET", at(&o, ""), NULL) == 404);
    LOOP(&o.l, &a, .target = FILES "?shared=with_me", .bearer = o.berta);
    CHECK_U64(loop_count(&a, "items"), 0);
    LOOP(&o.l, &a, .target = at(&o, "/permissions"), .bearer = o.anna);
    CHECK_U64(loop_count(&a, "items"), 0);
    loop_jobs(&o.l);
    CHECK(status_of(&o, o.anna, "DELETE", at(&o, loop_text("/permissions/%s", berta)), NULL) == 404);
    share(&o, "download", "");
    CHECK(status_of(&o, o.berta, "GET", at(&o, "/download"), NULL) == 200);
    share(&o, "view", "");
    CHECK(status_of(&o, o.berta, "GET", at(&o, "/download"), NULL) == 403);
    CHECK(status_of(&o, o.anna, "DELETE", at(&o, loop_text("/permissions/%s", berta)), NULL) == 204);
    CHECK(status_of(&o, o.berta, "GET", at(&o, ""), NULL) == 404);
    CHECK(status_of(&o, o.anna, "DELETE", at(&o, loop_text("/permissions/%s", berta)), NULL) == 404);
    /* Whoever it is shared with can leave; and cannot send others away. */
    const char *carl = loop_user(&o.l, "carl@example.com", ROLE_GUEST);
    share(&o, "edit", "");
    put(&o, &a, loop_text("{\"user\":\"%s\",\"permission\":\"view\"}", id_of(&o.l, carl)));
    CHECK_STATUS(&a, 200);
    CHECK(loop_is_null(&a, "permission.email"));
    CHECK(status_of(&o, o.berta, "DELETE", at(&o, loop_text("/permissions/%s", id_of(&o.l, carl))), NULL) == 403);
    CHECK(status_of(&o, o.berta, "DELETE", at(&o, loop_text("/permissions/%s", berta)), NULL) == 204);
    CHECK(status_of(&o, o.berta, "GET", at(&o, ""), NULL) == 404);
    CHECK(status_of(&o, carl, "GET", at(&o, ""), NULL) == 200);
    /* The file takes its shares along, and an account its own. */
    CHECK(status_of(&o, o.anna, "DELETE", at(&o, ""), NULL) == 204);
    LOOP(&o.l, &a, .target = FILES "?shared=with_me", .bearer = carl);
    CHECK_U64(loop_count(&a, "items"), 0);
    loop_close(&o.l);
}

TEST(sharing_a_running_download_goes_on)
{
    struct office o;
    ANSWER a = {0};
    if (loop_missing()) return;
    office_open(&o);
    static char big[MIB];
    loop_pattern(big, sizeof big, 7);
    o.file = loop_file(&o.l, o.anna, "big.bin", slice_of(big, sizeof big));
    share(&o, "download", "");
    struct loop_exchange *x = loop_begin(&o.l, &(struct loop_request){.target = at(&o, "/download"), .bearer = o.berta});
    loop_finish(x, &a);
    CHECK(a.status == 200 && loop_take(x, &a, 1000));
    CHECK(status_of(&o, o.anna, "DELETE", at(&o, loop_text("/permissions/%s", id_of(&o.l, o.berta))), NULL) == 204);
    while (loop_take(x, &a, 100000)) continue;
    loop_end(x, &a, true);
    CHECK_SLICE(loop_body(&a), slice_of(big, sizeof big));
    CHECK(status_of(&o, o.berta, "GET", at(&o, "/download"), NULL) == 404);
    loop_close(&o.l);
}

struct revocation {
    struct office o;
    const char *berta;
    atomic_bool over;
    _Atomic unsigned late, other;
};

static void download_or_revoke(void *arg, unsigned i)
{
    struct revocation *v = arg;
    if (i == 0) {
        if (status_of(&v->o, v->o.anna, "DELETE", at(&v->o, loop_text("/permissions/%s", v->berta)), NULL) != 204) v->other++;
        atomic_store(&v->over, true);
        return;
    }
    for (int n = 0; n < 8; n++) {
        bool over = atomic_load(&v->over);
        int status = status_of(&v->o, v->o.berta, "GET", at(&v->o, "/download"), NULL);
        if (over && status != 404) v->late++;
        if (status != 200 && status != 404) v->other++;
    }
}

TEST(sharing_revoked_while_downloads_start)
{
    static struct revocation v;
    if (loop_missing()) return;
    office_open(&v.o);
    v.berta = id_of(&v.o.l, v.o.berta);
    for (int round = 0; round < 5 && !test_failed(); round++) {
        atomic_store(&v.over, false);
        share(&v.o, "download", "");
        loop_parallel(4, download_or_revoke, &v);
        CHECK(v.late == 0 && v.other == 0);
    }
    loop_close(&v.o.l);
}

TEST(sharing_lists)
{
    struct office o;
    ANSWER a = {0};
    if (loop_missing()) return;
    office_open(&o);
    const char *files[5];
    for (unsigned i = 0; i < ARRAY_LEN(files); i++) {
        loop_advance(1);
        o.file = files[i] = loop_file(&o.l, o.anna, loop_text("%c-%u.txt", i % 2 ? 'x' : 'y', i), SLICE("x"));
        share(&o, i % 2 ? "edit" : "view", "");
    }
    loop_file(&o.l, o.berta, "own.txt", SLICE("x"));
    LOOP(&o.l, &a, .target = FILES "?shared=with_me&limit=2", .bearer = o.berta);
    CHECK_STATUS(&a, 200);
    CHECK_U64(loop_count(&a, "items"), 2);
    CHECK_STR(&a, "items.0.id", files[4]);
    CHECK_STR(&a, "items.0.permission", "view");
    CHECK_STR(&a, "items.1.permission", "edit");
    CHECK_STR(&a, "items.0.owner_name", "anna");
    /* In the middle of paging one is taken back. */
    const char *cursor = loop_str(&a, "next_cursor");
    o.file = files[2];
    CHECK(status_of(&o, o.anna, "DELETE", at(&o, loop_text("/permissions/%s", id_of(&o.l, o.berta))), NULL) == 204);
    LOOP(&o.l, &a, .target = loop_text(FILES "?shared=with_me&limit=2&cursor=%s", cursor), .bearer = o.berta);
    CHECK_U64(loop_count(&a, "items"), 2);
    CHECK_STR(&a, "items.0.id", files[1]);
    CHECK_STR(&a, "items.1.id", files[0]);
    CHECK(loop_is_null(&a, "next_cursor"));
    LOOP(&o.l, &a, .target = FILES "?shared=with_me&q=X-", .bearer = o.berta);
    CHECK_U64(loop_count(&a, "items"), 2);
    LOOP(&o.l, &a, .target = FILES "?shared=by_me", .bearer = o.anna);
    CHECK_U64(loop_count(&a, "items"), 4);
    CHECK_STR(&a, "items.0.permission", "owner");
    LOOP(&o.l, &a, .target = FILES "?shared=by_me", .bearer = o.berta);
    CHECK_U64(loop_count(&a, "items"), 0);
    LOOP(&o.l, &a, .target = FILES, .bearer = o.berta);
    CHECK_U64(loop_count(&a, "items"), 1);
    LOOP(&o.l, &a, .target = FILES "?shared=all", .bearer = o.berta);
    CHECK_STATUS(&a, 400);
    CHECK_STR(&a, "errors.0.field", "shared");
    loop_close(&o.l);
}

TEST(sharing_tells_nothing_about_accounts)
{
    static const char *const others[] = {"nobody@example.com", "suspended@example.com", "anna@example.com", "not an address"};
    struct office o;
    ANSWER first = {0};
    ANSWER a = {0};
    if (loop_missing()) return;
    office_open(&o);
    const char *suspended = id_of(&o.l, loop_user(&o.l, "suspended@example.com", ROLE_USER));
    const char *admin = loop_user(&o.l, "root@example.com", ROLE_ADMIN);
    CHECK(status_of(&o, admin, "POST", loop_text("/api/v1/admin/users/%s/suspend", suspended), NULL) == 200);
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        put(&o, &a, loop_text("{\"email\":\"%s\",\"permission\":\"view\"}", others[i]));
        CHECK_STATUS(&a, 400);
        CHECK_STR(&a, "errors.0.field", "email");
        if (i == 0) put(&o, &first, loop_text("{\"email\":\"%s\",\"permission\":\"view\"}", others[i]));
        CHECK_STR(&a, "errors.0.message", loop_str(&first, "errors.0.message"));
    }
    put(&o, &a, loop_text("{\"user\":\"%s\",\"permission\":\"view\"}", suspended));
    CHECK_STATUS(&a, 400);
    put(&o, &a, "{\"user\":\"01890a5d-ac96-774b-bcce-b302099a8057\",\"permission\":\"view\"}");
    CHECK_STATUS(&a, 400);
    /* Whoever may not share does not learn even that, and wrong ways to ask. */
    share(&o, "edit", "");
    CHECK(status_of(&o, o.berta, "PUT", at(&o, "/permissions"), "{\"email\":\"nobody@example.com\",\"permission\":\"view\"}") == 403);
#define BERTA "\"email\":\"berta@example.com\""
    static const char *const wrong[] = {
        "{\"permission\":\"view\"}",
        "{\"user\":\"01890a5d-ac96-774b-bcce-b302099a8057\"," BERTA ",\"permission\":\"view\"}",
        "{" BERTA ",\"permission\":\"owner\"}",
        "{" BERTA ",\"permission\":\"view\",\"expires_in\":0}",
        "{" BERTA ",\"permission\":\"view\",\"expires_in\":5,\"expires_at\":\"2099-01-01T00:00:00Z\"}"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        put(&o, &a, wrong[i]);
        CHECK_PROBLEM(&a, 400, i == 2 ? "invalid_fields" : "invalid");
    }
    /* An address book cannot be tried through. */
    unsigned tries = 0;
    for (; tries < 200; tries++) {
        put(&o, &a, loop_text("{\"email\":\"u%u@example.com\",\"permission\":\"view\"}", tries));
        if (a.status != 400) break;
    }
    CHECK_PROBLEM(&a, 429, "rate_limited");
    CHECK(tries < 100);
    loop_close(&o.l);
}

static struct mail mails[8];
static size_t mail_count;

static enum err take_job(struct ctx *c, struct loop *l)
{
    struct job job;
    struct mail m = {.to = SLICE("")};
    TRY(job_claim(c, l->app, JOB_LANE_SHORT, &job));
    if (slice_eq(job.kind, SLICE("mail"))) {
        TRY(mail_open(c, l->app, job.payload, &m));
        mails[mail_count % ARRAY_LEN(mails)].to = slice_cstr(loop_text(SLICE_FMT, SLICE_ARG(m.to)));
        mails[mail_count++ % ARRAY_LEN(mails)].text = slice_cstr(loop_text(SLICE_FMT, SLICE_ARG(m.text)));
    }
    return job_finish(c, l->app, &job, 0);
}

static void catch_mail(struct loop *l)
{
    mail_count = 0;
    for (enum err e = ERR_OK; e == ERR_OK;) {
        CLEANUP(ctx_done) struct ctx c;
        ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
        e = take_job(&c, l);
        if (e != ERR_OK && e != ERR_NOT_FOUND) test_fail(__FILE__, __LINE__, "job: %s: %s", err_name(e), c.err_detail);
    }
}

TEST(sharing_is_told_by_mail_once)
{
    struct office o = {.anna = NULL};
    if (loop_missing()) return;
    loop_open(&o.l);
    o.l.cfg.mail = (struct app_mail){.url = "smtp://127.0.0.1:1", .from = "drop@example.com", .locale = "en"};
    loop_reopen(&o.l);
    o.anna = loop_user(&o.l, "anna@example.com", ROLE_USER);
    o.berta = loop_user(&o.l, "Berta@Example.com", ROLE_USER);
    o.file = loop_file(&o.l, o.anna, "visit evil.example.txt", SLICE("x"));
    share(&o, "view", "");
    share(&o, "edit", "");
    o.file = loop_file(&o.l, o.anna, "second.txt", SLICE("x"));
    share(&o, "view", "");
    catch_mail(&o.l);
    CHECK_U64(mail_count, 1);
    CHECK_SLICE(mails[0].to, SLICE("Berta@Example.com"));
    CHECK(memmem(mails[0].text.ptr, mails[0].text.len, "anna shares one or more files", 29));
    CHECK(!memmem(mails[0].text.ptr, mails[0].text.len, "evil", 4));
    loop_advance(3600 * 1000);
    o.anna = loop_sign_in(&o.l, "anna@example.com", LOOP_PASSWORD, NULL);
    o.file = loop_file(&o.l, o.anna, "third.txt", SLICE("x"));
    share(&o, "view", "");
    catch_mail(&o.l);
    CHECK_U64(mail_count, 1);
    loop_close(&o.l);
}

TEST(sharing_many_files_is_one_mail)
{
    struct office o = {.anna = NULL};
    ANSWER a = {0};
    const char *ids = "";
    if (loop_missing()) return;
    loop_open(&o.l);
    o.l.cfg.mail = (struct app_mail){.url = "smtp://127.0.0.1:1", .from = "drop@example.com", .locale = "de"};
    loop_reopen(&o.l);
    o.anna = loop_user(&o.l, "anna@example.com", ROLE_USER);
    o.berta = loop_user(&o.l, "berta@example.com", ROLE_USER);
    for (unsigned i = 0; i < 120; i++)
        ids = loop_text("%s%s\"%s\"", ids, i ? "," : "", loop_file(&o.l, o.anna, "f", SLICE("x")));
    LOOP(&o.l, &a, .target = FILES "/bulk", .bearer = o.anna,
         .json = loop_text("{\"op\":\"share\",\"ids\":[%s],\"email\":\"berta@example.com\",\"permission\":\"view\"}", ids));
    CHECK_STATUS(&a, 200);
    CHECK(loop_true(&a, "items.0.ok") && loop_true(&a, "items.119.ok"));
    catch_mail(&o.l);
    CHECK_U64(mail_count, 1);
    loop_close(&o.l);
}

TEST(sharing_leaves_its_records)
{
    static const struct {
        const char *event;
        size_t count;
    } want[] = {{"share.create", 1}, {"share.change", 1}, {"share.remove", 1}};
    struct office o;
    ANSWER a = {0};
    if (loop_missing()) return;
    office_open(&o);
    const char *admin = loop_user(&o.l, "root@example.com", ROLE_ADMIN), *berta = id_of(&o.l, o.berta);
    share(&o, "view", "");
    share(&o, "edit", "");
    CHECK(status_of(&o, o.berta, "DELETE", at(&o, loop_text("/permissions/%s", berta)), NULL) == 204);
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        LOOP(&o.l, &a, .target = loop_text("/api/v1/admin/audit-logs?event=%s&object=%s", want[i].event, o.file), .bearer = admin);
        CHECK_U64(loop_count(&a, "items"), want[i].count);
        CHECK(strstr(loop_str(&a, "items.0.detail"), berta));
    }
    loop_close(&o.l);
}
