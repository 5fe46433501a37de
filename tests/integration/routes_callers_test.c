/* Every route and every kind of caller: what the row promises is what happens. What is expected is derived from the row's caller,
 * scope, freshness and method; only what a row cannot say (a secret that this test does not have) is declared here. */
#include "integration/routes_world.h"

struct promise {
    int status; /* 0: the row's own */
    const char *code; /* of the problem; NULL: not looked at */
};

/* Routes for everybody that answer a made-up secret, or a server without what they are about, the same way to all. */
static struct promise for_anyone(const struct route *r)
{
    if (r->call == auth_setup) return (struct promise){404, "not_found"}; /* is over */
    if (r->call == account_verify_call || r->call == account_reset_call) return (struct promise){400, "token_invalid"};
    if (r->call == oidc_start_call || r->call == oidc_callback_call) return (struct promise){404, NULL};
    return (struct promise){0};
}

static struct promise for_holders_of_links(const struct route *r)
{
    bool proven = r->call == share_download_call || r->call == share_content_call || r->call == share_key_call ||
                  r->call == share_done_call;
    return proven ? (struct promise){401, NULL} : (struct promise){0};
}

static bool safe(const struct route *r) { return r->method == HTTP_GET || r->method == HTTP_HEAD || r->method == HTTP_OPTIONS; }
static bool is_key(enum kind k) { return k == KEY_DEMOTED || k == KEY_WITHOUT || k == KEY_WITH; }

/* As the dispatcher must decide, in its order; the rest is the handler's. */
static struct promise by_row(const struct route *r, enum kind k)
{
    bool has_scope = k != KEY_WITHOUT || r->scope == SCOPE_ANY;
    if (k <= LAST_NOBODY) return (struct promise){401, "unauthorized"};
    if (k >= COOKIE_BARE && k < COOKIE_RIGHT && !safe(r)) return (struct promise){403, "csrf"};
    if (is_key(k) && (r->scope == SCOPE_NEVER || !has_scope)) return (struct promise){403, "scope"};
    if (r->caller == CALLER_ADMIN && ((k >= GUEST && k < ADMIN) || k == KEY_DEMOTED)) return (struct promise){403, "denied"};
    if (r->fresh && k == OLD) return (struct promise){403, "reauth_required"};
    return (struct promise){0};
}

/* What policy adds: guests make nothing, others' objects are not there, personal ones not even for administrators. */
static struct promise by_policy(const struct route *r, enum kind k)
{
    bool outside = k == GUEST || k == STRANGER || k == KEY_DEMOTED;
    bool writes = r->scope == SCOPE_FILES_WRITE || r->scope == SCOPE_TRANSFERS_WRITE;
    /* Everybody makes a passkey of their own to remove; others' are tried in routes_foreign_is_absent. */
    if (r->caller == CALLER_ADMIN || r->call == passkeys_delete_call) return (struct promise){0};
    if (names_object(r) && (outside || (k == ADMIN && names_personal(r)))) return (struct promise){404, "not_found"};
    /* Not even administrators put words into others' mouths. */
    if (k == ADMIN && r->call == comments_change_call) return (struct promise){403, "denied"};
    if (names_object(r)) return (struct promise){0};
    if (k == GUEST && writes) return (struct promise){403, "denied"};
    /* A transfer of somebody else's file: named as a bad field. */
    if (outside && r->call == files_archive_call) return (struct promise){404, "not_found"};
    if (outside && r->call == transfers_new_call) return (struct promise){400, NULL};
    return (struct promise){0};
}

static struct promise promised(const struct route *r, enum kind k)
{
    if (r->caller == CALLER_ANYONE) return for_anyone(r);
    if (r->caller == CALLER_LINK) return for_holders_of_links(r);
    struct promise p = by_row(r, k);
    return p.status ? p : by_policy(r, k);
}

/* Success ends or weakens sessions of the caller, or makes its sign-in another one. */
static bool changes_the_caller(const struct route *r)
{
    static call_fn *const calls[] = {auth_logout,         mfa_verify_call,       mfa_disable_call,
                                     mfa_recovery_call,   reauthenticate_call,   password_change_call,
                                     passkeys_new_call,   passkeys_delete_call,  sessions_end_others_call,
                                     email_change_call};
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        if (r->call == calls[i]) return true;
    return false;
}

static void check_caller(struct world *w, const struct route *r, enum kind k)
{
    struct promise p = promised(r, k);
    ANSWER a = {0};
    struct credential c = caller_of(w, r, k);
    const char *path = path_for(w, r, false), *body = body_for(w, r, "");
    int want = p.status ? p.status : r->status;
    bool signed_in = r->caller == CALLER_USER || r->caller == CALLER_ADMIN || r->caller == CALLER_EITHER;
    if (!p.status && signed_in) prepare_for(w, r, &c, &path, &body);
    ask_as(w, r, &c, path, body, &a);
    if (r->method == HTTP_HEAD) p.code = NULL; /* there is no body to tell it */
    if (a.status != want || (p.code && strcmp(loop_str(&a, "code"), p.code) != 0))
        test_fail(__FILE__, __LINE__, "%s %s as %s: %d, wanted %d %s: %s", http_method_name(r->method), r->pattern, kind_names[k],
                  a.status, want, p.code ? p.code : "", loop_shown(&a));
    /* What a caller with rights has done is done. */
    if (!p.status && changes_the_caller(r)) world_replace(w, r, k);
    else if (!p.status && names_object(r)) world_objects(w);
}

TEST(routes_every_caller)
{
    struct world w;
    if (loop_missing()) return;
    world_open(&w);
    for (size_t i = 0; i < api_route_count && !test_failed(); i++) {
        for (int k = 0; k < KINDS && !test_failed(); k++) {
            check_caller(&w, &api_routes[i], (enum kind)k);
            loop_advance(3000);
        }
    }
    world_close(&w);
}

/* Rows of administrators' and of personal things must not be within reach of keys by a slip in the table. */
TEST(routes_scopes_are_declared)
{
    for (size_t i = 0; i < api_route_count; i++) {
        const struct route *r = &api_routes[i];
        bool one = r->scope && !(r->scope & (r->scope - 1)), of_admins = r->scope >= SCOPE_ADMIN_READ && r->scope != SCOPE_ANY;
        bool writes = r->scope == SCOPE_FILES_WRITE || r->scope == SCOPE_TRANSFERS_WRITE || r->scope == SCOPE_ADMIN_WRITE;
        /* Asks for bytes or a key by POST without changing anything; asks where its upload stands, to go on with it. */
        bool reads = (safe(r) && r->call != tus_head_call) || r->call == files_key_call || r->call == files_archive_call;
        if (r->scope == SCOPE_NEVER || r->scope == SCOPE_ANY) {
            CHECK(r->caller != CALLER_ADMIN);
            CHECK(r->scope == SCOPE_NEVER || safe(r));
            continue;
        }
        CHECK(one && r->scope < 1u << SCOPE_COUNT);
        CHECK(of_admins == (r->caller == CALLER_ADMIN));
        if (writes == reads) test_fail(__FILE__, __LINE__, "%s %s: scope", http_method_name(r->method), r->pattern);
    }
}

/* ---- tokens of unfinished sign-ins ---- */

static const struct {
    call_fn *call;
    enum mfa_use use;
} opens[] = {{mfa_enable_call, MFA_ENROL},
             {mfa_verify_call, MFA_ENROL},
             {mfa_verify_call, MFA_VERIFY},
             {password_change_call, MFA_NEW_PASSWORD},
             {passkeys_login_options_call, MFA_VERIFY},
             {passkeys_login_call, MFA_VERIFY}};

static bool opened_by(const struct route *r, enum mfa_use use)
{
    for (size_t i = 0; i < ARRAY_LEN(opens); i++)
        if (opens[i].call == r->call && opens[i].use == use) return true;
    return false;
}

static bool takes_token(const struct route *r)
{
    for (size_t i = 0; r->in && i < r->in->count; i++)
        if (strcmp(r->in->fields[i].name, "mfa_token") == 0) return true;
    return false;
}

enum place { IN_HEADER, IN_COOKIE, IN_REFRESH_COOKIE, IN_QUERY, IN_QUERY_AS_BEARER, IN_BODY, PLACES };
static const char *const place_names[PLACES] = {"header", "cookie", "refresh cookie", "query", "query as access_token", "body"};

static void ask_with_token(struct world *w, const struct route *r, const char *token, enum place p, struct loop_answer *a)
{
    struct credential c = {0};
    const char *path = path_for(w, r, false), *body = body_for(w, r, "");
    char sep = strchr(path, '?') ? '&' : '?';
    if (p == IN_HEADER) c.bearer = token;
    if (p == IN_COOKIE) c = (struct credential){.cookie = loop_text("__Host-sd_at=%s", token), .origin = LOOP_URL};
    if (p == IN_REFRESH_COOKIE) c = (struct credential){.cookie = loop_text("__Secure-sd_rt=%s", token), .origin = LOOP_URL};
    if (p == IN_REFRESH_COOKIE && r->call == auth_refresh) body = "{}";
    if (p == IN_QUERY) path = loop_text("%s%cmfa_token=%s", path, sep, token);
    if (p == IN_QUERY_AS_BEARER) path = loop_text("%s%caccess_token=%s", path, sep, token);
    if (p == IN_BODY) body = loop_text("{\"mfa_token\":\"%s\"}", token);
    if (p == IN_BODY && r->in) body = body_for(w, r, loop_text(",\"mfa_token\":\"%s\"", token));
    ask_as(w, r, &c, path, body, a);
}

/* What the row says without looking at the token at all. */
static struct promise without_token(const struct route *r, enum place p)
{
    bool api = strncmp(r->pattern, "/api/", 5) == 0;
    bool in_query = p == IN_QUERY || p == IN_QUERY_AS_BEARER;
    if (r->caller == CALLER_USER || r->caller == CALLER_ADMIN) return (struct promise){401, "unauthorized"};
    if (r->caller == CALLER_EITHER && !in_query) return (struct promise){401, "unauthorized"};
    if (p == IN_REFRESH_COOKIE && r->call == auth_refresh) return (struct promise){401, NULL};
    if (p == IN_BODY && takes_token(r)) return (struct promise){401, "unauthorized"};
    if (p == IN_BODY && !r->open) return (struct promise){400, NULL};
    if (in_query && api && !any_query(r)) return (struct promise){400, "invalid"};
    return promised(r, ANONYMOUS);
}

static void check_token(struct world *w, const struct route *r, enum mfa_use use, enum place p)
{
    ANSWER a = {0};
    struct promise want = without_token(r, p);
    ask_with_token(w, r, unfinished(w, use), p, &a);
    const char *code = a.status >= 400 && loop_header(&a, "content-type").ptr ? loop_str(&a, "code") : "";
    int status = want.status ? want.status : r->status;
    if (r->method == HTTP_HEAD) want.code = NULL;
    bool opened = p == IN_BODY && opened_by(r, use);
    bool right = opened ? strcmp(code, "unauthorized") != 0 && strcmp(code, "invalid") != 0
                        : a.status == status && (!want.code || strcmp(code, want.code) == 0);
    if (!right)
        test_fail(__FILE__, __LINE__, "%s %s, token for use %d in %s: %d, wanted %d %s: %s", http_method_name(r->method), r->pattern,
                  (int)use, place_names[p], a.status, status, opened ? "to be let in" : "", loop_shown(&a));
}

TEST(routes_unfinished_sign_in_opens_its_own_only)
{
    struct world w;
    if (loop_missing()) return;
    world_open(&w);
    for (size_t i = 0; i < api_route_count && !test_failed(); i++) {
        const struct route *r = &api_routes[i];
        bool declared = opened_by(r, MFA_VERIFY) || opened_by(r, MFA_ENROL) || opened_by(r, MFA_NEW_PASSWORD);
        if (takes_token(r) != declared) test_fail(__FILE__, __LINE__, "%s takes a token and is not declared here", r->pattern);
        for (int use = MFA_VERIFY; use <= MFA_NEW_PASSWORD; use++) {
            for (int p = 0; p < PLACES && !test_failed(); p++) check_token(&w, r, (enum mfa_use)use, (enum place)p);
            loop_advance(20 * 1000);
        }
    }
    world_close(&w);
}
