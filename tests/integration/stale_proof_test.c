/* A proof counts for the account as it was when it was given: what changes before the session begins undoes it. And sessions of a
 * deleted account end on all nodes. And one subscriber's addresses count as one. */
#include "api/messages_passkey.h"
#include "base/limits.h"
#include "core/account/account.h"
#include "core/admin/admin.h"
#include "core/apikey/apikey.h"
#include "core/mfa/mfa.h"
#include "core/passkey/passkey.h"
#include "core/session/session.h"
#include "core/user/password.h"
#include "integration/authenticator.h"

#define SESSIONS "/api/v1/auth/sessions"

static const struct principal nobody = {.ip = "192.0.2.1"};

static enum err change_password(struct ctx *c, struct app *app, const struct user *u)
{
    struct password_change p = {.user = u, .password = SLICE("another good long phrase"), .field = "password"};
    return password_change(c, app, &p);
}

static enum err patch(struct ctx *c, struct app *app, const struct user *u, struct account_patch p)
{
    struct account changed;
    return admin_user_change(c, app, NULL, &u->id, &p, &changed);
}

static enum err demote(struct ctx *c, struct app *app, const struct user *u)
{
    return patch(c, app, u, (struct account_patch){.set_role = true, .role = ROLE_GUEST});
}

static enum err want_new_password(struct ctx *c, struct app *app, const struct user *u)
{
    return patch(c, app, u, (struct account_patch){.set_must_change_password = true, .must_change_password = true});
}

static enum err want_factor(struct ctx *c, struct app *app, const struct user *u)
{
    return patch(c, app, u, (struct account_patch){.set_mfa_required = true, .mfa_required = true});
}

static enum err suspend(struct ctx *c, struct app *app, const struct user *u)
{
    struct account changed;
    return admin_user_suspend(c, app, NULL, &u->id, true, &changed);
}

static enum err delete(struct ctx *c, struct app *app, const struct user *u)
{
    return admin_user_delete(c, app, NULL, &u->id, true);
}

static enum err nothing(struct ctx *c, struct app *app, const struct user *u)
{
    (void)c, (void)app, (void)u;
    return ERR_OK;
}

typedef enum err step_fn(struct ctx *c, struct app *app, const struct user *u);

/* The password is proven, then `between` commits, then the session would begin. */
static enum err interleave(struct loop *l, const char *email, step_fn *between)
{
    CLEANUP(ctx_done) struct ctx c;
    struct session_login login = {slice_cstr(email), SLICE(LOOP_PASSWORD), &nobody};
    struct session_tokens t;
    struct user user;
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    loop_user(l, email, ROLE_USER);
    TRY(session_check_login(&c, l->app, &login, &user));
    TRY(between(&c, l->app, &user));
    enum err e = session_start(&c, l->app, &(struct session_new){.user = &user, .who = &nobody, .amr = "pwd"}, &t);
    if (e != ERR_OK && !(c.err_code && slice_eq(slice_cstr(c.err_code), SLICE("invalid_credentials")))) return ERR_INTERNAL;
    return e;
}

TEST(stale_proofs_begin_no_session)
{
    static step_fn *const changes[] = {change_password, demote, want_new_password, want_factor, suspend, delete};
    struct loop l;
    if (loop_missing()) return;
    loop_open(&l);
    CHECK_OK(interleave(&l, "same@example.com", nothing));
    for (size_t i = 0; i < ARRAY_LEN(changes); i++)
        CHECK_ERR(interleave(&l, loop_text("user%zu@example.com", i), changes[i]), ERR_UNAUTH);
    loop_close(&l);
}

/* ---- nobody adds a way in with a session or a proof that is over ---- */

/* What has been prepared when the account changes, and the last step after it. */
struct addition {
    struct principal who;
    struct user user;
    struct secret secret;
    struct authenticator key;
    const char *passkey;   /* the body of its registration */
};
typedef enum err add_fn(struct ctx *c, struct app *app, struct addition *a);

static enum err add_apikey(struct ctx *c, struct app *app, struct addition *a)
{
    struct apikey_new n = {.name = SLICE("robot"), .scopes = SCOPE_FILES_READ};
    struct apikey key;
    struct slice text;
    return apikey_create(c, app, &a->who, &n, &key, &text);
}

static enum err add_passkey(struct ctx *c, struct app *app, struct addition *a)
{
    struct msg_passkey_new in;
    struct passkey made;
    TRY(json_decode(c, slice_cstr(a->passkey), &msg_passkey_new_table, JSON_STRICT, &in));
    return passkey_register(c, app, &a->who, &(struct passkey_new){in.name, in.client_data_json, in.attestation_object}, &made);
}

static enum err add_factor(struct ctx *c, struct app *app, struct addition *a)
{
    struct mfa_enrolment e;
    return mfa_enrol(c, app, &(struct mfa_proof){&a->user, &a->who, SLICE(""), &a->who.session_id}, &e);
}

static enum err confirm(struct ctx *c, struct app *app, struct addition *a, const struct id *session)
{
    struct slice *codes = NULL;
    struct slice code = slice_cstr(code_at(&a->secret, 0));
    return mfa_confirm(c, app, &(struct mfa_proof){&a->user, &a->who, code, session}, &codes);
}

static enum err confirm_factor(struct ctx *c, struct app *app, struct addition *a) { return confirm(c, app, a, &a->who.session_id); }

/* As a sign-in that has to make its factor first. */
static enum err confirm_first_factor(struct ctx *c, struct app *app, struct addition *a) { return confirm(c, app, a, NULL); }

static enum err take_password(struct ctx *c, struct app *app, struct addition *a)
{
    struct password_change p = {.user = &a->user, .who = &a->who, .password = SLICE("the phrase of a thief"), .field = "password"};
    return password_change(c, app, &p);
}

static enum err end_sessions(struct ctx *c, struct app *app, const struct user *u)
{
    struct principal who = {.signed_in = true, .user_id = u->id, .ip = "192.0.2.9"};
    return session_end_others(c, app, &who);
}

static enum err add_after(struct loop *l, const char *email, step_fn *between, add_fn *add)
{
    CLEANUP(ctx_done) struct ctx c;
    struct addition a = {.passkey = NULL};
    struct mfa_enrolment e;
    struct slice options;
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    const char *bearer = loop_user(l, email, ROLE_USER);
    TRY(session_authenticate(&c, l->app, slice_cstr(bearer), &a.who));
    TRY(user_by_id(&c, l->app, &a.who.user_id, &a.user));
    TRY(mfa_enrol(&c, l->app, &(struct mfa_proof){&a.user, &a.who, SLICE(""), &a.who.session_id}, &e));
    a.secret = secret_of(loop_text(SLICE_FMT, SLICE_ARG(e.secret)));
    TRY(passkey_options(&c, l->app, &a.who, &options));
    size_t at = slice_find(options, ':') + 2; /* the challenge comes first */
    struct slice rest = slice_sub(options, at, options.len), challenge = slice_cut(&rest, '"');
    authenticator_new(&a.key);
    a.passkey = authenticator_register(&a.key, loop_text(SLICE_FMT, SLICE_ARG(challenge)), "key");
    enum err r = between(&c, l->app, &a.user);
    if (r == ERR_OK) r = add(&c, l->app, &a);
    authenticator_free(&a.key);
    return r;
}

TEST(stale_sessions_add_no_way_in)
{
    static add_fn *const additions[] = {add_apikey, add_passkey, add_factor, confirm_factor, confirm_first_factor, take_password};
    static step_fn *const changes[] = {change_password, demote, want_new_password, want_factor, suspend, end_sessions, delete};
    struct loop l;
    if (loop_missing()) return;
    loop_open(&l);
    for (size_t i = 0; i < ARRAY_LEN(additions); i++) {
        CHECK_OK(add_after(&l, loop_text("same%zu@example.com", i), nothing, additions[i]));
        for (size_t j = 0; j < ARRAY_LEN(changes); j++) {
            /* A password that was proven counts without a session. */
            bool proof_only = additions[i] == confirm_first_factor || additions[i] == take_password;
            if (proof_only && changes[j] == end_sessions) continue;
            enum err e = add_after(&l, loop_text("user%zu-%zu@example.com", i, j), changes[j], additions[i]);
            /* What was prepared is gone with the account. */
            if (e == ERR_UNAUTH || (changes[j] == delete && e == ERR_NOT_FOUND)) continue;
            test_fail(__FILE__, __LINE__, "addition %zu after change %zu: %s", i, j, err_name(e));
        }
    }
    loop_close(&l);
}

/* ---- nor does an administrator who is none any more ---- */

typedef enum err act_fn(struct ctx *c, struct app *app, const struct principal *who, const struct user *other);

static enum err make_account(struct ctx *c, struct app *app, const struct principal *who, const struct user *other)
{
    const char *email = loop_text("new-" SLICE_FMT, SLICE_ARG(other->email));
    struct account_new n = {.email = slice_cstr(email), .role = ROLE_ADMIN, .send_invite = true};
    struct account made;
    struct invite invite;
    return admin_user_create(c, app, who, &n, &made, &invite);
}

static enum err invite(struct ctx *c, struct app *app, const struct principal *who, const struct user *other)
{
    struct invite_new n = {.email = SLICE("friend@example.net"), .role = ROLE_ADMIN};
    struct invite made;
    (void)other;
    return account_invite(c, app, who, &n, &made);
}

static enum err promote(struct ctx *c, struct app *app, const struct principal *who, const struct user *other)
{
    struct account changed;
    struct account_patch p = {.set_role = true, .role = ROLE_ADMIN};
    return admin_user_change(c, app, who, &other->id, &p, &changed);
}

static enum err suspend_other(struct ctx *c, struct app *app, const struct principal *who, const struct user *other)
{
    struct account changed;
    return admin_user_suspend(c, app, who, &other->id, true, &changed);
}

static enum err reset_other(struct ctx *c, struct app *app, const struct principal *who, const struct user *other)
{
    return mfa_reset(c, app, who, other);
}

static enum err delete_other(struct ctx *c, struct app *app, const struct principal *who, const struct user *other)
{
    return admin_user_delete(c, app, who, &other->id, true);
}

static enum err revoke_keys(struct ctx *c, struct app *app, const struct user *u)
{
    struct principal who = {.signed_in = true, .user_id = u->id, .ip = "192.0.2.9"};
    struct apikey *keys;
    size_t n = 0;
    TRY(apikey_list(c, app, &who, &keys, &n));
    for (size_t i = 0; i < n; i++) TRY(apikey_revoke(c, app, &who, keys[i].id));
    return ERR_OK;
}

static enum err act_after(struct loop *l, const char *email, bool by_key, step_fn *between, act_fn *act)
{
    CLEANUP(ctx_done) struct ctx c;
    struct principal who = {.signed_in = false};
    struct user admin, other;
    struct apikey made;
    struct slice key;
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    loop_user(l, loop_text("other-%s", email), ROLE_USER);
    TRY(session_authenticate(&c, l->app, slice_cstr(loop_user(l, email, ROLE_ADMIN)), &who));
    TRY(user_by_email(&c, l->app, slice_cstr(loop_text("other-%s", email)), &other));
    TRY(user_by_id(&c, l->app, &who.user_id, &admin));
    struct apikey_new n = {.name = SLICE("robot"), .scopes = SCOPE_ADMIN_WRITE};
    TRY(apikey_create(&c, l->app, &who, &n, &made, &key));
    if (by_key) TRY(apikey_authenticate(&c, l->app, key, &who));
    TRY(between(&c, l->app, &admin));
    return act(&c, l->app, &who, &other);
}

TEST(stale_administrators_do_nothing)
{
    static act_fn *const acts[] = {make_account, invite, promote, suspend_other, reset_other, delete_other};
    static step_fn *const ends[][3] = {{demote, suspend, end_sessions}, {demote, suspend, revoke_keys}};
    struct loop l;
    if (loop_missing()) return;
    loop_open(&l);
    loop_user(&l, "last@example.com", ROLE_ADMIN);
    for (size_t i = 0; i < ARRAY_LEN(acts) * 2; i++) {
        bool by_key = i % 2;
        for (size_t j = 0; j < ARRAY_LEN(ends[0]); j++) {
            enum err e = act_after(&l, loop_text("a%zu-%zu@example.com", i, j), by_key, ends[by_key][j], acts[i / 2]);
            if (e != ERR_UNAUTH) test_fail(__FILE__, __LINE__, "act %zu after end %zu: %s", i, j, err_name(e));
        }
        CHECK_OK(act_after(&l, loop_text("same%zu@example.com", i), by_key, nothing, acts[i / 2]));
    }
    loop_close(&l);
}

/* ---- uploads that run ---- */

static char bytes[64 * KIB];

/* 64 KiB arrive, then `between` commits, then a second later 64 KiB more. */
static int upload_over(struct loop *l, const char *email, const char *target, bool by_key, step_fn *between)
{
    CLEANUP(ctx_done) struct ctx c;
    ANSWER a = {0};
    ANSWER last = {0};
    struct user user;
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    const char *bearer = loop_user(l, email, ROLE_USER);
    LOOP(l, &a, .target = "/api/v1/api-keys", .bearer = bearer, .json = "{\"name\":\"k\",\"scopes\":[\"files:write\"]}");
    const char *key = loop_str(&a, "api_key.key");
    LOOP(l, &a, .target = "/api/v1/uploads", .bearer = bearer, .json = "{\"name\":\"u\",\"size\":131072}");
    if (!target) target = loop_text("/api/v1/uploads/%s/parts/0", loop_str(&a, "upload_id"));
    struct loop_exchange *x = loop_begin(l, &(struct loop_request){.method = "PUT", .target = target, .bearer = by_key ? key : bearer,
                                                                    .no_length = true, .body = SLICE("x")});
    if (!loop_waiting(x)) test_fail(__FILE__, __LINE__, "not an upload");
    enum err e = loop_put(x, bytes, sizeof bytes);
    if (e == ERR_OK) e = user_by_email(&c, l->app, slice_cstr(email), &user);
    if (e == ERR_OK) e = between(&c, l->app, &user);
    if (e != ERR_OK) test_fail(__FILE__, __LINE__, "%s: %s", err_name(e), c.err_detail);
    loop_advance(1000);
    e = loop_put(x, bytes, sizeof bytes);
    loop_finish(x, &last);
    if ((e == ERR_OK) != (last.status < 300)) test_fail(__FILE__, __LINE__, "%s and %d", err_name(e), last.status);
    int status = last.status;
    loop_end(x, &last, true);
    return status;
}

static enum err drop_keys(struct ctx *c, struct app *app, const struct user *u)
{
    struct principal who = {.signed_in = true, .user_id = u->id, .ip = "192.0.2.9"};
    struct apikey *rows;
    size_t n = 0;
    TRY(apikey_list(c, app, &who, &rows, &n));
    return n == 1 ? apikey_revoke(c, app, &who, rows[0].id) : ERR_INTERNAL;
}

TEST(running_uploads_end_with_the_right_to_make_them)
{
    static step_fn *const changes[] = {change_password, demote, suspend, end_sessions};
    static const char stream[] = "/api/v1/files/upload?name=x";
    struct loop l;
    unsigned n = 0;
    if (loop_missing()) return;
    loop_open(&l);
    for (int part = 0; part < 2; part++) {
        const char *target = part ? NULL : stream;
        CHECK(upload_over(&l, loop_text("u%u@example.com", n++), target, false, nothing) < 300);
        CHECK(upload_over(&l, loop_text("u%u@example.com", n++), target, true, nothing) < 300);
        for (size_t i = 0; i < ARRAY_LEN(changes); i++)
            CHECK_U64((unsigned)upload_over(&l, loop_text("u%u@example.com", n++), target, false, changes[i]), 401);
        CHECK_U64((unsigned)upload_over(&l, loop_text("u%u@example.com", n++), target, true, suspend), 401);
        CHECK_U64((unsigned)upload_over(&l, loop_text("u%u@example.com", n++), target, true, demote), 401);
        CHECK_U64((unsigned)upload_over(&l, loop_text("u%u@example.com", n++), target, true, drop_keys), 401);
    }
    loop_close(&l);
}

TEST(stale_proofs_change_no_password)
{
    CLEANUP(ctx_done) struct ctx c;
    struct loop l;
    struct user user;
    if (loop_missing()) return;
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    loop_open(&l);
    loop_user(&l, "anna@example.com", ROLE_USER);
    CHECK_OK(user_by_email(&c, l.app, SLICE("anna@example.com"), &user));
    CHECK_OK(change_password(&c, l.app, &user));
    CHECK_ERR(change_password(&c, l.app, &user), ERR_UNAUTH);
    CHECK_OK(user_by_email(&c, l.app, SLICE("anna@example.com"), &user));
    CHECK_OK(change_password(&c, l.app, &user));
    loop_close(&l);
}

static void watch(struct loop *l)
{
    CLEANUP(ctx_done) struct ctx c;
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    if (session_watch(&c, l->app) != ERR_OK) test_fail(__FILE__, __LINE__, "watch: %s", c.err_detail);
}

static void delete_account(struct loop *l, const char *email)
{
    CLEANUP(ctx_done) struct ctx c;
    struct user user;
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    enum err e = user_by_email(&c, l->app, slice_cstr(email), &user);
    if (e == ERR_OK) e = delete(&c, l->app, &user);
    if (e != ERR_OK) test_fail(__FILE__, __LINE__, "delete: %s: %s", err_name(e), c.err_detail);
}

static enum err purge(struct loop *l)
{
    CLEANUP(ctx_done) struct ctx c;
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    return session_purge(&c, l->app);
}

TEST(sessions_of_a_deleted_account_end_everywhere)
{
    struct loop l, second;
    ANSWER a = {0};
    const char *refresh = NULL;
    if (loop_missing()) return;
    loop_open(&l);
    loop_user(&l, "anna@example.com", ROLE_USER);
    const char *bearer = loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, &refresh);
    if (loop_durable(&l)) loop_open_beside(&second, &l);
    delete_account(&l, "anna@example.com");
    LOOP(&l, &a, .target = SESSIONS, .bearer = bearer);
    CHECK_STATUS(&a, 401);
    LOOP(&l, &a, .target = "/api/v1/auth/refresh", .json = loop_text("{\"refresh_token\":\"%s\"}", refresh));
    CHECK_PROBLEM(&a, 401, "unauthorized");
    /* The other node looks only now, when the account is gone. */
    if (loop_durable(&l)) {
        watch(&second);
        LOOP(&second, &a, .target = SESSIONS, .bearer = bearer);
        CHECK_STATUS(&a, 401);
        loop_close(&second);
    }
    loop_advance(2 * LIMIT_REFRESH_MAX_MS + 1);
    CHECK_OK(purge(&l));
    LOOP(&l, &a, .target = "/api/v1/auth/refresh", .json = loop_text("{\"refresh_token\":\"%s\"}", refresh));
    CHECK_PROBLEM(&a, 401, "unauthorized");
    loop_close(&l);
}

static int ask_for_a_code(struct loop *l, const char *peer)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = "/api/v1/auth/device", .peer = peer, .json = "{}");
    return a.status;
}

TEST(addresses_of_one_subscriber_share_a_limit)
{
    struct loop l;
    int last = 200;
    if (loop_missing()) return;
    loop_open(&l);
    for (unsigned i = 1; last == 200 && i < 500; i++) last = ask_for_a_code(&l, loop_text("2001:db8:1:2::%x", i));
    CHECK_U64((unsigned)last, 429);
    CHECK_U64((unsigned)ask_for_a_code(&l, "2001:db8:1:2:ffff::1"), 429);
    CHECK_U64((unsigned)ask_for_a_code(&l, "2001:db8:1:3::1"), 200);
    loop_close(&l);
}
