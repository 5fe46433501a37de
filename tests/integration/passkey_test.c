/* Passkeys through the API, with a device in software: what is right signs in, once; whatever is wrong does not. */
#include <stdatomic.h>

#include "integration/authenticator.h"

#define API "/api/v1"

static const char *challenge(struct loop *l, const char *bearer, const char *json)
{
    ANSWER a = {0};
    LOOP(l, &a, .method = "POST", .bearer = bearer, .json = json,
         .target = bearer ? API "/auth/passkeys/options" : API "/auth/passkeys/login/options");
    if (a.status != 200) test_fail(__FILE__, __LINE__, "options: %d %.*s", a.status, (int)a.len, a.body);
    return loop_str(&a, "public_key.challenge");
}

static const char *add(struct loop *l, const char *bearer, struct authenticator *k)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = API "/auth/passkeys", .bearer = bearer,
         .json = authenticator_register(k, challenge(l, bearer, NULL), "my key"));
    if (a.status != 201) test_fail(__FILE__, __LINE__, "add: %d %.*s", a.status, (int)a.len, a.body);
    return loop_str(&a, "passkey.id");
}

static void login(struct loop *l, const char *body, struct loop_answer *a)
{
    LOOP(l, a, .target = API "/auth/passkeys/login", .json = body);
}

TEST(passkey_signs_in_without_a_password)
{
    struct loop l;
    struct authenticator k;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    authenticator_new(&k);
    const char *anna = loop_user(&l, "anna@example.com", ROLE_USER);
    const char *other = loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, NULL);
    const char *id = add(&l, anna, &k);
    LOOP(&l, &a, .target = API "/me", .bearer = other);
    CHECK_PROBLEM(&a, 401, "unauthorized");
    k.count = 1;
    const char *body = authenticator_sign(&k, challenge(&l, NULL, "{}"), "");
    login(&l, body, &a);
    CHECK_STATUS(&a, 200);
    CHECK_STR(&a, "user.email", "anna@example.com");
    const char *access = loop_str(&a, "access_token");
    LOOP(&l, &a, .target = API "/me", .bearer = access);
    CHECK_STATUS(&a, 200);
    login(&l, body, &a);
    CHECK_PROBLEM(&a, 401, "passkey_refused");
    LOOP(&l, &a, .target = API "/auth/passkeys", .bearer = anna);
    CHECK_STATUS(&a, 200);
    CHECK_U64(loop_count(&a, "items"), 1);
    CHECK_STR(&a, "items.0.name", "my key");
    CHECK(!loop_is_null(&a, "items.0.last_used_at"));
    const char *stranger = loop_user(&l, "bob@example.com", ROLE_USER);
    LOOP(&l, &a, .method = "DELETE", .target = loop_text(API "/auth/passkeys/%s", id), .bearer = stranger);
    CHECK_PROBLEM(&a, 404, "not_found");
    LOOP(&l, &a, .method = "DELETE", .target = loop_text(API "/auth/passkeys/%s", id), .bearer = anna);
    CHECK_STATUS(&a, 204);
    k.count = 9;
    login(&l, authenticator_sign(&k, challenge(&l, NULL, "{}"), ""), &a);
    CHECK_PROBLEM(&a, 401, "passkey_refused");
    loop_jobs(&l);
    authenticator_free(&k);
    loop_close(&l);
}

static void refused(struct loop *l, struct authenticator *k, const char *what)
{
    ANSWER a = {0};
    k->count++;
    login(l, authenticator_sign(k, challenge(l, NULL, "{}"), ""), &a);
    if (a.status != 401 || strcmp(loop_str(&a, "code"), "passkey_refused") != 0)
        test_fail(__FILE__, __LINE__, "%s: %d", what, a.status);
}

TEST(passkey_refuses_everything_else)
{
    struct loop l;
    struct authenticator k, good;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    authenticator_new(&k);
    const char *anna = loop_user(&l, "anna@example.com", ROLE_USER);
    add(&l, anna, &k);
    good = k;
    k.origin = "https://evil.example";
    refused(&l, &k, "origin");
    k = good;
    k.origin = LOOP_URL "1";
    refused(&l, &k, "port");
    k = good;
    k.rp_id = "example";
    refused(&l, &k, "rp");
    k = good;
    k.type = "webauthn.create";
    refused(&l, &k, "type");
    k = good;
    k.bad_signature = true;
    refused(&l, &k, "signature");
    k = good;
    k.flags = 0x04;
    refused(&l, &k, "presence");
    k.flags = 0x01;
    refused(&l, &k, "verification");
    k = good;
    k.id[0] = (char)(k.id[0] + 1);
    refused(&l, &k, "unknown credential");
    k = good;
    /* Challenges: not ours, of a registration, too old. */
    k.count = 5;
    login(&l, authenticator_sign(&k, "AAAA", ""), &a);
    CHECK_PROBLEM(&a, 401, "passkey_refused");
    login(&l, authenticator_sign(&k, challenge(&l, anna, NULL), ""), &a);
    CHECK_PROBLEM(&a, 401, "passkey_refused");
    const char *old = challenge(&l, NULL, "{}");
    loop_advance(5 * 60 * 1000);
    login(&l, authenticator_sign(&k, old, ""), &a);
    CHECK_PROBLEM(&a, 401, "passkey_refused");
    login(&l, authenticator_sign(&k, challenge(&l, NULL, "{}"), ",\"user_handle\":\"AAAAAAAAAAAAAAAAAAAAAA\""), &a);
    CHECK_PROBLEM(&a, 401, "passkey_refused");
    /* The counter must grow. */
    login(&l, authenticator_sign(&k, challenge(&l, NULL, "{}"), ""), &a);
    CHECK_STATUS(&a, 200);
    login(&l, authenticator_sign(&k, challenge(&l, NULL, "{}"), ""), &a);
    CHECK_PROBLEM(&a, 401, "passkey_refused");
    k.count = 4;
    login(&l, authenticator_sign(&k, challenge(&l, NULL, "{}"), ""), &a);
    CHECK_PROBLEM(&a, 401, "passkey_refused");
    k.count = 6;
    login(&l, authenticator_sign(&k, challenge(&l, NULL, "{}"), ""), &a);
    CHECK_STATUS(&a, 200);
    authenticator_free(&k);
    loop_close(&l);
}

TEST(passkey_registration_refuses_what_is_not_ours)
{
    struct loop l;
    struct authenticator k;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    authenticator_new(&k);
    const char *anna = loop_user(&l, "anna@example.com", ROLE_USER);
    const char *bob = loop_user(&l, "bob@example.com", ROLE_USER);
    /* Somebody else's challenge. */
    const char *body = authenticator_register(&k, challenge(&l, bob, NULL), "k");
    LOOP(&l, &a, .target = API "/auth/passkeys", .bearer = anna, .json = body);
    CHECK_PROBLEM(&a, 403, "passkey_refused");
    k.origin = "https://evil.example";
    LOOP(&l, &a, .target = API "/auth/passkeys", .bearer = anna, .json = authenticator_register(&k, challenge(&l, anna, NULL), "k"));
    CHECK_PROBLEM(&a, 403, "passkey_refused");
    k.origin = LOOP_URL;
    body = authenticator_register(&k, challenge(&l, anna, NULL), "k");
    LOOP(&l, &a, .target = API "/auth/passkeys", .bearer = anna, .json = body);
    CHECK_STATUS(&a, 201);
    LOOP(&l, &a, .target = API "/auth/passkeys", .bearer = anna, .json = body);
    CHECK_PROBLEM(&a, 403, "passkey_refused");
    LOOP(&l, &a, .target = API "/auth/passkeys", .bearer = bob, .json = authenticator_register(&k, challenge(&l, bob, NULL), "k"));
    CHECK_PROBLEM(&a, 409, "passkey_known");
    authenticator_free(&k);
    loop_close(&l);
}

TEST(passkey_as_second_factor)
{
    struct loop l;
    struct authenticator k;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    authenticator_new(&k);
    k.flags = 0x01; /* a key with a button and no PIN */
    const char *anna = loop_user(&l, "anna@example.com", ROLE_USER);
    add(&l, anna, &k);
    LOOP(&l, &a, .target = API "/auth/login", .json = "{\"email\":\"anna@example.com\",\"password\":\"" LOOP_PASSWORD "\"}");
    CHECK_STATUS(&a, 200);
    CHECK(loop_true(&a, "mfa_required"));
    CHECK_STR(&a, "methods.0", "passkey");
    const char *half = loop_str(&a, "mfa_token");
    const char *with_half = loop_text(",\"mfa_token\":\"%s\"", half);
    k.count = 1;
    /* A challenge for anyone is not one for this account, and the other way round. */
    login(&l, authenticator_sign(&k, challenge(&l, NULL, "{}"), with_half), &a);
    CHECK_PROBLEM(&a, 401, "passkey_refused");
    const char *mine = challenge(&l, NULL, loop_text("{\"mfa_token\":\"%s\"}", half));
    login(&l, authenticator_sign(&k, mine, ""), &a);
    CHECK_PROBLEM(&a, 401, "passkey_refused");
    login(&l, authenticator_sign(&k, mine, with_half), &a);
    CHECK_STATUS(&a, 200);
    CHECK_STR(&a, "user.email", "anna@example.com");
    /* Somebody else's passkey is no second factor of this account. */
    LOOP(&l, &a, .target = API "/auth/login", .json = "{\"email\":\"anna@example.com\",\"password\":\"" LOOP_PASSWORD "\"}");
    half = loop_str(&a, "mfa_token");
    struct authenticator bobs;
    authenticator_new(&bobs);
    add(&l, loop_user(&l, "bob@example.com", ROLE_USER), &bobs);
    bobs.count = 1;
    mine = challenge(&l, NULL, loop_text("{\"mfa_token\":\"%s\"}", half));
    login(&l, authenticator_sign(&bobs, mine, loop_text(",\"mfa_token\":\"%s\"", half)), &a);
    CHECK_PROBLEM(&a, 401, "passkey_refused");
    authenticator_free(&bobs);
    authenticator_free(&k);
    loop_close(&l);
}

struct race {
    struct loop *l;
    const char *body;
    atomic_uint won;
};

static void try_login(void *arg, unsigned i)
{
    struct race *r = arg;
    ANSWER a = {0};
    (void)i;
    login(r->l, r->body, &a);
    if (a.status == 200) atomic_fetch_add(&r->won, 1);
}

TEST(passkey_assertion_is_good_once)
{
    struct loop l;
    struct authenticator k; /* without a counter, as synced passkeys are */
    if (loop_missing()) return;
    loop_open(&l);
    authenticator_new(&k);
    add(&l, loop_user(&l, "anna@example.com", ROLE_USER), &k);
    struct race r = {.l = &l, .body = authenticator_sign(&k, challenge(&l, NULL, "{}"), "")};
    loop_parallel(16, try_login, &r);
    CHECK_U64(atomic_load(&r.won), 1);
    authenticator_free(&k);
    loop_close(&l);
}
