/* Rules of passkeys: registering, listing, removing, signing in. */
#include "core/passkey/passkey.h"

#include "base/limits.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "core/app/once.h"
#include "core/audit/audit.h"
#include "core/mail/mail.h"
#include "core/passkey/challenge.h"
#include "core/passkey/passkey_store.h"
#include "core/session/session.h"
#include "os/clock.h"

#define OPTIONS_BYTES (64 * KIB)

struct list_arg {
    struct app *app;
    struct id user_id;
    struct user user;
    struct passkey *rows;
    struct slice *credential_ids;
    size_t n;
};

static enum err list_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct list_arg *a = arg;
    TRY(user_load(c, conn, a->app, &a->user_id, &a->user));
    return passkey_store_list(c, conn, &a->user_id, &a->rows, &a->credential_ids, &a->n);
}

static enum err put_base64(struct buf *b, struct slice raw)
{
    TRY(buf_putc(b, '"'));
    TRY(base64url_encode(b, raw));
    return buf_putc(b, '"');
}

static enum err put_credentials(struct buf *b, const char *member, const struct list_arg *a)
{
    TRY(buf_printf(b, ",\"%s\":[", member));
    for (size_t i = 0; i < a->n; i++) {
        TRY(buf_put_cstr(b, i ? ",{\"type\":\"public-key\",\"id\":" : "{\"type\":\"public-key\",\"id\":"));
        TRY(put_base64(b, a->credential_ids[i]));
        TRY(buf_putc(b, '}'));
    }
    return buf_putc(b, ']');
}

static enum err put_creation(struct ctx *c, struct buf *b, const struct list_arg *a)
{
    struct slice challenge, rp_id;
    TRY(challenge_new(c, a->app, CHALLENGE_REGISTER, &a->user_id, &challenge));
    TRY(challenge_rp_id(c, a->app, &rp_id));
    TRY(buf_printf(b, "{\"challenge\":\"" SLICE_FMT "\",\"rp\":{\"name\":\"Sealdrop\",\"id\":", SLICE_ARG(challenge)));
    TRY(json_put_string(b, rp_id));
    TRY(buf_put_cstr(b, "},\"user\":{\"id\":"));
    TRY(put_base64(b, id_bytes(&a->user_id)));
    TRY(buf_put_cstr(b, ",\"name\":"));
    TRY(json_put_string(b, a->user.email));
    TRY(buf_put_cstr(b, ",\"displayName\":"));
    TRY(json_put_string(b, a->user.display_name));
    TRY(buf_put_cstr(b, "},\"pubKeyCredParams\":[{\"type\":\"public-key\",\"alg\":-7},{\"type\":\"public-key\",\"alg\":-8},"
                        "{\"type\":\"public-key\",\"alg\":-257}],\"timeout\":300000,\"attestation\":\"none\","
                        "\"authenticatorSelection\":{\"residentKey\":\"preferred\",\"userVerification\":\"preferred\"}"));
    TRY(put_credentials(b, "excludeCredentials", a));
    return buf_putc(b, '}');
}

enum err passkey_options(struct ctx *c, struct app *app, const struct principal *who, struct slice *ret_json)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(OPTIONS_BYTES);
    struct list_arg a = {.app = app, .user_id = who->user_id};
    TRY(db_tx(c, app->be.db, DB_READ, list_tx, &a));
    TRY(put_creation(c, &b, &a));
    return arena_slice(&c->arena, buf_view(&b), ret_json);
}

enum err passkey_login_options(struct ctx *c, struct app *app, const struct user *user, struct slice *ret_json)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(OPTIONS_BYTES);
    struct list_arg a = {.app = app};
    struct slice challenge, rp_id;
    if (user) {
        a.user_id = user->id;
        TRY(db_tx(c, app->be.db, DB_READ, list_tx, &a));
    }
    TRY(challenge_new(c, app, CHALLENGE_LOGIN, user ? &user->id : NULL, &challenge));
    TRY(challenge_rp_id(c, app, &rp_id));
    TRY(buf_printf(&b, "{\"challenge\":\"" SLICE_FMT "\",\"timeout\":300000,\"userVerification\":\"%s\",\"rpId\":",
                   SLICE_ARG(challenge), user ? "preferred" : "required"));
    TRY(json_put_string(&b, rp_id));
    TRY(put_credentials(&b, "allowCredentials", &a));
    TRY(buf_putc(&b, '}'));
    return arena_slice(&c->arena, buf_view(&b), ret_json);
}

/* ---- registering and removing ---- */

struct register_arg {
    const struct app *app;
    const struct principal *who;
    struct passkey passkey;
    struct webauthn_credential credential;
    struct challenge challenge;
};

/* The account's factors changed: whoever else is signed in with it proves itself again, and its owner is told. */
static enum err factors_changed(struct ctx *c, struct db_conn *conn, const struct register_arg *a, const struct user *user,
                                const char *event)
{
    const struct principal *who = a->who;
    TRY(session_end_all_tx(c, conn, &who->user_id, &who->session_id));
    TRY(mail_notice(c, conn, a->app, MAIL_FACTOR_CHANGED, &(struct mail_to){user->email, user->locale},
                    slice_cstr(who->ip)));
    return audit_write(c, conn, &(struct audit_event){.event = event, .who = who, .object_type = "passkey",
                                                      .object_id = &a->passkey.id});
}

static enum err refused(struct ctx *c, enum err e)
{
    return refuse(c, e, "passkey_refused", "This passkey was not accepted. Begin again; each try has five minutes.");
}

static enum err register_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct register_arg *a = arg;
    struct passkey *rows;
    struct slice *ids;
    struct user user;
    size_t n = 0;
    TRY(session_recheck_tx(c, conn, a->app, a->who, &user));
    enum err e = once_use(c, conn, &a->challenge.hash, a->challenge.expires_ms);
    if (e == ERR_NOT_FOUND) return refused(c, ERR_DENIED);
    TRY(e);
    TRY(passkey_store_list(c, conn, &a->who->user_id, &rows, &ids, &n));
    if (n >= PASSKEYS_PER_USER_MAX)
        return refuse(c, ERR_QUOTA, "too_many_passkeys", "You have 20 passkeys already. Remove one first.");
    TRY(passkey_store_insert(c, conn, &a->who->user_id, &a->passkey, &a->credential));
    return factors_changed(c, conn, a, &user, "auth.passkey.add");
}

enum err passkey_register(struct ctx *c, struct app *app, const struct principal *who, const struct passkey_new *n,
                          struct passkey *ret)
{
    struct register_arg a = {.app = app, .who = who, .passkey = {.name = n->name, .created_at = clock_wall_ms()}};
    struct webauthn_expect x = {.user_verified = false};
    if (n->name.len == 0 || n->name.len > LIMIT_TITLE_BYTES) {
        ctx_field_error(c, "name", "must have 1 to 200 bytes");
        return ERR_INVALID;
    }
    enum err e = challenge_check(c, app, CHALLENGE_REGISTER, &who->user_id, n->client_data, &x, &a.challenge);
    if (e == ERR_OK) e = webauthn_register(&x, n->attestation_object, &a.credential);
    if (e == ERR_DENIED) return refused(c, e);
    TRY(e);
    TRY(os_new_id(&a.passkey.id));
    e = db_tx(c, app->be.db, DB_WRITE, register_tx, &a);
    if (e == ERR_EXISTS) return refuse(c, e, "passkey_known", "This passkey is registered already.");
    TRY(e);
    *ret = a.passkey;
    return session_watch(c, app);
}

enum err passkey_list(struct ctx *c, struct app *app, const struct principal *who, struct passkey **ret, size_t *ret_n)
{
    struct list_arg a = {.app = app, .user_id = who->user_id};
    TRY(db_tx(c, app->be.db, DB_READ, list_tx, &a));
    *ret = a.rows;
    *ret_n = a.n;
    return ERR_OK;
}

static enum err remove_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct register_arg *a = arg;
    struct user user;
    uint64_t left = 0;
    TRY(session_recheck_tx(c, conn, a->app, a->who, &user));
    TRY(passkey_store_remove(c, conn, &a->who->user_id, &a->passkey.id));
    TRY(passkey_store_factors(c, conn, &a->who->user_id, &left));
    if (user.needs_factor && left == 0)
        return refuse(c, ERR_DENIED, "mfa_required", "Your account must have a second factor. Add another one first.");
    return factors_changed(c, conn, a, &user, "auth.passkey.remove");
}

enum err passkey_remove(struct ctx *c, struct app *app, const struct principal *who, const struct id *id)
{
    struct register_arg a = {.app = app, .who = who, .passkey = {.id = *id}};
    enum err e = db_tx(c, app->be.db, DB_WRITE, remove_tx, &a);
    if (e == ERR_NOT_FOUND) return refuse(c, e, "not_found", "You have no such passkey.");
    TRY(e);
    return session_watch(c, app);
}

/* ---- signing in ---- */

struct login_arg {
    struct app *app;
    const struct passkey_login *in;
    struct passkey_row row;
    struct challenge challenge;
    uint32_t sign_count;
    struct user user;
};

static enum err get_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct login_arg *a = arg;
    TRY(passkey_store_get(c, conn, a->in->credential_id, &a->row));
    return user_load(c, conn, a->app, &a->row.user_id, &a->user);
}

static enum err use_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct login_arg *a = arg;
    TRY(once_use(c, conn, &a->challenge.hash, a->challenge.expires_ms));
    return passkey_store_use(c, conn, &a->row.id, a->sign_count, clock_wall_ms());
}

static enum err check_owner(const struct login_arg *a)
{
    const struct passkey_login *in = a->in;
    if (!a->user.active) return ERR_DENIED;
    if (in->user && !id_eq(in->user->id, a->user.id)) return ERR_DENIED;
    if (in->user_handle.len && !slice_eq(in->user_handle, id_bytes(&a->user.id))) return ERR_DENIED;
    return ERR_OK;
}

static enum err check_login(struct ctx *c, struct login_arg *a)
{
    const struct passkey_login *in = a->in;
    struct webauthn_expect x = {.user_verified = !in->user};
    bool verified = false;
    TRY(challenge_check(c, a->app, CHALLENGE_LOGIN, in->user ? &in->user->id : NULL, in->client_data, &x, &a->challenge));
    enum err e = db_tx(c, a->app->be.db, DB_READ, get_tx, a);
    if (e == ERR_NOT_FOUND) return ERR_DENIED;
    TRY(e);
    TRY(check_owner(a));
    struct webauthn_assertion assertion = {a->row.alg, a->row.key, in->auth_data, in->signature};
    TRY(webauthn_verify(&x, &assertion, &a->sign_count, &verified));
    e = db_tx(c, a->app->be.db, DB_WRITE, use_tx, a);
    return e == ERR_NOT_FOUND ? ERR_DENIED : e;
}

enum err passkey_login(struct ctx *c, struct app *app, const struct passkey_login *in, struct user *ret)
{
    struct login_arg a = {.app = app, .in = in};
    enum err e = check_login(c, &a);
    if (e == ERR_DENIED) {
        bool cloned = a.sign_count && (int64_t)a.sign_count <= a.row.sign_count;
        audit_note(app, &(struct audit_event){.event = "auth.login", .result = "failed", .who = in->who,
                                              .actor_id = id_is_zero(a.user.id) ? NULL : &a.user.id, .object_type = "passkey",
                                              .detail = cloned ? SLICE("passkey counter did not grow") : SLICE("passkey")});
        return refused(c, ERR_UNAUTH);
    }
    TRY(e);
    *ret = a.user;
    return ERR_OK;
}
