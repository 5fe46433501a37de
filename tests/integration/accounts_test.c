/* Registration, confirmed addresses, invitations, forgotten passwords: what they do, and what they do not show. */
#include <string.h>

#include "base/limits.h"
#include "core/account/account.h"
#include "core/app/sealed.h"
#include "core/job/job.h"
#include "core/mail/mail.h"
#include "integration/mailbox.h"

#define NEW_PASSWORD "another good long phrase"

static const char *registration(const char *email, const char *more)
{
    return loop_text("{\"email\":\"%s\",\"password\":\"" LOOP_PASSWORD "\"%s}", email, more);
}

static const char *login(const char *email, const char *password)
{
    return loop_text("{\"email\":\"%s\",\"password\":\"%s\"}", email, password);
}

#define REGISTER "/api/v1/auth/register"
#define VERIFY "/api/v1/auth/email/verify"
#define FORGOT "/api/v1/auth/password/forgot"
#define RESET "/api/v1/auth/password/reset"
#define LOGIN "/api/v1/auth/login"

/* ---- registration ---- */

TEST(registration_closed)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    open_with(&l, REGISTRATION_CLOSED, true);
    LOOP(&l, &a, .target = REGISTER, .json = registration("anna@example.com", ""));
    CHECK_PROBLEM(&a, 403, "registration_closed");
    l.cfg.registration = REGISTRATION_INVITE;
    loop_reopen(&l);
    LOOP(&l, &a, .target = REGISTER, .json = registration("anna@example.com", ""));
    CHECK_PROBLEM(&a, 403, "invite_required");
    const char *bad = ",\"invite\":\"sdi_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"";
    LOOP(&l, &a, .target = REGISTER, .json = registration("anna@example.com", bad));
    CHECK_PROBLEM(&a, 400, "token_invalid");
    catch_mail(&l);
    CHECK_U64(mail.count, 0);
    loop_close(&l);
}

TEST(registration_open_with_confirmed_address)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    open_with(&l, REGISTRATION_OPEN, true);
    LOOP(&l, &a, .target = REGISTER, .json = registration("Anna@Example.com", ",\"display_name\":\"Anna\""));
    CHECK_STATUS(&a, 201);
    CHECK_STR(&a, "user.role", "user");
    LOOP(&l, &a, .target = LOGIN, .json = login("anna@example.com", LOOP_PASSWORD));
    CHECK_PROBLEM(&a, 401, "invalid_credentials");
    catch_mail(&l);
    CHECK_U64(mail.count, 1);
    CHECK_SLICE(slice_cstr(mail.to), SLICE("Anna@Example.com"));
    const char *token = token_in(mail.text);
    CHECK(strncmp(token, "sdv_", 4) == 0);
    LOOP(&l, &a, .target = RESET, .json = loop_text("{\"token\":\"%s\",\"new_password\":\"" NEW_PASSWORD "\"}", token));
    CHECK_PROBLEM(&a, 400, "token_invalid");
    LOOP(&l, &a, .target = VERIFY, .json = loop_text("{\"token\":\"%s\"}", token));
    CHECK_STATUS(&a, 200);
    CHECK_STR(&a, "user.email", "Anna@Example.com");
    LOOP(&l, &a, .target = VERIFY, .json = loop_text("{\"token\":\"%s\"}", token));
    CHECK_PROBLEM(&a, 400, "token_invalid");
    LOOP(&l, &a, .target = LOGIN, .json = login("anna@example.com", LOOP_PASSWORD));
    CHECK_STATUS(&a, 200);
    loop_close(&l);
}

TEST(confirmation_runs_out)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    open_with(&l, REGISTRATION_OPEN, true);
    LOOP(&l, &a, .target = REGISTER, .json = registration("anna@example.com", ""));
    catch_mail(&l);
    const char *token = token_in(mail.text);
    loop_advance(24 * 3600 * 1000 - 1);
    LOOP(&l, &a, .target = VERIFY, .json = loop_text("{\"token\":\"%sx\"}", token));
    CHECK_PROBLEM(&a, 400, "token_invalid");
    loop_advance(1);
    LOOP(&l, &a, .target = VERIFY, .json = loop_text("{\"token\":\"%s\"}", token));
    CHECK_PROBLEM(&a, 400, "token_invalid");
    loop_close(&l);
}

/* The answer for a taken address is that for a free one, but for ids and times. */
static const char *shape_of(struct loop_answer *a)
{
    return loop_text("%d %zu %s %s %s %zu", a->status, a->len, loop_str(a, "user.role"), loop_str(a, "user.display_name"),
                     loop_str(a, "user.email"), a->header_count);
}

TEST(registration_does_not_tell_taken_addresses)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    open_with(&l, REGISTRATION_OPEN, true);
    LOOP(&l, &a, .target = REGISTER, .json = registration("anna@example.com", ""));
    const char *free_address = shape_of(&a);
    loop_user(&l, "anna@example.com", ROLE_USER);
    LOOP(&l, &a, .target = REGISTER, .json = registration("anna@example.com", ""));
    CHECK_SLICE(slice_cstr(shape_of(&a)), slice_cstr(free_address));
    catch_mail(&l);
    CHECK_U64(mail.count, 2);
    CHECK_SLICE(slice_cstr(mail.subject), SLICE("You already have an account"));
    /* Without mail there is nobody to tell, and still no difference. */
    l.cfg.mail = (struct app_mail){0};
    loop_reopen(&l);
    LOOP(&l, &a, .target = REGISTER, .json = registration("anna@example.com", ""));
    CHECK_SLICE(slice_cstr(shape_of(&a)), slice_cstr(free_address));
    LOOP(&l, &a, .target = REGISTER, .json = registration("berta@example.com", ""));
    CHECK_STATUS(&a, 201);
    /* Nor in what has been done by the time of the answer: that comes after. */
    LOOP(&l, &a, .target = LOGIN, .json = login("berta@example.com", LOOP_PASSWORD));
    CHECK_STATUS(&a, 401);
    loop_jobs(&l);
    LOOP(&l, &a, .target = LOGIN, .json = login("berta@example.com", LOOP_PASSWORD));
    CHECK_STATUS(&a, 200);
    loop_close(&l);
}

TEST(mail_for_one_address_is_bounded)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    open_with(&l, REGISTRATION_CLOSED, true);
    loop_user(&l, "anna@example.com", ROLE_USER);
    for (int i = 0; i < 20; i++) LOOP(&l, &a, .target = FORGOT, .json = "{\"email\":\"anna@example.com\"}");
    CHECK_STATUS(&a, 202);
    catch_mail(&l);
    CHECK_U64(mail.count, 5);
    loop_close(&l);
}

/* ---- forgotten passwords ---- */

static void forget(struct loop *l, const char *email)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = FORGOT, .json = loop_text("{\"email\":\"%s\"}", email));
    CHECK_STATUS(&a, 202);
    CHECK_U64(a.len, 0);
    catch_mail(l);
}

static const char *reset(const char *token, const char *password)
{
    return loop_text("{\"token\":\"%s\",\"new_password\":\"%s\"}", token, password);
}

TEST(password_reset)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    open_with(&l, REGISTRATION_CLOSED, true);
    const char *bearer = loop_user(&l, "anna@example.com", ROLE_USER);
    forget(&l, "nobody@example.com");
    CHECK_U64(mail.count, 0);
    /* What a client says of itself has no part in the link. */
    LOOP(&l, &a, .target = FORGOT, .json = "{\"email\":\"anna@example.com\"}",
         .headers = {{SLICE("host"), SLICE("evil.example")}, {SLICE("x-forwarded-host"), SLICE("evil.example")}});
    CHECK_STATUS(&a, 202);
    catch_mail(&l);
    CHECK_U64(mail.count, 1);
    CHECK(strstr(mail.text, LOOP_URL "/reset#sdp_") && !strstr(mail.text, "evil"));
    const char *token = token_in(mail.text);
    LOOP(&l, &a, .target = RESET, .json = reset(token, "short"));
    CHECK_STATUS(&a, 400);
    CHECK_STR(&a, "errors.0.field", "new_password");
    LOOP(&l, &a, .target = RESET, .json = reset(token, NEW_PASSWORD));
    CHECK_STATUS(&a, 204);
    LOOP(&l, &a, .target = "/api/v1/me", .bearer = bearer);
    CHECK_STATUS(&a, 401);
    LOOP(&l, &a, .target = LOGIN, .json = login("anna@example.com", LOOP_PASSWORD));
    CHECK_STATUS(&a, 401);
    LOOP(&l, &a, .target = LOGIN, .json = login("anna@example.com", NEW_PASSWORD));
    CHECK_STATUS(&a, 200);
    LOOP(&l, &a, .target = RESET, .json = reset(token, NEW_PASSWORD));
    CHECK_PROBLEM(&a, 400, "token_invalid");
    catch_mail(&l);
    CHECK_SLICE(slice_cstr(mail.subject), SLICE("Your password was changed"));
    loop_close(&l);
}

/* ---- what somebody else may have left in an account ---- */

static const struct db_stmt planted[] = {
    {"plant_external", "INSERT INTO external_identities (provider, subject, user_id, created_at) VALUES ('corp', 'x', $1, 1)", NULL},
    {"plant_passkey", "INSERT INTO passkeys (id, user_id, credential_id, alg, public_key, sign_count, name, created_at) "
                      "VALUES ($1, $1, $1, -7, $1, 0, 'x', 1)", NULL},
    {"plant_totp", "INSERT INTO totp (user_id, pending, kek_id, wrapped, created_at) VALUES ($1, 0, $1, $1, 1)", NULL},
    {"plant_recovery", "INSERT INTO recovery_codes (user_id, hash) VALUES ($1, $1)", NULL},
    {"plant_key", "INSERT INTO api_keys (id, user_id, name, secret_hash, scopes, created_at) VALUES ('abcdefgh', $1, 'x', $1, 1, 1)", NULL},
};
static const struct db_stmt planted_count = {
    "planted_count",
    "SELECT (SELECT COUNT(*) FROM external_identities WHERE user_id = $1) + (SELECT COUNT(*) FROM passkeys WHERE user_id = $1) + "
    "(SELECT COUNT(*) FROM totp WHERE user_id = $1) + (SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1) + "
    "(SELECT COUNT(*) FROM api_keys WHERE user_id = $1)", NULL};

struct plant_arg {
    struct id user;
    bool look;
    int64_t n;
};

static enum err plant_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct plant_arg *a = arg;
    struct db_result r;
    for (size_t i = 0; !a->look && i < ARRAY_LEN(planted); i++) TRY(db_exec(c, conn, &planted[i], NULL, db_id(&a->user)));
    TRY(db_one(c, conn, &planted_count, &r, db_id(&a->user)));
    a->n = db_get_i64(&r, 0, 0);
    return ERR_OK;
}

/* How many ways in there are; before that, with `add`, one of each kind comes to be. */
static uint64_t ways_in(struct loop *l, bool add)
{
    CLEANUP(ctx_done) struct ctx c;
    struct plant_arg a = {.look = !add};
    struct user user;
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    enum err e = user_by_email(&c, l->app, SLICE("anna@example.com"), &user);
    a.user = user.id;
    if (e == ERR_OK) e = db_tx(&c, l->app->be.db, DB_WRITE, plant_tx, &a);
    if (e != ERR_OK) test_fail(__FILE__, __LINE__, "ways in: %s: %s", err_name(e), c.err_detail);
    return (uint64_t)a.n;
}

TEST(first_reset_removes_what_others_may_have_left)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    open_with(&l, REGISTRATION_CLOSED, true);
    loop_user(&l, "anna@example.com", ROLE_USER);
    const char *admin = loop_user(&l, "root@example.com", ROLE_ADMIN);
    CHECK_U64(ways_in(&l, true), ARRAY_LEN(planted));
    forget(&l, "anna@example.com");
    LOOP(&l, &a, .target = RESET, .json = reset(token_in(mail.text), NEW_PASSWORD));
    CHECK_STATUS(&a, 204);
    CHECK_U64(ways_in(&l, false), 0);
    LOOP(&l, &a, .target = "/api/v1/admin/audit-logs?event=auth.password.reset", .bearer = admin);
    CHECK(strstr(loop_str(&a, "items.0.detail"), "removed") != NULL);
    /* Confirmed now: what is there is the owner's. */
    CHECK_U64(ways_in(&l, true), ARRAY_LEN(planted));
    forget(&l, "anna@example.com");
    LOOP(&l, &a, .target = RESET, .json = reset(token_in(mail.text), NEW_PASSWORD " too"));
    CHECK_STATUS(&a, 204);
    CHECK_U64(ways_in(&l, false), ARRAY_LEN(planted));
    loop_close(&l);
}

TEST(reset_runs_out_and_the_newest_counts)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    open_with(&l, REGISTRATION_CLOSED, true);
    loop_user(&l, "anna@example.com", ROLE_USER);
    forget(&l, "anna@example.com");
    const char *first = token_in(mail.text);
    forget(&l, "ANNA@example.com");
    const char *second = token_in(mail.text);
    CHECK(strcmp(first, second) != 0);
    LOOP(&l, &a, .target = RESET, .json = reset(first, NEW_PASSWORD));
    CHECK_PROBLEM(&a, 400, "token_invalid");
    loop_advance(15 * 60 * 1000);
    LOOP(&l, &a, .target = RESET, .json = reset(second, NEW_PASSWORD));
    CHECK_PROBLEM(&a, 400, "token_invalid");
    loop_close(&l);
}

struct race {
    struct loop *l;
    const char *body;
    int status[100];
};

static void post_reset(void *arg, unsigned i)
{
    struct race *r = arg;
    for (unsigned k = i; k < 100; k += 50) {
        ANSWER a = {0};
        LOOP(r->l, &a, .target = RESET, .json = r->body);
        r->status[k] = a.status;
    }
}

TEST(reset_token_works_once_of_a_hundred_at_the_same_time)
{
    struct loop l;
    struct race r = {.l = &l};
    int ok = 0, used = 0;
    if (loop_missing()) return;
    open_with(&l, REGISTRATION_CLOSED, true);
    /* Hashing takes its time, so that many have looked at the token before the first one uses it. */
    l.cfg.password_cost = (struct pwhash_cost){8192, 2};
    loop_reopen(&l);
    loop_user(&l, "anna@example.com", ROLE_USER);
    forget(&l, "anna@example.com");
    r.body = reset(token_in(mail.text), NEW_PASSWORD);
    loop_parallel(50, post_reset, &r);
    for (int i = 0; i < 100; i++) {
        ok += r.status[i] == 204;
        used += r.status[i] == 400;
    }
    CHECK_U64(ok, 1);
    CHECK_U64(used, 99);
    loop_close(&l);
}

/* ---- invitations ---- */

TEST(invited_by_an_administrator)
{
    struct loop l;
    ANSWER a = {0};
    struct invite invite;
    CLEANUP(ctx_done) struct ctx c;
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    if (loop_missing()) return;
    open_with(&l, REGISTRATION_CLOSED, true);
    struct invite_new n = {.email = SLICE("berta@example.com"), .role = ROLE_GUEST, .has_quota = true, .quota_bytes = 12345};
    CHECK_OK(account_invite(&c, l.app, NULL, &n, &invite));
    CHECK(!invite.link.ptr);
    catch_mail(&l);
    CHECK_SLICE(slice_cstr(mail.subject), SLICE("You are invited to drop.example"));
    const char *more = loop_text(",\"invite\":\"%s\"", token_in(mail.text));
    LOOP(&l, &a, .target = REGISTER, .json = registration("carla@example.com", more));
    CHECK_STATUS(&a, 400);
    CHECK_STR(&a, "errors.0.field", "email");
    LOOP(&l, &a, .target = REGISTER, .json = registration("Berta@example.com", more));
    CHECK_STATUS(&a, 201);
    CHECK_STR(&a, "user.role", "guest");
    LOOP(&l, &a, .target = REGISTER, .json = registration("berta@example.com", more));
    CHECK_PROBLEM(&a, 400, "token_invalid");
    LOOP(&l, &a, .target = LOGIN, .json = login("berta@example.com", LOOP_PASSWORD));
    CHECK_STATUS(&a, 200);
    CHECK_U64(loop_num(&a, "user.quota_bytes"), 12345);
    CHECK_ERR(account_invite(&c, l.app, NULL, &n, &invite), ERR_EXISTS);
    loop_close(&l);
}

TEST(nothing_readable_waits_in_the_queue)
{
    struct loop l;
    ANSWER a = {0};
    CLEANUP(ctx_done) struct ctx c;
    struct job job;
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    if (loop_missing()) return;
    open_with(&l, REGISTRATION_OPEN, true);
    LOOP(&l, &a, .target = REGISTER, .json = registration("anna@example.com", ""));
    bool found = false;
    while (job_claim(&c, l.app, JOB_LANE_SHORT, &job) == ERR_OK) {
        if (!slice_eq(job.kind, SLICE("account"))) continue;
        found = true;
        CHECK(!memmem(job.payload.ptr, job.payload.len, "anna", 4) && !memmem(job.payload.ptr, job.payload.len, "argon", 5));
        /* Sealed for this purpose only. */
        struct slice plain;
        CHECK_OK(sealed_text_open(&c, l.app, "sft/1/account", job.payload, &plain));
        CHECK_ERR(sealed_text_open(&c, l.app, "sft/1/mail", job.payload, &plain), ERR_CORRUPT);
    }
    CHECK(found);
    loop_close(&l);
}

static uint64_t waiting_jobs(struct loop *l)
{
    CLEANUP(ctx_done) struct ctx c;
    uint64_t waiting = 0, dead = 0;
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    if (job_counts(&c, l->app, &waiting, &dead) != ERR_OK) test_fail(__FILE__, __LINE__, "job counts");
    return waiting;
}

TEST(mail_is_tried_again_until_it_is_worth_nothing)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    open_with(&l, REGISTRATION_CLOSED, true);
    loop_user(&l, "anna@example.com", ROLE_USER);
    loop_jobs(&l);
    uint64_t before = waiting_jobs(&l);
    LOOP(&l, &a, .target = FORGOT, .json = "{\"email\":\"anna@example.com\"}");
    loop_jobs(&l);
    CHECK_U64(waiting_jobs(&l), before + 1); /* nobody listens on that port */
    loop_advance(60 * 1000);
    loop_jobs(&l);
    CHECK_U64(waiting_jobs(&l), before + 1);
    loop_advance(15 * 60 * 1000);
    loop_jobs(&l);
    CHECK_U64(waiting_jobs(&l), before);
    loop_close(&l);
}

static enum err do_forgot(struct ctx *c, struct loop *l)
{
    return account_forgot(c, l->app, &(struct principal){.ip = "192.0.2.1"}, SLICE("anna@example.com"));
}

static enum err do_register(struct ctx *c, struct loop *l)
{
    struct registration_new n = {.email = SLICE("berta@example.com"), .password = SLICE(LOOP_PASSWORD)};
    struct user user;
    return account_register(c, l->app, &(struct principal){.ip = "192.0.2.1"}, &n, &user);
}

static enum err do_invite(struct ctx *c, struct loop *l)
{
    struct invite invite;
    return account_invite(c, l->app, NULL, &(struct invite_new){.email = SLICE("carla@example.com")}, &invite);
}

static enum err do_reset(struct ctx *c, struct loop *l)
{
    struct slice token = SLICE("sdp_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    enum err e = account_reset(c, l->app, &(struct principal){.ip = "192.0.2.1"}, token, SLICE(NEW_PASSWORD));
    return e == ERR_INVALID ? ERR_OK : e;
}

TEST(every_allocation_fails_once)
{
    static enum err (*const steps[])(struct ctx *, struct loop *) = {do_forgot, do_register, do_invite, do_reset};
    struct loop l;
    if (loop_missing() || loop_chosen() != LOOP_MEMORY) return;
    open_with(&l, REGISTRATION_OPEN, true);
    loop_user(&l, "anna@example.com", ROLE_USER);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        uint64_t n = 0;
        for (bool fired = true; fired; n++) {
            CLEANUP(ctx_done) struct ctx c;
            ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
            test_fail_alloc(n, false);
            enum err e = steps[i](&c, &l);
            fired = test_alloc_fired();
            test_fail_alloc(UINT64_MAX, false);
            if (e != ERR_OK && !(fired && e == ERR_NOMEM))
                test_fail(__FILE__, __LINE__, "step %zu, allocation %llu: %s", i, (unsigned long long)n, err_name(e));
        }
        CHECK(n > 1);
    }
    catch_mail(&l);
    CHECK(mail.count > 0);
    loop_close(&l);
}
