/* The get command as people see it: list, standard output, or files; and what is said at the end. */
#include "base/limits.h"
#include "base/mem.h"
#include "cmd/cli/fetch.h"
#include "cmd/cli/get.h"
#include "cmd/cli/unpack.h"
#include "codec/text.h"
#include "os/file.h"

const struct arg_option opt_out = {"out", 'o', ARG_TEXT, offsetof(struct options, out), "DIR",
                                          "the folder to put the files in (made when missing)"};
const struct arg_option opt_stdout = {"stdout", 0, ARG_FLAG, offsetof(struct options, to_stdout), NULL,
                                             "write the one file to standard output"};
static const struct arg_option opt_list = {"list", 'l', ARG_FLAG, offsetof(struct options, list), NULL,
                                           "only tell what is behind the link"};
const struct arg_option opt_force = {"force", 'f', ARG_FLAG, offsetof(struct options, force), NULL, "replace existing files"};
const struct arg_option opt_rename = {"rename", 'r', ARG_FLAG, offsetof(struct options, rename), NULL,
                                             "keep existing files; new ones become \"name (2)\""};
static const struct arg_option *const get_options[] = {&opt_out,          &opt_stdout,       &opt_list,   &opt_force,
                                                       &opt_rename,       &opt_password_stdin, &opt_password_env, &opt_cacert,
                                                       &opt_accept_fingerprint, &opt_json,   &opt_quiet,  &opt_progress};

static uint64_t total_of(const struct wire_share *s)
{
    const struct wire_file *f = s->files.items;
    uint64_t total = 0;
    for (size_t i = 0; i < s->files.count; i++) total += f[i].size;
    return total;
}

static enum err list_json(struct buf *out, const struct wire_share *s)
{
    TRY(json_encode(out, &wire_share_table, s));
    return buf_putc(out, '\n');
}

static enum err list_text(struct buf *out, const struct wire_share *s)
{
    const struct wire_file *f = s->files.items;
    if (s->title.len) TRY(buf_printf(out, SLICE_FMT "\n", SLICE_ARG(s->title)));
    if (s->sender.len) TRY(buf_printf(out, "from " SLICE_FMT "\n", SLICE_ARG(s->sender)));
    if (s->message.len) TRY(buf_printf(out, SLICE_FMT "\n", SLICE_ARG(s->message)));
    for (size_t i = 0; i < s->files.count; i++) {
        CLEANUP(buf_done) struct buf size = BUF_INIT(64);
        TRY(size_print(&size, f[i].size));
        TRY(buf_printf(out, "%10.*s  " SLICE_FMT "\n", (int)size.len, size.ptr, SLICE_ARG(f[i].name)));
    }
    if (s->expires_at.set) {
        TRY(buf_put_cstr(out, "expires in "));
        TRY(app_time_left(out, s->expires_at.v));
        TRY(buf_putc(out, '\n'));
    }
    if (s->downloads_left.set)
        TRY(buf_printf(out, "%llu downloads left\n", (unsigned long long)s->downloads_left.v));
    return ERR_OK;
}

static enum err run_list(struct app *a, const struct recipient *r)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(16 * MIB);
    TRY(a->opt.json ? list_json(&text, &r->share) : list_text(&text, &r->share));
    return app_print(a, &text);
}

static enum err write_stdout(void *arg, uint64_t offset, const void *p, size_t n)
{
    struct app *a = arg;
    (void)offset;
    enum err e = file_write_all(STDOUT_FILENO, p, n);
    return e == ERR_OK ? e : fail(a->c, e, "cannot write to standard output: %s", err_text(e));
}

static void close_fetcher(struct fetcher **f) { fetcher_close(*f); }
static void close_progress(struct progress **p) { progress_stop(*p); }

static enum err stream_parts(struct app *a, struct fetcher *f, const struct fetch *what)
{
    CLEANUP(hasher_cleanup) struct hasher *h = NULL;
    struct seal_header header;
    struct sha256 all;
    uint64_t parts = sft_part_count(what->secret->stored_size, what->secret->part_size);
    TRY(hasher_new(&h));
    for (uint64_t part = 0; part < parts; part++) {
        TRY(fetch_part(a->c, f, what, part, &header));
        TRY(hasher_add(h, header.b, sizeof header.b));
    }
    TRY(hasher_sum(h, &all));
    if (sha256_equal(&all, &what->secret->headers_hash)) return ERR_OK;
    return refuse(a->c, ERR_CORRUPT, "not_verified", "the file does not verify as a whole: its parts are not the ones it was sealed with");
}

static enum err push_packed(void *arg, uint64_t offset, const void *p, size_t n)
{
    (void)offset;
    return unpack_push(arg, p, n);
}

static enum err stream_packed(struct app *a, struct fetcher *f, const struct fetch *what)
{
    CLEANUP(unpack_cleanup) struct unpack *u = NULL;
    struct fetch packed = *what;
    TRY(unpack_new(what->secret->map, what->secret->size, what->emit, what->emit_arg, &u));
    packed.emit = push_packed;
    packed.emit_arg = u;
    TRY(stream_parts(a, f, &packed));
    progress_add(what->progress, what->secret->size - what->secret->stored_size);
    return unpack_finish(u);
}

enum err get_to_stdout(struct app *a, struct recipient *r)
{
    CLEANUP(close_progress) struct progress *progress = NULL;
    CLEANUP(close_fetcher) struct fetcher *f = NULL;
    CLEANUP(file_secret_done) struct file_secret secret = {0};
    const struct wire_file *file = r->share.files.items;
    if (r->share.files.count != 1)
        return refuse(a->c, ERR_INVALID, "usage", "--stdout is for one file; these are %zu", r->share.files.count);
    TRY(fetcher_open(a->c, &r->server, &f));
    TRY(recipient_key(a->c, f->client, r, &file->id, (struct slice){0}, &secret));
    TRY(progress_start(app_progress(a), secret.size, 1, &progress));
    r->server.progress = progress;
    struct fetch what = {.recipient = r,
                         .file_id = &file->id,
                         .name = file->name,
                         .secret = &secret,
                         .grant = secret.grant,
                         .progress = progress,
                         .emit = write_stdout,
                         .emit_arg = a};
    enum err e = secret.map ? stream_packed(a, f, &what) : stream_parts(a, f, &what);
    r->server.progress = NULL;
    if (e != ERR_OK) return e;
    if (secret.grant.len && recipient_done(a->c, f->client, r, secret.grant) != ERR_OK)
        progress_say(progress, "note: all was verified, but the server did not hear of it: %s", a->c->err_detail);
    ctx_clear_error(a->c);
    if (!a->opt.quiet && a->stderr_tty) progress_say(progress, "Verified.");
    return ERR_OK;
}

static enum err say_json(struct buf *out, const struct recipient *r, const struct get_result *g)
{
    const struct wire_file *f = r->share.files.items;
    TRY(buf_put_cstr(out, "{\"verified\":true,\"files\":["));
    for (size_t i = 0; i < r->share.files.count; i++) {
        TRY(buf_put_cstr(out, i ? ",{\"name\":" : "{\"name\":"));
        TRY(json_put_string(out, f[i].name));
        TRY(buf_put_cstr(out, ",\"path\":"));
        TRY(json_put_string(out, slice_cstr(g->targets[i].path)));
        TRY(buf_printf(out, ",\"size\":%llu}", (unsigned long long)f[i].size));
    }
    return buf_put_cstr(out, "]}\n");
}

static enum err say_text(struct buf *out, const struct recipient *r, const struct get_result *g)
{
    if (r->share.files.count == 1) {
        TRY(buf_printf(out, "Verified: %s, ", g->targets[0].path));
        TRY(size_print(out, total_of(&r->share)));
    } else {
        TRY(buf_printf(out, "Verified: %zu files, ", r->share.files.count));
        TRY(size_print(out, total_of(&r->share)));
        TRY(buf_printf(out, ", in %s", g->dir));
    }
    return buf_putc(out, '\n');
}

enum err get_to_disk(struct app *a, struct recipient *r)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(16 * MIB);
    struct get_result g = {0};
    TRY(get_files(a, r, &g));
    if (a->opt.quiet && !a->opt.json) return ERR_OK;
    TRY(a->opt.json ? say_json(&text, r, &g) : say_text(&text, r, &g));
    return app_print(a, &text);
}

enum err get_check_options(struct app *a)
{
    if (a->opt.force && a->opt.rename) return refuse(a->c, ERR_INVALID, "usage", "--force and --rename exclude each other");
    if (a->opt.to_stdout && (a->opt.json || a->opt.out))
        return refuse(a->c, ERR_INVALID, "usage", "--stdout goes with neither --json nor --out");
    return ERR_OK;
}

static enum err run_get(struct app *a)
{
    CLEANUP(recipient_close) struct recipient r = {0};
    TRY(get_check_options(a));
    TRY(recipient_open(a, slice_cstr(a->operands[0]), &r));
    if (a->opt.list) return run_list(a, &r);
    return a->opt.to_stdout ? get_to_stdout(a, &r) : get_to_disk(a, &r);
}

const struct arg_command cmd_get = {
    "get", "LINK", 1, 1, "Fetch the files behind a link, and verify every byte.",
    "Files are written as NAME.part and get their name when they are verified. Interrupted, the same command goes on where it\n"
    "was. The link's password comes from a question, --password-stdin, --password-env VAR or $SEALDROP_LINK_PASSWORD.\n",
    get_options, sizeof get_options / sizeof get_options[0], run_get};
