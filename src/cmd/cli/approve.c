/* approve: signs another device in, for the account that is signed in here. */
#include "base/limits.h"
#include "cmd/cli/names.h"
#include "cmd/cli/session.h"
#include "os/term.h"

static const struct arg_option opt_yes = {"yes", 'y', ARG_FLAG, offsetof(struct options, yes), NULL, "approve without asking"};
static const struct arg_option *const approve_options[] = {&opt_yes};

static void close_client(struct client **cl) { client_close(*cl); }

/* "abcd efgh" → "ABCD-EFGH"; what is left goes into a URL. */
static enum err read_code(struct ctx *c, struct slice text, struct slice *ret)
{
    char letters[8];
    size_t n = 0;
    bool bad = false;
    for (size_t i = 0; i < text.len; i++) {
        char letter = text.ptr[i];
        if (letter == '-' || letter == ' ') continue;
        if (letter >= 'a' && letter <= 'z') letter = (char)(letter - 'a' + 'A');
        bad = bad || letter < 'A' || letter > 'Z' || n == sizeof letters;
        if (!bad) letters[n++] = letter;
    }
    if (bad || n != sizeof letters) return refuse(c, ERR_INVALID, "bad_code", "a code looks like ABCD-EFGH");
    return arena_printf(&c->arena, ret, "%.4s-%.4s", letters, letters + 4);
}

static enum err ask(struct app *a, const struct wire_device_request *r, bool *ret)
{
    CLEANUP(buf_done) struct buf question = BUF_INIT(2048);
    CLEANUP(buf_done) struct buf answer = BUF_INIT(64);
    const char *text = NULL;
    TRY(buf_printf(&question, "\"" SLICE_FMT "\" at " SLICE_FMT " asks to be signed in with your account.\n",
                   SLICE_ARG(r->device_name), SLICE_ARG(r->ip)));
    TRY(buf_put_cstr(&question, "Say yes only if you started this yourself, there, a moment ago. Sign it in? [y/N] "));
    name_plain(question.ptr, question.len);
    TRY(buf_cstr(&question, &text));
    enum err e = term_ask(text, false, &answer);
    if (e == ERR_NOT_FOUND) return refuse(a->c, ERR_INVALID, "usage", "there is no terminal to ask on; add --yes");
    if (e != ERR_OK) return e;
    *ret = slice_eq_nocase(buf_view(&answer), SLICE("y")) || slice_eq_nocase(buf_view(&answer), SLICE("yes"));
    return ERR_OK;
}

static enum err run_approve(struct app *a)
{
    CLEANUP(session_close) struct session s = {0};
    CLEANUP(close_client) struct client *cl = NULL;
    CLEANUP(buf_done) struct buf text = BUF_INIT(4096);
    struct wire_device_request request = {0};
    struct wire_device_decision decision = {.approve = true};
    struct slice path = {0};
    TRY(read_code(a->c, slice_cstr(a->operands[0]), &decision.user_code));
    TRY(session_open(a, &s));
    TRY(server_client(a->c, &s.server, false, &cl));
    TRY(arena_printf(&a->c->arena, &path, "/auth/device/" SLICE_FMT, SLICE_ARG(decision.user_code)));
    struct call look = {.method = "GET",
                        .path = path.ptr,
                        .credential = &s.credential,
                        .out_table = &wire_device_request_table,
                        .out = &request};
    TRY(api_call(a->c, cl, &s.server, &look));
    if (!a->opt.yes) TRY(ask(a, &request, &decision.approve));
    struct call decide = {.method = "POST",
                          .path = "/auth/device/approve",
                          .credential = &s.credential,
                          .in_table = &wire_device_decision_table,
                          .in = &decision};
    TRY(api_call(a->c, cl, &s.server, &decide));
    TRY(buf_printf(&text, decision.approve ? "\"" SLICE_FMT "\" is signed in.\n" : "\"" SLICE_FMT "\" was refused.\n",
                   SLICE_ARG(request.device_name)));
    return app_print(a, &text);
}

const struct arg_command cmd_approve = {
    "approve", "CODE", 1, 1, "Sign another device in.",
    "`sealdrop login URL --device` shows a code on the other device; this command, where you are signed in, tells who\n"
    "asks and from where, and approves or refuses it.\n",
    approve_options, 1, run_approve};
