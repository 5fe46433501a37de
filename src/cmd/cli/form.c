/* Many small files in one multipart/form-data body, made in memory: it can be sent again as it was. */
#include "cmd/cli/form.h"

#include "base/intmath.h"
#include "base/limits.h"
#include "base/time.h"
#include "codec/hex.h"
#include "codec/uri.h"
#include "os/clock.h"
#include "os/file.h"

#define FORM_BYTES (2 * MIB) /* of content: what one worker holds */
#define FORM_FILES_MAX 200u
#define FORM_FILES_MIN 16u
#define FORMS_WANTED (2 * POOL_WORKERS_MAX) /* so that all workers have some */
#define ANSWER_MAX (8 * MIB)
#define HEADS_MAX (FORM_FILES_MAX * 2 * LIMIT_MULTIPART_HEAD_BYTES)
#define BOUNDARY_BYTES 16

bool form_takes(const struct send_state *state, size_t i)
{
    const struct send_file *f = &state->files[i];
    return !f->known && !f->changed && !f->done && !state->version_of.set && f->file->size <= FORM_FILE_MAX;
}

enum err form_plan(struct ctx *c, const struct send_state *state, struct form_plan *ret)
{
    struct form_plan p = {.files = ARENA_ARRAY(&c->arena, size_t, state->count + 1),
                          .first = ARENA_ARRAY(&c->arena, size_t, state->count + 1)};
    size_t n = 0, in_form = 0;
    uint64_t bytes = 0;
    if (!p.files || !p.first) return fail(c, ERR_NOMEM, "list of files");
    for (size_t i = 0; i < state->count; i++)
        if (form_takes(state, i)) p.files[n++] = i;
    size_t most = MAX(MIN(n / FORMS_WANTED, (size_t)FORM_FILES_MAX), (size_t)FORM_FILES_MIN);
    for (size_t i = 0; i < n; i++) {
        uint64_t size = state->files[p.files[i]].file->size;
        if (i == 0 || in_form == most || bytes + size > FORM_BYTES) {
            p.first[p.count++] = i;
            in_form = bytes = 0;
        }
        in_form++;
        bytes += size;
    }
    p.first[p.count] = n;
    *ret = p;
    return ERR_OK;
}

static enum err changed(struct ctx *c, const struct walk_file *f)
{
    return refuse(c, ERR_CONFLICT, "file_changed", "'%s' changed while it was being sent; send it again when it is at rest", f->path);
}

static enum err put_content(struct ctx *c, struct buf *body, const struct walk_file *f)
{
    CLEANUP(fd_close) int fd = -1;
    CLEANUP(mem_cleanup) char *bytes = mem_alloc(1, (size_t)f->size + 1);
    uint64_t size = 0;
    int64_t mtime_ns = 0;
    size_t n = 0;
    if (!bytes) return fail(c, ERR_NOMEM, "a small file");
    enum err e = file_open(f->path, O_RDONLY | O_NOFOLLOW, 0, &fd);
    if (e != ERR_OK) return fail(c, e, "cannot open '%s': %s", f->path, err_text(e));
    e = file_pread(fd, bytes, (size_t)f->size + 1, 0, &n);
    if (e != ERR_OK) return fail(c, e, "cannot read '%s': %s", f->path, err_text(e));
    e = walk_stat(f->path, &size, &mtime_ns);
    if (e != ERR_OK || n != f->size || size != f->size || mtime_ns != f->mtime_ns) return changed(c, f);
    return buf_put(body, slice_of(bytes, n));
}

static enum err put_field(struct buf *body, const char *boundary, const char *name, const char *value)
{
    return buf_printf(body, "--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n", boundary, name, value);
}

static enum err put_file(struct ctx *c, const struct form_send *f, struct buf *body, const char *boundary, size_t i)
{
    const struct walk_file *file = f->state->files[i].file;
    const char *key = NULL;
    char ts[TIME_RFC3339_LEN + 1];
    TRY(send_state_file_key(c, f->state, i, &key));
    TRY(put_field(body, boundary, "idempotency_key", key));
    if (file->mtime_ns > 0) {
        time_rfc3339(file->mtime_ns / 1000000, ts);
        TRY(put_field(body, boundary, "mtime", ts));
    }
    TRY(buf_printf(body, "--%s\r\nContent-Disposition: form-data; name=\"file\"; filename*=UTF-8''", boundary));
    TRY(uri_encode(body, file->name));
    TRY(buf_put_cstr(body, "\r\n\r\n"));
    TRY(put_content(c, body, file));
    return buf_put_cstr(body, "\r\n");
}

static enum err make_boundary(struct ctx *c, const char **ret)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(2 * BOUNDARY_BYTES + 1);
    uint8_t bytes[BOUNDARY_BYTES];
    TRY(os_random(bytes, sizeof bytes));
    TRY(hex_encode(&text, slice_of(bytes, sizeof bytes)));
    return arena_cstr(&c->arena, buf_view(&text), ret);
}

static enum err make_body(struct ctx *c, const struct form_send *f, const size_t *files, size_t n, struct buf *body, const char **ret_type)
{
    const char *boundary = NULL;
    struct slice type = {0};
    TRY(make_boundary(c, &boundary));
    for (size_t i = 0; i < n; i++) TRY(put_file(c, f, body, boundary, files[i]));
    TRY(buf_printf(body, "--%s--\r\n", boundary));
    TRY(arena_printf(&c->arena, &type, "multipart/form-data; boundary=%s", boundary));
    *ret_type = type.ptr;
    return ERR_OK;
}

static enum err make_path(struct ctx *c, const struct send_state *state, const char **ret)
{
    CLEANUP(buf_done) struct buf path = BUF_INIT(16 * KIB);
    TRY(buf_put_cstr(&path, "/files/upload"));
    if (state->folder.ptr) {
        TRY(buf_put_cstr(&path, "?folder="));
        TRY(uri_encode(&path, state->folder));
    }
    return arena_cstr(&c->arena, buf_view(&path), ret);
}

struct sending {
    struct progress *progress;
    unsigned worker;
};

static void on_moved(void *arg, uint64_t sent, uint64_t received)
{
    const struct sending *m = arg;
    (void)received;
    progress_flight(m->progress, m->worker, sent);
}

/* Refused beside others that are stored: told as if it had come alone. */
static enum err refusal(struct ctx *c, const struct wire_form_error *r)
{
    const char *code = NULL;
    enum err e = client_status_err((int)r->status);
    TRY(arena_cstr(&c->arena, r->code, &code));
    return refuse(c, e, code, "'" SLICE_FMT "': " SLICE_FMT, SLICE_ARG(r->name), SLICE_ARG(r->detail));
}

static enum err note_answer(const struct form_send *f, struct worker *w, const size_t *files, size_t n, struct slice body)
{
    struct wire_form_out out = {0};
    size_t stored = 0, refused = 0;
    if (json_decode(&w->ctx, body, &wire_form_out_table, JSON_LENIENT, &out) != ERR_OK || out.files.count + out.errors.count != n)
        return fail(&w->ctx, ERR_PEER, "the answer to a form is not what this client understands");
    const struct wire_file *made = out.files.items;
    const struct wire_form_error *errors = out.errors.items;
    for (size_t i = 0; i < n; i++) {
        if (refused < out.errors.count && errors[refused].index == i) {
            refused++;
            continue;
        }
        if (stored == out.files.count) return fail(&w->ctx, ERR_PEER, "the answer to a form names another number of files");
        TRY(send_state_stored(&w->ctx, f->state, files[i], &made[stored++].id));
        progress_add(f->progress, f->state->files[files[i]].file->size);
        progress_file(f->progress);
    }
    return refused ? refusal(&w->ctx, &errors[0]) : ERR_OK;
}

enum err form_send(const struct form_send *f, struct worker *w, const size_t *files, size_t n)
{
    CLEANUP(buf_done) struct buf body = BUF_INIT(FORM_BYTES + FORM_FILE_MAX + HEADS_MAX);
    struct sending m = {f->progress, w->index};
    struct client_request rq = {.method = "POST", .answer_max = ANSWER_MAX, .moved = on_moved, .moved_arg = &m};
    struct server *server = &f->session->server;
    struct client_answer answer = {0};
    struct retry r = {0};
    const char *path = NULL;
    enum err e = ERR_OK;
    TRY(make_body(&w->ctx, f, files, n, &body, &rq.content_type));
    TRY(make_path(&w->ctx, f->state, &path));
    rq.body = buf_view(&body);
    do {
        client_answer_done(&answer);
        answer = (struct client_answer){0};
        e = api_bytes(&w->ctx, w->own, server, path, &f->session->credential, &rq, &answer);
        progress_flight(f->progress, w->index, 0);
    } while (e != ERR_OK && retry_again(&r, &w->ctx, e, server));
    retry_reset(&r, server);
    if (e == ERR_OK) e = note_answer(f, w, files, n, buf_view(&answer.body));
    client_answer_done(&answer);
    return e;
}
