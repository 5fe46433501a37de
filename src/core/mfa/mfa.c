/* Rules of second factors: enrolling, proving, renewing, taking away. */
#include "core/mfa/mfa.h"

#include "base/intmath.h"
#include "base/limits.h"
#include "codec/base32.h"
#include "codec/uri.h"
#include "core/apikey/apikey.h"
#include "core/audit/audit.h"
#include "core/mail/mail.h"
#include "core/mfa/mfa_store.h"
#include "core/session/session.h"
#include "core/user/password.h"
#include "crypto/totp.h"
#include "os/clock.h"

#define LABEL "sft/1/totp"
#define RECOVERY_BYTES 10

struct state_arg {
    struct id user;
    struct mfa_state state;
};

static enum err state_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct state_arg *a = arg;
    return mfa_store_state(c, conn, &a->user, &a->state);
}

enum err mfa_state(struct ctx *c, struct app *app, const struct id *user, struct mfa_state *ret)
{
    struct state_arg a = {.user = *user};
    TRY(db_tx(c, app->be.db, DB_READ, state_tx, &a));
    *ret = a.state;
    return ERR_OK;
}

/* ---- enrolment ---- */

/* Once more, in the transaction that counts: a new password, a suspension or the end of the session may have come between. */
static enum err recheck(struct ctx *c, struct db_conn *conn, const struct app *app, const struct mfa_proof *p)
{
    struct user now;
    if (p->session) return session_recheck_tx(c, conn, app, p->who, NULL);
    enum err e = user_load_locked(c, conn, app, &p->user->id, &now);
    if (e == ERR_NOT_FOUND || (e == ERR_OK && !user_proof_stands(p->user, &now)))
        return refuse(c, ERR_UNAUTH, "unauthorized", "The account was changed meanwhile. Sign in again.");
    return e;
}

struct enrol_arg {
    const struct app *app;
    const struct mfa_proof *p;
};

static enum err enrol_put(struct ctx *c, struct db_conn *conn, const struct wrapped *w, void *arg)
{
    const struct enrol_arg *a = arg;
    TRY(recheck(c, conn, a->app, a->p));
    return totp_store_put_pending(c, conn, &a->p->user->id, w, clock_wall_ms());
}

/* What authenticator apps read from the QR code. */
static enum err put_uri(struct buf *out, const struct user *user, struct slice secret)
{
    TRY(buf_put_cstr(out, "otpauth://totp/Sealdrop:"));
    TRY(uri_encode(out, user->email));
    TRY(buf_put_cstr(out, "?secret="));
    TRY(buf_put(out, secret));
    return buf_put_cstr(out, "&issuer=Sealdrop&algorithm=SHA1&digits=6&period=30");
}

enum err mfa_enrol(struct ctx *c, struct app *app, const struct mfa_proof *p, struct mfa_enrolment *ret)
{
    CLEANUP(key_done) struct key secret = {{0}};
    CLEANUP(buf_done) struct buf text = {.max = 64, .sensitive = true};
    CLEANUP(buf_done) struct buf uri = {.max = 2 * KIB, .sensitive = true};
    struct enrol_arg a = {.app = app, .p = p};
    TRY(os_random(secret.b, TOTP_SECRET_BYTES));
    TRY(base32_encode(&text, slice_of(secret.b, TOTP_SECRET_BYTES)));
    TRY(put_uri(&uri, p->user, buf_view(&text)));
    TRY(key_put(c, app, LABEL, &p->user->id, &secret, enrol_put, &a));
    TRY(arena_slice(&c->arena, buf_view(&text), &ret->secret));
    return arena_slice(&c->arena, buf_view(&uri), &ret->otpauth_uri);
}

/* ---- recovery codes ---- */

static enum err recovery_hash(const struct app *app, const struct id *user, struct slice code, struct sha256 *ret)
{
    CLEANUP(buf_done) struct buf in = {.max = 256, .sensitive = true};
    TRY(buf_put(&in, SLICE("sft/1/recovery\0")));
    TRY(buf_put(&in, id_bytes(user)));
    TRY(buf_put(&in, code));
    return hmac_sha256(slice_of(app->pepper.b, KEY_BYTES), buf_view(&in), ret);
}

struct recovery_set {
    struct slice codes[MFA_RECOVERY_CODES];
    struct sha256 hashes[MFA_RECOVERY_CODES];
};

static enum err new_recovery(struct ctx *c, const struct app *app, const struct id *user, struct recovery_set *ret)
{
    for (size_t i = 0; i < MFA_RECOVERY_CODES; i++) {
        CLEANUP(buf_done) struct buf text = {.max = MFA_RECOVERY_CODE_LEN, .sensitive = true};
        uint8_t raw[RECOVERY_BYTES];
        TRY(os_random(raw, sizeof raw));
        TRY(crockford_encode(&text, slice_of(raw, sizeof raw)));
        TRY(arena_slice(&c->arena, buf_view(&text), &ret->codes[i]));
        TRY(recovery_hash(app, user, ret->codes[i], &ret->hashes[i]));
    }
    return ERR_OK;
}

static enum err store_recovery(struct ctx *c, struct db_conn *conn, const struct id *user, const struct recovery_set *set)
{
    TRY(recovery_store_remove(c, conn, user));
    for (size_t i = 0; i < MFA_RECOVERY_CODES; i++) TRY(recovery_store_add(c, conn, user, &set->hashes[i]));
    return ERR_OK;
}

/* ---- proving, and what a proof allows ---- */

enum outcome { OUTCOME_PROVEN, OUTCOME_WRONG, OUTCOME_REPLAY, OUTCOME_BLOCKED };

struct proving;
typedef enum err then_fn(struct ctx *c, struct db_conn *conn, const struct proving *a);

struct proving {
    struct app *app;
    const struct mfa_proof *p;
    bool pending;              /* the secret that waits to be confirmed */
    bool by_totp, matches;     /* six digits; of a step in the window */
    struct slice wrapped;      /* the secret they were compared with */
    int64_t step;
    struct sha256 recovery;
    then_fn *then;             /* in the same transaction; NULL: nothing */
    struct recovery_set *set;
    enum outcome outcome;
    int64_t blocked_until;
};

static enum err load_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct proving *a = arg;
    int64_t since = a->pending ? clock_wall_ms() - LIMIT_MFA_ENROLMENT_MS : -1;
    return totp_store_get(c, conn, &a->p->user->id, a->pending, since, &a->wrapped);
}

static bool six_digits(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9') return false;
    return s.len == TOTP_DIGITS;
}

/* "123 456" is how apps show it. */
static enum err without_blanks(struct ctx *c, struct slice s, struct slice *ret)
{
    char *p = arena_alloc(&c->arena, s.len + 1, 1);
    size_t n = 0;
    if (!p) return ERR_NOMEM;
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] != ' ') p[n++] = s.ptr[i];
    *ret = slice_of(p, n);
    return ERR_OK;
}

static enum err compare_totp(struct ctx *c, struct app *app, struct proving *a, struct slice code)
{
    CLEANUP(key_done) struct key secret;
    enum err e = db_tx(c, app->be.db, DB_READ, load_tx, a);
    if (e == ERR_NOT_FOUND) return a->pending ? e : ERR_OK;
    TRY(e);
    TRY(key_unwrap(c, app, LABEL, &a->p->user->id, a->wrapped, &secret));
    e = totp_match(slice_of(secret.b, TOTP_SECRET_BYTES), code, totp_step(clock_wall_ms()), &a->step);
    a->matches = e == ERR_OK;
    return e == ERR_DENIED ? ERR_OK : e;
}

/* Reads the code outside the transaction that decides. */
static enum err compare(struct ctx *c, struct app *app, struct proving *a)
{
    CLEANUP(buf_done) struct buf normal = {.max = MFA_RECOVERY_CODE_LEN, .sensitive = true};
    struct slice code;
    TRY(without_blanks(c, slice_sub(a->p->code, 0, 64), &code));
    a->by_totp = a->pending || six_digits(code);
    if (a->by_totp) return compare_totp(c, app, a, code);
    a->matches = crockford_normal(&normal, code) == ERR_OK && normal.len == MFA_RECOVERY_CODE_LEN;
    return recovery_hash(app, &a->p->user->id, buf_view(&normal), &a->recovery);
}

static enum err use_up(struct ctx *c, struct db_conn *conn, struct proving *a)
{
    const struct id *user = &a->p->user->id;
    enum recovery_found found = RECOVERY_NONE;
    bool used = false;
    a->outcome = OUTCOME_WRONG;
    if (!a->matches) return ERR_OK;
    if (a->by_totp) {
        TRY(totp_store_use(c, conn, user, a->wrapped, a->step, &used));
        a->outcome = used ? OUTCOME_PROVEN : OUTCOME_REPLAY;
        return ERR_OK;
    }
    TRY(recovery_store_use(c, conn, user, &a->recovery, clock_wall_ms(), &found));
    a->outcome = found == RECOVERY_GOOD ? OUTCOME_PROVEN : found == RECOVERY_NONE ? OUTCOME_WRONG : OUTCOME_REPLAY;
    return ERR_OK;
}

static enum err note(struct ctx *c, struct db_conn *conn, const struct proving *a, const char *event, const char *result)
{
    return audit_write(c, conn, &(struct audit_event){.event = event, .result = result, .who = a->p->who,
                                                      .actor_id = &a->p->user->id, .object_type = "user",
                                                      .object_id = &a->p->user->id,
                                                      .detail = a->by_totp ? SLICE("totp") : SLICE("recovery")});
}

static enum err wrong(struct ctx *c, struct db_conn *conn, const struct proving *a, int64_t fails)
{
    int64_t delay = 0;
    if (fails >= LIMIT_MFA_FREE_FAILS) delay = LIMIT_MFA_DELAY_MS;
    for (int64_t i = LIMIT_MFA_FREE_FAILS; i < fails && delay < LIMIT_MFA_DELAY_MAX_MS; i++) delay *= 2;
    int64_t until = delay ? clock_wall_ms() + MIN(delay, LIMIT_MFA_DELAY_MAX_MS) : 0;
    TRY(mfa_store_set_fails(c, conn, &a->p->user->id, fails, until));
    TRY(tries_wrong_code_tx(c, conn, &a->p->user->id));
    return note(c, conn, a, "auth.mfa", "failed");
}

static enum err prove_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct proving *a = arg;
    int64_t fails = 0;
    TRY(recheck(c, conn, a->app, a->p));
    TRY(mfa_store_fails(c, conn, &a->p->user->id, &fails, &a->blocked_until));
    a->outcome = OUTCOME_BLOCKED;
    if (a->blocked_until > clock_wall_ms()) return ERR_OK;
    TRY(use_up(c, conn, a));
    if (a->outcome == OUTCOME_WRONG) return wrong(c, conn, a, fails + 1);
    if (a->outcome != OUTCOME_PROVEN) return ERR_OK;
    if (fails) TRY(mfa_store_set_fails(c, conn, &a->p->user->id, 0, 0));
    TRY(note(c, conn, a, "auth.mfa", "ok"));
    return a->then ? a->then(c, conn, a) : ERR_OK;
}

static enum err prove(struct ctx *c, struct app *app, struct proving *a)
{
    TRY(compare(c, app, a));
    TRY(db_tx(c, app->be.db, DB_WRITE, prove_tx, a));
    if (a->outcome == OUTCOME_BLOCKED) {
        c->retry_after_s = (uint32_t)MIN((a->blocked_until - clock_wall_ms()) / 1000 + 1, LIMIT_MFA_DELAY_MAX_MS / 1000);
        return refuse(c, ERR_LOCKED, "mfa_locked", "Too many wrong codes. Try again in %u minutes.", (c->retry_after_s + 59) / 60);
    }
    if (a->outcome != OUTCOME_PROVEN)
        return refuse(c, ERR_DENIED, "wrong_code", "This code is wrong, or was used already. Wait for the next one.");
    return ERR_OK;
}

enum err mfa_prove(struct ctx *c, struct app *app, const struct mfa_proof *p)
{
    struct proving a = {.app = app, .p = p};
    return prove(c, app, &a);
}

/* The factors changed: whoever else is signed in was so under the old ones. */
static enum err changed(struct ctx *c, struct db_conn *conn, const struct proving *a, const char *event)
{
    TRY(session_end_all_tx(c, conn, &a->p->user->id, a->p->session));
    TRY(mail_notice(c, conn, a->app, MAIL_FACTOR_CHANGED, &(struct mail_to){a->p->user->email, a->p->user->locale},
                    slice_cstr(a->p->who->ip)));
    return note(c, conn, a, event, "ok");
}

static enum err confirm_then(struct ctx *c, struct db_conn *conn, const struct proving *a)
{
    struct mfa_state s;
    TRY(mfa_store_state(c, conn, &a->p->user->id, &s));
    /* Whoever only had the password may make the first factor, not replace one that was made meanwhile. */
    if (!a->p->session && mfa_on(&s)) return ERR_NOT_FOUND;
    TRY(totp_store_confirm(c, conn, &a->p->user->id));
    TRY(store_recovery(c, conn, &a->p->user->id, a->set));
    return changed(c, conn, a, "auth.mfa.enable");
}

static enum err renew_then(struct ctx *c, struct db_conn *conn, const struct proving *a)
{
    TRY(store_recovery(c, conn, &a->p->user->id, a->set));
    return changed(c, conn, a, "auth.mfa.recovery");
}

static enum err disable_then(struct ctx *c, struct db_conn *conn, const struct proving *a)
{
    TRY(totp_store_remove(c, conn, &a->p->user->id));
    TRY(recovery_store_remove(c, conn, &a->p->user->id));
    return changed(c, conn, a, "auth.mfa.disable");
}

static enum err prove_for_codes(struct ctx *c, struct app *app, struct proving *a, struct slice **ret_codes)
{
    a->set = ARENA_NEW(&c->arena, struct recovery_set);
    if (!a->set) return ERR_NOMEM;
    TRY(new_recovery(c, app, &a->p->user->id, a->set));
    TRY(prove(c, app, a));
    *ret_codes = a->set->codes;
    return session_watch(c, app);
}

enum err mfa_confirm(struct ctx *c, struct app *app, const struct mfa_proof *p, struct slice **ret_codes)
{
    struct proving a = {.app = app, .p = p, .pending = true, .then = confirm_then};
    enum err e = prove_for_codes(c, app, &a, ret_codes);
    if (e == ERR_NOT_FOUND) return refuse(c, e, "no_enrolment", "There is nothing to confirm. Start with POST /api/v1/auth/2fa/enable.");
    return e;
}

enum err mfa_renew_recovery(struct ctx *c, struct app *app, const struct mfa_proof *p, struct slice **ret_codes)
{
    struct proving a = {.app = app, .p = p, .then = renew_then};
    return prove_for_codes(c, app, &a, ret_codes);
}

enum err mfa_disable(struct ctx *c, struct app *app, const struct mfa_proof *p)
{
    struct proving a = {.app = app, .p = p, .then = disable_then};
    struct mfa_state s;
    TRY(mfa_state(c, app, &p->user->id, &s));
    if (p->user->needs_factor && !s.passkeys)
        return refuse(c, ERR_DENIED, "mfa_required", "Your account must have a second factor. You can replace it by a new one.");
    TRY(prove(c, app, &a));
    return session_watch(c, app);
}

enum err mfa_reset_tx(struct ctx *c, struct db_conn *conn, const struct app *app, const struct principal *who,
                      const struct user *user)
{
    TRY(totp_store_remove(c, conn, &user->id));
    TRY(recovery_store_remove(c, conn, &user->id));
    TRY(passkeys_store_remove(c, conn, &user->id));
    TRY(mfa_store_set_fails(c, conn, &user->id, 0, 0));
    TRY(session_end_all_tx(c, conn, &user->id, NULL));
    TRY(mail_notice(c, conn, app, MAIL_FACTOR_CHANGED, &(struct mail_to){user->email, user->locale}, SLICE("")));
    return audit_write(c, conn, &(struct audit_event){.event = "auth.mfa.reset", .who = who, .object_type = "user",
                                                      .object_id = &user->id});
}

struct reset_arg {
    const struct app *app;
    const struct principal *who;
    const struct user *user;
};

static enum err reset_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct reset_arg *a = arg;
    TRY(caller_recheck_tx(c, conn, a->app, a->who));
    return mfa_reset_tx(c, conn, a->app, a->who, a->user);
}

enum err mfa_reset(struct ctx *c, struct app *app, const struct principal *who, const struct user *user)
{
    struct reset_arg a = {app, who, user};
    TRY(db_tx(c, app->be.db, DB_WRITE, reset_tx, &a));
    return session_watch(c, app);
}
