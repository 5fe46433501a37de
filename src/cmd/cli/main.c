/* sealdrop, the command-line client: the table of commands, and the way from argv to an exit status. */
#include "base/intmath.h"
#include "base/limits.h"
#include "cmd/cli/cli.h"
#include "os/file.h"
#include "os/term.h"

const struct arg_option opt_json = {"json", 0, ARG_FLAG, offsetof(struct options, json), NULL, "tell the result as JSON"};
const struct arg_option opt_quiet = {"quiet", 'q', ARG_FLAG, offsetof(struct options, quiet), NULL, "no progress, nothing but the result"};
const struct arg_option opt_progress = {"progress", 0, ARG_FLAG, offsetof(struct options, progress), NULL,
                                        "progress lines also when stderr is not a terminal"};
const struct arg_option opt_cacert = {"cacert", 0, ARG_TEXT, offsetof(struct options, cacert), "FILE",
                                      "trust the certificates in FILE (PEM)"};
const struct arg_option opt_accept_fingerprint = {"accept-fingerprint", 0, ARG_TEXT, offsetof(struct options, accept_fingerprint),
                                                  "SHA256", "trust exactly this certificate"};
const struct arg_option opt_password = {"password", 'p', ARG_FLAG, offsetof(struct options, password), NULL,
                                        "ask for a password for the link"};
const struct arg_option opt_password_stdin = {"password-stdin", 0, ARG_FLAG, offsetof(struct options, password_stdin), NULL,
                                              "read the password from standard input"};
const struct arg_option opt_password_env = {"password-env", 0, ARG_TEXT, offsetof(struct options, password_env), "VAR",
                                            "take the password from the environment variable VAR"};

static const struct arg_command *const commands[] = {
    &cmd_login, &cmd_send, &cmd_get, &cmd_sent, &cmd_revoke, &cmd_upload, &cmd_download, &cmd_ls,     &cmd_search,
    &cmd_mv,    &cmd_tag,  &cmd_rm,  &cmd_restore, &cmd_versions, &cmd_share, &cmd_whoami, &cmd_approve,  &cmd_logout};

static atomic_bool halt;

static int usage_error(struct buf *problem)
{
    progress_say(NULL, "sealdrop: " SLICE_FMT, SLICE_ARG(buf_view(problem)));
    return err_exit_code(ERR_INVALID);
}

static int print_text(enum err made, const struct buf *text)
{
    if (made == ERR_OK) made = file_write_all(STDOUT_FILENO, text->ptr, text->len);
    return err_exit_code(made);
}

static int help(const char *name, struct buf *problem)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(64 * KIB);
    if (!name) return print_text(args_overview(&text, commands, ARRAY_LEN(commands)), &text);
    const struct arg_command *cmd = args_command(commands, ARRAY_LEN(commands), name, problem);
    return cmd ? print_text(args_help(&text, cmd), &text) : usage_error(problem);
}

static int version(void)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(256);
    return print_text(buf_put_cstr(&text, "sealdrop " SEALDROP_VERSION "\n"), &text);
}

static const char *what_is_wrong(const struct ctx *c, enum err e)
{
    return c->err == e && c->err_detail[0] ? c->err_detail : err_text(e);
}

static int tell(const struct app *a, enum err e)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(16 * KIB);
    const char *words = what_is_wrong(a->c, e);
    const char *code = a->c->err == e && a->c->err_code ? a->c->err_code : err_name(e);
    if (e == ERR_OK) return 0;
    /* The reader of our output went away (`| head`): nobody wants to hear of it. */
    if (a->opt.json && buf_put_cstr(&text, "{\"error\":{\"code\":") == ERR_OK && json_put_string(&text, slice_cstr(code)) == ERR_OK &&
        buf_put_cstr(&text, ",\"message\":") == ERR_OK && json_put_string(&text, slice_cstr(words)) == ERR_OK)
        progress_say(NULL, SLICE_FMT "}}", SLICE_ARG(buf_view(&text)));
    else
        progress_say(NULL, "sealdrop: %s", words);
    return err_exit_code(e);
}

static int run(const struct arg_command *cmd, struct app *a)
{
    enum err e = client_setup();
    if (e == ERR_OK) e = home_find(a->c, &a->home);
    if (e == ERR_OK) e = cmd->run(a);
    client_teardown();
    return tell(a, e);
}

static int parse_and_run(const struct arg_command *cmd, struct ctx *c, int argc, const char *const *argv, struct buf *problem)
{
    struct app a = {.c = c, .halt = &halt};
    const char **operands = ARENA_ARRAY(&c->arena, const char *, (size_t)argc + 1);
    if (!operands) return err_exit_code(ERR_NOMEM);
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) return help(cmd->name, problem);
    if (args_parse(cmd, argc, argv, &a.opt, operands, &a.operand_count, problem) != ERR_OK) return usage_error(problem);
    a.operands = operands;
    a.stdout_tty = term_is(STDOUT_FILENO);
    a.stderr_tty = term_is(STDERR_FILENO);
    return run(cmd, &a);
}

int main(int argc, char **argv)
{
    CLEANUP(buf_done) struct buf problem = BUF_INIT(4096);
    CLEANUP(ctx_done) struct ctx c;
    const char *name = argc > 1 ? argv[1] : NULL;
    ctx_init(&c, CLI_ARENA_BYTES);
    term_catch_interrupt(&halt);
    if (!name) {
        int shown = help(NULL, &problem);
        return shown ? shown : err_exit_code(ERR_INVALID);
    }
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) return version();
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return help(argc > 2 ? argv[2] : NULL, &problem);
    const struct arg_command *cmd = args_command(commands, ARRAY_LEN(commands), name, &problem);
    if (!cmd) return usage_error(&problem);
    return parse_and_run(cmd, &c, argc - 2, (const char *const *)argv + 2, &problem);
}
