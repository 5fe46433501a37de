/* The way to the provider and back, and which account comes of it. */
#include "core/oidc/oidc.h"

#include "base/limits.h"
#include "codec/base64.h"
#include "codec/text.h"
#include "codec/uri.h"
#include "codec/utf8.h"
#include "core/admin/admin.h"
#include "core/app/once.h"
#include "core/audit/audit.h"
#include "core/oidc/id_token.h"
#include "core/oidc/oidc_store.h"
#include "core/oidc/provider.h"
#include "os/clock.h"

#define COOKIE_BYTES 32
#define END_BYTES 8

static enum err to_text(struct ctx *c, struct slice raw, struct slice *ret)
{
    CLEANUP(buf_done) struct buf b = {.max = 256, .sensitive = true};
    TRY(base64url_encode(&b, raw));
    return arena_slice(&c->arena, buf_view(&b), ret);
}

/* What belongs to one try is a MAC of the browser's secret, each under its own label. */
static enum err derive(const struct app *app, const char *label, const struct oidc_provider *p, struct slice secret, struct slice more,
                       struct sha256 *ret)
{
    CLEANUP(buf_done) struct buf in = {.max = 512, .sensitive = true};
    TRY(buf_put_cstr(&in, label));
    TRY(buf_putc(&in, 0));
    TRY(buf_put(&in, p->name));
    TRY(buf_putc(&in, 0));
    TRY(buf_put(&in, secret));
    TRY(buf_put(&in, more));
    return hmac_sha256(slice_of(app->server_key.b, KEY_BYTES), buf_view(&in), ret);
}

struct attempt {
    size_t index;
    const struct oidc_provider *p;
    struct slice secret; /* raw, COOKIE_BYTES */
    struct slice nonce, verifier, redirect_uri;
};

static enum err fill(struct ctx *c, const struct app *app, struct attempt *t)
{
    struct sha256 nonce, verifier;
    TRY(derive(app, "sft/1/oidc-nonce", t->p, t->secret, SLICE(""), &nonce));
    TRY(derive(app, "sft/1/oidc-pkce", t->p, t->secret, SLICE(""), &verifier));
    TRY(to_text(c, sha256_view(&nonce), &t->nonce));
    TRY(to_text(c, sha256_view(&verifier), &t->verifier));
    return arena_printf(&c->arena, &t->redirect_uri, SLICE_FMT "/api/v1/auth/oidc/" SLICE_FMT "/callback",
                        SLICE_ARG(app->cfg.public_url), SLICE_ARG(t->p->name));
}

static enum err find(struct ctx *c, struct app *app, struct slice name, struct attempt *t)
{
    enum err e = provider_find(app->cfg.oidc, name, &t->index);
    if (e == ERR_NOT_FOUND) return refuse(c, e, "not_found", "There is no such sign-in provider.");
    TRY(e);
    t->p = &app->cfg.oidc->providers[t->index];
    return ERR_OK;
}

/* ---- to the provider ---- */

/* The state: when this try ends, and a MAC over that and the browser's secret. */
static enum err make_state(struct ctx *c, const struct app *app, const struct attempt *t, struct slice *ret)
{
    uint8_t raw[END_BYTES + SHA256_BYTES];
    uint64_t end = (uint64_t)(clock_wall_ms() + OIDC_TRY_MS);
    struct sha256 mac;
    for (size_t i = 0; i < END_BYTES; i++) raw[i] = (uint8_t)(end >> (56 - 8 * i));
    TRY(derive(app, "sft/1/oidc-state", t->p, t->secret, slice_of(raw, END_BYTES), &mac));
    memcpy(raw + END_BYTES, mac.b, SHA256_BYTES);
    return to_text(c, slice_of(raw, sizeof raw), ret);
}

static enum err put_query(struct buf *b, const char *name, struct slice value)
{
    TRY(buf_printf(b, "&%s=", name));
    return uri_encode(b, value);
}

static enum err put_url(struct ctx *c, struct buf *b, const struct attempt *t, struct slice endpoint, struct slice state)
{
    struct sha256 hash;
    struct slice challenge;
    TRY(sha256(t->verifier, &hash));
    TRY(to_text(c, sha256_view(&hash), &challenge));
    TRY(buf_put(b, endpoint));
    TRY(buf_put_cstr(b, slice_find(endpoint, '?') < endpoint.len ? "&response_type=code" : "?response_type=code"));
    TRY(put_query(b, "client_id", t->p->client_id));
    TRY(put_query(b, "redirect_uri", t->redirect_uri));
    TRY(put_query(b, "scope", t->p->scopes));
    TRY(put_query(b, "state", state));
    TRY(put_query(b, "nonce", t->nonce));
    TRY(put_query(b, "code_challenge", challenge));
    return buf_put_cstr(b, "&code_challenge_method=S256");
}

enum err oidc_start(struct ctx *c, struct app *app, struct slice provider, struct oidc_begin *ret)
{
    CLEANUP(buf_done) struct buf url = BUF_INIT(16 * KIB);
    struct attempt t = {.secret = {NULL, 0}};
    struct discovery d;
    struct slice state;
    uint8_t secret[COOKIE_BYTES];
    TRY(find(c, app, provider, &t));
    TRY(provider_discover(c, app, t.index, &d));
    TRY(os_random(secret, sizeof secret));
    t.secret = slice_of(secret, sizeof secret);
    TRY(fill(c, app, &t));
    TRY(make_state(c, app, &t, &state));
    TRY(put_url(c, &url, &t, d.authorization_endpoint, state));
    TRY(arena_slice(&c->arena, buf_view(&url), &ret->url));
    return to_text(c, t.secret, &ret->cookie);
}

/* ---- and back ---- */

static enum err bad_state(struct ctx *c)
{
    return refuse(c, ERR_DENIED, "oidc_state", "This sign-in was not begun in this browser, took too long, or was used already. "
                  "Begin again.");
}

static enum err decode(struct ctx *c, struct slice text, size_t want, struct slice *ret)
{
    CLEANUP(buf_done) struct buf raw = {.max = 128, .sensitive = true};
    enum err e = base64url_decode(&raw, text);
    if (e == ERR_NOMEM) return e;
    if (e != ERR_OK || raw.len != want) return bad_state(c);
    return arena_slice(&c->arena, buf_view(&raw), ret);
}

struct once_arg {
    struct sha256 hash;
    int64_t end;
};

static enum err once_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct once_arg *a = arg;
    return once_use(c, conn, &a->hash, a->end);
}

static enum err check_state(struct ctx *c, struct app *app, const struct oidc_callback *in, struct attempt *t)
{
    struct once_arg once = {.end = 0};
    struct slice raw;
    struct sha256 want, got;
    uint64_t end = 0;
    TRY(decode(c, in->cookie, COOKIE_BYTES, &t->secret));
    TRY(decode(c, in->state, END_BYTES + SHA256_BYTES, &raw));
    for (size_t i = 0; i < END_BYTES; i++) end = end << 8 | (uint8_t)raw.ptr[i];
    TRY(derive(app, "sft/1/oidc-state", t->p, t->secret, slice_sub(raw, 0, END_BYTES), &want));
    memcpy(got.b, raw.ptr + END_BYTES, SHA256_BYTES);
    if (!sha256_equal(&want, &got) || (uint64_t)clock_wall_ms() >= end) return bad_state(c);
    once.end = (int64_t)end;
    TRY(sha256(raw, &once.hash));
    enum err e = db_tx(c, app->be.db, DB_WRITE, once_tx, &once);
    return e == ERR_NOT_FOUND ? bad_state(c) : e;
}

static enum err get_claims(struct ctx *c, struct app *app, const struct attempt *t, struct slice code, struct id_claims *ret)
{
    struct slice token, keys;
    TRY(provider_token(c, app, t->index, code, t->redirect_uri, t->verifier, &token));
    TRY(provider_keys(c, app, t->index, false, &keys));
    enum err e = id_token_verify(c, t->p, keys, token, t->nonce, ret);
    if (e == ERR_NOT_FOUND) {
        e = provider_keys(c, app, t->index, true, &keys);
        if (e == ERR_OK) e = id_token_verify(c, t->p, keys, token, t->nonce, ret);
    }
    if (e == ERR_DENIED || e == ERR_NOT_FOUND || e == ERR_RATE)
        return refuse(c, ERR_DENIED, "oidc_token", "What the sign-in provider sent does not verify.");
    return e;
}

/* ---- which account ---- */

struct account_arg {
    struct app *app;
    const struct principal *who;
    const struct oidc_provider *p;
    const struct id_claims *claims;
    struct slice email_key;
    struct user user;
};

static enum err link_to(struct ctx *c, struct db_conn *conn, const struct account_arg *a, const struct id *user)
{
    TRY(oidc_store_link(c, conn, a->p->name, a->claims->sub, user, clock_wall_ms()));
    return audit_write(c, conn, &(struct audit_event){.event = "auth.oidc.link", .who = a->who, .actor_id = user, .object_type = "user",
                                                      .object_id = user, .detail = a->p->name});
}

static enum err known_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct account_arg *a = arg;
    struct id user;
    enum err e = oidc_store_use(c, conn, a->p->name, a->claims->sub, clock_wall_ms(), &user);
    if (e == ERR_NOT_FOUND && a->p->link_by_email && a->claims->email_verified && a->email_key.len) {
        TRY(oidc_store_by_email(c, conn, a->email_key, &user));
        /* Nobody suspended gets another way in. */
        TRY(user_load_locked(c, conn, a->app, &user, &a->user));
        if (!a->user.active) return ERR_OK;
        e = link_to(c, conn, a, &user);
    }
    TRY(e);
    return user_load(c, conn, a->app, &user, &a->user);
}

static enum err new_also(struct ctx *c, struct db_conn *conn, const struct user *user, void *arg)
{
    const struct account_arg *a = arg;
    TRY(oidc_store_confirm(c, conn, &user->id, clock_wall_ms()));
    return link_to(c, conn, a, &user->id);
}

static enum err no_account(struct ctx *c)
{
    return refuse(c, ERR_DENIED, "no_account", "There is no account here for you. Ask the administrator of this server.");
}

static enum err make_account(struct ctx *c, struct account_arg *a, enum role role)
{
    struct user_new n = {.email = a->claims->email,
                         .import_hash = SLICE(""), /* no password fits it */
                         .display_name = a->claims->name.len && a->claims->name.len <= LIMIT_TITLE_BYTES ? a->claims->name
                                                                                                          : (struct slice){NULL, 0},
                         .role = role,
                         .who = a->who,
                         .also = new_also,
                         .also_arg = a};
    if (!a->p->create || !a->email_key.len) return no_account(c);
    /* Otherwise anybody could take the address of somebody who has no account yet. */
    if (!a->claims->email_verified)
        return refuse(c, ERR_DENIED, "email_unverified",
                      "Your sign-in provider has not confirmed your e-mail address. Confirm it there, then try again.");
    enum err e = user_create(c, a->app, &n, &a->user);
    if (e != ERR_EXISTS) return e;
    ctx_clear_error(c);
    return no_account(c);
}

static bool in_list(const struct json_list *groups, struct slice list)
{
    const struct slice *have = groups->items;
    while (list.len) {
        struct slice one = slice_trim(slice_cut(&list, ','));
        for (size_t i = 0; one.len && i < groups->count; i++)
            if (slice_eq(have[i], one)) return true;
    }
    return false;
}

/* The role that the groups give. ERR_DENIED when they give none. */
static enum err role_of(struct ctx *c, const struct oidc_provider *p, const struct id_claims *k, enum role *ret)
{
    *ret = ROLE_USER;
    if (!p->groups_claim.len) return ERR_OK;
    if (in_list(&k->groups, p->admin_groups)) {
        *ret = ROLE_ADMIN;
        return ERR_OK;
    }
    if (!p->user_groups.len || in_list(&k->groups, p->user_groups)) return ERR_OK;
    return refuse(c, ERR_DENIED, "not_allowed", "Your account at the provider is in no group that may use this server.");
}

/* The last administrator stays one: somebody must be able to repair the group rules. */
static enum err follow_groups(struct ctx *c, struct account_arg *a, enum role role)
{
    struct account_patch patch = {.set_role = true, .role = role};
    struct account changed;
    if (!a->p->groups_claim.len || a->user.role == role) return ERR_OK;
    enum err e = admin_user_change(c, a->app, NULL, &a->user.id, &patch, &changed);
    if (e == ERR_CONFLICT) {
        ctx_clear_error(c);
        return ERR_OK;
    }
    TRY(e);
    a->user = changed.user;
    return ERR_OK;
}

static enum err find_account(struct ctx *c, struct account_arg *a)
{
    enum role role;
    TRY(role_of(c, a->p, a->claims, &role));
    if (email_plausible(a->claims->email)) TRY(utf8_fold(&c->arena, a->claims->email, &a->email_key));
    enum err e = db_tx(c, a->app->be.db, DB_WRITE, known_tx, a);
    if (e == ERR_NOT_FOUND) return make_account(c, a, role);
    TRY(e);
    if (!a->user.active) return no_account(c);
    return follow_groups(c, a, role);
}

static enum err finish(struct ctx *c, struct app *app, const struct oidc_callback *in, struct user *ret)
{
    struct attempt t = {.secret = {NULL, 0}};
    struct id_claims claims;
    TRY(find(c, app, in->provider, &t));
    TRY(check_state(c, app, in, &t));
    TRY(fill(c, app, &t));
    /* RFC 9207: a provider that names itself must be the one that was asked. */
    if (in->issuer.ptr && !slice_eq(in->issuer, t.p->issuer)) return bad_state(c);
    if (in->error.ptr || !in->code.len)
        return refuse(c, ERR_DENIED, "oidc_refused", "The sign-in provider did not sign you in.");
    TRY(get_claims(c, app, &t, in->code, &claims));
    struct account_arg a = {.app = app, .who = in->who, .p = t.p, .claims = &claims};
    TRY(find_account(c, &a));
    *ret = a.user;
    return ERR_OK;
}

enum err oidc_finish(struct ctx *c, struct app *app, const struct oidc_callback *in, struct user *ret)
{
    enum err e = finish(c, app, in, ret);
    if (e == ERR_DENIED)
        audit_note(app, &(struct audit_event){.event = "auth.login", .result = "failed", .who = in->who, .object_type = "oidc",
                                              .detail = slice_cstr(c->err_code ? c->err_code : "oidc")});
    return e;
}
