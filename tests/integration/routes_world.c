/* The callers and objects of tests made from the route table (routes_world.h). Credentials are made when they are asked for and again
 * before they run out, so that each is bad in the way its kind says and in no other. */
#include "integration/routes_world.h"

#include "api/messages_account.h"
#include "api/messages_admin.h"
#include "api/messages_bulk.h"
#include "api/messages_comments.h"
#include "api/messages_permissions.h"
#include "base/limits.h"
#include "core/user/user.h"
#include "crypto/totp.h"

#define V1 "/api/v1"
#define GOOD_FOR_MS (3 * 60 * 1000)
#define KEY43 "dGhpcyBpcyBub3QgYSBzZWNyZXQga2V5LCByZWFsbHk"

const char *const kind_names[KINDS] = {"anonymous",
                                       "garbage",
                                       "garbage key",
                                       "refresh token",
                                       "sign-in without its second factor",
                                       "sign-in that must enrol",
                                       "sign-in that must change its password",
                                       "expired token",
                                       "revoked session",
                                       "suspended account",
                                       "key of a suspended account",
                                       "revoked key",
                                       "expired key",
                                       "key as a cookie",
                                       "guest",
                                       "stranger",
                                       "owner",
                                       "administrator",
                                       "key of a demoted administrator",
                                       "old session",
                                       "key without the scope",
                                       "key with the scope",
                                       "cookie without CSRF token",
                                       "cookie with a wrong CSRF token",
                                       "cookie from another site",
                                       "cookie with its CSRF token"};

/* ---- accounts ---- */

static void post(struct world *w, struct loop_answer *a, const char *bearer, const char *target, const char *json)
{
    LOOP(&w->l, a, .method = "POST", .target = target, .bearer = bearer, .json = json);
    if (a->status >= 300) test_fail(__FILE__, __LINE__, "%s: %d %s", target, a->status, loop_shown(a));
}

static const char *new_email(struct world *w) { return loop_text("u%u@example.com", w->count++); }

static const char *login_json(const char *email, const char *more)
{
    return loop_text("{\"email\":\"%s\",\"password\":\"" LOOP_PASSWORD "\"%s}", email, more);
}

static struct credential sign_in(struct world *w, const char *email)
{
    struct credential c = {.made_at = loop_now_ms()};
    c.bearer = loop_sign_in(&w->l, email, LOOP_PASSWORD, &c.refresh);
    return c;
}

static bool good(const struct credential *c) { return c->made_at && loop_now_ms() - c->made_at < GOOD_FOR_MS; }

const char *session_of(struct world *w, enum kind k)
{
    static const enum role roles[KINDS] = {[GUEST] = ROLE_GUEST, [STRANGER] = ROLE_USER, [OWNER] = ROLE_USER, [ADMIN] = ROLE_ADMIN};
    struct credential *c = &w->session[k];
    if (w->email[k] && good(c)) return c->bearer;
    if (!w->email[k]) {
        w->email[k] = new_email(w);
        loop_user(&w->l, w->email[k], roles[k]);
    }
    *c = sign_in(w, w->email[k]);
    return c->bearer;
}

static const char *id_of(struct world *w, const char *bearer)
{
    ANSWER a = {0};
    LOOP(&w->l, &a, .target = V1 "/me", .bearer = bearer);
    return loop_str(&a, "user.id");
}

static void admin_does(struct world *w, const char *method, const char *target, const char *json)
{
    ANSWER a = {0};
    LOOP(&w->l, &a, .method = method, .target = target, .bearer = session_of(w, ADMIN), .json = json);
    if (a.status != 200) test_fail(__FILE__, __LINE__, "%s: %d", target, a.status);
}

/* ---- API keys ---- */

static const char *make_key(struct world *w, const char *bearer, unsigned scopes, const char *more, const char **ret_id)
{
    ANSWER a = {0};
    const char *words = "", *comma = "";
    for (unsigned i = 0; i < SCOPE_COUNT; i++) {
        if (!(scopes & 1u << i)) continue;
        words = loop_text("%s%s\"%s\"", words, comma, scope_name((enum scope)(1u << i)));
        comma = ",";
    }
    post(w, &a, bearer, V1 "/api-keys", loop_text("{\"name\":\"k\",\"scopes\":[%s]%s}", words, more));
    if (ret_id) *ret_id = loop_str(&a, "api_key.id");
    return loop_str(&a, "api_key.key");
}

static unsigned scopes_of(bool admin)
{
    unsigned of_users = SCOPE_FILES_READ | SCOPE_FILES_WRITE | SCOPE_TRANSFERS_READ | SCOPE_TRANSFERS_WRITE;
    return admin ? (1u << SCOPE_COUNT) - 1 : of_users;
}

static const char *key_for(struct world *w, const struct route *r, bool with)
{
    bool admin = r->caller == CALLER_ADMIN;
    const char *bearer = session_of(w, who_may(r)), **slot = &w->all_scopes[admin];
    unsigned scopes = scopes_of(admin);
    for (unsigned i = 0; i < SCOPE_COUNT; i++) {
        if (r->scope != 1u << i) continue;
        slot = with ? &w->with[admin][i] : &w->without[admin][i];
        scopes = with ? r->scope : scopes & ~r->scope;
    }
    if (!*slot) *slot = make_key(w, bearer, scopes, "", NULL);
    return *slot;
}

/* ---- credentials that are not a plain session ---- */

const char *unfinished(struct world *w, enum mfa_use use)
{
    CLEANUP(ctx_done) struct ctx c;
    struct user user;
    struct slice token = SLICE("");
    const char *email = new_email(w);
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    loop_user(&w->l, email, ROLE_ADMIN);
    enum err e = user_by_email(&c, w->l.app, slice_cstr(email), &user);
    if (e == ERR_OK) e = mfa_token_new(&c, w->l.app, &user, use, false, &token);
    if (e != ERR_OK) test_fail(__FILE__, __LINE__, "token: %s", err_name(e));
    return loop_text(SLICE_FMT, SLICE_ARG(token));
}

static struct credential by_cookie(struct world *w, const char *email)
{
    ANSWER a = {0};
    struct credential c = {.made_at = loop_now_ms(), .origin = LOOP_URL};
    LOOP(&w->l, &a, .target = V1 "/auth/login", .json = login_json(email, ",\"session\":\"cookie\""),
         .headers = {{SLICE("origin"), SLICE(LOOP_URL)}});
    if (a.status != 200) test_fail(__FILE__, __LINE__, "cookie sign-in: %d", a.status);
    c.csrf = loop_str(&a, "csrf_token");
    for (size_t i = 0; i < a.header_count; i++) {
        struct slice rest = a.headers[i].value;
        if (!slice_eq(a.headers[i].name, SLICE("set-cookie")) || !slice_starts(rest, SLICE("__Host-sd_at="))) continue;
        struct slice pair = slice_cut(&rest, ';');
        c.cookie = loop_text(SLICE_FMT, SLICE_ARG(pair));
    }
    return c;
}

/* An administrator of its own with a session, and a key where one is wanted; then something happens to it. */
static struct credential fallen(struct world *w, enum kind k)
{
    const char *email = new_email(w);
    struct credential c = {.bearer = loop_user(&w->l, email, ROLE_ADMIN), .made_at = loop_now_ms()};
    const char *bearer = c.bearer, *id = id_of(w, bearer), *key_id = "";
    ANSWER a = {0};
    if (k == SUSPENDED_KEY || k == REVOKED_KEY || k == KEY_DEMOTED)
        c.bearer = make_key(w, bearer, scopes_of(true), "", &key_id);
    if (k == REVOKED) post(w, &a, bearer, V1 "/auth/logout", NULL);
    if (k == SUSPENDED || k == SUSPENDED_KEY) admin_does(w, "POST", loop_text(V1 "/admin/users/%s/suspend", id), NULL);
    if (k == KEY_DEMOTED) admin_does(w, "PATCH", loop_text(V1 "/admin/users/%s", id), "{\"role\":\"user\"}");
    if (k == REVOKED_KEY)
        LOOP(&w->l, &a, .method = "DELETE", .target = loop_text(V1 "/api-keys/%s", key_id), .bearer = bearer);
    return c;
}

/* A session whose secret was proven longer ago than FRESH_MS, with an access token of now. */
static struct credential old_session(struct world *w, const struct credential *last, enum kind who)
{
    struct credential c = *last;
    ANSWER a = {0};
    if (!c.refresh) {
        session_of(w, who);
        c = sign_in(w, w->email[who]);
        loop_advance(FRESH_MS + 1000);
    }
    LOOP(&w->l, &a, .target = V1 "/auth/refresh", .json = loop_text("{\"refresh_token\":\"%s\"}", c.refresh));
    if (a.status != 200) test_fail(__FILE__, __LINE__, "old session: %d", a.status);
    return (struct credential){.bearer = loop_str(&a, "access_token"), .refresh = loop_str(&a, "refresh_token"),
                               .made_at = loop_now_ms()};
}

static struct credential cookie_kind(struct world *w, enum kind k, enum kind who)
{
    session_of(w, who);
    struct credential c = by_cookie(w, w->email[who]);
    if (k == COOKIE_BARE) c.csrf = NULL;
    /* Well-formed, and of another session. */
    if (k == COOKIE_WRONG) c.csrf = by_cookie(w, w->email[who]).csrf;
    if (k == COOKIE_FOREIGN) c.origin = "https://evil.example";
    return c;
}

static struct credential nobody(struct world *w, enum kind k)
{
    struct credential c = {.made_at = loop_now_ms()};
    if (k == GARBAGE) c.bearer = "eyJhbGciOiJub25lIn0.e30.";
    if (k == GARBAGE_KEY) c.bearer = "sdk_abcdefgh_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    if (k == PENDING) c.bearer = unfinished(w, MFA_VERIFY);
    if (k == ENROLLING) c.bearer = unfinished(w, MFA_ENROL);
    if (k == RENEWING) c.bearer = unfinished(w, MFA_NEW_PASSWORD);
    if (k == EXPIRED_KEY) c.bearer = w->expired_key;
    if (k == REFRESH_TOKEN) {
        session_of(w, ADMIN);
        c.bearer = w->session[ADMIN].refresh;
    }
    if (k == KEY_AS_COOKIE) {
        if (!w->all_scopes[1]) w->all_scopes[1] = make_key(w, session_of(w, ADMIN), scopes_of(true), "", NULL);
        c.cookie = loop_text("__Host-sd_at=%s", w->all_scopes[1]);
        c.origin = LOOP_URL;
    }
    return c;
}

static struct credential make(struct world *w, const struct credential *last, enum kind k, enum kind who)
{
    if (k == EXPIRED) return *last;
    if (k == REVOKED || k == SUSPENDED || k == SUSPENDED_KEY || k == REVOKED_KEY || k == KEY_DEMOTED) return fallen(w, k);
    if (k <= LAST_NOBODY) return nobody(w, k);
    if (k == OLD) return old_session(w, last, who);
    return cookie_kind(w, k, who);
}

enum kind who_may(const struct route *r) { return r->caller == CALLER_ADMIN ? ADMIN : OWNER; }

struct credential caller_of(struct world *w, const struct route *r, enum kind k)
{
    struct credential *c = &w->special[r->caller == CALLER_ADMIN][k];
    if (k >= GUEST && k <= ADMIN) return (struct credential){.bearer = session_of(w, k)};
    if (k == KEY_WITHOUT || k == KEY_WITH) return (struct credential){.bearer = key_for(w, r, k == KEY_WITH)};
    if (!good(c)) *c = make(w, c, k, who_may(r));
    return *c;
}

void present(struct loop_request *q, const struct credential *c)
{
    size_t n = 0;
    q->bearer = c->bearer;
    if (c->cookie) q->headers[n++] = (struct http_header){SLICE("cookie"), slice_cstr(c->cookie)};
    if (c->csrf) q->headers[n++] = (struct http_header){SLICE("x-csrf-token"), slice_cstr(c->csrf)};
    if (c->origin) q->headers[n] = (struct http_header){SLICE("origin"), slice_cstr(c->origin)};
}

/* What an append must say: this is the whole upload. */
static void say_all_at_once(struct loop_request *q)
{
    size_t n = 0;
    while (q->headers[n].name.len) n++;
    q->type = "application/partial-upload";
    q->headers[n++] = (struct http_header){SLICE("upload-offset"), SLICE("0")};
    q->headers[n] = (struct http_header){SLICE("upload-complete"), SLICE("?1")};
}

/* What the protocol asks for besides. */
static void speak_tus(const struct route *r, struct loop_request *q)
{
    size_t n = 0;
    if (strncmp(r->pattern, "/tus", 4) != 0) return;
    while (q->headers[n].name.len) n++;
    q->headers[n++] = (struct http_header){SLICE("tus-resumable"), SLICE("1.0.0")};
    if (!r->open) return;
    q->type = "application/offset+octet-stream";
    q->headers[n++] = (struct http_header){r->method == HTTP_POST ? SLICE("upload-length") : SLICE("upload-offset"),
                                           r->method == HTTP_POST ? SLICE("8") : SLICE("0")};
}

void ask_as(struct world *w, const struct route *r, const struct credential *c, const char *path, const char *body,
            struct loop_answer *a)
{
    struct loop_request q = {.method = http_method_name(r->method), .target = path, .json = body, .body = raw_for(r)};
    present(&q, c);
    if (r->open == resumable_append_open) say_all_at_once(&q);
    speak_tus(r, &q);
    loop_next(&w->l, &q, a);
}

/* ---- objects ---- */

static const char *new_session_id(struct world *w)
{
    ANSWER a = {0};
    LOOP(&w->l, &a, .target = V1 "/auth/sessions", .bearer = sign_in(w, w->email[OWNER]).bearer);
    for (size_t i = 0; i < loop_count(&a, "items"); i++)
        if (loop_true(&a, loop_text("items.%zu.current", i))) return loop_str(&a, loop_text("items.%zu.id", i));
    test_fail(__FILE__, __LINE__, "no session");
    return "";
}

void world_objects(struct world *w)
{
    struct loop *l = &w->l;
    const char *owner = session_of(w, OWNER);
    ANSWER a = {0};
    post(w, &a, owner, V1 "/uploads", "{\"name\":\"begun.txt\",\"size\":5}");
    w->upload = loop_str(&a, "upload_id");
    post(w, &a, owner, V1 "/uploads", "{\"name\":\"empty.txt\",\"size\":0}");
    w->empty_upload = loop_str(&a, "upload_id");
    LOOP(l, &a, .method = "POST", .target = V1 "/files/upload?name=grows.txt", .bearer = owner,
         .headers = {{SLICE("upload-complete"), SLICE("?0")}});
    struct slice place = loop_header(&a, "location");
    w->resumable = loop_text(SLICE_FMT, SLICE_ARG(slice_sub(place, sizeof V1 "/files/upload/" - 1, place.len)));
    LOOP(l, &a, .method = "POST", .target = "/tus", .bearer = owner,
         .headers = {{SLICE("tus-resumable"), SLICE("1.0.0")}, {SLICE("upload-length"), SLICE("100")}});
    if (a.status != 201) test_fail(__FILE__, __LINE__, "tus: %d %s", a.status, loop_shown(&a));
    w->tus = loop_text(SLICE_FMT, SLICE_ARG(slice_sub(loop_header(&a, "location"), 5, 99)));
    w->file = loop_file(l, owner, "secret.txt", SLICE("for nobody else"));
    loop_version(l, owner, w->file, SLICE("for nobody else, corrected"));
    post(w, &a, owner, V1 "/folders", loop_text("{\"name\":\"private %u\"}", w->count++));
    w->folder = loop_str(&a, "folder.id");
    w->transfer = loop_transfer(l, owner, w->file, ",\"password\":\"" SECRET_OF_LINK "\"");
    post(w, &a, owner, loop_text(V1 "/transfers/%s/share", w->transfer), "{}");
    w->link = loop_str(&a, "link.id");
    w->token = loop_str(&a, "link.token");
    w->owner_session = new_session_id(w);
    /* There is a limit to keys; the last one may be gone already. */
    if (w->owner_key)
        LOOP(l, &a, .method = "DELETE", .target = loop_text(V1 "/api-keys/%s", w->owner_key), .bearer = owner);
    make_key(w, owner, SCOPE_FILES_READ, "", &w->owner_key);
    w->victim = id_of(w, loop_user(l, new_email(w), ROLE_USER));
    world_share(w, w->victim, "view");
    w->comment = world_comment(w, owner);
    w->archive = world_archive(w, owner);
    if (!w->token[0] || !w->victim[0]) test_fail(__FILE__, __LINE__, "no objects");
}

static const char *challenge(struct world *w, const struct credential *c)
{
    ANSWER a = {0};
    struct loop_request q = {.method = "POST", .target = V1 "/auth/passkeys/login/options", .json = "{}"};
    if (c) q = (struct loop_request){.method = "POST", .target = V1 "/auth/passkeys/options"};
    if (c) present(&q, c);
    loop_next(&w->l, &q, &a);
    if (a.status != 200) test_fail(__FILE__, __LINE__, "challenge: %d", a.status);
    return loop_str(&a, "public_key.challenge");
}

static const char *add_passkey(struct world *w, struct authenticator *k, const struct credential *c)
{
    ANSWER a = {0};
    struct loop_request q = {.target = V1 "/auth/passkeys", .json = authenticator_register(k, challenge(w, c), "key")};
    present(&q, c);
    loop_next(&w->l, &q, &a);
    if (a.status != 201) test_fail(__FILE__, __LINE__, "passkey: %d", a.status);
    return loop_str(&a, "passkey.id");
}

void world_open(struct world *w)
{
    *w = (struct world){0};
    loop_open(&w->l);
    authenticator_new(&w->passkey);
    if (test_failed()) return;
    w->l.cfg.registration = REGISTRATION_OPEN;
    loop_reopen(&w->l);
    struct credential holder = {.bearer = loop_user(&w->l, new_email(w), ROLE_USER)};
    w->passkey_id = add_passkey(w, &w->passkey, &holder);
    const char *late = loop_user(&w->l, new_email(w), ROLE_ADMIN);
    w->expired_key = make_key(w, late, scopes_of(true), ",\"expires_in\":60", NULL);
    loop_advance(LIMIT_ACCESS_TOKEN_MS);
    w->special[0][EXPIRED] = w->special[1][EXPIRED] = (struct credential){.bearer = late};
    world_objects(w);
}

void world_close(struct world *w)
{
    authenticator_free(&w->passkey);
    loop_close(&w->l);
}

void world_replace(struct world *w, const struct route *r, enum kind k)
{
    enum kind who = k <= ADMIN ? k : who_may(r);
    w->email[who] = NULL;
    for (unsigned admin = 0; admin < 2; admin++) {
        if (who != (admin ? ADMIN : OWNER)) continue;
        for (int i = OLD; i < KINDS; i++) w->special[admin][i] = (struct credential){0};
        w->special[admin][KEY_AS_COOKIE] = (struct credential){0};
        w->all_scopes[admin] = NULL;
        memset(w->with[admin], 0, sizeof w->with[admin]);
        memset(w->without[admin], 0, sizeof w->without[admin]);
    }
    if (who == OWNER) world_objects(w);
}

/* ---- paths and bodies ---- */

bool any_query(const struct route *r)
{
    for (const char *const *name = r->query; name && *name; name++)
        if (strcmp(*name, "*") == 0) return true;
    return false;
}

bool names_object(const struct route *r) { return strstr(r->pattern, "{id}") != NULL; }

bool names_personal(const struct route *r)
{
    return names_object(r) && (strstr(r->pattern, "/auth/") || strstr(r->pattern, "/api-keys/") || strstr(r->pattern, "/archive/"));
}

static const char *device_codes(struct world *w, const char **ret_user)
{
    ANSWER a = {0};
    /* One address may not ask for many codes. */
    LOOP(&w->l, &a, .target = V1 "/auth/device", .json = "{}", .peer = loop_text("192.0.2.%u", w->count++ % 250));
    *ret_user = loop_str(&a, "user_code");
    return loop_str(&a, "device_code");
}

static const char *approved_device(struct world *w)
{
    ANSWER a = {0};
    const char *user = NULL, *device = device_codes(w, &user);
    /* Somebody else each time: one account may not enter many codes. */
    post(w, &a, loop_user(&w->l, new_email(w), ROLE_USER), V1 "/auth/device/approve",
         loop_text("{\"user_code\":\"%s\",\"approve\":true}", user));
    return device;
}

static const char *device_user_code(struct world *w)
{
    const char *user = NULL;
    device_codes(w, &user);
    return user;
}

/* Of a new account: one account may not sign in often. */
static const char *new_refresh_token(struct world *w)
{
    const char *email = new_email(w);
    loop_user(&w->l, email, ROLE_USER);
    return sign_in(w, email).refresh;
}

static const char *members(struct world *w, const struct route *r)
{
#define PASSWORD_AND(rest) "\"password\":\"" LOOP_PASSWORD "\"" rest
    if (r->in == &msg_setup_table) return "\"setup_token\":\"" LOOP_SETUP_TOKEN "\",\"email\":\"x@example.com\"," PASSWORD_AND("");
    if (r->in == &msg_login_table) return loop_text("\"email\":\"%s\"," PASSWORD_AND(""), w->email[STRANGER]);
    if (r->in == &msg_refresh_table) return loop_text("\"refresh_token\":\"%s\"", new_refresh_token(w));
    if (r->in == &msg_me_patch_table || r->in == &msg_account_patch_table) return "\"display_name\":\"N\"";
    if (r->in == &msg_upload_new_table) return "\"name\":\"n.txt\"";
    if (r->in == &msg_key_request_table) return "\"public_key\":\"" KEY43 "\"";
    if (r->in == &msg_transfer_new_table) return loop_text("\"file_ids\":[\"%s\"]", w->file);
    if (r->in == &msg_verify_table) return "\"password\":\"" SECRET_OF_LINK "\"";
    if (r->in == &msg_done_table) return "\"grant\":\"" ABSENT "\"";
    if (r->in == &msg_mfa_enable_table || r->in == &msg_reauthenticate_table) return PASSWORD_AND("");
    if (r->in == &msg_mfa_verify_table) return "\"code\":\"000000\"";
    if (r->in == &msg_mfa_change_table) return PASSWORD_AND(",\"code\":\"000000\"");
    if (r->in == &msg_password_change_table)
        return "\"current_password\":\"" LOOP_PASSWORD "\",\"new_password\":\"another good long phrase\"";
    if (r->in == &msg_apikey_new_table) return "\"name\":\"k\",\"scopes\":[\"files:read\"]";
    if (r->in == &msg_register_table) return loop_text("\"email\":\"%s\"," PASSWORD_AND(""), new_email(w));
    if (r->in == &msg_mailed_token_table) return "\"token\":\"" KEY43 "\"";
    if (r->in == &msg_email_change_table) return loop_text("\"email\":\"%s\"," PASSWORD_AND(""), new_email(w));
    if (r->in == &msg_forgot_table) return loop_text("\"email\":\"%s\"", new_email(w));
    if (r->in == &msg_reset_table) return "\"token\":\"" KEY43 "\",\"new_password\":\"another good long phrase\"";
    if (r->in == &msg_device_decision_table) return loop_text("\"user_code\":\"%s\",\"approve\":true", device_user_code(w));
    if (r->in == &msg_device_poll_table) return loop_text("\"device_code\":\"%s\"", approved_device(w));
    if (r->in == &msg_account_new_table || r->in == &msg_invite_new_table) return loop_text("\"email\":\"%s\"", new_email(w));
    if (r->in == &msg_bulk_table) return loop_text("\"op\":\"restore\",\"ids\":[\"%s\"]", w->file);
    if (r->in == &msg_archive_new_table) return loop_text("\"ids\":[\"%s\"]", w->file);
    if (r->in == &msg_comment_new_table) return "\"text\":\"I say\"";
    if (r->in == &msg_permission_put_table) return loop_text("\"permission\":\"view\",\"user\":\"%s\"", w->victim);
    if (r->in == &msg_permission_set_table) return "\"permission\":\"view\"";
    if (r->call == folders_new_call) return loop_text("\"name\":\"folder %u\"", w->count++);
#undef PASSWORD_AND
    return "";
}

/* Objects that the device makes whole: without their closing brace. */
static const char *from_device(struct world *w, const struct route *r)
{
    if (r->in == &msg_passkey_new_table) return authenticator_register(&w->passkey, challenge(w, NULL), "k");
    if (r->in != &msg_passkey_login_table) return NULL;
    w->passkey.count++;
    return authenticator_sign(&w->passkey, challenge(w, NULL), "");
}

const char *body_for(struct world *w, const struct route *r, const char *more)
{
    if (!r->in) return NULL;
    session_of(w, STRANGER);
    const char *whole = from_device(w, r), *some = whole ? "" : members(w, r);
    if (whole) return loop_text("%.*s%s}", (int)strlen(whole) - 1, whole, more);
    return loop_text("{%s%s}", some, !some[0] && more[0] ? more + 1 : more);
}

struct slice raw_for(const struct route *r)
{
    if (!r->open) return SLICE("");
    return r->method == HTTP_PUT && strstr(r->pattern, "/parts/") ? SLICE("5byte") : SLICE("raw body");
}

static const char *object_of(const struct world *w, const struct route *r)
{
    if (strstr(r->pattern, "/tus/")) return w->tus;
    if (strstr(r->pattern, "/uploads/")) return strstr(r->pattern, "/complete") ? w->empty_upload : w->upload;
    if (strstr(r->pattern, "/files/upload/")) return w->resumable;
    if (strstr(r->pattern, "/transfers/")) return w->transfer;
    if (strstr(r->pattern, "/folders/")) return w->folder;
    if (strstr(r->pattern, "/sessions/")) return w->owner_session;
    if (strstr(r->pattern, "/api-keys/")) return w->owner_key;
    if (strstr(r->pattern, "/passkeys/")) return w->passkey_id;
    if (strstr(r->pattern, "/archive/")) return w->archive;
    return strstr(r->pattern, "/admin/users/") ? w->victim : w->file;
}

const char *path_for(struct world *w, const struct route *r, bool absent)
{
    bool key = strstr(r->pattern, "/api-keys/"), code = strstr(r->pattern, "{user_code}") != NULL;
    const struct {
        const char *name, *value;
    } names[] = {{"{id}", !absent ? object_of(w, r) : key ? "abcdefgh" : ABSENT},
                 {"{link_id}", absent ? ABSENT : w->link},
                 {"{comment_id}", absent ? ABSENT : w->comment},
                 {"{user_id}", absent ? ABSENT : w->victim},
                 {"{token}", absent ? KEY43 : w->token},
                 {"{user_code}", absent || !code ? "BCDF-GHJK" : device_user_code(w)},
                 {"{provider}", "corp"},
                 {"{n}", "0"},
                 {"{v}", absent ? "99" : "1"},
                 {"{asset}", "style.css"}};
    const char *path = r->pattern;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *at = strstr(path, names[i].name);
        if (at) path = loop_text("%.*s%s%s", (int)(at - path), path, names[i].value, at + strlen(names[i].name));
    }
    return r->open && r->query ? loop_text("%s?name=raw.txt", path) : path;
}

/* ---- factors of the caller itself ---- */

static void self(struct world *w, const struct credential *c, const char *target, const char *json, struct loop_answer *a)
{
    struct loop_request q = {.target = target, .json = json};
    present(&q, c);
    loop_next(&w->l, &q, a);
    if (a->status != 200) test_fail(__FILE__, __LINE__, "%s: %d %s", target, a->status, loop_shown(a));
}

static const char *code_now(const char *base32)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint8_t secret[TOTP_SECRET_BYTES] = {0};
    uint32_t code = 0;
    for (size_t bit = 0; bit < 8 * sizeof secret && base32[bit / 5]; bit++) {
        const char *at = strchr(alphabet, base32[bit / 5]);
        if (at && (at - alphabet) >> (4 - bit % 5) & 1) secret[bit / 8] = (uint8_t)(secret[bit / 8] | 0x80u >> bit % 8);
    }
    if (totp_code(slice_of(secret, sizeof secret), totp_step(loop_now_ms()), &code) != ERR_OK)
        test_fail(__FILE__, __LINE__, "totp_code");
    return loop_text("%06u", code);
}

static const char *own_code(struct world *w, const struct credential *c, bool confirmed)
{
    ANSWER a = {0};
    self(w, c, V1 "/auth/2fa/enable", "{\"password\":\"" LOOP_PASSWORD "\"}", &a);
    const char *secret = loop_str(&a, "secret");
    if (!confirmed) return code_now(secret);
    self(w, c, V1 "/auth/2fa/verify", loop_text("{\"code\":\"%s\"}", code_now(secret)), &a);
    loop_advance(TOTP_STEP_MS);
    return code_now(secret);
}

void prepare_for(struct world *w, const struct route *r, const struct credential *c, const char **path, const char **body)
{
    struct authenticator k;
    authenticator_new(&k);
    if (r->call == mfa_verify_call) *body = loop_text("{\"code\":\"%s\"}", own_code(w, c, false));
    if (r->call == mfa_disable_call || r->call == mfa_recovery_call)
        *body = loop_text("{\"password\":\"" LOOP_PASSWORD "\",\"code\":\"%s\"}", own_code(w, c, true));
    if (r->call == passkeys_new_call) *body = authenticator_register(&k, challenge(w, c), "key");
    if (r->call == passkeys_delete_call) *path = loop_text(V1 "/auth/passkeys/%s", add_passkey(w, &k, c));
    authenticator_free(&k);
}
