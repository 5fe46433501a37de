/* Transfers and background work: repeated requests, ends that take files along, jobs, key rotation, restarts. */
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/limits.h"
#include "core/app/app.h"
#include "core/file/file.h"
#include "core/job/job.h"
#include "core/key/key.h"
#include "core/sweep/sweep.h"
#include "core/user/user.h"
#include "integration/loopback.h"
#include "jobs/jobs.h"
#include "os/thread.h"

#define TRANSFERS "/api/v1/transfers"

static char bytes[MIB + 777];
static const struct slice content = {bytes, sizeof bytes};

static const char *begin(struct loop *l)
{
    loop_pattern(bytes, sizeof bytes, 13);
    loop_open(l);
    return loop_user(l, "anna@example.com", ROLE_USER);
}

static size_t listed(struct loop *l, const char *bearer, const char *target)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = target, .bearer = bearer);
    if (a.status != 200) test_fail(__FILE__, __LINE__, "%s gave %d", target, a.status);
    return loop_count(&a, "items");
}

TEST(transfer_lists)
{
    struct loop l;
    ANSWER a = {0};
    size_t n = 0;
    const char *cursor = "";
    if (loop_missing()) return;
    const char *bearer = begin(&l), *file = loop_file(&l, bearer, "a", content);
    const char *other = loop_user(&l, "berta@example.com", ROLE_USER);
    for (int i = 0; i < 13; i++) loop_transfer(&l, bearer, file, loop_text(",\"title\":\"number %d\"", i));
    do {
        LOOP(&l, &a, .target = loop_text(TRANSFERS "?limit=5%s%s", cursor[0] ? "&cursor=" : "", cursor), .bearer = bearer);
        n += loop_count(&a, "items");
        CHECK(loop_is_null(&a, "items.0.files"));
        CHECK_U64(loop_num(&a, "items.0.total_size"), content.len);
        cursor = loop_str(&a, "next_cursor");
    } while (cursor[0] && n < 100);
    CHECK_U64(n, 13);
    CHECK_U64(listed(&l, other, TRANSFERS), 0);
    /* Uploads are listed until they are complete. */
    for (int i = 0; i < 3; i++) LOOP(&l, &a, .target = "/api/v1/uploads", .bearer = bearer, .json = "{\"name\":\"u\"}");
    CHECK_U64(listed(&l, bearer, "/api/v1/uploads?limit=2"), 2);
    LOOP(&l, &a, .target = loop_text("/api/v1/uploads/%s/complete", loop_str(&a, "upload_id")), .bearer = bearer, .json = "{}");
    CHECK_U64(listed(&l, bearer, "/api/v1/uploads"), 2);
    loop_close(&l);
}

TEST(transfer_keeps_the_order_of_its_files)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l), *ids = "";
    for (int i = 0; i < 6; i++) ids = loop_text("%s%s%s", loop_file(&l, bearer, loop_text("f%d", i), SLICE("x")), ids[0] ? " " : "", ids);
    const char *token = loop_share(&l, bearer, loop_transfer(&l, bearer, ids, ""), "{}");
    LOOP(&l, &a, .target = loop_text("/api/v1/share/%s", token));
    for (int i = 0; i < 6; i++) CHECK_STR(&a, loop_text("files.%d.name", i), loop_text("f%d", 5 - i));
    CHECK_U64(loop_num(&a, "total_size"), 6);
    loop_close(&l);
}

/* ---- Idempotency-Key ---- */

static void post(struct loop *l, const char *bearer, const char *target, const char *key, const char *json, struct loop_answer *a)
{
    LOOP(l, a, .target = target, .bearer = bearer, .json = json, .headers = {{SLICE("idempotency-key"), slice_cstr(key)}});
}

TEST(idempotency_key)
{
    struct loop l;
    ANSWER a = {0};
    ANSWER b = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l), *file = loop_file(&l, bearer, "a", content);
    const char *other = loop_user(&l, "berta@example.com", ROLE_USER);
    const char *json = loop_text("{\"file_ids\":[\"%s\"]}", file);
    post(&l, bearer, TRANSFERS, "k1", json, &a);
    CHECK_STATUS(&a, 201);
    loop_reopen(&l);
    post(&l, bearer, TRANSFERS, "k1", json, &b);
    CHECK_STATUS(&b, 201);
    CHECK_SLICE(loop_body(&b), loop_body(&a));
    CHECK_SLICE(loop_header(&b, "idempotency-replayed"), SLICE("true"));
    CHECK_U64(listed(&l, bearer, TRANSFERS), 1);
    /* Another body, another path, another key, another person. */
    post(&l, bearer, TRANSFERS, "k1", loop_text("{\"file_ids\":[\"%s\"],\"title\":\"x\"}", file), &b);
    CHECK_PROBLEM(&b, 409, "idempotency_mismatch");
    const char *share = loop_text(TRANSFERS "/%s/share", loop_str(&a, "transfer.id"));
    post(&l, bearer, share, "k1", "{}", &a);
    CHECK_STATUS(&a, 201);
    post(&l, bearer, share, "k1", "{}", &b);
    CHECK_STR(&b, "link.token", loop_str(&a, "link.token"));
    post(&l, bearer, TRANSFERS, "k2", json, &b);
    CHECK_STATUS(&b, 201);
    post(&l, other, "/api/v1/uploads", "k3", "{\"name\":\"a\"}", &a);
    post(&l, bearer, "/api/v1/uploads", "k3", "{\"name\":\"a\"}", &b);
    CHECK(a.status == 201 && b.status == 201 && strcmp(loop_str(&a, "upload_id"), loop_str(&b, "upload_id")) != 0);
    CHECK_U64(listed(&l, bearer, TRANSFERS), 2);
    /* What failed may be tried again; what is a day old is forgotten. */
    post(&l, bearer, "/api/v1/uploads", "k4", "{\"name\":\"..\"}", &a);
    CHECK_STATUS(&a, 400);
    post(&l, bearer, "/api/v1/uploads", "k4", "{\"name\":\"b\"}", &a);
    CHECK_STATUS(&a, 201);
    post(&l, bearer, "/api/v1/uploads", "", "{\"name\":\"b\"}", &a);
    CHECK_PROBLEM(&a, 400, "idempotency_key");
    post(&l, bearer, "/api/v1/uploads", loop_text("%0256d", 0), "{\"name\":\"b\"}", &a);
    CHECK_PROBLEM(&a, 400, "idempotency_key");
    loop_advance(24 * 3600 * 1000 + 1000);
    loop_jobs(&l);
    bearer = loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, NULL);
    post(&l, bearer, TRANSFERS, "k1", json, &b);
    CHECK_STATUS(&b, 201);
    CHECK_U64(listed(&l, bearer, TRANSFERS), 3);
    loop_close(&l);
}

struct posters {
    struct loop *l;
    const char *bearer, *json;
    _Atomic unsigned made, busy, other;
};

static void post_same(void *arg, unsigned i)
{
    struct posters *p = arg;
    ANSWER a = {0};
    (void)i;
    post(p->l, p->bearer, TRANSFERS, "same", p->json, &a);
    if (a.status == 201) p->made++;
    else if (a.status == 503 && strcmp(loop_str(&a, "code"), "idempotency_running") == 0) p->busy++;
    else p->other++;
}

TEST(idempotency_key_in_parallel)
{
    struct loop l;
    struct posters p = {.l = &l};
    if (loop_missing()) return;
    p.bearer = begin(&l);
    p.json = loop_text("{\"file_ids\":[\"%s\"]}", loop_file(&l, p.bearer, "a", content));
    loop_parallel(8, post_same, &p);
    CHECK(p.made >= 1 && p.made + p.busy == 8 && p.other == 0);
    CHECK_U64(listed(&l, p.bearer, TRANSFERS), 1);
    loop_close(&l);
}

/* ---- ends ---- */

static int status_of(struct loop *l, const char *bearer, const char *file)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = loop_text("/api/v1/files/%s/download", file), .bearer = bearer);
    return a.status;
}

TEST(transfer_takes_its_lone_files_along)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l);
    const char *lone = loop_file(&l, bearer, "lone", content), *held = loop_file(&l, bearer, "held", content);
    const char *ended = loop_file(&l, bearer, "ended", content), *kept = loop_file(&l, bearer, "kept", content);
    const char *past = loop_transfer(&l, bearer, ended, "");
    LOOP(&l, &a, .method = "DELETE", .target = loop_text(TRANSFERS "/%s", past), .bearer = bearer);
    loop_transfer(&l, bearer, held, "");
    const char *plain = loop_transfer(&l, bearer, kept, ",\"expires_in\":60");
    const char *t = loop_transfer(&l, bearer, loop_text("%s %s %s", lone, held, ended), ",\"expires_in\":60,\"delete_files\":true");
    const char *token = loop_share(&l, bearer, t, "{}");
    loop_advance(59000);
    loop_jobs(&l);
    CHECK_U64(status_of(&l, bearer, lone), 200);
    loop_advance(62000);
    loop_jobs(&l);
    CHECK_U64(status_of(&l, bearer, lone), 404);
    CHECK_U64(status_of(&l, bearer, ended), 404);
    CHECK_U64(status_of(&l, bearer, held), 200);
    CHECK_U64(status_of(&l, bearer, kept), 200);
    LOOP(&l, &a, .target = loop_text("/api/v1/share/%s", token));
    CHECK_PROBLEM(&a, 410, "link_expired");
    LOOP(&l, &a, .target = loop_text(TRANSFERS "/%s", plain), .bearer = bearer);
    CHECK_STATUS(&a, 404);
    LOOP(&l, &a, .target = "/api/v1/me", .bearer = bearer);
    CHECK_U64(loop_num(&a, "user.used_bytes"), 2 * content.len);
    loop_close(&l);
}

TEST(jobs_put_broken_ones_aside)
{
    struct loop l;
    CLEANUP(ctx_done) struct ctx c;
    uint64_t waiting = 0, dead = 0;
    ctx_init(&c, MIB);
    if (loop_missing()) return;
    begin(&l);
    loop_jobs(&l);
    CHECK_OK(job_counts(&c, l.app, &waiting, &dead));
    uint64_t periodic = waiting;
    CHECK(periodic >= 2 && dead == 0);
    /* Scheduling again, as every start does, adds nothing. */
    CHECK_OK(jobs_schedule(&c, l.app));
    CHECK_OK(job_counts(&c, l.app, &waiting, &dead));
    CHECK_U64(waiting, periodic);
    loop_close(&l);
}

/* Orphans, as a crash leaves them, go; what rows know stays. */
TEST(jobs_sweep)
{
    struct loop l;
    CLEANUP(ctx_done) struct ctx c;
    struct blob_ref ref;
    struct id id;
    ANSWER a = {0};
    size_t n = 0;
    ctx_init(&c, MIB);
    if (loop_missing()) return;
    const char *bearer = begin(&l), *file = loop_file(&l, bearer, "a", content);
    LOOP(&l, &a, .target = "/api/v1/uploads", .bearer = bearer, .json = "{\"name\":\"u\",\"size\":10}");
    const char *upload = loop_str(&a, "upload_id");
    CHECK_OK(id_parse(SLICE("01890a5d-ac96-774b-bcce-b302099a8057"), &id));
    CHECK_OK(blob_begin(&c, l.be.blobs, (struct blob_key){id}, &ref));
    CHECK_OK(sweep_blobs(&c, l.app, &n));
    CHECK_U64(n, 0);
    loop_advance(20 * 3600 * 1000);
    bearer = loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, NULL);
    loop_advance(SWEEP_GRACE_MS - 20 * 3600 * 1000 + 1000 > 0 ? SWEEP_GRACE_MS - 20 * 3600 * 1000 + 1000 : 0);
    CHECK_OK(sweep_blobs(&c, l.app, &n));
    CHECK_U64(n, 1);
    bearer = loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, NULL);
    CHECK_U64(status_of(&l, bearer, file), 200);
    LOOP(&l, &a, .method = "PUT", .target = loop_text("/api/v1/uploads/%s/parts/0", upload), .bearer = bearer, .body = SLICE("0123456789"));
    CHECK_STATUS(&a, 204);
    loop_close(&l);
}

/* ---- keys ---- */

static size_t generations(struct loop *l, const char *state)
{
    CLEANUP(ctx_done) struct ctx c;
    struct kek_row *rows = NULL;
    size_t n = 0, found = 0;
    ctx_init(&c, MIB);
    if (key_list(&c, l->app, &rows, &n) != ERR_OK) test_fail(__FILE__, __LINE__, "key_list");
    for (size_t i = 0; i < n; i++) found += slice_eq(rows[i].state, slice_cstr(state));
    return found;
}

static struct slice wrapped_of(struct ctx *c, struct loop *l, const char *file)
{
    struct id id;
    struct file f;
    if (id_parse(slice_cstr(file), &id) != ERR_OK || file_load(c, l->app, &id, &f) != ERR_OK) return SLICE("");
    return f.content.wrapped_key;
}

TEST(keys_rotate)
{
    struct loop l;
    CLEANUP(ctx_done) struct ctx c;
    ANSWER a = {0};
    struct id kek, under;
    const char *files[130];
    ctx_init(&c, 4 * MIB);
    if (loop_missing()) return;
    const char *bearer = begin(&l);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) files[i] = loop_file(&l, bearer, "f", slice_sub(content, i, i + 2000));
    LOOP(&l, &a, .target = "/api/v1/uploads", .bearer = bearer, .json = "{\"name\":\"u\",\"size\":10}");
    const char *upload = loop_str(&a, "upload_id");
    struct slice before = wrapped_of(&c, &l, files[0]);
    CHECK_OK(key_rotate(&c, l.app, &kek));
    CHECK(generations(&l, "active") == 1 && generations(&l, "decrypt-only") == 1);
    /* Several rounds, and the old one stays until every node must have heard of the new one. */
    for (int i = 0; i < 5; i++) {
        loop_jobs(&l);
        loop_advance(1000);
    }
    CHECK_U64(generations(&l, "decrypt-only"), 1);
    loop_advance(120 * 1000);
    loop_jobs(&l);
    CHECK(generations(&l, "decrypt-only") == 0 && generations(&l, "destroyed") == 1);
    struct slice after = wrapped_of(&c, &l, files[0]);
    CHECK(before.len && after.len && !slice_eq(before, after));
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        CHECK_OK(wrapped_key_kek(wrapped_of(&c, &l, files[i]), &under));
        CHECK(id_eq(under, kek));
    }
    for (int restart = 0; restart < 2; restart++) {
        for (size_t i = 0; i < ARRAY_LEN(files); i += 43) {
            LOOP(&l, &a, .target = loop_text("/api/v1/files/%s/download", files[i]), .bearer = bearer);
            CHECK_STATUS(&a, 200);
            CHECK_SLICE(loop_body(&a), slice_sub(content, i, i + 2000));
        }
        loop_reopen(&l);
    }
    /* A begun upload goes on under the new key; sessions and passwords did not notice. */
    LOOP(&l, &a, .method = "PUT", .target = loop_text("/api/v1/uploads/%s/parts/0", upload), .bearer = bearer, .body = SLICE("0123456789"));
    CHECK_STATUS(&a, 204);
    LOOP(&l, &a, .target = loop_text("/api/v1/uploads/%s/complete", upload), .bearer = bearer, .json = "{}");
    CHECK_STATUS(&a, 200);
    LOOP(&l, &a, .target = loop_text("/api/v1/files/%s/download", loop_str(&a, "file.id")), .bearer = bearer);
    CHECK_SLICE(loop_body(&a), SLICE("0123456789"));
    loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, NULL);
    loop_close(&l);
}

static void rewrap_until_destroyed(struct loop *l)
{
    for (int i = 0; i < 3; i++) {
        loop_jobs(l);
        loop_advance(61 * 1000);
    }
    CHECK_U64(generations(l, "destroyed"), 1);
}

TEST(keys_a_node_that_slept_wraps_under_a_living_one)
{
    struct loop l, asleep;
    CLEANUP(ctx_done) struct ctx c;
    struct id kek;
    struct key first, again;
    ctx_init(&c, MIB);
    if (loop_missing() || loop_chosen() == LOOP_MEMORY) return;
    const char *bearer = begin(&l);
    loop_open_beside(&asleep, &l);
    CHECK_OK(key_rotate(&c, l.app, &kek));
    rewrap_until_destroyed(&l);
    /* It has not heard of anything: the only key it knows is gone. */
    const char *file = loop_file(&asleep, bearer, "a", content);
    CHECK_OK(key_secret(&c, asleep.app, "test", &first));
    loop_reopen(&l);
    CHECK_U64(status_of(&l, bearer, file), 200);
    CHECK_OK(key_secret(&c, l.app, "test", &again));
    CHECK(memcmp(first.b, again.b, KEY_BYTES) == 0);
    loop_close(&asleep);
    loop_close(&l);
}

static const struct db_stmt put_totp = {
    "test_put_totp", "INSERT INTO totp (user_id, pending, kek_id, wrapped, created_at) SELECT id, 1, $1, $2, 0 FROM users", NULL};

static const struct db_stmt get_totp = {"test_get_totp", "SELECT wrapped FROM totp", NULL};

static enum err totp_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct db_result r;
    TRY(db_exec0(c, conn, &get_totp, &r));
    *(struct slice *)arg = db_get_slice(&r, 0, 0);
    return ERR_OK;
}

struct slow_put {
    struct loop *l;
    struct thread rewrap;
    _Atomic bool done;
};

static void rewrap(void *arg)
{
    struct slow_put *p = arg;
    CLEANUP(ctx_done) struct ctx c;
    bool left = false;
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    enum err e = key_rewrap_some(&c, p->l->app, 100, &left);
    if (e != ERR_OK) test_fail(__FILE__, __LINE__, "rewrap: %s %s", err_name(e), c.err_detail);
    p->done = true;
}

/* Has been wrapped, and is on its way into the database, when the old key would be destroyed. */
static enum err put_slowly(struct ctx *c, struct db_conn *conn, const struct wrapped *w, void *arg)
{
    struct slow_put *p = arg;
    if (!p->rewrap.started) TRY(thread_start(&p->rewrap, "rewrap", rewrap, p));
    struct timespec pause = {0, 300 * 1000 * 1000};
    nanosleep(&pause, NULL);
    if (p->done) test_fail(__FILE__, __LINE__, "the rewrap did not wait");
    return db_exec(c, conn, &put_totp, NULL, db_id(&w->kek_id), db_bytes(slice_of(w->key.b, sizeof w->key.b)));
}

TEST(keys_on_their_way_into_the_database_are_waited_for)
{
    struct loop l, asleep;
    CLEANUP(ctx_done) struct ctx c;
    struct id kek;
    struct user anna;
    struct key key = {{7}}, found;
    ctx_init(&c, MIB);
    if (loop_missing() || loop_chosen() == LOOP_MEMORY) return;
    begin(&l);
    loop_open_beside(&asleep, &l);
    CHECK_OK(key_rotate(&c, l.app, &kek));
    loop_advance(3 * 60 * 1000);
    CHECK_OK(user_by_email(&c, l.app, SLICE("anna@example.com"), &anna));
    struct slow_put p = {.l = &l};
    CHECK_OK(key_put(&c, asleep.app, "sft/1/totp", &anna.id, &key, put_slowly, &p));
    thread_join(&p.rewrap);
    bool left = true;
    CHECK_OK(key_rewrap_some(&c, l.app, 100, &left));
    CHECK(!left);
    loop_reopen(&l);
    struct slice wrapped;
    CHECK_OK(db_tx(&c, l.be.db, DB_READ, totp_tx, &wrapped));
    CHECK_OK(key_unwrap(&c, l.app, "sft/1/totp", &anna.id, wrapped, &found));
    CHECK(memcmp(key.b, found.b, KEY_BYTES) == 0);
    loop_close(&asleep);
    loop_close(&l);
}

TEST(keys_other_node)
{
    struct loop l, beside;
    CLEANUP(ctx_done) struct ctx c;
    struct id kek;
    ctx_init(&c, MIB);
    if (loop_missing() || loop_chosen() == LOOP_MEMORY) return;
    const char *bearer = begin(&l);
    loop_open_beside(&beside, &l);
    CHECK_OK(key_rotate(&c, l.app, &kek));
    /* Wrapped under a key the other node has not heard of yet. */
    const char *file = loop_file(&l, bearer, "a", content);
    CHECK_U64(status_of(&beside, bearer, file), 200);
    /* What that node wraps under the old one meanwhile is re-wrapped in time. */
    const char *late = loop_file(&beside, bearer, "b", content);
    for (int i = 0; i < 3; i++) {
        loop_jobs(&l);
        loop_advance(61 * 1000);
    }
    CHECK_U64(generations(&l, "destroyed"), 1);
    loop_reopen(&l);
    CHECK_U64(status_of(&l, bearer, late), 200);
    CHECK_U64(status_of(&l, bearer, file), 200);
    loop_close(&beside);
    loop_close(&l);
}

TEST(restart_keeps_everything)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l), *file = loop_upload(&l, bearer, "a.bin", content, MIB);
    const char *token = loop_share(&l, bearer, loop_transfer(&l, bearer, file, ""), "{\"password\":\"right one\"}");
    for (int i = 0; i < 3; i++) loop_reopen(&l);
    CHECK_U64(status_of(&l, bearer, file), 200);
    LOOP(&l, &a, .target = loop_text("/api/v1/share/%s/verify", token), .json = "{\"password\":\"right one\"}");
    CHECK_STATUS(&a, 200);
    const char *ticket = loop_str(&a, "ticket");
    loop_reopen(&l);
    LOOP(&l, &a, .target = loop_text("/api/v1/share/%s/download", token), .ticket = ticket);
    CHECK_SLICE(loop_body(&a), content);
    LOOP(&l, &a, .target = "/api/v1/setup",
         .json = "{\"setup_token\":\"" LOOP_SETUP_TOKEN "\",\"email\":\"x@example.com\",\"password\":\"" LOOP_PASSWORD "\"}");
    CHECK_STATUS(&a, 404);
    loop_close(&l);
}

TEST(server_itself)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    begin(&l);
    LOOP(&l, &a, .target = "/health");
    CHECK_STR(&a, "status", "ok");
    LOOP(&l, &a, .target = "/health/ready");
    CHECK_STATUS(&a, 200);
    CHECK_U64(loop_count(&a, "checks"), 3);
    LOOP(&l, &a, .target = "/metrics");
    CHECK_STATUS(&a, 200);
    CHECK(memmem(a.body, a.len, "sealdrop_jobs_waiting", 21));
    LOOP(&l, &a, .target = "/metrics", .peer = "192.0.2.7");
    CHECK_STATUS(&a, 404);
    api_set_stopping(l.api);
    LOOP(&l, &a, .target = "/health/ready");
    CHECK_STATUS(&a, 503);
    CHECK_STR(&a, "status", "not ready");
    loop_close(&l);
}
