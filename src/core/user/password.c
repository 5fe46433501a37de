/* Hashing and checking of passwords behind the gate, and the delays after wrong ones. */
#include "core/user/password.h"

#include "base/buf.h"
#include "base/intmath.h"
#include "base/limits.h"
#include "codec/utf8.h"
#include "core/app/gate.h"
#include "core/audit/audit.h"
#include "core/mail/mail.h"
#include "core/session/session.h"
#include "core/user/imitate.h"
#include "core/user/tries_store.h"
#include "core/user/user_store.h"
#include "crypto/hash.h"
#include "os/clock.h"

#define FORGET_STRANGERS_MS (30 * 86400 * 1000ll)

enum err password_hash(struct ctx *c, struct app *app, struct slice password, struct slice *ret)
{
    char phc[PWHASH_TEXT_MAX];
    struct slice normal;
    TRY(utf8_nfkc(&c->arena, password, &normal));
    TRY(gate_enter(app->hash_gate, LIMIT_HASH_WAIT_MS));
    enum err e = argon2id_hash(&app->pepper, normal, app->cfg.password_cost, phc);
    gate_leave(app->hash_gate);
    if (e != ERR_OK) return fail(c, e, "password hash");
    return arena_slice(&c->arena, slice_cstr(phc), ret);
}

enum err password_import(struct ctx *c, struct slice hash, struct slice *ret)
{
    if (!foreign_hash_readable(hash)) return ERR_INVALID;
    return arena_printf(&c->arena, ret, PASSWORD_IMPORT SLICE_FMT, SLICE_ARG(hash));
}

struct hash_arg {
    const struct user *user;
    struct slice hash;
};

static enum err replace_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct hash_arg *a = arg;
    return user_store_replace_hash(c, conn, &a->user->id, a->user->password_hash, a->hash, clock_wall_ms());
}

/* The settings ask for more than this hash was made with, or another system made it, and the password is at hand. */
static enum err strengthen(struct ctx *c, struct app *app, const struct user *user, struct slice password)
{
    struct hash_arg a = {.user = user};
    if (!argon2id_outdated(user->password_hash, app->cfg.password_cost)) return ERR_OK;
    TRY(password_hash(c, app, password, &a.hash));
    return db_tx(c, app->be.db, DB_WRITE, replace_tx, &a);
}

struct try_arg {
    const struct password_try *t;
    struct sha256 mac;
    struct slice folded, key;
    bool right;
    int64_t fails, until;
};

static enum err verify(struct ctx *c, struct app *app, const struct try_arg *a, struct slice password)
{
    const struct user *user = a->t->user;
    struct slice normal, hash;
    /* An account without a password signs in by other ways only; trying one takes as long as for nobody. */
    bool real = user && user->password_hash.len;
    if (password.len > LIMIT_PASSWORD_BYTES || !utf8_valid(password)) password = SLICE("");
    TRY(utf8_nfkc(&c->arena, password, &normal));
    TRY(hash_imitate(c, app, a->folded, &hash));
    if (real) hash = user->password_hash;
    TRY(gate_enter(app->hash_gate, LIMIT_HASH_WAIT_MS));
    enum err e = slice_starts(hash, SLICE(PASSWORD_IMPORT))
                     ? foreign_hash_verify(password, slice_sub(hash, sizeof PASSWORD_IMPORT - 1, hash.len))
                     : argon2id_verify(&app->pepper, normal, hash);
    gate_leave(app->hash_gate);
    if (e == ERR_OK && !real) return ERR_DENIED;
    if (e != ERR_OK && e != ERR_DENIED) return fail(c, e, "password check");
    return e;
}

/* Accounts by their id, so that a changed address does not reset the count; others by a MAC of what was typed. */
static enum err make_key(struct ctx *c, const struct app *app, struct try_arg *a)
{
    CLEANUP(buf_done) struct buf in = BUF_INIT(4 * KIB);
    if (utf8_fold(&c->arena, slice_sub(a->t->email, 0, LIMIT_EMAIL_BYTES), &a->folded) != ERR_OK) a->folded = SLICE("?");
    TRY(buf_put(&in, SLICE("sft/1/login\0")));
    TRY(buf_put(&in, a->folded));
    TRY(hmac_sha256(slice_of(app->server_key.b, KEY_BYTES), buf_view(&in), &a->mac));
    a->key = a->t->user ? id_bytes(&a->t->user->id) : sha256_view(&a->mac);
    return ERR_OK;
}

static enum err begin_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct try_arg *a = arg;
    int64_t now = clock_wall_ms(), delay = LIMIT_LOGIN_DELAY_MS;
    a->fails = 0;
    enum err e = tries_store_begin(c, conn, a->key, a->t->user ? &a->t->user->id : NULL, now, &a->fails, &a->until);
    if (e == ERR_NOT_FOUND) return ERR_OK;
    TRY(e);
    if (a->fails < LIMIT_LOGIN_FREE_FAILS) return ERR_OK;
    for (int64_t i = LIMIT_LOGIN_FREE_FAILS; i < a->fails && delay < LIMIT_LOGIN_DELAY_MAX_MS; i++) delay *= 2;
    return tries_store_block(c, conn, a->key, now + MIN(delay, LIMIT_LOGIN_DELAY_MAX_MS));
}

static enum err end_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct try_arg *a = arg;
    return a->right ? tries_store_right(c, conn, a->key) : tries_store_give_back(c, conn, a->key);
}

static enum err blocked(struct ctx *c, int64_t until)
{
    c->retry_after_s = LIMIT_LOGIN_DELAY_MAX_MS / 1000;
    if (until == 0)
        return refuse(c, ERR_LOCKED, "account_locked",
                      "Too many wrong passwords. Only a new password helps now: reset it, or ask an administrator.");
    int64_t wait_s = (until - clock_wall_ms()) / 1000 + 1;
    c->retry_after_s = (uint32_t)MIN(MAX(wait_s, 1), LIMIT_LOGIN_DELAY_MAX_MS / 1000);
    return refuse(c, ERR_RATE, "rate_limited", "Too many wrong passwords. Try again in %u seconds.", c->retry_after_s);
}

enum err password_prove(struct ctx *c, struct app *app, const struct password_try *t, struct slice password)
{
    struct try_arg a = {.t = t};
    TRY(make_key(c, app, &a));
    /* Counted before it is looked at: parallel guesses cannot slip past the limit. */
    TRY(db_tx(c, app->be.db, DB_WRITE, begin_tx, &a));
    if (a.fails == 0) return blocked(c, a.until);
    enum err e = verify(c, app, &a, password);
    if (e == ERR_DENIED) {
        audit_note(app, &(struct audit_event){.event = t->event, .result = "failed", .who = t->who, .email = t->email,
                                              .actor_id = t->user ? &t->user->id : NULL, .detail = SLICE("password")});
        return e;
    }
    a.right = e == ERR_OK;
    enum err end = db_tx(c, app->be.db, DB_WRITE, end_tx, &a);
    TRY(e);
    TRY(end);
    err_ignore(strengthen(c, app, t->user, password), "the sign-in stands; the next one tries again");
    return ERR_OK;
}

enum err password_set_tx(struct ctx *c, struct db_conn *conn, const struct id *user, struct slice hash)
{
    TRY(user_store_set_password(c, conn, user, hash, clock_wall_ms()));
    return tries_store_forget_user(c, conn, user);
}

struct change_arg {
    struct app *app;
    const struct password_change *p;
    struct slice hash;
};

static enum err change_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct change_arg *a = arg;
    const struct user *user = a->p->user;
    struct user now;
    enum err e = user_load_locked(c, conn, a->app, &user->id, &now);
    if (e != ERR_NOT_FOUND) TRY(e);
    /* Whoever proved the old one must not undo a reset that came between, nor get past a suspension. */
    if (e == ERR_NOT_FOUND || now.password_changed_at != user->password_changed_at || (a->p->who && !user_proof_stands(user, &now)))
        return refuse(c, ERR_UNAUTH, "unauthorized", "The password was changed meanwhile. Sign in again.");
    TRY(password_set_tx(c, conn, &user->id, a->hash));
    TRY(session_end_all_tx(c, conn, &user->id, a->p->keep_session));
    TRY(mail_notice(c, conn, a->app, MAIL_PASSWORD_CHANGED, &(struct mail_to){user->email, user->locale},
                    slice_cstr(a->p->who ? a->p->who->ip : "")));
    return audit_write(c, conn, &(struct audit_event){.event = "auth.password.change", .who = a->p->who, .object_type = "user",
                                                      .actor_id = a->p->who ? &user->id : NULL, .object_id = &user->id});
}

enum err password_change(struct ctx *c, struct app *app, const struct password_change *p)
{
    struct change_arg a = {.app = app, .p = p};
    struct password_owner owner = {p->user->needs_factor, p->user->email, p->user->display_name};
    TRY(password_check_new(c, app, &owner, p->password, p->field));
    TRY(password_hash(c, app, p->password, &a.hash));
    TRY(db_tx(c, app->be.db, DB_WRITE, change_tx, &a));
    return session_watch(c, app);
}

bool password_must_change(const struct app *app, const struct user *user)
{
    if (!user->password_hash.len) return false;
    int64_t since = user->password_changed_at ? user->password_changed_at : user->created_at;
    bool too_old = app->cfg.password_max_age_ms && clock_wall_ms() - since > app->cfg.password_max_age_ms;
    return user->must_change_password || too_old;
}

enum err tries_wrong_code_tx(struct ctx *c, struct db_conn *conn, const struct id *user)
{
    return tries_store_wrong(c, conn, user, clock_wall_ms());
}

enum err tries_take_wrong_tx(struct ctx *c, struct db_conn *conn, const struct id *user, int64_t *ret)
{
    return tries_store_take_wrong(c, conn, user, ret);
}

static enum err purge_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    (void)arg;
    return tries_store_purge(c, conn, clock_wall_ms() - FORGET_STRANGERS_MS);
}

enum err password_tries_purge(struct ctx *c, struct app *app) { return db_tx(c, app->be.db, DB_WRITE, purge_tx, NULL); }
