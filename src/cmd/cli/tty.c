/* Talking with the person: output, secrets, and the question whether to trust a server at first sight. */
#include <errno.h>

#include "base/intmath.h"
#include "base/limits.h"
#include "cmd/cli/cli.h"
#include "cmd/cli/names.h"
#include "codec/text.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/term.h"

enum err app_print(struct app *a, struct buf *text)
{
    if (a->stdout_tty) name_plain(text->ptr, text->len);
    enum err e = file_write_all(STDOUT_FILENO, text->ptr, text->len);
    return e == ERR_OK ? e : fail(a->c, e, "cannot write to standard output: %s", err_text(e));
}

enum err app_time_left(struct buf *out, int64_t ends_at)
{
    uint64_t s = (uint64_t)(MAX(ends_at - clock_wall_ms(), 0) + 999) / 1000;
    return duration_print(out, s > 3600 ? (s + 59) / 60 * 60 : s);
}

enum progress_mode app_progress(const struct app *a)
{
    if (a->opt.quiet) return PROGRESS_NONE;
    if (a->stderr_tty) return PROGRESS_LINE;
    return a->opt.progress ? PROGRESS_PLAIN : PROGRESS_NONE;
}

static enum err read_stdin(struct app *a, struct buf *ret)
{
    for (;;) {
        size_t got = 0;
        enum err e = buf_reserve(ret, 1);
        if (e == ERR_OK) e = file_read(STDIN_FILENO, ret->ptr + ret->len, ret->cap - ret->len, &got);
        if (e == ERR_TOO_LARGE)
            return refuse(a->c, ERR_INVALID, "bad_password", "the password on standard input is longer than %llu bytes",
                          (unsigned long long)ret->max);
        if (e != ERR_OK) return fail(a->c, e, "cannot read standard input: %s", err_text(e));
        if (got == 0) break;
        ret->len += got;
    }
    if (ret->len && ret->ptr[ret->len - 1] == '\n') ret->len--;
    if (ret->len && ret->ptr[ret->len - 1] == '\r') ret->len--;
    if (ret->len == 0) return refuse(a->c, ERR_INVALID, "bad_password", "standard input has no password");
    return ERR_OK;
}

static enum err ask_terminal(struct app *a, const struct secret_ask *ask, struct buf *ret)
{
    CLEANUP(buf_done) struct buf again = BUF_INIT(CLI_SECRET_BYTES);
    again.sensitive = true;
    if (!ask->question) return ERR_NOT_FOUND;
    enum err e = term_ask(ask->question, true, ret);
    if (e == ERR_OK && ask->twice) e = term_ask("The same again: ", true, &again);
    if (e == ERR_NOT_FOUND || e == ERR_CANCELLED) return e;
    if (e != ERR_OK) return fail(a->c, e, "cannot ask on the terminal: %s", err_text(e));
    if (ask->twice && !slice_eq(buf_view(ret), buf_view(&again)))
        return refuse(a->c, ERR_INVALID, "bad_password", "the two passwords differ; nothing was done");
    if (ret->len == 0) return refuse(a->c, ERR_INVALID, "bad_password", "an empty password is none; nothing was done");
    return ERR_OK;
}

enum err app_secret(struct app *a, const struct secret_ask *ask, struct buf *ret)
{
    const char *value = ask->env ? getenv(ask->env) : NULL;
    if (ask->from_stdin) return read_stdin(a, ret);
    if (ask->env && (!value || !value[0]))
        return refuse(a->c, ERR_INVALID, "bad_password", "the environment variable %s is not set", ask->env);
    if (!value && ask->default_env) value = getenv(ask->default_env);
    if (value && value[0]) return buf_put_cstr(ret, value);
    return ask_terminal(a, ask, ret);
}

/* "ab12…" as people compare it: pairs with colons. */
static void pretty(const char *hex, char ret[TLS_PIN_HEX * 3 / 2])
{
    size_t n = 0;
    for (size_t i = 0; i < TLS_PIN_HEX; i += 2) {
        if (i) ret[n++] = ':';
        ret[n++] = hex[i];
        ret[n++] = hex[i + 1];
    }
    ret[n] = '\0';
}

static enum err pin(struct app *a, struct server *s, const char *fingerprint)
{
    struct slice copy = {0};
    TRY(arena_slice(&a->c->arena, slice_cstr(fingerprint), &copy));
    struct host_trust t = {.origin = slice_cstr(s->origin), .pin = copy};
    TRY(trust_save(a->c, &a->home, &t));
    s->pin = copy.ptr;
    s->ca_file = NULL;
    return ERR_OK;
}

static enum err ask_trust(struct app *a, struct server *s, const char *seen)
{
    CLEANUP(buf_done) struct buf question = BUF_INIT(2048);
    CLEANUP(buf_done) struct buf answer = BUF_INIT(64);
    char shown[TLS_PIN_HEX * 3 / 2];
    const char *text = NULL;
    pretty(seen, shown);
    TRY(buf_printf(&question,
                   "The certificate of %s is not signed by anyone this computer knows.\nIts SHA-256 fingerprint is\n  %s\n"
                   "Ask the person who runs the server whether this is right.\nTrust it from now on? [y/N] ",
                   s->origin, shown));
    TRY(buf_cstr(&question, &text));
    enum err e = term_ask(text, false, &answer);
    if (e == ERR_NOT_FOUND)
        return refuse(a->c, ERR_DENIED, "certificate_untrusted",
                      "%s has a certificate nobody known has signed; if its SHA-256 fingerprint is right, add\n"
                      "  --accept-fingerprint %s",
                      s->origin, shown);
    if (e == ERR_CANCELLED) return e;
    bool yes = slice_eq_nocase(buf_view(&answer), SLICE("y")) || slice_eq_nocase(buf_view(&answer), SLICE("yes"));
    if (!yes) return refuse(a->c, ERR_DENIED, "certificate_untrusted", "not trusted; nothing was sent");
    return pin(a, s, seen);
}

static void close_client(struct client **cl) { client_close(*cl); }

enum err app_meet(struct app *a, struct server *s)
{
    CLEANUP(close_client) struct client *cl = NULL;
    struct client_answer answer = {0};
    struct slice url = {0};
    char accepted[TLS_PIN_HEX + 1];
    TRY(server_trust(a->c, &a->home, a->opt.cacert, s));
    if (a->opt.accept_fingerprint) {
        if (tls_pin_parse(a->opt.accept_fingerprint, accepted) != ERR_OK)
            return refuse(a->c, ERR_INVALID, "bad_fingerprint", "--accept-fingerprint wants 64 hex digits (SHA-256)");
        s->pin = accepted;
    }
    TRY(server_client(a->c, s, false, &cl));
    TRY(arena_printf(&a->c->arena, &url, "%s/health", s->origin));
    struct client_request rq = {.method = "GET", .url = url.ptr};
    enum err e = client_call(a->c, cl, &rq, &answer);
    client_answer_done(&answer);
    const struct tls_pin *seen = client_seen(cl);
    if (a->opt.accept_fingerprint) {
        s->pin = NULL;
        if (!seen->refused && seen->seen[0]) return pin(a, s, seen->seen);
    } else if (seen->refused && !seen->want[0] && !a->opt.cacert) {
        ctx_clear_error(a->c);
        return ask_trust(a, s, seen->seen);
    }
    /* Whether the server is well is the next call's business; here only whether it is the right one. */
    return answer.status ? ERR_OK : e;
}
