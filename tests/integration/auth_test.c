/* Set-up, sign-in, tokens, refresh, revocation: the rules that keep accounts apart from strangers. */
#include <openssl/evp.h>

#include "base/limits.h"
#include "codec/base64.h"
#include "core/app/app.h"
#include "core/session/session.h"
#include "integration/loopback.h"

#define ME "/api/v1/me"

static int me_status(struct loop *l, const char *bearer)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = ME, .bearer = bearer);
    return a.status;
}

static const char *setup_body(const char *token, const char *email, const char *password)
{
    return loop_text("{\"setup_token\":\"%s\",\"email\":\"%s\",\"password\":\"%s\"}", token, email, password);
}

TEST(auth_setup_once)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    LOOP(&l, &a, .target = "/api/v1/setup", .json = setup_body("the-setup-token-of-this-tesT", "a@example.com", LOOP_PASSWORD));
    CHECK_STATUS(&a, 403);
    LOOP(&l, &a, .target = "/api/v1/setup", .json = setup_body("", "a@example.com", LOOP_PASSWORD));
    CHECK_STATUS(&a, 403);
    LOOP(&l, &a, .target = "/api/v1/setup", .json = setup_body(LOOP_SETUP_TOKEN, "a@example.com", "short"));
    CHECK_STATUS(&a, 400);
    CHECK_STR(&a, "errors.0.field", "password");
    LOOP(&l, &a, .target = "/api/v1/setup", .json = setup_body(LOOP_SETUP_TOKEN, "not an address", LOOP_PASSWORD));
    CHECK_STATUS(&a, 400);
    CHECK_STR(&a, "errors.0.field", "email");
    LOOP(&l, &a, .target = "/api/v1/setup", .json = setup_body(LOOP_SETUP_TOKEN, "a@example.com", LOOP_PASSWORD));
    CHECK_STATUS(&a, 201);
    CHECK_STR(&a, "user.role", "admin");
    LOOP(&l, &a, .target = "/api/v1/setup", .json = setup_body(LOOP_SETUP_TOKEN, "b@example.com", LOOP_PASSWORD));
    CHECK_PROBLEM(&a, 404, "not_found");
    CHECK_U64(me_status(&l, loop_sign_in(&l, "a@example.com", LOOP_PASSWORD, NULL)), 200);
    loop_close(&l);
}

struct race {
    struct loop *l;
    _Atomic unsigned won;
};

static void set_up(void *arg, unsigned i)
{
    struct race *r = arg;
    ANSWER a = {0};
    LOOP(r->l, &a, .target = "/api/v1/setup",
         .json = setup_body(LOOP_SETUP_TOKEN, loop_text("a%u@example.com", i), LOOP_PASSWORD));
    if (a.status == 201) r->won++;
}

TEST(auth_setup_race)
{
    struct loop l;
    if (loop_missing()) return;
    for (int round = 0; round < 8 && !test_failed(); round++) {
        struct race r = {.l = &l};
        loop_open(&l);
        loop_parallel(8, set_up, &r);
        CHECK_U64(r.won, 1);
        loop_close(&l);
    }
}

TEST(auth_wrong_and_unknown_look_the_same)
{
    struct loop l;
    ANSWER wrong = {0};
    ANSWER unknown = {0};
    if (loop_missing()) return;
    loop_open(&l);
    loop_user(&l, "anna@example.com", ROLE_USER);
    LOOP(&l, &wrong, .target = "/api/v1/auth/login", .json = "{\"email\":\"anna@example.com\",\"password\":\"not the password\"}");
    LOOP(&l, &unknown, .target = "/api/v1/auth/login", .json = "{\"email\":\"nobody@example.com\",\"password\":\"not the password\"}");
    CHECK_PROBLEM(&wrong, 401, "invalid_credentials");
    CHECK_PROBLEM(&unknown, 401, "invalid_credentials");
    CHECK_STR(&wrong, "detail", loop_str(&unknown, "detail"));
    CHECK_U64(wrong.len, unknown.len);
    /* Addresses are compared folded, passwords whole. */
    loop_sign_in(&l, "ANNA@Example.COM", LOOP_PASSWORD, NULL);
    CHECK_FINE();
    LOOP(&l, &wrong, .target = "/api/v1/auth/login", .json = "{\"email\":\"anna@example.com\",\"password\":\"" LOOP_PASSWORD "x\"}");
    CHECK_STATUS(&wrong, 401);
    loop_close(&l);
}

TEST(auth_long_passwords_count_to_the_last_byte)
{
    static const size_t lengths[] = {73, 128, 256};
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    LOOP(&l, &a, .target = "/api/v1/setup", .json = setup_body(LOOP_SETUP_TOKEN, "first@example.com", LOOP_PASSWORD));
    CHECK_STATUS(&a, 201);
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        char text[257] = "";
        memset(text, 'p', lengths[i]);
        /* Link passwords go through bcrypt, which by itself would stop at 72 bytes. */
        const char *bearer = loop_sign_in(&l, "first@example.com", LOOP_PASSWORD, NULL);
        const char *token = loop_link(&l, bearer, SLICE("x"), loop_text("{\"password\":\"%s\"}", text));
        text[lengths[i] - 1] = 'q';
        LOOP(&l, &a, .target = loop_text("/api/v1/share/%s/verify", token), .json = loop_text("{\"password\":\"%s\"}", text));
        CHECK_PROBLEM(&a, 401, "wrong_password");
        text[lengths[i] - 1] = 'p';
        LOOP(&l, &a, .target = loop_text("/api/v1/share/%s/verify", token), .json = loop_text("{\"password\":\"%s\"}", text));
        CHECK_STATUS(&a, 200);
    }
    loop_close(&l);
}

TEST(auth_rate_limit)
{
    struct loop l;
    ANSWER a = {0};
    int signed_in = 0, denied = 0, limited = 0;
    if (loop_missing()) return;
    loop_open(&l);
    const char *bearer = loop_user(&l, "anna@example.com", ROLE_USER);
    /* By account, whatever the address: no more than the burst, one of which was the sign-in. */
    for (int i = 0; i < 30; i++) {
        LOOP(&l, &a, .target = "/api/v1/auth/login", .json = "{\"email\":\"anna@example.com\",\"password\":\"" LOOP_PASSWORD "\"}",
             .peer = loop_text("192.0.2.%d", i));
        signed_in += a.status == 200;
        limited += a.status == 429;
    }
    CHECK(signed_in == 19 && limited == 11);
    loop_advance(60 * 1000);
    limited = 0;
    for (int i = 0; i < 100; i++) {
        LOOP(&l, &a, .target = "/api/v1/auth/login", .json = "{\"email\":\"anna@example.com\",\"password\":\"guess guess guess\"}",
             .peer = loop_text("192.0.2.%d", i));
        denied += a.status == 401;
        limited += a.status == 429;
    }
    /* Wrong ones in a row cost a pause sooner (passwords_test.c has its length). */
    CHECK(denied == LIMIT_LOGIN_FREE_FAILS && limited == 100 - LIMIT_LOGIN_FREE_FAILS);
    CHECK_PROBLEM(&a, 429, "rate_limited");
    /* And by address, whatever the account: an office full of people passes, a program that guesses does not. */
    a.status = 0;
    for (int i = 0; i < 400 && a.status != 429; i++)
        LOOP(&l, &a, .target = "/api/v1/auth/login", .peer = "198.51.100.1",
             .json = loop_text("{\"email\":\"u%d@example.com\",\"password\":\"guess guess guess\"}", i));
    CHECK_PROBLEM(&a, 429, "rate_limited");
    /* Another address is not held up, nor is who is signed in; after a while neither is this one. */
    LOOP(&l, &a, .target = "/api/v1/auth/login", .json = "{\"email\":\"u@example.com\",\"password\":\"guess guess guess\"}",
         .peer = "198.51.100.2");
    CHECK_STATUS(&a, 401);
    CHECK_U64(me_status(&l, bearer), 200);
    loop_advance(60 * 1000);
    loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, NULL);
    loop_close(&l);
}

/* ---- access tokens ---- */

/* The token's part `i` (header, claims, signature), decoded; put back changed. */
static struct slice token_part(const char *token, unsigned i)
{
    struct slice rest = slice_cstr(token), part = {0};
    for (unsigned k = 0; k <= i; k++) part = slice_cut(&rest, '.');
    return part;
}

static const char *decoded(const char *token, unsigned i)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(4096);
    if (base64url_decode(&b, token_part(token, i)) != ERR_OK) return "";
    return loop_text(SLICE_FMT, SLICE_ARG(buf_view(&b)));
}

static const char *encoded(const char *text)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(4096);
    if (base64url_encode(&b, slice_cstr(text)) != ERR_OK) return "";
    return loop_text(SLICE_FMT, SLICE_ARG(buf_view(&b)));
}

static const char *replaced(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    if (!at) test_fail(__FILE__, __LINE__, "no %s in %s", from, text);
    return at ? loop_text("%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) : text;
}

TEST(auth_tampered_tokens)
{
    struct loop l, other;
    if (loop_missing()) return;
    loop_open(&l);
    loop_open(&other);
    const char *t = loop_user(&l, "anna@example.com", ROLE_USER), *foreign = loop_user(&other, "anna@example.com", ROLE_ADMIN);
    const char *head = decoded(t, 0), *claims = decoded(t, 1);
    struct slice h = token_part(t, 0), c = token_part(t, 1), s = token_part(t, 2), fs = token_part(foreign, 2);
    size_t n = strlen(t);
    const char *const bad[] = {
        "",
        "x",
        "...",
        foreign,
        loop_text("%s." SLICE_FMT ".", encoded("{\"alg\":\"none\",\"typ\":\"at+jwt\"}"), SLICE_ARG(c)),
        loop_text("%s." SLICE_FMT ".", encoded(replaced(head, "EdDSA", "none")), SLICE_ARG(c)),
        loop_text("%s." SLICE_FMT "." SLICE_FMT, encoded(replaced(head, "EdDSA", "HS256")), SLICE_ARG(c), SLICE_ARG(s)),
        loop_text("%s." SLICE_FMT "." SLICE_FMT, encoded(replaced(head, "\"kid\":\"", "\"kid\":\"x")), SLICE_ARG(c), SLICE_ARG(s)),
        loop_text(SLICE_FMT ".%s." SLICE_FMT, SLICE_ARG(h), encoded(replaced(claims, "\"user\"", "\"admin\"")), SLICE_ARG(s)),
        loop_text(SLICE_FMT ".%s." SLICE_FMT, SLICE_ARG(h), encoded(replaced(claims, "drop.example", "evil.example")), SLICE_ARG(s)),
        loop_text(SLICE_FMT "." SLICE_FMT "." SLICE_FMT, SLICE_ARG(h), SLICE_ARG(c), SLICE_ARG(fs)),
        loop_text(SLICE_FMT "." SLICE_FMT, SLICE_ARG(h), SLICE_ARG(c)),
        loop_text("%.*s", (int)n - 1, t),
        loop_text("%.*s", (int)n / 2, t),
        loop_text("%sA", t),
        loop_text("%s.x", t),
        loop_text("%s=", t),
        loop_text("%0*d", 5000, 0),
    };
    CHECK_U64(me_status(&l, t), 200);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (me_status(&l, bad[i]) != 401) test_fail(__FILE__, __LINE__, "token %zu was taken: %s", i, bad[i]);
    /* Every single character counts. */
    for (size_t i = 0; i < n; i++) {
        const char *b = loop_text("%.*s%c%s", (int)i, t, t[i] == 'A' ? 'B' : 'A', t + i + 1);
        if (me_status(&l, b) != 401) test_fail(__FILE__, __LINE__, "a change at %zu of %zu was not noticed", i, n);
    }
    CHECK_U64(me_status(&l, t), 200);
    /* Signed by the very key, but by a server of another name. */
    l.cfg.public_url = SLICE("https://moved.example");
    loop_reopen(&l);
    CHECK_U64(me_status(&l, t), 401);
    loop_close(&other);
    loop_close(&l);
}

TEST(auth_token_expires)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    const char *t = loop_user(&l, "anna@example.com", ROLE_USER);
    loop_advance(LIMIT_ACCESS_TOKEN_MS - 2000);
    CHECK_U64(me_status(&l, t), 200);
    loop_advance(2000);
    LOOP(&l, &a, .target = ME, .bearer = t);
    CHECK_PROBLEM(&a, 401, "unauthorized");
    /* The scheme's name is written as one likes; the token is not found elsewhere. */
    t = loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, NULL);
    LOOP(&l, &a, .target = ME, .headers = {{SLICE("authorization"), slice_cstr(loop_text("bEARER  %s", t))}});
    CHECK_STATUS(&a, 200);
    LOOP(&l, &a, .target = ME, .headers = {{SLICE("authorization"), slice_cstr(t)}});
    CHECK_STATUS(&a, 401);
    LOOP(&l, &a, .target = ME, .headers = {{SLICE("authorization"), slice_cstr(loop_text("Basic %s", t))}});
    CHECK_STATUS(&a, 401);
    LOOP(&l, &a, .target = ME, .headers = {{SLICE("cookie"), slice_cstr(loop_text("access_token=%s", t))}});
    CHECK_STATUS(&a, 401);
    loop_close(&l);
}

/* By OpenSSL alone, from the published key. */
static bool openssl_verifies(const char *token, const char *x)
{
    CLEANUP(buf_done) struct buf key = BUF_INIT(32);
    CLEANUP(buf_done) struct buf sig = BUF_INIT(64);
    size_t signed_len = token_part(token, 0).len + 1 + token_part(token, 1).len;
    if (base64url_decode(&key, slice_cstr(x)) != ERR_OK || base64url_decode(&sig, token_part(token, 2)) != ERR_OK) return false;
    EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const uint8_t *)key.ptr, key.len);
    EVP_MD_CTX *m = EVP_MD_CTX_new();
    bool ok = pkey && EVP_DigestVerifyInit(m, NULL, NULL, NULL, pkey) == 1 &&
              EVP_DigestVerify(m, (const uint8_t *)sig.ptr, sig.len, (const uint8_t *)token, signed_len) == 1;
    EVP_MD_CTX_free(m);
    EVP_PKEY_free(pkey);
    return ok;
}

TEST(auth_jwks_verifies_tokens)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    const char *t = loop_user(&l, "anna@example.com", ROLE_USER);
    LOOP(&l, &a, .target = "/.well-known/jwks.json");
    CHECK_STATUS(&a, 200);
    CHECK_U64(loop_count(&a, "keys"), 1);
    CHECK_STR(&a, "keys.0.alg", "EdDSA");
    CHECK(strstr(decoded(t, 0), loop_text("\"kid\":\"%s\"", loop_str(&a, "keys.0.kid"))));
    CHECK(loop_is_null(&a, "keys.0.d"));
    CHECK(openssl_verifies(t, loop_str(&a, "keys.0.x")));
    CHECK(!openssl_verifies(replaced(t, ".", ".A"), loop_str(&a, "keys.0.x")));
    CHECK(strstr(decoded(t, 1), "\"iss\":\"" LOOP_URL "\""));
    loop_close(&l);
}

/* ---- refresh ---- */

static const char *refresh(struct loop *l, const char *token, int *ret_status, const char **ret_access)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = "/api/v1/auth/refresh", .json = loop_text("{\"refresh_token\":\"%s\"}", token));
    *ret_status = a.status;
    if (ret_access) *ret_access = loop_str(&a, "access_token");
    return loop_str(&a, "refresh_token");
}

TEST(auth_refresh_rotates)
{
    struct loop l;
    const char *first = NULL, *access = NULL;
    int status = 0;
    if (loop_missing()) return;
    loop_open(&l);
    loop_user(&l, "anna@example.com", ROLE_USER);
    loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, &first);
    const char *second = refresh(&l, first, &status, &access);
    CHECK_U64(status, 200);
    CHECK(strcmp(first, second) != 0);
    CHECK_U64(me_status(&l, access), 200);
    /* A lost answer, two tabs: the same successor for ten seconds. */
    loop_advance(LIMIT_REFRESH_RETRY_MS);
    CHECK_SLICE(slice_cstr(refresh(&l, first, &status, NULL)), slice_cstr(second));
    CHECK_U64(status, 200);
    const char *third = refresh(&l, second, &status, &access);
    CHECK_U64(status, 200);
    /* Later it is theft: nobody stays in, not even with what was just given out. */
    loop_advance(1);
    refresh(&l, first, &status, NULL);
    CHECK_U64(status, 401);
    refresh(&l, third, &status, NULL);
    CHECK_U64(status, 401);
    refresh(&l, second, &status, NULL);
    CHECK_U64(status, 401);
    CHECK_U64(me_status(&l, access), 401);
    /* Other sessions of the account go on. */
    CHECK_U64(me_status(&l, loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, NULL)), 200);
    loop_close(&l);
}

TEST(auth_refresh_ends)
{
    struct loop l;
    const char *t = NULL;
    int status = 0;
    if (loop_missing()) return;
    loop_open(&l);
    loop_user(&l, "anna@example.com", ROLE_USER);
    const char *access = loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, &t);
    static const char *const bad[] = {"", "sdr_", "sdr_AAAA", "xyz"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        refresh(&l, bad[i], &status, NULL);
        CHECK_U64(status, 401);
    }
    refresh(&l, access, &status, NULL);
    CHECK(status == 400 || status == 401);
    /* Unused for its idle time. */
    loop_advance(LIMIT_REFRESH_IDLE_MS);
    refresh(&l, t, &status, NULL);
    CHECK_U64(status, 401);
    /* However often it is used, a session has an end. */
    loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, &t);
    int64_t begin = loop_now_ms();
    for (status = 200; status == 200 && loop_now_ms() - begin < 2 * LIMIT_REFRESH_MAX_MS; loop_advance(LIMIT_REFRESH_IDLE_MS - 1000))
        t = refresh(&l, t, &status, NULL);
    CHECK_U64(status, 401);
    CHECK(loop_now_ms() - begin <= LIMIT_REFRESH_MAX_MS + 2 * LIMIT_REFRESH_IDLE_MS);
    loop_close(&l);
}

static void refresh_once(void *arg, unsigned i)
{
    struct race *r = arg;
    ANSWER a = {0};
    (void)i;
    LOOP(r->l, &a, .target = "/api/v1/auth/refresh", .json = "{\"refresh_token\":\"sdr_unknown\"}");
    if (a.status == 401) r->won++;
}

struct tabs {
    struct loop *l;
    const char *token;
    const char *got[8];
};

static void refresh_tab(void *arg, unsigned i)
{
    struct tabs *t = arg;
    int status = 0;
    t->got[i] = refresh(t->l, t->token, &status, NULL);
}

TEST(auth_refresh_from_many_tabs)
{
    struct loop l;
    struct tabs t = {.l = &l};
    struct race r = {.l = &l};
    if (loop_missing()) return;
    loop_open(&l);
    loop_user(&l, "anna@example.com", ROLE_USER);
    loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, &t.token);
    loop_parallel(8, refresh_tab, &t);
    for (size_t i = 0; i < 8; i++) {
        CHECK(t.got[i][0]);
        CHECK_SLICE(slice_cstr(t.got[i]), slice_cstr(t.got[0]));
    }
    loop_parallel(4, refresh_once, &r);
    CHECK_U64(r.won, 4);
    loop_close(&l);
}

TEST(auth_logout)
{
    struct loop l;
    ANSWER a = {0};
    const char *t = NULL;
    int status = 0;
    if (loop_missing()) return;
    loop_open(&l);
    const char *other = loop_user(&l, "anna@example.com", ROLE_USER);
    const char *access = loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, &t);
    LOOP(&l, &a, .method = "POST", .target = "/api/v1/auth/logout", .bearer = access);
    CHECK_STATUS(&a, 204);
    CHECK_U64(me_status(&l, access), 401);
    refresh(&l, t, &status, NULL);
    CHECK_U64(status, 401);
    CHECK_U64(me_status(&l, other), 200);
    /* It stays so after a restart. */
    loop_reopen(&l);
    CHECK_U64(me_status(&l, access), 401);
    CHECK_U64(me_status(&l, other), 200);
    loop_close(&l);
}

TEST(auth_other_node_hears_of_it)
{
    struct loop l, beside;
    ANSWER a = {0};
    if (loop_missing() || loop_chosen() == LOOP_MEMORY) return;
    loop_open(&l);
    const char *access = loop_user(&l, "anna@example.com", ROLE_USER);
    loop_open_beside(&beside, &l);
    CHECK_FINE();
    CHECK_U64(me_status(&beside, access), 200);
    loop_advance(60 * 1000);
    LOOP(&l, &a, .method = "POST", .target = "/api/v1/auth/logout", .bearer = access);
    CHECK_STATUS(&a, 204);
    loop_advance(500);
    CLEANUP(ctx_done) struct ctx c;
    ctx_init(&c, MIB);
    CHECK_OK(session_watch(&c, beside.app));
    CHECK_U64(me_status(&beside, access), 401);
    loop_close(&beside);
    loop_close(&l);
}

TEST(auth_me)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    const char *t = loop_user(&l, "anna@example.com", ROLE_GUEST);
    LOOP(&l, &a, .method = "PATCH", .target = ME, .bearer = t, .json = "{\"display_name\":\"Anna Ä\"}");
    CHECK_STATUS(&a, 200);
    CHECK_STR(&a, "user.display_name", "Anna Ä");
    CHECK_STR(&a, "user.role", "guest");
    CHECK(loop_is_null(&a, "user.quota_bytes"));
    static const char *const bad[] = {"{}", "{\"display_name\":null}", "{\"display_name\":7}",
                                      "{\"display_name\":\"x\",\"role\":\"admin\"}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        LOOP(&l, &a, .method = "PATCH", .target = ME, .bearer = t, .json = bad[i]);
        CHECK_STATUS(&a, 400);
    }
    LOOP(&l, &a, .method = "PATCH", .target = ME, .bearer = t, .json = loop_text("{\"display_name\":\"%0201d\"}", 0));
    CHECK_STATUS(&a, 400);
    LOOP(&l, &a, .target = ME, .bearer = t);
    CHECK_STR(&a, "user.display_name", "Anna Ä");
    loop_close(&l);
}
