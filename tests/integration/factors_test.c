/* Second factors under a clock that the test moves: windows, pauses, enrolments that wait, key rotation, and faults. */
#include <string.h>

#include "base/limits.h"
#include "core/key/key.h"
#include "core/mfa/mfa.h"
#include "integration/authenticator.h"

#define V1 "/api/v1"
#define ANNA "anna@example.com"

static void post(struct loop *l, struct loop_answer *a, const char *bearer, const char *target, const char *json)
{
    LOOP(l, a, .method = "POST", .target = target, .bearer = bearer, .json = json);
}

static const char *verify_body(const char *mfa_token, const char *code)
{
    return mfa_token ? loop_text("{\"mfa_token\":\"%s\",\"code\":\"%s\"}", mfa_token, code) : loop_text("{\"code\":\"%s\"}", code);
}

static void verify(struct loop *l, struct loop_answer *a, const char *mfa_token, const char *code)
{
    post(l, a, NULL, V1 "/auth/2fa/verify", verify_body(mfa_token, code));
}

static void login(struct loop *l, struct loop_answer *a, const char *email)
{
    post(l, a, NULL, V1 "/auth/login", loop_text("{\"email\":\"%s\",\"password\":\"" LOOP_PASSWORD "\"}", email));
}

static const char *mfa_token(struct loop *l)
{
    ANSWER a = {0};
    login(l, &a, ANNA);
    return loop_str(&a, "mfa_token");
}

static int me(struct loop *l, const char *bearer)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = V1 "/me", .bearer = bearer);
    return a.status;
}

/* Begins an enrolment; confirm it with a code. */
static struct secret enable(struct loop *l, const char *bearer)
{
    ANSWER a = {0};
    post(l, &a, bearer, V1 "/auth/2fa/enable", "{\"password\":\"" LOOP_PASSWORD "\"}");
    if (a.status != 200) test_fail(__FILE__, __LINE__, "enable: %d", a.status);
    return secret_of(loop_str(&a, "secret"));
}

/* anna with a second factor, whose last used step is long ago; a recovery code. */
static const char *enrolled(struct loop *l, struct secret *ret, const char **ret_bearer)
{
    ANSWER a = {0};
    const char *bearer = loop_user(l, ANNA, ROLE_USER);
    *ret = enable(l, bearer);
    post(l, &a, bearer, V1 "/auth/2fa/verify", verify_body(NULL, code_at(ret, 0)));
    if (a.status != 200) test_fail(__FILE__, __LINE__, "confirm: %d", a.status);
    if (ret_bearer) *ret_bearer = bearer;
    loop_advance(5 * TOTP_STEP_MS);
    return loop_str(&a, "recovery_codes.3");
}

TEST(factor_window_is_three_steps)
{
    struct loop l;
    ANSWER a = {0};
    struct secret s;
    if (loop_missing()) return;
    loop_open(&l);
    enrolled(&l, &s, NULL);
    CHECK_FINE();
    const char *t = mfa_token(&l);
    verify(&l, &a, t, code_at(&s, -2));
    CHECK_PROBLEM(&a, 401, "wrong_code");
    verify(&l, &a, t, code_at(&s, 2));
    CHECK_PROBLEM(&a, 401, "wrong_code");
    for (int offset = -1; offset <= 1; offset++) {
        verify(&l, &a, t, code_at(&s, offset));
        CHECK_STATUS(&a, 200);
        CHECK_U64(me(&l, loop_str(&a, "access_token")), 200);
    }
    loop_close(&l);
}

TEST(factor_steps_only_go_forward)
{
    struct loop l;
    ANSWER a = {0};
    struct secret s;
    if (loop_missing()) return;
    loop_open(&l);
    enrolled(&l, &s, NULL);
    CHECK_FINE();
    const char *later = code_at(&s, 1), *now = code_at(&s, 0);
    verify(&l, &a, mfa_token(&l), later);
    CHECK_STATUS(&a, 200);
    /* Older, though never used. */
    verify(&l, &a, mfa_token(&l), now);
    CHECK_PROBLEM(&a, 401, "wrong_code");
    /* A clock that was set back does not bring a used code back. */
    loop_advance(-TOTP_STEP_MS);
    verify(&l, &a, mfa_token(&l), code_at(&s, 1));
    CHECK_PROBLEM(&a, 401, "wrong_code");
    loop_advance(3 * TOTP_STEP_MS);
    verify(&l, &a, mfa_token(&l), code_at(&s, 0));
    CHECK_STATUS(&a, 200);
    loop_close(&l);
}

struct race {
    struct loop *l;
    const char *token, *code;
    _Atomic unsigned won, lost;
};

static void race_twice(void *arg, unsigned i)
{
    struct race *r = arg;
    (void)i;
    for (int k = 0; k < 2; k++) {
        ANSWER a = {0};
        verify(r->l, &a, r->token, r->code);
        if (a.status == 200) r->won++;
        if (a.status == 401) r->lost++;
    }
}

TEST(factor_of_100_posts_one_wins)
{
    struct loop l;
    ANSWER a = {0};
    struct secret s;
    if (loop_missing()) return;
    loop_open(&l);
    const char *recovery = enrolled(&l, &s, NULL);
    CHECK_FINE();
    struct race totp = {&l, mfa_token(&l), code_at(&s, 0), 0, 0}, rec = {&l, mfa_token(&l), recovery, 0, 0};
    loop_parallel(50, race_twice, &totp);
    CHECK_U64(totp.won, 1);
    CHECK_U64(totp.lost, 99);
    loop_parallel(10, race_twice, &rec);
    CHECK_U64(rec.won, 1);
    CHECK_U64(rec.lost, 19);
    /* None of these were guesses. */
    verify(&l, &a, mfa_token(&l), code_at(&s, 1));
    CHECK_STATUS(&a, 200);
    loop_close(&l);
}

TEST(factor_wrong_codes_pause_the_account)
{
    static const int64_t pauses_min[] = {15, 30, 60, 120, 240, 480, 960, 1440, 1440};
    struct loop l;
    ANSWER a = {0};
    struct secret s;
    if (loop_missing()) return;
    loop_open(&l);
    const char *recovery = enrolled(&l, &s, NULL);
    CHECK_FINE();
    for (int i = 0; i < LIMIT_MFA_FREE_FAILS; i++) {
        verify(&l, &a, mfa_token(&l), "000000");
        CHECK_PROBLEM(&a, 401, "wrong_code");
    }
    for (size_t i = 0; i < sizeof pauses_min / sizeof pauses_min[0]; i++) {
        verify(&l, &a, mfa_token(&l), i % 2 ? recovery : code_at(&s, 0));
        CHECK_PROBLEM(&a, 423, "mfa_locked");
        loop_advance(pauses_min[i] * 60 * 1000 - 1000);
        verify(&l, &a, mfa_token(&l), code_at(&s, 0));
        CHECK_PROBLEM(&a, 423, "mfa_locked");
        CHECK_SLICE(loop_header(&a, "retry-after"), SLICE("2"));
        loop_advance(1000);
        verify(&l, &a, mfa_token(&l), "AAAAAAAAAAAAAAAA");
        CHECK_PROBLEM(&a, 401, "wrong_code");
    }
    loop_advance(LIMIT_MFA_DELAY_MAX_MS);
    if (loop_durable(&l)) loop_reopen(&l);
    verify(&l, &a, mfa_token(&l), code_at(&s, 0));
    CHECK_STATUS(&a, 200);
    /* The count began anew. */
    for (int i = 0; i < LIMIT_MFA_FREE_FAILS - 1; i++) verify(&l, &a, mfa_token(&l), "000000");
    CHECK_PROBLEM(&a, 401, "wrong_code");
    verify(&l, &a, mfa_token(&l), recovery);
    CHECK_STATUS(&a, 200);
    loop_close(&l);
}

TEST(factor_tokens_end)
{
    struct loop l;
    ANSWER a = {0};
    struct secret s;
    const char *bearer = NULL;
    if (loop_missing()) return;
    loop_open(&l);
    enrolled(&l, &s, &bearer);
    CHECK_FINE();
    const char *t = mfa_token(&l);
    loop_advance(LIMIT_MFA_TOKEN_MS - 1);
    verify(&l, &a, t, code_at(&s, 0));
    CHECK_STATUS(&a, 200);
    loop_advance(1);
    verify(&l, &a, t, code_at(&s, 1));
    CHECK_PROBLEM(&a, 401, "unauthorized");
    /* A new password ends what was begun with the old one. */
    t = mfa_token(&l);
    bearer = loop_str(&a, "access_token");
    verify(&l, &a, t, code_at(&s, 1));
    CHECK_STATUS(&a, 200);
    bearer = loop_str(&a, "access_token");
    t = mfa_token(&l);
    post(&l, &a, bearer, V1 "/auth/password",
         "{\"current_password\":\"" LOOP_PASSWORD "\",\"new_password\":\"another battery staple\"}");
    CHECK_STATUS(&a, 200);
    loop_advance(2 * TOTP_STEP_MS);
    verify(&l, &a, t, code_at(&s, 1));
    CHECK_PROBLEM(&a, 401, "unauthorized");
    loop_close(&l);
}

TEST(factor_enrolment_waits_15_minutes)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    const char *bearer = loop_user(&l, ANNA, ROLE_USER);
    struct secret old = enable(&l, bearer);
    CHECK_FINE();
    loop_advance(LIMIT_MFA_ENROLMENT_MS);
    bearer = loop_sign_in(&l, ANNA, LOOP_PASSWORD, NULL);
    post(&l, &a, bearer, V1 "/auth/2fa/verify", verify_body(NULL, code_at(&old, 0)));
    CHECK_PROBLEM(&a, 404, "no_enrolment");
    struct secret s = enable(&l, bearer);
    CHECK(memcmp(&s, &old, sizeof s) != 0);
    loop_advance(LIMIT_ACCESS_TOKEN_MS - 1000);
    post(&l, &a, bearer, V1 "/auth/2fa/verify", verify_body(NULL, code_at(&s, 0)));
    CHECK_STATUS(&a, 200);
    loop_close(&l);
}

TEST(factor_replaced_only_when_the_new_one_is_confirmed)
{
    struct loop l;
    ANSWER a = {0};
    struct secret s;
    const char *bearer = NULL;
    if (loop_missing()) return;
    loop_open(&l);
    enrolled(&l, &s, &bearer);
    CHECK_FINE();
    post(&l, &a, bearer, V1 "/auth/2fa/enable",
         loop_text("{\"password\":\"" LOOP_PASSWORD "\",\"code\":\"%s\"}", code_at(&s, -1)));
    CHECK_STATUS(&a, 200);
    struct secret next = secret_of(loop_str(&a, "secret"));
    verify(&l, &a, mfa_token(&l), code_at(&next, 0));
    CHECK_PROBLEM(&a, 401, "wrong_code");
    verify(&l, &a, mfa_token(&l), code_at(&s, 0));
    CHECK_STATUS(&a, 200);
    post(&l, &a, bearer, V1 "/auth/2fa/verify", verify_body(NULL, code_at(&next, 0)));
    CHECK_STATUS(&a, 200);
    verify(&l, &a, mfa_token(&l), code_at(&s, 1));
    CHECK_PROBLEM(&a, 401, "wrong_code");
    verify(&l, &a, mfa_token(&l), code_at(&next, 1));
    CHECK_STATUS(&a, 200);
    loop_close(&l);
}

TEST(factor_required_by_role)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    loop_user(&l, "root@example.com", ROLE_ADMIN);
    loop_user(&l, ANNA, ROLE_USER);
    CHECK_FINE();
    l.app->cfg.mfa_policy = MFA_FOR_ADMINS;
    login(&l, &a, ANNA);
    CHECK(*loop_str(&a, "access_token"));
    login(&l, &a, "root@example.com");
    CHECK_STATUS(&a, 200);
    CHECK(loop_true(&a, "mfa_enrolment_required") && !*loop_str(&a, "access_token"));
    const char *t = loop_str(&a, "mfa_token");
    verify(&l, &a, t, "000000");
    CHECK_PROBLEM(&a, 404, "no_enrolment");
    post(&l, &a, NULL, V1 "/auth/2fa/enable", loop_text("{\"mfa_token\":\"%s\"}", t));
    CHECK_STATUS(&a, 200);
    struct secret s = secret_of(loop_str(&a, "secret"));
    verify(&l, &a, t, "000000");
    CHECK_PROBLEM(&a, 401, "wrong_code");
    verify(&l, &a, t, code_at(&s, 0));
    CHECK_STATUS(&a, 200);
    CHECK_U64(loop_count(&a, "recovery_codes"), 10);
    CHECK_U64(me(&l, loop_str(&a, "access_token")), 200);
    /* Its token may not be used to enrol once more: that takes the factor now. */
    post(&l, &a, NULL, V1 "/auth/2fa/enable", loop_text("{\"mfa_token\":\"%s\"}", t));
    CHECK_PROBLEM(&a, 401, "unauthorized");
    loop_close(&l);
}

/* CALLER_EITHER: cookies count only with proof that our own page sent them. */
TEST(factor_routes_and_cookies)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    loop_user(&l, ANNA, ROLE_USER);
    CHECK_FINE();
    LOOP(&l, &a, .method = "POST", .target = V1 "/auth/login",
         .json = "{\"email\":\"" ANNA "\",\"password\":\"" LOOP_PASSWORD "\",\"session\":\"cookie\"}",
         .headers = {{SLICE("sec-fetch-site"), SLICE("same-origin")}});
    CHECK_STATUS(&a, 200);
    const char *csrf = loop_str(&a, "csrf_token");
    struct slice set = SLICE("");
    for (size_t i = 0; i < a.header_count; i++)
        if (slice_starts(a.headers[i].value, SLICE("__Host-sd_at="))) set = a.headers[i].value;
    CHECK(set.len > 100);
    struct slice cookie = slice_cstr(loop_text(SLICE_FMT, SLICE_ARG(slice_sub(set, 0, slice_find(set, ';')))));
    const char *body = "{\"password\":\"" LOOP_PASSWORD "\"}";
    LOOP(&l, &a, .method = "POST", .target = V1 "/auth/2fa/enable", .json = body,
         .headers = {{SLICE("cookie"), cookie}, {SLICE("sec-fetch-site"), SLICE("same-origin")}});
    CHECK_PROBLEM(&a, 403, "csrf");
    LOOP(&l, &a, .method = "POST", .target = V1 "/auth/2fa/enable", .json = body,
         .headers = {{SLICE("cookie"), cookie}, {SLICE("sec-fetch-site"), SLICE("cross-site")},
                     {SLICE("x-csrf-token"), slice_cstr(csrf)}});
    CHECK_PROBLEM(&a, 403, "csrf");
    LOOP(&l, &a, .method = "POST", .target = V1 "/auth/2fa/enable", .json = body,
         .headers = {{SLICE("cookie"), cookie}, {SLICE("sec-fetch-site"), SLICE("same-origin")},
                     {SLICE("x-csrf-token"), slice_cstr(csrf)}});
    CHECK_STATUS(&a, 200);
    LOOP(&l, &a, .method = "POST", .target = V1 "/auth/2fa/enable", .json = body,
         .headers = {{SLICE("cookie"), SLICE("__Host-sd_at=nonsense")}});
    CHECK_PROBLEM(&a, 401, "unauthorized");
    LOOP(&l, &a, .method = "POST", .target = V1 "/auth/2fa/enable", .json = body, .bearer = "nonsense");
    CHECK_PROBLEM(&a, 401, "unauthorized");
    loop_close(&l);
}

TEST(factor_survives_key_rotation)
{
    struct loop l;
    ANSWER a = {0};
    struct secret s;
    const char *bearer = NULL;
    CLEANUP(ctx_done) struct ctx c;
    struct id kek;
    struct kek_row *rows = NULL;
    size_t n = 0;
    bool left = true;
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    if (loop_missing()) return;
    loop_open(&l);
    enrolled(&l, &s, &bearer);
    CHECK_FINE();
    CHECK_OK(key_rotate(&c, l.app, &kek));
    loop_advance(5 * 60 * 1000);
    for (int i = 0; i < 5 && left; i++) CHECK_OK(key_rewrap_some(&c, l.app, 10, &left));
    CHECK(!left);
    CHECK_OK(key_list(&c, l.app, &rows, &n));
    CHECK_U64(n, 2);
    CHECK_SLICE(rows[1].state, SLICE("destroyed"));
    if (loop_durable(&l)) loop_reopen(&l);
    verify(&l, &a, mfa_token(&l), code_at(&s, 0));
    CHECK_STATUS(&a, 200);
    CHECK_U64(me(&l, loop_str(&a, "access_token")), 200);
    loop_close(&l);
}

/* Proving and enrolling with every allocation failing, once and from then on: an error or the answer, never half of it. */
static enum err prove_once(struct loop *l, const char *code, uint64_t n, bool for_ever, bool *ret_fired)
{
    CLEANUP(ctx_done) struct ctx c;
    struct user user;
    struct principal who = {.signed_in = false};
    struct mfa_enrolment e;
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    test_fail_alloc(n, for_ever);
    enum err r = user_by_email(&c, l->app, SLICE(ANNA), &user);
    if (r == ERR_OK) r = mfa_enrol(&c, l->app, &(struct mfa_proof){&user, &who, SLICE(""), NULL}, &e);
    if (r == ERR_OK) r = mfa_prove(&c, l->app, &(struct mfa_proof){&user, &who, slice_cstr(code), NULL});
    *ret_fired = test_alloc_fired();
    test_fail_alloc(UINT64_MAX, false);
    return r;
}

TEST(factor_out_of_memory)
{
    struct loop l;
    struct secret s;
    if (loop_missing()) return;
    loop_open(&l);
    enrolled(&l, &s, NULL);
    CHECK_FINE();
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        bool fired = true;
        for (uint64_t n = 0; fired; n++) {
            CHECK(n < 5000);
            enum err r = prove_once(&l, code_at(&s, 0), n, for_ever, &fired);
            CHECK(r == ERR_OK || r == ERR_NOMEM || r == ERR_CRYPTO || r == ERR_BUSY);
            if (!fired) CHECK_OK(r);
            if (r == ERR_OK) loop_advance(TOTP_STEP_MS);
        }
    }
    loop_close(&l);
}

/* Token confusion: each of the three kinds, offered wherever one is taken. */
TEST(factor_tokens_are_for_one_use)
{
    static const char *const targets[] = {V1 "/auth/2fa/verify", V1 "/auth/2fa/enable", V1 "/auth/password"};
    static const char *const more[] = {",\"code\":\"000000\"", "", ",\"new_password\":\"a stroll along the river\""};
    struct loop l;
    CLEANUP(ctx_done) struct ctx c;
    struct user user;
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    if (loop_missing()) return;
    loop_open(&l);
    loop_user(&l, ANNA, ROLE_USER);
    CHECK_FINE();
    CHECK_OK(user_by_email(&c, l.app, SLICE(ANNA), &user));
    for (int use = MFA_VERIFY; use <= MFA_NEW_PASSWORD; use++) {
        struct slice token;
        CHECK_OK(mfa_token_new(&c, l.app, &user, (enum mfa_use)use, false, &token));
        for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
            ANSWER a = {0};
            bool taken = use == (int)i + 1 || (use == MFA_ENROL && i == 0);
            if (use == MFA_NEW_PASSWORD && taken) continue; /* it would work */
            post(&l, &a, NULL, targets[i], loop_text("{\"mfa_token\":\"" SLICE_FMT "\"%s}", SLICE_ARG(token), more[i]));
            if (taken) CHECK(!slice_eq(slice_cstr(loop_str(&a, "code")), SLICE("unauthorized")));
            else CHECK_PROBLEM(&a, 401, "unauthorized");
        }
    }
    loop_close(&l);
}

/* What the routes check first is checked again where it counts. */
TEST(factor_first_one_is_not_replaced_without_a_session)
{
    struct loop l;
    CLEANUP(ctx_done) struct ctx c;
    struct user user;
    struct secret s;
    struct mfa_enrolment e;
    struct slice *codes = NULL;
    struct principal who = {.signed_in = false};
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    if (loop_missing()) return;
    loop_open(&l);
    enrolled(&l, &s, NULL);
    CHECK_FINE();
    CHECK_OK(user_by_email(&c, l.app, SLICE(ANNA), &user));
    struct mfa_proof p = {&user, &who, SLICE(""), NULL};
    CHECK_OK(mfa_enrol(&c, l.app, &p, &e));
    struct secret second = secret_of(loop_text(SLICE_FMT, SLICE_ARG(e.secret)));
    p.code = slice_cstr(code_at(&second, 0));
    CHECK_ERR(mfa_confirm(&c, l.app, &p, &codes), ERR_NOT_FOUND);
    ctx_clear_error(&c);
    p.code = slice_cstr(code_at(&s, 0));
    CHECK_OK(mfa_prove(&c, l.app, &p));
    loop_close(&l);
}

static const struct db_stmt audited = {
    "test_audited", "SELECT event, result, actor_id, entry, pii FROM audit ORDER BY at, event DESC, id", NULL};

static enum err audited_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    return db_exec0(c, conn, &audited, arg);
}

TEST(sign_ins_are_audited)
{
    static const char *const want[][3] = {{"auth.login", "failed", "password"}, {"auth.login", "failed", "password"},
                                          {"auth.mfa", "failed", "totp"},       {"auth.mfa", "ok", "totp"},
                                          {"auth.login", "ok", "pwd otp"}};
    struct loop l;
    ANSWER a = {0};
    CLEANUP(ctx_done) struct ctx c;
    struct db_result before, r;
    struct secret s;
    struct user user;
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    if (loop_missing()) return;
    loop_open(&l);
    enrolled(&l, &s, NULL);
    CHECK_FINE();
    CHECK_OK(user_by_email(&c, l.app, SLICE(ANNA), &user));
    CHECK_OK(db_tx(&c, l.be.db, DB_READ, audited_tx, &before));
    post(&l, &a, NULL, V1 "/auth/login", "{\"email\":\"" ANNA "\",\"password\":\"not the right one\"}");
    loop_advance(1);
    post(&l, &a, NULL, V1 "/auth/login", "{\"email\":\"nobody@example.com\",\"password\":\"not the right one\"}");
    loop_advance(1);
    const char *t = mfa_token(&l);
    verify(&l, &a, t, "000000");
    loop_advance(1);
    verify(&l, &a, t, code_at(&s, 0));
    CHECK_STATUS(&a, 200);
    CHECK_OK(db_tx(&c, l.be.db, DB_READ, audited_tx, &r));
    CHECK_U64(r.rows - before.rows, ARRAY_LEN(want));
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        size_t row = before.rows + i;
        bool known = i != 1;
        struct id actor = db_get_id(&r, row, 2);
        CHECK_SLICE(db_get_slice(&r, row, 0), slice_cstr(want[i][0]));
        CHECK_SLICE(db_get_slice(&r, row, 1), slice_cstr(want[i][1]));
        CHECK(id_eq(actor, user.id) == known);
        const char *entry = loop_text(SLICE_FMT, SLICE_ARG(db_get_slice(&r, row, 3)));
        CHECK(strstr(entry, loop_text("\"detail\":\"%s\"", want[i][2])) != NULL);
        CHECK(strstr(entry, "example.com") == NULL && strstr(entry, "127.0.0.1") == NULL);
        CHECK(strstr(loop_text(SLICE_FMT, SLICE_ARG(db_get_slice(&r, row, 4))), "127.0.0.1") != NULL);
    }
    loop_close(&l);
}

/* Wrong codes count as well as wrong passwords; a right password that leads to no session hides neither. */
TEST(wrong_codes_before_a_sign_in_are_signalled)
{
    struct loop l;
    ANSWER a = {0};
    struct secret s;
    if (loop_missing()) return;
    loop_open(&l);
    enrolled(&l, &s, NULL);
    CHECK_FINE();
    for (int i = 0; i < 2; i++) {
        post(&l, &a, NULL, V1 "/auth/login", "{\"email\":\"" ANNA "\",\"password\":\"something quite different\"}");
        CHECK_STATUS(&a, 401);
    }
    for (int i = 0; i < LIMIT_SIGNAL_FAILS - 2; i++) {
        verify(&l, &a, mfa_token(&l), code_at(&s, 5 + i));
        CHECK_PROBLEM(&a, 401, "wrong_code");
    }
    verify(&l, &a, mfa_token(&l), code_at(&s, 0));
    CHECK_STATUS(&a, 200);
    loop_advance(TOTP_STEP_MS);
    verify(&l, &a, mfa_token(&l), code_at(&s, 0));
    CHECK_STATUS(&a, 200);
    const char *admin = loop_user(&l, "root@example.com", ROLE_ADMIN);
    LOOP(&l, &a, .target = V1 "/admin/audit-logs?event=auth.signal", .bearer = admin);
    CHECK_U64(loop_count(&a, "items"), 1);
    CHECK_STR(&a, "items.0.detail", "many_failures");
    loop_close(&l);
}
