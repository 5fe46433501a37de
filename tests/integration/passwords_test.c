/* What a password must be, the list of common ones, and the pauses after wrong ones under a clock that the test moves. */
#include <string.h>

#include "base/limits.h"
#include "core/user/blocklist.h"
#include "core/user/password.h"
#include "integration/loopback.h"

#define V1 "/api/v1"
#define ANNA "anna@example.com"
#define WRONG "not the right one at all"

static const struct app plain_app = {.cfg = {.public_url = {"https://files.acme.example:8443", 31}}};

static enum err check(const struct app *app, bool second_factor, struct slice password, const char **ret_first)
{
    struct ctx c;
    struct password_owner owner = {second_factor, SLICE("anna.lindqvist@corp.example"), SLICE("Anna Lindqvist von Tessin")};
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    enum err e = password_check_new(&c, app, &owner, password, "password");
    *ret_first = c.field_error_count ? loop_text(SLICE_FMT, SLICE_ARG(c.field_errors[0].message)) : "";
    ctx_done(&c);
    return e;
}

TEST(password_lengths)
{
    static const char letters[] = "mv7qkz-pwx4tbn9hjr2cgyf5sld8";
    char text[1030];
    const char *why = NULL;
    for (size_t i = 0; i < sizeof text; i++) text[i] = letters[i * i % (sizeof letters - 1)];
    for (size_t n = 1; n <= 1024; n += n < 70 ? 1 : 53) {
        CHECK_ERR(check(&plain_app, false, slice_of(text, n), &why), n >= 15 ? ERR_OK : ERR_INVALID);
        CHECK_ERR(check(&plain_app, true, slice_of(text, n), &why), n >= 8 ? ERR_OK : ERR_INVALID);
    }
    CHECK_OK(check(&plain_app, false, slice_of(text, 1024), &why));
    CHECK_ERR(check(&plain_app, false, slice_of(text, 1025), &why), ERR_INVALID);
    /* Code points, not bytes. */
    CHECK_ERR(check(&plain_app, false, SLICE("ключ под ковром"), &why), ERR_OK);
    CHECK_ERR(check(&plain_app, false, SLICE("ключ под ковро"), &why), ERR_INVALID);
    CHECK_ERR(check(&plain_app, true, SLICE("🦊🦉🐢🐝🌲🌻🍄"), &why), ERR_INVALID);
    CHECK_ERR(check(&plain_app, true, SLICE("🦊🦉🐢🐝🌲🌻🍄🌊"), &why), ERR_OK);
    CHECK_ERR(check(&plain_app, false, SLICE("\xff\xfe not UTF-8 at all"), &why), ERR_INVALID);
    CHECK_OK(check(&plain_app, false, SLICE("spaces are fine   "), &why));
}

TEST(password_list_is_whole)
{
    struct slice all = blocklist_hashes();
    CHECK_U64(all.len % BLOCKLIST_HASH_BYTES, 0);
    CHECK(all.len / BLOCKLIST_HASH_BYTES >= 100000);
    CHECK(all.len <= 1 * MIB);
    for (size_t i = BLOCKLIST_HASH_BYTES; i < all.len; i += BLOCKLIST_HASH_BYTES)
        CHECK(memcmp(all.ptr + i - BLOCKLIST_HASH_BYTES, all.ptr + i, BLOCKLIST_HASH_BYTES) < 0);
}

TEST(password_common_ones_refused)
{
    static const char *const common[] = {"password", "12345678", "qwertyuiop", "iloveyou", "trustno1", "football", "1qaz2wsx",
                                         "sunshine", "princess1", "letmein1", "123456789qwerty", "polniypizdec0211"};
    const char *why = NULL;
    for (size_t i = 0; i < ARRAY_LEN(common); i++) {
        CHECK(password_is_common(slice_cstr(common[i])));
        CHECK_ERR(check(&plain_app, true, slice_cstr(common[i]), &why), ERR_INVALID);
    }
    CHECK_ERR(check(&plain_app, true, SLICE("TrustNo1"), &why), ERR_INVALID);
    CHECK(strstr(why, "most common") != NULL);
    /* The fullwidth letters fold to the same. */
    CHECK_ERR(check(&plain_app, true, SLICE("ｓunshine"), &why), ERR_INVALID);
    CHECK(!password_is_common(SLICE("a stroll along the river")));
    unsigned taken = 0;
    for (unsigned i = 0; i < 20000; i++) taken += password_is_common(slice_cstr(loop_text("%u-mv7qkz", i * 2654435761u)));
    CHECK_U64(taken, 0);
}

TEST(password_of_own_names_refused)
{
    static const char *const own[] = {"anna.lindqvist1987!", "Lindqvist-Lindqvist", "annaannaannaanna", "Tessin.Tessin-77",
                                      "ACME-acme-2026-!!",
                                      "sealdrop sealdrop", "Sealdrop2026!!!!", "password-password1", "anna@corp.example",
                                      "files.acme.example"};
    static const char *const fine[] = {"annabelle rides a horse", "839201748392017", "lindqvist met a quiet fox", "acme makes anvils!"};
    const char *why = NULL;
    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        CHECK_ERR(check(&plain_app, false, slice_cstr(own[i]), &why), ERR_INVALID);
        CHECK(strstr(why, "own name") != NULL);
    }
    for (size_t i = 0; i < ARRAY_LEN(fine); i++) CHECK_OK(check(&plain_app, false, slice_cstr(fine[i]), &why));
}

TEST(password_classes_are_a_switch)
{
    struct app strict = plain_app;
    const char *why = NULL;
    strict.cfg.password_classes = 3;
    CHECK_ERR(check(&strict, false, SLICE("a stroll along the river"), &why), ERR_INVALID);
    CHECK_OK(check(&strict, false, SLICE("A stroll along the river"), &why));
    strict.cfg.password_classes = 4;
    CHECK_ERR(check(&strict, false, SLICE("A stroll along the river"), &why), ERR_INVALID);
    CHECK_OK(check(&strict, false, SLICE("A stroll along 2 rivers"), &why));
}

static void login(struct loop *l, struct loop_answer *a, const char *email, const char *password)
{
    LOOP(l, a, .method = "POST", .target = V1 "/auth/login",
         .json = loop_text("{\"email\":\"%s\",\"password\":\"%s\"}", email, password));
}

/* Same status, code, headers and length, whether there is such an account or not, for as many tries as there can be. */
TEST(password_pauses_grow_and_tell_nothing)
{
    static const char *const who[] = {ANNA, "nobody@example.com"};
    struct loop l;
    if (loop_missing()) return;
    loop_open(&l);
    loop_user(&l, ANNA, ROLE_USER);
    CHECK_FINE();
    int64_t pause_s = 30;
    for (int try = 1; try <= 100; try++) {
        size_t lengths[2] = {0};
        for (size_t i = 0; i < 2; i++) {
            ANSWER a = {0};
            login(&l, &a, who[i], WRONG);
            CHECK_PROBLEM(&a, 401, "invalid_credentials");
            lengths[i] = a.len;
        }
        CHECK_U64(lengths[0], lengths[1]);
        if (try < 10) {
            loop_advance(60 * 1000); /* the limits per minute of the cache are another test's */
            continue;
        }
        for (size_t i = 0; i < 2 && try < 100; i++) {
            ANSWER a = {0};
            login(&l, &a, who[i], LOOP_PASSWORD);
            CHECK_PROBLEM(&a, 429, "rate_limited");
            CHECK_SLICE(loop_header(&a, "retry-after"), slice_cstr(loop_text("%lld", (long long)MIN(pause_s + 1, 3600))));
            lengths[i] = a.len;
        }
        CHECK_U64(lengths[0], lengths[1]);
        loop_advance(pause_s * 1000);
        if (loop_durable(&l) && try % 30 == 0) loop_reopen(&l);
        pause_s = MIN(pause_s * 2, 3600);
    }
    loop_advance(1000ll * 86400 * 1000);
    for (size_t i = 0; i < 2; i++) {
        ANSWER a = {0};
        login(&l, &a, who[i], LOOP_PASSWORD);
        CHECK_PROBLEM(&a, 423, "account_locked");
    }
    loop_close(&l);
}

TEST(password_right_one_resets)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    loop_user(&l, ANNA, ROLE_USER);
    CHECK_FINE();
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 9; i++) {
            login(&l, &a, i % 2 ? ANNA : "Anna@Example.com", WRONG);
            CHECK_PROBLEM(&a, 401, "invalid_credentials");
        }
        loop_advance(10 * 60 * 1000);
        login(&l, &a, ANNA, LOOP_PASSWORD);
        CHECK_STATUS(&a, 200);
        loop_advance(10 * 60 * 1000);
    }
    loop_close(&l);
}

struct guess {
    struct loop *l;
    _Atomic unsigned looked_at;
};

static void guess(void *arg, unsigned i)
{
    struct guess *g = arg;
    ANSWER a = {0};
    (void)i;
    login(g->l, &a, ANNA, WRONG);
    if (a.status == 401) g->looked_at++;
}

TEST(password_parallel_guesses_do_not_slip_past)
{
    struct loop l;
    if (loop_missing()) return;
    loop_open(&l);
    loop_user(&l, ANNA, ROLE_USER);
    CHECK_FINE();
    struct guess g = {.l = &l};
    loop_parallel(16, guess, &g);
    CHECK_U64(g.looked_at, LIMIT_LOGIN_FREE_FAILS);
    loop_close(&l);
}

/* Step-up shares the count: a stolen session is no way to guess the password. */
TEST(password_step_up_counts_too)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    const char *bearer = loop_user(&l, ANNA, ROLE_USER);
    CHECK_FINE();
    for (int i = 0; i < 10; i++) {
        const char *target = i % 2 ? V1 "/auth/reauthenticate" : V1 "/auth/2fa/enable";
        LOOP(&l, &a, .method = "POST", .target = target, .bearer = bearer, .json = "{\"password\":\"" WRONG "\"}");
        CHECK_PROBLEM(&a, 403, "wrong_password");
    }
    LOOP(&l, &a, .method = "POST", .target = V1 "/auth/reauthenticate", .bearer = bearer,
         .json = "{\"password\":\"" LOOP_PASSWORD "\"}");
    CHECK_PROBLEM(&a, 429, "rate_limited");
    loop_advance(31 * 1000);
    LOOP(&l, &a, .method = "POST", .target = V1 "/auth/reauthenticate", .bearer = bearer,
         .json = "{\"password\":\"" LOOP_PASSWORD "\"}");
    CHECK_STATUS(&a, 200);
    loop_close(&l);
}

TEST(password_change_needs_a_fresh_proof)
{
    static const char body[] = "{\"current_password\":\"" LOOP_PASSWORD "\",\"new_password\":\"a stroll along the river\"}";
    struct loop l;
    ANSWER a = {0};
    const char *refresh = NULL;
    if (loop_missing()) return;
    loop_open(&l);
    loop_user(&l, ANNA, ROLE_USER);
    const char *bearer = loop_sign_in(&l, ANNA, LOOP_PASSWORD, &refresh), *other_refresh = NULL;
    loop_sign_in(&l, ANNA, LOOP_PASSWORD, &other_refresh);
    CHECK_FINE();
    loop_advance(9 * 60 * 1000);
    LOOP(&l, &a, .method = "POST", .target = V1 "/auth/refresh", .json = loop_text("{\"refresh_token\":\"%s\"}", refresh));
    CHECK_STATUS(&a, 200);
    bearer = loop_str(&a, "access_token");
    loop_advance(2 * 60 * 1000);
    LOOP(&l, &a, .method = "POST", .target = V1 "/auth/password", .bearer = bearer, .json = body);
    CHECK_PROBLEM(&a, 403, "reauth_required");
    LOOP(&l, &a, .method = "POST", .target = V1 "/auth/reauthenticate", .bearer = bearer,
         .json = "{\"password\":\"" LOOP_PASSWORD "\"}");
    CHECK_STATUS(&a, 200);
    bearer = loop_str(&a, "access_token");
    LOOP(&l, &a, .method = "POST", .target = V1 "/auth/password", .bearer = bearer, .json = body);
    CHECK_STATUS(&a, 200);
    LOOP(&l, &a, .target = V1 "/me", .bearer = bearer);
    CHECK_STATUS(&a, 200);
    LOOP(&l, &a, .method = "POST", .target = V1 "/auth/refresh", .json = loop_text("{\"refresh_token\":\"%s\"}", other_refresh));
    CHECK_STATUS(&a, 401);
    loop_close(&l);
}

static enum err prove_once(struct loop *l, const char *password, uint64_t n, bool for_ever, bool *ret_fired)
{
    CLEANUP(ctx_done) struct ctx c;
    struct user user;
    struct principal who = {.signed_in = false};
    struct password_try try = {&user, SLICE(ANNA), "auth.login", &who};
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    test_fail_alloc(n, for_ever);
    enum err e = user_by_email(&c, l->app, SLICE(ANNA), &user);
    if (e == ERR_OK) e = password_prove(&c, l->app, &try, slice_cstr(password));
    *ret_fired = test_alloc_fired();
    test_fail_alloc(UINT64_MAX, false);
    return e;
}

/* Want of memory is nobody's wrong password: what could not be looked at does not count, nor is it ever right. */
TEST(password_out_of_memory)
{
    struct loop l;
    bool fired = true;
    if (loop_missing()) return;
    loop_open(&l);
    loop_user(&l, ANNA, ROLE_USER);
    CHECK_FINE();
    for (uint64_t n = 0; fired; n++) {
        bool unused = false;
        CHECK(n < 5000);
        enum err e = prove_once(&l, WRONG, n, n % 2, &fired);
        CHECK(e == ERR_DENIED || e == ERR_NOMEM || e == ERR_CRYPTO || e == ERR_BUSY);
        if (e == ERR_DENIED || n % 8 == 7) CHECK_OK(prove_once(&l, LOOP_PASSWORD, UINT64_MAX, false, &unused));
    }
    loop_close(&l);
}
