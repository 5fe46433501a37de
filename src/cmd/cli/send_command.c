/* The send command: from paths to a link. Uploading is send.c; here are the transfer, the link, and what people see. */
#include "base/limits.h"
#include "base/time.h"
#include "cmd/cli/qr.h"
#include "cmd/cli/send.h"
#include "codec/name.h"
#include "codec/text.h"
#include "os/clock.h"
#include "os/file.h"

static const struct arg_option opt_expires = {"expires", 'x', ARG_DURATION, offsetof(struct options, expires), "TIME",
                                              "the link ends after TIME: 10m, 36h, 3d, 2w"};
static const struct arg_option opt_downloads = {"downloads", 'd', ARG_COUNT, offsetof(struct options, downloads), "N",
                                                "the link ends after N downloads"};
static const struct arg_option opt_title = {"title", 't', ARG_TEXT, offsetof(struct options, title), "TEXT",
                                            "shown to the recipient"};
static const struct arg_option opt_message = {"message", 'm', ARG_TEXT, offsetof(struct options, message), "TEXT",
                                              "shown to the recipient"};
static const struct arg_option opt_name = {"name", 'n', ARG_TEXT, offsetof(struct options, name), "NAME",
                                           "what the file is called on the other side (one file, or -)"};
static const struct arg_option opt_qr = {"qr", 0, ARG_FLAG, offsetof(struct options, qr), NULL, "show the link as a QR code too"};
static const struct arg_option opt_fresh = {"fresh", 0, ARG_FLAG, offsetof(struct options, fresh), NULL,
                                            "forget an interrupted send of the same paths"};
static const struct arg_option *const send_options[] = {
    &opt_expires, &opt_downloads, &opt_password, &opt_password_stdin, &opt_password_env, &opt_title, &opt_message,
    &opt_name,    &opt_qr,        &opt_json,     &opt_quiet,          &opt_progress,     &opt_fresh};

struct result {
    struct id transfer_id;
    struct wire_link link;
    bool password;
};

static void close_client(struct client **cl) { client_close(*cl); }
static void close_state(struct send_state *s) { send_state_close(s); }

/* The same request always has the same key: killed after the server did it and before we knew, the next run gets the first
 * answer again instead of making another. */
static enum err request_key(struct ctx *c, const char *path, const struct json_table *t, const void *in, const char **ret)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(8 * MIB);
    struct slice hex = {0};
    text.sensitive = true;
    TRY(buf_put_cstr(&text, path));
    TRY(json_encode(&text, t, in));
    TRY(token_hash(c, buf_view(&text), &hex));
    return arena_cstr(&c->arena, slice_sub(hex, 0, 32), ret);
}

static enum err make_transfer(struct app *a, struct session *s, struct client *cl, struct send_state *state)
{
    struct id *ids = ARENA_ARRAY(&a->c->arena, struct id, state->count);
    struct wire_transfer_made out = {0};
    if (!ids) return fail(a->c, ERR_NOMEM, "list of files");
    for (size_t i = 0; i < state->count; i++) ids[i] = state->files[i].file_id;
    struct wire_transfer_create in = {.title = slice_cstr(a->opt.title),
                                      .message = slice_cstr(a->opt.message),
                                      .file_ids = {ids, state->count, true},
                                      .expires_in = {a->opt.expires.set, a->opt.expires.v},
                                      .delete_files = true};
    if (!a->opt.title) in.title = (struct slice){0};
    if (!a->opt.message) in.message = (struct slice){0};
    struct call call = {.method = "POST",
                        .path = "/transfers",
                        .credential = &s->credential,
                        .in_table = &wire_transfer_create_table,
                        .in = &in,
                        .out_table = &wire_transfer_made_table,
                        .out = &out,
                        .patient = true};
    TRY(request_key(a->c, call.path, call.in_table, call.in, &call.idempotency_key));
    TRY(api_call(a->c, cl, &s->server, &call));
    return send_state_transfer(a->c, state, &out.transfer->id);
}

static enum err make_link(struct app *a, struct session *s, struct client *cl, const struct id *transfer_id,
                          struct slice password, struct wire_link *ret)
{
    struct slice path = {0};
    struct wire_share_made out = {0};
    char id[ID_TEXT_LEN + 1];
    struct wire_share_create in = {.permission = SLICE("download"),
                                   .expires_in = {a->opt.expires.set, a->opt.expires.v},
                                   .password = password.len ? password : (struct slice){0},
                                   .max_downloads = {a->opt.downloads.set, a->opt.downloads.v}};
    id_text(*transfer_id, id);
    TRY(arena_printf(&a->c->arena, &path, "/transfers/%s/share", id));
    struct call call = {.method = "POST",
                        .path = path.ptr,
                        .credential = &s->credential,
                        .in_table = &wire_share_create_table,
                        .in = &in,
                        .out_table = &wire_share_made_table,
                        .out = &out,
                        .patient = true};
    TRY(request_key(a->c, call.path, call.in_table, call.in, &call.idempotency_key));
    TRY(api_call(a->c, cl, &s->server, &call));
    if (!out.link->url.len || !out.link->token.len) return fail(a->c, ERR_PEER, "the server gave no link");
    *ret = *out.link;
    return ERR_OK;
}

/* So that `revoke LINK` and `rm LINK` find it. The link is made: not keeping it is no reason to fail. */
static void remember(struct app *a, const struct session *s, const struct result *r)
{
    struct link_record record = {.server = slice_cstr(s->server.origin),
                                 .transfer_id = r->transfer_id,
                                 .link_id = {true, r->link.id},
                                 .created_at = clock_wall_ms()};
    if (token_hash(a->c, r->link.token, &record.link_hash) != ERR_OK || links_add(a->c, &a->home, &record) != ERR_OK)
        progress_say(NULL, "note: this link is not kept in the local list: %s", a->c->err_detail);
    ctx_clear_error(a->c);
}

enum err send_put_files(struct buf *out, const struct send_state *state, uint64_t bytes)
{
    char id[ID_TEXT_LEN + 1];
    TRY(buf_put_cstr(out, "\"files\":["));
    for (size_t i = 0; i < state->count; i++) {
        id_text(state->files[i].file_id, id);
        TRY(buf_printf(out, "%s{\"id\":\"%s\",\"name\":", i ? "," : "", id));
        TRY(json_put_string(out, state->files[i].file->name));
        uint64_t size = state->count == 1 ? bytes : state->files[i].file->size;
        TRY(buf_printf(out, ",\"size\":%llu}", (unsigned long long)size));
    }
    return buf_put_cstr(out, "]}\n");
}

static enum err print_json(struct buf *out, const struct result *r, const struct send_state *state, uint64_t bytes)
{
    char time[TIME_RFC3339_LEN + 1], id[ID_TEXT_LEN + 1];
    id_text(r->transfer_id, id);
    TRY(buf_put_cstr(out, "{\"link\":"));
    TRY(json_put_string(out, r->link.url));
    TRY(buf_printf(out, ",\"transfer_id\":\"%s\"", id));
    id_text(r->link.id, id);
    TRY(buf_printf(out, ",\"link_id\":\"%s\"", id));
    if (r->link.expires_at.set) {
        time_rfc3339(r->link.expires_at.v, time);
        TRY(buf_printf(out, ",\"expires_at\":\"%s\"", time));
    }
    if (r->link.max_downloads.set)
        TRY(buf_printf(out, ",\"max_downloads\":%llu", (unsigned long long)r->link.max_downloads.v));
    TRY(buf_printf(out, ",\"password\":%s,\"bytes\":%llu,", r->password ? "true" : "false",
                   (unsigned long long)bytes));
    return send_put_files(out, state, bytes);
}

static enum err print_card(struct buf *out, const struct result *r, const struct send_state *state, uint64_t bytes)
{
    TRY(buf_printf(out, "\n  " SLICE_FMT "\n\n  %zu %s, ", SLICE_ARG(r->link.url), state->count,
                   state->count == 1 ? "file" : "files"));
    TRY(size_print(out, bytes));
    if (r->link.expires_at.set) {
        TRY(buf_put_cstr(out, " · expires in "));
        TRY(app_time_left(out, r->link.expires_at.v));
    }
    if (r->link.max_downloads.set)
        TRY(buf_printf(out, " · %llu download%s", (unsigned long long)r->link.max_downloads.v,
                       r->link.max_downloads.v == 1 ? "" : "s"));
    return buf_put_cstr(out, r->password ? " · asks for the password\n\n" : "\n\n");
}

static enum err show(struct app *a, const struct result *r, const struct send_state *state, uint64_t bytes)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(16 * MIB);
    CLEANUP(buf_done) struct buf code = BUF_INIT(64 * KIB);
    const char *url = NULL;
    if (a->opt.qr) {
        TRY(arena_cstr(&a->c->arena, r->link.url, &url));
        TRY(qr_print(&code, url, a->stderr_tty));
        err_ignore(file_write_all(STDERR_FILENO, code.ptr, code.len), "the link itself follows");
    }
    if (a->opt.json)
        TRY(print_json(&text, r, state, bytes));
    else if (a->stdout_tty && !a->opt.quiet)
        TRY(print_card(&text, r, state, bytes));
    else
        TRY(buf_printf(&text, SLICE_FMT "\n", SLICE_ARG(r->link.url)));
    return app_print(a, &text);
}

static enum err stdin_walk(struct app *a, struct walk *ret)
{
    struct walk_file *f = ARENA_NEW(&a->c->arena, struct walk_file);
    if (!f) return fail(a->c, ERR_NOMEM, "file");
    *f = (struct walk_file){.path = "-", .name = slice_cstr(a->opt.name)};
    *ret = (struct walk){.files = f, .count = 1};
    return ERR_OK;
}

enum err send_find_files(struct app *a, struct walk *ret)
{
    bool stream = send_from_stdin(a);
    if (stream && !a->opt.name) return refuse(a->c, ERR_INVALID, "usage", "say what standard input is called: --name NAME");
    if (stream && a->opt.password_stdin)
        return refuse(a->c, ERR_INVALID, "usage", "standard input cannot be both the file and the password");
    if (a->opt.name && path_check(slice_cstr(a->opt.name)) != ERR_OK)
        return refuse(a->c, ERR_INVALID, "usage", "'%s' is no name for a file", a->opt.name);
    if (stream) return stdin_walk(a, ret);
    TRY(walk_paths(a->c, a->operands, a->operand_count, ret));
    if (a->opt.name && ret->count != 1) return refuse(a->c, ERR_INVALID, "usage", "--name is for one file; this is %zu", ret->count);
    if (a->opt.name) ret->files[0].name = slice_cstr(a->opt.name);
    if (ret->skipped && !a->opt.quiet)
        progress_say(NULL, "note: %zu symbolic links or special files are left out", ret->skipped);
    if (ret->empty_dirs && !a->opt.quiet) progress_say(NULL, "note: %zu empty folders are left out", ret->empty_dirs);
    return ERR_OK;
}

static enum err open_state(struct app *a, const struct session *s, const struct walk *w, struct send_state *ret)
{
    struct sha256 key;
    const char *path = NULL;
    if (send_from_stdin(a)) return send_state_none(a->c, w, ret);
    TRY(send_state_key(slice_cstr(s->server.origin), s->account.email, w, &key));
    TRY(home_state_path(a->c, &a->home, "send-", &key, &path));
    return send_state_open(a->c, path, a->opt.fresh, w, ret);
}

enum err send_all(struct app *a, struct session *s, struct send_state *state, uint64_t *bytes)
{
    enum err e = send_from_stdin(a) ? send_stdin(a, s, state, bytes) : send_files(a, s, state);
    if (e == ERR_OK || send_from_stdin(a)) return e;
    if (e == ERR_CANCELLED)
        return refuse(a->c, e, "interrupted", "interrupted; what was sent is kept: the same command goes on from there");
    if (client_worth_retry(e)) progress_say(NULL, "What was sent is kept: the same command goes on from there.");
    return e;
}

static enum err run_send(struct app *a)
{
    CLEANUP(session_close) struct session s = {0};
    CLEANUP(close_client) struct client *cl = NULL;
    CLEANUP(close_state) struct send_state state = {0};
    CLEANUP(buf_done) struct buf password = BUF_INIT(CLI_SECRET_BYTES);
    struct walk walk = {0};
    struct result r = {0};
    password.sensitive = true;
    TRY(send_find_files(a, &walk));
    TRY(session_open(a, &s));
    struct secret_ask ask = {a->opt.password_stdin, a->opt.password_env, "SEALDROP_LINK_PASSWORD",
                             a->opt.password ? "Password for the link: " : NULL, true};
    enum err e = app_secret(a, &ask, &password);
    if (e == ERR_NOT_FOUND && a->opt.password)
        return refuse(a->c, ERR_INVALID, "usage", "there is no terminal to ask on; use --password-stdin or --password-env VAR");
    if (e != ERR_OK && e != ERR_NOT_FOUND) return e;
    TRY(open_state(a, &s, &walk, &state));
    uint64_t bytes = walk.bytes;
    TRY(send_all(a, &s, &state, &bytes));
    TRY(server_client(a->c, &s.server, false, &cl));
    if (!state.transfer_id.set) TRY(make_transfer(a, &s, cl, &state));
    r.transfer_id = state.transfer_id.v;
    r.password = password.len > 0;
    TRY(make_link(a, &s, cl, &r.transfer_id, buf_view(&password), &r.link));
    remember(a, &s, &r);
    TRY(show(a, &r, &state, bytes));
    send_state_remove(&state);
    return ERR_OK;
}

const struct arg_command cmd_send = {
    "send", "PATH…", 1, LIMIT_TRANSFER_FILES, "Send files and folders; prints the link.",
    "Interrupted (Ctrl-C, a lost network, a crash), the same command goes on where it was.\n"
    "`sealdrop send - --name NAME` sends standard input. A password for the link comes from a question (--password), from\n"
    "--password-stdin, --password-env VAR or $SEALDROP_LINK_PASSWORD; never from the command line.\n",
    send_options, sizeof send_options / sizeof send_options[0], run_send};
