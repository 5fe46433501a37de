/* cli: what every command of the client gets: its options, the home directory, and the two streams. */
#ifndef SEALDROP_CMD_CLI_CLI_H
#define SEALDROP_CMD_CLI_CLI_H

#include "cmd/cli/api.h"
#include "cmd/cli/args.h"

#define CLI_SECRET_BYTES (LIMIT_PASSWORD_BYTES + 2) /* with the end of its line */
#define CLI_ARENA_BYTES (64u << 20)

/* Values of all options of all commands; which a command knows is in its table. */
struct options {
    bool json, quiet, progress;
    /* servers and sign-in */
    const char *email, *device_name, *cacert, *accept_fingerprint;
    bool device, api_key_stdin, yes;
    bool password, password_stdin;
    const char *password_env;
    /* send */
    struct arg_number expires, downloads;
    const char *title, *message, *name;
    bool qr, fresh;
    /* get */
    const char *out;
    bool to_stdout, list, force, rename;
    /* library */
    const char *folder, *version_of, *add, *remove, *with, *permission;
    struct arg_number version, restore, drop;
    bool shared, trash, purge, recursive;
};

struct app {
    struct ctx *c;
    struct options opt;
    const char *const *operands;
    size_t operand_count;
    struct home home;
    atomic_bool *halt; /* Ctrl-C, or the first failure of a worker: everyone stops */
    bool stdout_tty, stderr_tty;
};

extern const struct arg_option opt_json, opt_quiet, opt_progress, opt_cacert, opt_accept_fingerprint, opt_password,
    opt_password_stdin, opt_password_env;
extern const struct arg_command cmd_login, cmd_approve, cmd_logout, cmd_whoami, cmd_send, cmd_get, cmd_sent, cmd_revoke,
    cmd_upload, cmd_download, cmd_ls, cmd_search, cmd_rm, cmd_mv, cmd_tag, cmd_restore, cmd_versions, cmd_share;

/* Everything of `text` to stdout; on a terminal without control characters. ERR_CLOSED when the reader went away. */
MUST_USE enum err app_print(struct app *a, struct buf *text);
/* "3 d", "2 h 5 min": how long until `ends_at` (wall clock, ms), to the minute when it is more than an hour; "0 s" when it is over. */
MUST_USE enum err app_time_left(struct buf *out, int64_t ends_at);
/* The progress mode the options and the terminal ask for. */
enum progress_mode app_progress(const struct app *a);

/* Where a secret may come from; never the command line. The first of: stdin, the variable named, the default variable (when set and not
 * empty), a question on the terminal. */
struct secret_ask {
    bool from_stdin;
    const char *env;         /* --password-env VAR; an unset variable is an error */
    const char *default_env;
    const char *question;    /* NULL: do not ask */
    bool twice;
};
/* Appends to `ret` (make it sensitive). ERR_NOT_FOUND: from nowhere (no terminal to ask on, or nobody told to ask). */
MUST_USE enum err app_secret(struct app *a, const struct secret_ask *ask, struct buf *ret);

/* First contact: resolves trust, and when the system refuses the certificate shows its fingerprint and asks, or compares with
 * --accept-fingerprint. What was accepted is pinned in hosts.json. */
MUST_USE enum err app_meet(struct app *a, struct server *s);

#endif
