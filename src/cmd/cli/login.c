/* login, logout, whoami: who uses this client, and where. */
#include <limits.h>

#include "base/limits.h"
#include "cmd/cli/session.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/term.h"

static const struct arg_option opt_email = {"email", 'e', ARG_TEXT, offsetof(struct options, email), "E",
                                            "sign in as E (asked for when missing)"};
static const struct arg_option opt_device = {"device", 0, ARG_TEXT, offsetof(struct options, device), "NAME",
                                             "how this computer is called in the list of sessions"};
static const struct arg_option *const login_options[] = {&opt_email,          &opt_password_stdin, &opt_password_env,
                                                         &opt_device,         &opt_cacert,         &opt_accept_fingerprint};
static const struct arg_option *const whoami_options[] = {&opt_json};

static void close_client(struct client **cl) { client_close(*cl); }

static enum err find_email(struct app *a, struct slice *ret)
{
    CLEANUP(buf_done) struct buf answer = BUF_INIT(LIMIT_EMAIL_BYTES);
    *ret = slice_cstr(a->opt.email);
    if (ret->len) return ERR_OK;
    enum err e = term_ask("E-mail: ", false, &answer);
    if (e == ERR_NOT_FOUND) return refuse(a->c, ERR_INVALID, "usage", "say who signs in: --email you@example.org");
    if (e != ERR_OK) return e;
    return arena_slice(&a->c->arena, slice_trim(buf_view(&answer)), ret);
}

static enum err find_device(struct app *a, struct slice *ret)
{
    CLEANUP(buf_done) struct buf name = BUF_INIT(LIMIT_DEVICE_NAME_BYTES);
    *ret = slice_cstr(a->opt.device);
    if (ret->len) return ERR_OK;
    if (file_read_all("/proc/sys/kernel/hostname", &name) != ERR_OK) buf_reset(&name);
    struct slice host = buf_view(&name);
    host = slice_cut(&host, '\n');
    return arena_slice(&a->c->arena, host.len ? host : SLICE("sealdrop"), ret);
}

/* --cacert is remembered with the server, so that later commands find it from any directory. */
static enum err keep_ca(struct app *a, const struct server *s)
{
    char path[PATH_MAX];
    struct slice copy = {0};
    if (!a->opt.cacert) return ERR_OK;
    if (!realpath(a->opt.cacert, path))
        return refuse(a->c, ERR_INVALID, "bad_cacert", "cannot find the file '%s'", a->opt.cacert);
    TRY(arena_slice(&a->c->arena, slice_cstr(path), &copy));
    struct host_trust t = {.origin = slice_cstr(s->origin), .ca_file = copy};
    return trust_save(a->c, &a->home, &t);
}

static enum err sign_in(struct app *a, const struct server *s, struct slice email, struct slice password, struct slice device,
                        struct wire_tokens *ret)
{
    CLEANUP(close_client) struct client *cl = NULL;
    struct wire_login in = {email, password, device};
    struct call call = {.method = "POST",
                        .path = "/auth/login",
                        .in_table = &wire_login_table,
                        .in = &in,
                        .out_table = &wire_tokens_table,
                        .out = ret};
    TRY(server_client(a->c, s, false, &cl));
    TRY(api_call(a->c, cl, s, &call));
    if (ret->mfa_required)
        return refuse(a->c, ERR_UNSUPPORTED, "mfa_required", "this account wants a second factor, which this client cannot give yet");
    if (!ret->access_token.len || !ret->refresh_token.len) return fail(a->c, ERR_PEER, "the server gave no token");
    return ERR_OK;
}

static enum err run_login(struct app *a)
{
    CLEANUP(buf_done) struct buf password = BUF_INIT(CLI_SECRET_BYTES);
    CLEANUP(buf_done) struct buf text = BUF_INIT(4096);
    CLEANUP(fd_close) int lock = -1;
    struct server s = {.halt = a->halt};
    struct slice email = {0}, device = {0};
    struct wire_tokens tokens = {0};
    password.sensitive = true;
    TRY(server_origin(a->c, slice_cstr(a->operands[0]), &s.origin));
    TRY(app_meet(a, &s));
    TRY(find_email(a, &email));
    TRY(find_device(a, &device));
    struct secret_ask ask = {a->opt.password_stdin, a->opt.password_env, NULL, "Password: ", false};
    enum err e = app_secret(a, &ask, &password);
    if (e == ERR_NOT_FOUND) return refuse(a->c, ERR_INVALID, "usage", "there is no terminal to ask on; use --password-stdin");
    if (e != ERR_OK) return e;
    int64_t asked = clock_wall_ms();
    TRY(sign_in(a, &s, email, buf_view(&password), device, &tokens));
    TRY(keep_ca(a, &s));
    struct account account = session_account(&tokens, slice_cstr(s.origin), email, device, asked);
    TRY(account_lock(a->c, &a->home, &lock));
    TRY(account_save(a->c, &a->home, &account));
    TRY(buf_printf(&text, "Signed in to %s as " SLICE_FMT ".\n", s.origin, SLICE_ARG(email)));
    return app_print(a, &text);
}

static enum err run_logout(struct app *a)
{
    CLEANUP(session_close) struct session s = {0};
    CLEANUP(close_client) struct client *cl = NULL;
    CLEANUP(buf_done) struct buf text = BUF_INIT(4096);
    CLEANUP(fd_close) int lock = -1;
    TRY(session_open(a, &s));
    TRY(server_client(a->c, &s.server, false, &cl));
    struct call call = {.method = "POST", .path = "/auth/logout", .credential = &s.credential};
    enum err e = api_call(a->c, cl, &s.server, &call);
    /* The tokens go in any case; an unreachable server ends the session by itself when it is idle for long. */
    TRY(account_lock(a->c, &a->home, &lock));
    enum err forgot = account_forget(a->c, &a->home);
    if (e == ERR_OK || e == ERR_UNAUTH) TRY(forgot);
    if (e != ERR_OK && e != ERR_UNAUTH)
        return refuse(a->c, e, "logout_unheard", "signed out here, but %s did not hear of it", s.server.origin);
    TRY(buf_printf(&text, "Signed out of %s.\n", s.server.origin));
    return app_print(a, &text);
}

static enum err run_whoami(struct app *a)
{
    CLEANUP(session_close) struct session s = {0};
    CLEANUP(close_client) struct client *cl = NULL;
    CLEANUP(buf_done) struct buf text = BUF_INIT(64 * KIB);
    struct wire_me me = {0};
    TRY(session_open(a, &s));
    TRY(server_client(a->c, &s.server, false, &cl));
    struct call call = {.method = "GET",
                        .path = "/me",
                        .credential = &s.credential,
                        .out_table = &wire_me_table,
                        .out = &me};
    TRY(api_call(a->c, cl, &s.server, &call));
    if (a->opt.json) {
        TRY(buf_put_cstr(&text, "{\"server\":"));
        TRY(json_put_string(&text, slice_cstr(s.server.origin)));
        TRY(buf_put_cstr(&text, ",\"user\":"));
        TRY(json_encode(&text, &wire_user_table, me.user));
        TRY(buf_put_cstr(&text, "}\n"));
    } else {
        TRY(buf_printf(&text, SLICE_FMT " (" SLICE_FMT ") at %s\n", SLICE_ARG(me.user->email), SLICE_ARG(me.user->role),
                       s.server.origin));
    }
    return app_print(a, &text);
}

const struct arg_command cmd_login = {
    "login", "URL", 1, 1, "Sign in to a server.",
    "The password is asked for on the terminal, or read with --password-stdin or --password-env VAR; never given as an\n"
    "argument. A certificate nobody known has signed is shown by its fingerprint and pinned when you accept it.\n",
    login_options, sizeof login_options / sizeof login_options[0], run_login};
const struct arg_command cmd_logout = {"logout", "", 0, 0, "Sign out and forget the tokens.", NULL, NULL, 0, run_logout};
const struct arg_command cmd_whoami = {"whoami", "", 0, 0, "Tell who is signed in, and where.", NULL, whoami_options, 1, run_whoami};
