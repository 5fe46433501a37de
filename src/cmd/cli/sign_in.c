/* Password, device code and API key, as the server wants them. */
#include "cmd/cli/sign_in.h"

#include "base/intmath.h"
#include "base/limits.h"
#include "cmd/cli/qr.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/term.h"

#define CODE_TRIES 3u
#define SLOWER_S 5u /* RFC 8628, 3.5 */

static void close_client(struct client **cl) { client_close(*cl); }

static enum err need_tokens(struct ctx *c, const struct wire_tokens *t)
{
    if (!t->access_token.len || !t->refresh_token.len) return fail(c, ERR_PEER, "the server gave no token");
    return ERR_OK;
}

/* What a person has to do elsewhere before signing in can end well. */
static enum err need_nothing_more(struct ctx *c, const struct server *s, const struct wire_tokens *t)
{
    if (t->password_change_required)
        return refuse(c, ERR_DENIED, "password_change_required", "this account needs a new password first: %s/reset", s->origin);
    if (t->mfa_enrolment_required)
        return refuse(c, ERR_DENIED, "mfa_enrolment_required",
                      "this account must have a second factor, and has none yet: add one through %s/api/v1/auth/2fa/enable", s->origin);
    return ERR_OK;
}

static enum err send_code(struct app *a, const struct server *s, struct client *cl, struct slice mfa_token, struct slice code,
                          struct wire_tokens *ret)
{
    struct wire_second in = {mfa_token, code};
    struct call call = {.method = "POST",
                        .path = "/auth/2fa/verify",
                        .in_table = &wire_second_table,
                        .in = &in,
                        .out_table = &wire_tokens_table,
                        .out = ret};
    return api_call(a->c, cl, s, &call);
}

static bool takes_codes(const struct wire_tokens *t)
{
    const struct slice *methods = t->methods.items;
    for (size_t i = 0; i < t->methods.count; i++)
        if (!slice_eq(methods[i], SLICE("passkey"))) return true;
    return false;
}

/* A mistyped code is asked for again, as long as the server would listen. */
static enum err second_factor(struct app *a, const struct server *s, struct client *cl, struct wire_tokens *t)
{
    if (!takes_codes(t))
        return refuse(a->c, ERR_DENIED, "mfa_required",
                      "the second factor of this account is a passkey, which wants a browser: sign in with --device");
    for (unsigned try = 1;; try++) {
        CLEANUP(buf_done) struct buf code = BUF_INIT(64);
        struct wire_tokens out = {0};
        code.sensitive = true;
        enum err e = term_ask("Code of your second factor (or a recovery code): ", false, &code);
        if (e == ERR_NOT_FOUND)
            return refuse(a->c, ERR_DENIED, "mfa_required",
                          "this account has a second factor and there is no terminal to ask for its code on;\n"
                          "sign in with --device, or with an API key (--api-key-stdin)");
        if (e != ERR_OK) return e;
        e = send_code(a, s, cl, t->mfa_token, slice_trim(buf_view(&code)), &out);
        if (e == ERR_OK) {
            *t = out;
            return e;
        }
        bool mistyped = a->c->err == e && a->c->err_code && strcmp(a->c->err_code, "wrong_code") == 0;
        if (!mistyped || try == CODE_TRIES) return e;
        progress_say(NULL, "That code is wrong, or was used already.");
        ctx_clear_error(a->c);
    }
}

enum err sign_in_password(struct app *a, const struct server *s, struct slice email, struct slice password,
                          struct slice device, struct wire_tokens *ret)
{
    CLEANUP(close_client) struct client *cl = NULL;
    struct wire_login in = {email, password, device};
    struct wire_tokens out = {0};
    struct call call = {.method = "POST",
                        .path = "/auth/login",
                        .in_table = &wire_login_table,
                        .in = &in,
                        .out_table = &wire_tokens_table,
                        .out = &out};
    TRY(server_client(a->c, s, false, &cl));
    TRY(api_call(a->c, cl, s, &call));
    if (out.mfa_required) TRY(second_factor(a, s, cl, &out));
    TRY(need_nothing_more(a->c, s, &out));
    TRY(need_tokens(a->c, &out));
    *ret = out;
    return ERR_OK;
}

static enum err show_code(const struct app *a, const struct wire_device_codes *k)
{
    CLEANUP(buf_done) struct buf qr = BUF_INIT(64 * KIB);
    const char *url = NULL;
    if (a->stderr_tty && k->verification_uri_complete.len) {
        TRY(arena_cstr(&a->c->arena, k->verification_uri_complete, &url));
        TRY(qr_print(&qr, url, true));
        TRY(file_write_all(STDERR_FILENO, qr.ptr, qr.len));
    }
    progress_say(NULL,
                 "To sign this computer in, open " SLICE_FMT "\nand enter the code   " SLICE_FMT
                 "\n(or, where you are signed in: sealdrop approve " SLICE_FMT ")\nWaiting …",
                 SLICE_ARG(k->verification_uri), SLICE_ARG(k->user_code), SLICE_ARG(k->user_code));
    return ERR_OK;
}

/* What the server says to a poll that has no tokens yet. True: go on asking. */
static bool still_waiting(const struct ctx *c, enum err e, uint64_t *interval_s)
{
    struct slice code = slice_cstr(c->err == e && c->err_code ? c->err_code : "");
    if (slice_eq(code, SLICE("slow_down"))) *interval_s += SLOWER_S;
    return slice_eq(code, SLICE("slow_down")) || slice_eq(code, SLICE("authorization_pending")) || client_worth_retry(e);
}

static enum err wait_for_tokens(struct app *a, const struct server *s, struct client *cl, const struct wire_device_codes *k,
                                struct wire_tokens *ret)
{
    struct wire_device_poll in = {k->device_code};
    struct call call = {.method = "POST",
                        .path = "/auth/device/token",
                        .in_table = &wire_device_poll_table,
                        .in = &in,
                        .out_table = &wire_tokens_table,
                        .out = ret};
    int64_t end = clock_mono_ms() + (int64_t)MIN(k->expires_in, 3600u) * 1000;
    uint64_t interval_s = MAX(MIN(k->interval, 60u), 1u);
    while (!atomic_load(a->halt) && clock_mono_ms() < end) {
        api_pause((int64_t)interval_s * 1000, a->halt);
        enum err e = api_call(a->c, cl, s, &call);
        if (e == ERR_OK || !still_waiting(a->c, e, &interval_s)) return e;
        ctx_clear_error(a->c);
    }
    if (atomic_load(a->halt)) return ERR_CANCELLED;
    return refuse(a->c, ERR_TIMEOUT, "expired", "nobody approved the code in time; start again");
}

enum err sign_in_device(struct app *a, const struct server *s, struct slice device, struct wire_tokens *ret)
{
    CLEANUP(close_client) struct client *cl = NULL;
    struct wire_device_new in = {device};
    struct wire_device_codes codes = {0};
    struct wire_tokens out = {0};
    struct call call = {.method = "POST",
                        .path = "/auth/device",
                        .in_table = &wire_device_new_table,
                        .in = &in,
                        .out_table = &wire_device_codes_table,
                        .out = &codes};
    TRY(server_client(a->c, s, false, &cl));
    TRY(api_call(a->c, cl, s, &call));
    TRY(show_code(a, &codes));
    TRY(wait_for_tokens(a, s, cl, &codes, &out));
    TRY(need_tokens(a->c, &out));
    *ret = out;
    return ERR_OK;
}

struct key_credential {
    struct credential credential; /* first: the credential is this */
    struct slice key;
};

static enum err key_get(struct credential *cr, struct ctx *c, struct client *cl, struct slice stale, struct slice *ret)
{
    const struct key_credential *k = (const struct key_credential *)cr;
    (void)cl;
    if (stale.len) return refuse(c, ERR_UNAUTH, "key_refused", "the server does not know this API key, or no longer");
    return arena_printf(&c->arena, ret, "Bearer " SLICE_FMT, SLICE_ARG(k->key));
}

enum err sign_in_key(struct app *a, const struct server *s, struct slice key, struct wire_me *ret)
{
    CLEANUP(close_client) struct client *cl = NULL;
    struct key_credential credential = {{key_get}, key};
    struct call call = {.method = "GET",
                        .path = "/me",
                        .credential = &credential.credential,
                        .out_table = &wire_me_table,
                        .out = ret};
    if (!slice_starts(key, SLICE("sdk_"))) return refuse(a->c, ERR_INVALID, "bad_key", "an API key begins with sdk_");
    TRY(server_client(a->c, s, false, &cl));
    return api_call(a->c, cl, s, &call);
}
