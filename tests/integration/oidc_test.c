/* Signing in through a provider that lives in this test: what is right signs in, once, in the browser that began; a provider or an
 * attacker that gets anything wrong does not. (tests/e2e/oidc_test.sh does it with a real provider program.) */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "codec/base64.h"
#include "codec/uri.h"
#include "core/oidc/oidc.h"
#include "crypto/hash.h"
#include "integration/loopback.h"

#define ISSUER "https://id.example"
#define CALLBACK "/api/v1/auth/oidc/corp/callback"

/* What the provider says; fresh_provider sets the right things. */
struct provider {
    EVP_PKEY *key, *shown; /* signs; is in the key document (the same unless keys rotate) */
    const char *kid, *shown_kid;
    const char *alg, *iss, *aud, *sub, *email, *nonce; /* nonce NULL: as asked; aud is JSON */
    const char *verified, *groups;                     /* JSON */
    int64_t exp_in, iat_in;
    bool bad_signature, no_key_type;
    const char *key_alg;
    /* what it was asked */
    const char *asked_nonce, *challenge;
    unsigned key_fetches;
    bool pkce_ok, secret_ok;
};
static EVP_PKEY *key1, *key2;

static struct provider fresh_provider(void)
{
    if (!key1) key1 = EVP_RSA_gen(2048);
    if (!key2) key2 = EVP_RSA_gen(2048);
    return (struct provider){.key = key1, .shown = key1, .kid = "k1", .shown_kid = "k1", .alg = "RS256",
                             .key_alg = "RS256", .iss = ISSUER,
                             .aud = "\"sealdrop\"", .sub = "subject-1", .email = "anna@example.com", .verified = "true",
                             .groups = "[]", .exp_in = 300};
}

static const char *b64(struct slice s)
{
    struct buf b = BUF_INIT(64 * 1024);
    const char *text = base64url_encode(&b, s) == ERR_OK ? loop_text(SLICE_FMT, SLICE_ARG(buf_view(&b))) : "";
    buf_done(&b);
    return text;
}

static const char *modulus(EVP_PKEY *key)
{
    BIGNUM *n = NULL;
    unsigned char raw[256];
    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n);
    BN_bn2binpad(n, raw, sizeof raw);
    BN_free(n);
    return b64(slice_of(raw, sizeof raw));
}

static const char *sign(const struct provider *p, const char *text)
{
    unsigned char sig[256];
    size_t n = sizeof sig;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    if (EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, p->key) != 1 ||
        EVP_DigestSign(md, sig, &n, (const unsigned char *)text, strlen(text)) != 1)
        test_fail(__FILE__, __LINE__, "signature");
    EVP_MD_CTX_free(md);
    if (p->bad_signature) sig[7] ^= 1;
    return strcmp(p->alg, "none") == 0 ? "" : b64(slice_of(sig, n));
}

static const char *token(const struct provider *p)
{
    long long now = loop_now_ms() / 1000;
    const char *head = loop_text("{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":\"JWT\"}", p->alg, p->kid);
    const char *claims = loop_text("{\"iss\":\"%s\",\"aud\":%s,\"sub\":\"%s\",\"exp\":%lld,\"iat\":%lld,\"nonce\":\"%s\",\"email\":\"%s\","
                                   "\"email_verified\":%s,\"name\":\"Anna\",\"groups\":%s,\"at_hash\":\"x\",\"extra\":{\"a\":[1,2]}}",
                                   p->iss, p->aud, p->sub, now + (long long)p->exp_in, now + (long long)p->iat_in,
                                   p->nonce ? p->nonce : p->asked_nonce, p->email, p->verified, p->groups);
    const char *text = loop_text("%s.%s", b64(slice_cstr(head)), b64(slice_cstr(claims)));
    return loop_text("%s.%s", text, sign(p, text));
}

static const char *form_value(struct slice form, const char *name)
{
    CLEANUP(ctx_done) struct ctx c;
    struct slice value = {NULL, 0};
    ctx_init(&c, 1 << 20);
    if (query_get(&c.arena, form, name, &value) != ERR_OK) return "";
    return loop_text(SLICE_FMT, SLICE_ARG(value));
}

static const char *token_answer(struct provider *p, const struct oidc_request *rq)
{
    struct sha256 h;
    if (sha256(slice_cstr(form_value(rq->form, "code_verifier")), &h) != ERR_OK) return "";
    p->pkce_ok = strcmp(b64(sha256_view(&h)), p->challenge) == 0 && strcmp(form_value(rq->form, "code"), "the-code") == 0 &&
                 strcmp(form_value(rq->form, "redirect_uri"), LOOP_URL CALLBACK) == 0;
    p->secret_ok = slice_eq(rq->basic, SLICE("sealdrop:s%2Fcret"));
    return loop_text("{\"access_token\":\"x\",\"token_type\":\"Bearer\",\"id_token\":\"%s\"}", token(p));
}

static enum err fetch(void *arg, struct ctx *c, const struct oidc_request *rq, struct buf *ret)
{
    struct provider *p = arg;
    const char *body = NULL;
    if (strcmp(rq->url, ISSUER "/.well-known/openid-configuration") == 0)
        body = "{\"issuer\":\"" ISSUER "\",\"authorization_endpoint\":\"" ISSUER "/authorize?tenant=1\",\"token_endpoint\":\"" ISSUER
               "/token\",\"jwks_uri\":\"" ISSUER "/keys\",\"scopes_supported\":[\"openid\"]}";
    if (strcmp(rq->url, ISSUER "/keys") == 0) {
        p->key_fetches++;
        body = loop_text("{\"keys\":[{\"kty\":\"%s\",\"kid\":\"%s\",\"use\":\"sig\",\"alg\":\"%s\",\"n\":\"%s\",\"e\":\"AQAB\"},"
                         "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"ed\",\"x\":\"AAAA\"}]}",
                         p->no_key_type ? "EC" : "RSA", p->shown_kid, p->key_alg, modulus(p->shown));
    }
    if (strcmp(rq->url, ISSUER "/token") == 0 && rq->form.ptr) body = token_answer(p, rq);
    if (!body) return fail(c, ERR_NOT_FOUND, "no such address: %s", rq->url);
    return buf_put_cstr(ret, body);
}

static struct oidc_provider settings;
static struct oidc_config config;

static void open_with(struct loop *l, struct provider *p)
{
    settings = (struct oidc_provider){.name = SLICE("corp"),
                                      .issuer = SLICE(ISSUER),
                                      .client_id = SLICE("sealdrop"),
                                      .client_secret = SLICE("s/cret"),
                                      .scopes = SLICE("openid email profile"),
                                      .create = true};
    config = (struct oidc_config){&settings, 1, fetch, p};
    loop_open(l);
    l->cfg.oidc = &config;
    loop_reopen(l);
}

struct try {
    const char *state, *cookie;
};

static const char *cookie_value(const struct loop_answer *a, const char *name)
{
    for (size_t i = 0; i < a->header_count; i++) {
        struct slice rest = a->headers[i].value;
        if (!slice_eq(a->headers[i].name, SLICE("set-cookie"))) continue;
        struct slice pair = slice_cut(&rest, ';'), key = slice_cut(&pair, '=');
        if (slice_eq(key, slice_cstr(name))) return loop_text(SLICE_FMT, SLICE_ARG(pair));
    }
    return "";
}

static struct try begin(struct loop *l, struct provider *p)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = "/api/v1/auth/oidc/corp/start");
    struct slice url = loop_header(&a, "location");
    if (a.status != 303 || !slice_starts(url, SLICE(ISSUER "/authorize?tenant=1&response_type=code&client_id=sealdrop&")))
        test_fail(__FILE__, __LINE__, "start: %d " SLICE_FMT, a.status, SLICE_ARG(url));
    slice_cut(&url, '?');
    p->asked_nonce = form_value(url, "nonce");
    p->challenge = form_value(url, "code_challenge");
    return (struct try){form_value(url, "state"), cookie_value(&a, "__Host-sd_oidc")};
}

static void come_back(struct loop *l, struct try t, struct loop_answer *a)
{
    LOOP(l, a, .target = loop_text(CALLBACK "?code=the-code&state=%s&session_state=x&iss=https%%3A%%2F%%2Fid.example", t.state),
         .headers = {{SLICE("cookie"), slice_cstr(loop_text("__Host-sd_oidc=%s", t.cookie))},
                     {SLICE("sec-fetch-site"), SLICE("cross-site")}});
}

static void sign_in(struct loop *l, struct provider *p, struct loop_answer *a) { come_back(l, begin(l, p), a); }

static const char *whoami(struct loop *l, const struct loop_answer *from, const char *member)
{
    ANSWER a = {0};
    const char *cookie = loop_text("__Host-sd_at=%s", cookie_value(from, "__Host-sd_at"));
    LOOP(l, &a, .target = "/api/v1/me", .headers = {{SLICE("cookie"), slice_cstr(cookie)}});
    return loop_str(&a, loop_text("user.%s", member));
}

static bool refused(const struct loop_answer *a, int status, const char *words)
{
    return a->status == status && strstr(loop_text(SLICE_FMT, SLICE_ARG(loop_body(a))), words) && !cookie_value(a, "__Host-sd_at")[0];
}

TEST(oidc_signs_in_and_makes_an_account)
{
    struct loop l;
    struct provider p = fresh_provider();
    ANSWER a = {0};
    if (loop_missing()) return;
    open_with(&l, &p);
    LOOP(&l, &a, .target = "/api/v1/auth/oidc");
    CHECK_STR(&a, "items.0.name", "corp");
    struct try t = begin(&l, &p);
    come_back(&l, t, &a);
    CHECK_STATUS(&a, 303);
    CHECK_SLICE(loop_header(&a, "location"), SLICE("/"));
    CHECK(p.pkce_ok && p.secret_ok);
    CHECK_SLICE(slice_cstr(whoami(&l, &a, "email")), SLICE("anna@example.com"));
    CHECK_SLICE(slice_cstr(whoami(&l, &a, "display_name")), SLICE("Anna"));
    const char *id = whoami(&l, &a, "id");
    come_back(&l, t, &a);
    CHECK(refused(&a, 403, "used already"));
    /* The same subject again, by another address: the same account. */
    p.email = "other@example.com";
    sign_in(&l, &p, &a);
    CHECK_STATUS(&a, 303);
    CHECK_SLICE(slice_cstr(whoami(&l, &a, "id")), slice_cstr(id));
    CHECK_U64(p.key_fetches, 1);
    /* No password fits. */
    LOOP(&l, &a, .target = "/api/v1/auth/login", .json = "{\"email\":\"anna@example.com\",\"password\":\"\"}");
    CHECK_PROBLEM(&a, 401, "invalid_credentials");
    loop_jobs(&l);
    loop_close(&l);
}

TEST(oidc_is_bound_to_the_browser)
{
    struct loop l;
    struct provider p = fresh_provider();
    ANSWER a = {0};
    if (loop_missing()) return;
    open_with(&l, &p);
    struct try mine = begin(&l, &p), other = begin(&l, &p);
    come_back(&l, (struct try){mine.state, other.cookie}, &a);
    CHECK(refused(&a, 403, "this browser"));
    come_back(&l, (struct try){mine.state, ""}, &a);
    CHECK(refused(&a, 403, "this browser"));
    come_back(&l, (struct try){"", mine.cookie}, &a);
    CHECK(refused(&a, 403, "this browser"));
    LOOP(&l, &a, .target = loop_text(CALLBACK "?error=%%3Cscript%%3E&state=%s", other.state),
         .headers = {{SLICE("cookie"), slice_cstr(loop_text("__Host-sd_oidc=%s", other.cookie))}});
    CHECK(refused(&a, 403, "did not sign you in"));
    CHECK(!strstr(loop_text(SLICE_FMT, SLICE_ARG(loop_body(&a))), "script"));
    LOOP(&l, &a, .target = loop_text(CALLBACK "?code=x&state=%s&iss=https%%3A%%2F%%2Fevil.example", mine.state),
         .headers = {{SLICE("cookie"), slice_cstr(loop_text("__Host-sd_oidc=%s", mine.cookie))}});
    CHECK(refused(&a, 403, "this browser"));
    mine = begin(&l, &p);
    loop_advance(OIDC_TRY_MS);
    come_back(&l, mine, &a);
    CHECK(refused(&a, 403, "too long"));
    LOOP(&l, &a, .target = "/api/v1/auth/oidc/nobody/start");
    CHECK_U64((unsigned)a.status, 404);
    loop_close(&l);
}

static void bad_token(struct loop *l, struct provider *p, const char *what)
{
    ANSWER a = {0};
    sign_in(l, p, &a);
    if (!refused(&a, 403, "does not verify")) test_fail(__FILE__, __LINE__, "%s: %d", what, a.status);
    unsigned fetches = p->key_fetches;
    *p = fresh_provider();
    p->key_fetches = fetches;
}

TEST(oidc_refuses_every_wrong_token)
{
    struct loop l;
    struct provider p = fresh_provider();
    ANSWER a = {0};
    if (loop_missing()) return;
    open_with(&l, &p);
    p.aud = "\"somebody-else\"";
    bad_token(&l, &p, "audience");
    p.aud = "[\"sealdrop\",\"somebody-else\"]";
    bad_token(&l, &p, "audiences without authorised party");
    p.aud = "[\"sealdrop\",\"b\"],\"azp\":\"b\"";
    bad_token(&l, &p, "authorised party");
    p.aud = "7";
    bad_token(&l, &p, "audience of a wrong type");
    p.nonce = "AAAA";
    bad_token(&l, &p, "nonce");
    p.exp_in = -31;
    bad_token(&l, &p, "expired");
    p.iat_in = 60;
    bad_token(&l, &p, "issued in the future");
    p.iat_in = -3600;
    bad_token(&l, &p, "issued long ago");
    p.iss = "https://evil.example";
    bad_token(&l, &p, "issuer");
    p.sub = "";
    bad_token(&l, &p, "no subject");
    p.alg = "none";
    bad_token(&l, &p, "alg none");
    p.alg = "HS256";
    bad_token(&l, &p, "alg HS256");
    p.alg = "RS512";
    bad_token(&l, &p, "alg RS512");
    p.alg = "ES256";
    bad_token(&l, &p, "ES256 by an RSA key");
    p.bad_signature = true;
    bad_token(&l, &p, "signature");
    p.key = key2;
    bad_token(&l, &p, "another key of the same id");
    p.aud = "\"sealdrop\",\"nbf\":99999999999";
    bad_token(&l, &p, "not valid yet");
    p.aud = "[\"sealdrop\"]";
    sign_in(&l, &p, &a);
    CHECK_STATUS(&a, 303);
    p.aud = "[\"sealdrop\",\"b\"],\"azp\":\"sealdrop\"";
    sign_in(&l, &p, &a);
    CHECK_STATUS(&a, 303);
    loop_close(&l);
}

TEST(oidc_follows_rotated_keys_but_not_too_often)
{
    struct loop l;
    struct provider p = fresh_provider();
    ANSWER a = {0};
    if (loop_missing()) return;
    open_with(&l, &p);
    sign_in(&l, &p, &a);
    CHECK_STATUS(&a, 303);
    p.key = p.shown = key2;
    p.kid = p.shown_kid = "k2";
    sign_in(&l, &p, &a);
    CHECK_STATUS(&a, 303);
    CHECK_U64(p.key_fetches, 2);
    p.kid = "k3";
    for (int i = 0; i < 5; i++) sign_in(&l, &p, &a);
    CHECK(refused(&a, 403, "does not verify"));
    CHECK_U64(p.key_fetches, 2);
    loop_advance(60 * 1000);
    p.shown_kid = "k3";
    sign_in(&l, &p, &a);
    CHECK_STATUS(&a, 303);
    CHECK_U64(p.key_fetches, 3);
    /* The document says that a key is for something else. */
    p.key_alg = "RS512";
    loop_advance(60 * 60 * 1000);
    sign_in(&l, &p, &a);
    CHECK(refused(&a, 403, "does not verify"));
    loop_close(&l);
}

/* As the mail's link would. */
static void confirm_address(struct loop *l, struct provider *p, const char *email)
{
    ANSWER a = {0};
    const char *was_sub = p->sub, *was_email = p->email;
    p->sub = "confirms";
    p->email = email;
    sign_in(l, p, &a);
    if (a.status != 303) test_fail(__FILE__, __LINE__, "confirm: %d", a.status);
    p->sub = was_sub;
    p->email = was_email;
}

TEST(oidc_links_by_verified_addresses_only_where_told)
{
    struct loop l;
    struct provider p = fresh_provider();
    ANSWER a = {0};
    if (loop_missing()) return;
    open_with(&l, &p);
    confirm_address(&l, &p, "anna@example.com");
    /* An account has the address: another subject neither gets it nor a new one. */
    sign_in(&l, &p, &a);
    CHECK(refused(&a, 403, "no account here"));
    settings.link_by_email = true;
    p.verified = "false";
    sign_in(&l, &p, &a);
    CHECK(refused(&a, 403, "not confirmed your e-mail address"));
    p.verified = "\"true\"";
    sign_in(&l, &p, &a);
    CHECK(refused(&a, 403, "not confirmed your e-mail address"));
    p.verified = "true";
    sign_in(&l, &p, &a);
    CHECK_STATUS(&a, 303);
    CHECK_SLICE(slice_cstr(whoami(&l, &a, "email")), SLICE("anna@example.com"));
    /* An address nobody has confirmed here may be somebody's trap. */
    loop_user(&l, "bob@example.com", ROLE_USER);
    p.sub = "bob";
    p.email = "bob@example.com";
    sign_in(&l, &p, &a);
    CHECK(refused(&a, 403, "no account here"));
    settings.create = false;
    p.sub = "carol";
    p.email = "carol@example.com";
    sign_in(&l, &p, &a);
    CHECK(refused(&a, 403, "no account here"));
    loop_close(&l);
}

TEST(oidc_makes_no_account_for_an_unverified_address)
{
    struct loop l;
    struct provider p = fresh_provider();
    ANSWER a = {0};
    if (loop_missing()) return;
    open_with(&l, &p);
    p.verified = "false";
    sign_in(&l, &p, &a);
    CHECK(refused(&a, 403, "not confirmed your e-mail address"));
    p.verified = "true";
    sign_in(&l, &p, &a);
    CHECK_STATUS(&a, 303);
    /* Known by its subject from now on. */
    p.verified = "false";
    sign_in(&l, &p, &a);
    CHECK_STATUS(&a, 303);
    loop_close(&l);
}

TEST(oidc_groups_give_the_role_each_time)
{
    struct loop l;
    struct provider p = fresh_provider();
    ANSWER a = {0}, before = {0};
    if (loop_missing()) return;
    open_with(&l, &p);
    loop_user(&l, "root@example.com", ROLE_ADMIN);
    settings.groups_claim = SLICE("groups");
    settings.admin_groups = SLICE("ops, drop admins");
    settings.user_groups = SLICE("staff");
    sign_in(&l, &p, &a);
    CHECK(refused(&a, 403, "no group"));
    p.groups = "[\"x\",\"staff\"]";
    sign_in(&l, &p, &a);
    CHECK_SLICE(slice_cstr(whoami(&l, &a, "role")), SLICE("user"));
    p.groups = "[\"drop admins\"]";
    sign_in(&l, &p, &before);
    CHECK_SLICE(slice_cstr(whoami(&l, &before, "role")), SLICE("admin"));
    p.groups = "[\"staff\"]";
    sign_in(&l, &p, &a);
    CHECK_SLICE(slice_cstr(whoami(&l, &a, "role")), SLICE("user"));
    p.groups = "\"drop admins\"";
    sign_in(&l, &p, &a);
    CHECK(refused(&a, 403, "no group"));
    loop_close(&l);
}

static enum err whole_story(struct ctx *c, struct loop *l, struct provider *p)
{
    struct oidc_begin b;
    struct user user;
    struct principal nobody = {0};
    TRY(oidc_start(c, l->app, SLICE("corp"), &b));
    struct slice query = b.url;
    slice_cut(&query, '?');
    p->asked_nonce = form_value(query, "nonce");
    p->challenge = form_value(query, "code_challenge");
    const char *state = form_value(query, "state");
    return oidc_finish(c, l->app, &(struct oidc_callback){.who = &nobody, .provider = SLICE("corp"), .cookie = b.cookie,
                                                          .code = SLICE("the-code"), .state = slice_cstr(state)}, &user);
}

TEST(oidc_survives_allocation_faults)
{
    struct loop l;
    struct provider p = fresh_provider();
    bool fired = true;
    if (loop_missing()) return;
    open_with(&l, &p);
    for (uint64_t n = 0; fired && n < 3000; n++) {
        struct ctx c;
        ctx_init(&c, 1 << 20);
        test_fail_alloc(n, n % 2);
        enum err e = whole_story(&c, &l, &p);
        fired = test_alloc_fired();
        test_fail_alloc(UINT64_MAX, false);
        ctx_done(&c);
        /* The provider of this test runs out of memory too, and then says nonsense. */
        bool clean = e == ERR_OK || e == ERR_NOMEM || e == ERR_CRYPTO || e == ERR_PEER || e == ERR_DENIED;
        if (fired ? !clean : e != ERR_OK) test_fail(__FILE__, __LINE__, "allocation %u: %s", (unsigned)n, err_name(e));
        CHECK_FINE();
    }
    CHECK(!fired);
    loop_close(&l);
}
