/* login, logout, whoami: who uses this client, and where. */
#include <limits.h>

#include "base/limits.h"
#include "cmd/cli/session.h"
#include "cmd/cli/sign_in.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/term.h"

static const struct arg_option opt_email = {"email", 'e', ARG_TEXT, offsetof(struct options, email), "E",
                                            "sign in as E (asked for when missing)"};
static const struct arg_option opt_device = {"device", 0, ARG_FLAG, offsetof(struct options, device), NULL,
                                             "show a code and wait until it is approved elsewhere"};
static const struct arg_option opt_device_name = {"device-name", 0, ARG_TEXT, offsetof(struct options, device_name), "NAME",
                                                  "how this computer is called in the list of sessions"};
static const struct arg_option opt_api_key_stdin = {"api-key-stdin", 0, ARG_FLAG, offsetof(struct options, api_key_stdin), NULL,
                                                    "use the API key on standard input instead of a password"};
static const struct arg_option *const login_options[] = {
    &opt_email,       &opt_password_stdin, &opt_password_env, &opt_device,
    &opt_device_name, &opt_api_key_stdin,  &opt_cacert,       &opt_accept_fingerprint};
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
    *ret = slice_cstr(a->opt.device_name);
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

static enum err keep(struct app *a, const struct server *s, const struct account *account)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(4096);
    CLEANUP(fd_close) int lock = -1;
    TRY(keep_ca(a, s));
    TRY(account_lock(a->c, &a->home, &lock));
    TRY(account_save(a->c, &a->home, account));
    TRY(buf_printf(&text, "Signed in to %s as " SLICE_FMT ".\n", s->origin, SLICE_ARG(account->email)));
    return app_print(a, &text);
}

static enum err login_with_password(struct app *a, const struct server *s, struct slice device)
{
    CLEANUP(buf_done) struct buf password = BUF_INIT(CLI_SECRET_BYTES);
    struct slice email = {0};
    struct wire_tokens tokens = {0};
    password.sensitive = true;
    TRY(find_email(a, &email));
    struct secret_ask ask = {a->opt.password_stdin, a->opt.password_env, NULL, "Password: ", false};
    enum err e = app_secret(a, &ask, &password);
    if (e == ERR_NOT_FOUND) return refuse(a->c, ERR_INVALID, "usage", "there is no terminal to ask on; use --password-stdin");
    if (e != ERR_OK) return e;
    int64_t asked = clock_wall_ms();
    TRY(sign_in_password(a, s, email, buf_view(&password), device, &tokens));
    struct account account = session_account(&tokens, slice_cstr(s->origin), email, device, asked);
    return keep(a, s, &account);
}

static enum err login_with_device(struct app *a, const struct server *s, struct slice device)
{
    struct wire_tokens tokens = {0};
    TRY(sign_in_device(a, s, device, &tokens));
    if (!tokens.user) return fail(a->c, ERR_PEER, "the server did not say who is signed in");
    struct account account = session_account(&tokens, slice_cstr(s->origin), tokens.user->email, device, clock_wall_ms());
    return keep(a, s, &account);
}

static enum err login_with_key(struct app *a, const struct server *s, struct slice device)
{
    CLEANUP(buf_done) struct buf key = BUF_INIT(CLI_SECRET_BYTES);
    struct wire_me me = {0};
    struct secret_ask ask = {.from_stdin = true};
    key.sensitive = true;
    TRY(app_secret(a, &ask, &key));
    TRY(sign_in_key(a, s, slice_trim(buf_view(&key)), &me));
    struct account account = {.server = slice_cstr(s->origin),
                              .email = me.user->email,
                              .device = device,
                              .access_token = slice_trim(buf_view(&key)),
                              .refresh_token = SLICE(""),
                              .access_until = clock_wall_ms()};
    return keep(a, s, &account);
}

static enum err run_login(struct app *a)
{
    struct server s = {.halt = a->halt};
    struct slice device = {0};
    if (a->opt.device && (a->opt.api_key_stdin || a->opt.password_stdin || a->opt.password_env || a->opt.email))
        return refuse(a->c, ERR_INVALID, "usage", "--device goes without --email, passwords and keys");
    if (a->opt.api_key_stdin && (a->opt.password_stdin || a->opt.password_env || a->opt.email))
        return refuse(a->c, ERR_INVALID, "usage", "--api-key-stdin goes without --email and passwords");
    TRY(server_origin(a->c, slice_cstr(a->operands[0]), &s.origin));
    TRY(app_meet(a, &s));
    TRY(find_device(a, &device));
    if (a->opt.device) return login_with_device(a, &s, device);
    if (a->opt.api_key_stdin) return login_with_key(a, &s, device);
    return login_with_password(a, &s, device);
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
    bool key = session_by_key(&s.account);
    enum err e = key ? ERR_OK : api_call(a->c, cl, &s.server, &call);
    /* The tokens go in any case; an unreachable server ends the session by itself when it is idle for long. */
    TRY(account_lock(a->c, &a->home, &lock));
    enum err forgot = account_forget(a->c, &a->home);
    if (e == ERR_OK || e == ERR_UNAUTH) TRY(forgot);
    if (e != ERR_OK && e != ERR_UNAUTH)
        return refuse(a->c, e, "logout_unheard", "signed out here, but %s did not hear of it", s.server.origin);
    TRY(buf_printf(&text, key ? "Forgot the API key for %s; it stays valid until it is revoked.\n" : "Signed out of %s.\n",
                   s.server.origin));
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
    "argument. An account with a second factor is asked for its code. --device needs no password here: approve the code it\n"
    "shows in a browser, or with `sealdrop approve`. A certificate nobody known has signed is shown by its fingerprint and\n"
    "pinned when you accept it.\n",
    login_options, sizeof login_options / sizeof login_options[0], run_login};
const struct arg_command cmd_logout = {"logout", "", 0, 0, "Sign out and forget the tokens.", NULL, NULL, 0, run_logout};
const struct arg_command cmd_whoami = {"whoami", "", 0, 0, "Tell who is signed in, and where.", NULL, whoami_options, 1, run_whoami};
