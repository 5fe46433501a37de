/* Uploading: which parts a file still needs, putting them, completing it. Files and their parts are spread over workers by pool.h; small
 * files go in forms (form.h). */
#include "cmd/cli/send.h"

#include "base/intmath.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cmd/cli/form.h"
#include "crypto/sft.h"
#include "os/clock.h"
#include "os/file.h"

#define BITS 8u

/* A file being sent: which parts the server has already. */
struct open_file {
    uint8_t *have; /* a bit a part */
};

struct send {
    struct app *app;
    struct session *session;
    struct send_state *state;
    struct progress *progress;
    struct open_file *open; /* one a file */
    struct form_plan forms; /* the first items of the pool; */
    size_t *single;         /* the others are files that go in parts */
};

struct source {
    struct ctx *c;
    const struct walk_file *file;
    int fd;
    uint64_t offset;
    uint64_t length;
};

static enum err changed(struct ctx *c, const struct walk_file *f)
{
    return refuse(c, ERR_CONFLICT, "file_changed", "'%s' changed while it was being sent; send it again when it is at rest", f->path);
}

static enum err read_source(void *arg, uint64_t off, void *p, size_t cap, size_t *ret_n)
{
    const struct source *s = arg;
    size_t want = (size_t)MIN(s->length - MIN(off, s->length), cap);
    enum err e = file_pread(s->fd, p, want, s->offset + off, ret_n);
    if (e != ERR_OK) return fail(s->c, e, "cannot read '%s': %s", s->file->path, err_text(e));
    return *ret_n == want ? ERR_OK : changed(s->c, s->file);
}

struct sending {
    struct progress *progress;
    unsigned worker;
};

static void on_moved(void *arg, uint64_t sent, uint64_t received)
{
    struct sending *m = arg;
    (void)received;
    progress_flight(m->progress, m->worker, sent);
}

/* One part, however often it takes. `rq` has the body. */
static enum err put_part(struct send *s, struct worker *w, const struct send_file *f, uint64_t part, struct client_request *rq)
{
    char id[ID_TEXT_LEN + 1];
    struct slice path = {0};
    struct retry r = {0};
    struct sending m = {s->progress, w->index};
    enum err e = ERR_OK;
    id_text(f->upload_id, id);
    TRY(arena_printf(&w->ctx.arena, &path, "/uploads/%s/parts/%llu", id, (unsigned long long)part));
    rq->method = "PUT";
    rq->content_type = "application/octet-stream";
    rq->moved = on_moved;
    rq->moved_arg = &m;
    do {
        struct client_answer answer = {0};
        e = api_bytes(&w->ctx, w->own, &s->session->server, path.ptr, &s->session->credential, rq, &answer);
        client_answer_done(&answer);
        progress_flight(s->progress, w->index, 0);
    } while (e != ERR_OK && retry_again(&r, &w->ctx, e, &s->session->server));
    retry_reset(&r, &s->session->server);
    if (e == ERR_OK) progress_add(s->progress, rq->read_length);
    return e;
}

static enum err start(void *arg, struct worker *w)
{
    struct send *s = arg;
    struct client *cl = NULL;
    TRY(server_client(&w->ctx, &s->session->server, true, &cl));
    w->own = cl;
    return ERR_OK;
}

static void stop(void *arg, struct worker *w)
{
    (void)arg;
    client_close(w->own);
}

static enum err call(struct send *s, struct worker *w, struct call *k)
{
    k->credential = &s->session->credential;
    k->patient = true;
    return api_call(&w->ctx, w->own, &s->session->server, k);
}

static enum err new_upload(struct send *s, struct worker *w, size_t item, struct opt_u64 size)
{
    const struct send_file *f = &s->state->files[item];
    struct wire_upload_create in = {.name = f->file->name,
                                    .folder = s->state->folder,
                                    .version_of = s->state->version_of,
                                    .size = size,
                                    .mtime = {f->file->mtime_ns != 0, f->file->mtime_ns / 1000000}};
    struct wire_upload out = {0};
    struct id key;
    char key_text[ID_TEXT_LEN + 1];
    TRY(os_new_id(&key));
    id_text(key, key_text);
    struct call k = {.method = "POST",
                     .path = "/uploads",
                     .in_table = &wire_upload_create_table,
                     .in = &in,
                     .out_table = &wire_upload_table,
                     .out = &out,
                     .idempotency_key = key_text};
    TRY(call(s, w, &k));
    if (out.part_size > SFT_PART_MAX || !sft_part_size_valid(out.part_size) ||
        (size.set && sft_part_count(size.v, (uint32_t)out.part_size) > LIMIT_PARTS))
        return fail(&w->ctx, ERR_PEER, "the server wants parts of %llu bytes", (unsigned long long)out.part_size);
    return send_state_upload(&w->ctx, s->state, item, &out.upload_id, &out.file_id, (uint32_t)out.part_size);
}

static void forget_upload(struct send *s, struct worker *w, const struct id *upload_id)
{
    char id[ID_TEXT_LEN + 1];
    struct slice path = {0};
    id_text(*upload_id, id);
    if (arena_printf(&w->ctx.arena, &path, "/uploads/%s", id) != ERR_OK) return;
    struct call k = {.method = "DELETE", .path = path.ptr, .credential = &s->session->credential};
    err_ignore(api_call(&w->ctx, w->own, &s->session->server, &k), "the server forgets it by itself in time");
    ctx_clear_error(&w->ctx);
}

/* What the server has of an earlier upload. ERR_NOT_FOUND: nothing to go on with. */
static enum err ask_state(struct send *s, struct worker *w, size_t item, uint64_t parts, uint8_t *have, bool *ret_complete)
{
    const struct send_file *f = &s->state->files[item];
    struct wire_upload_state out = {0};
    struct slice path = {0};
    char id[ID_TEXT_LEN + 1];
    id_text(f->upload_id, id);
    TRY(arena_printf(&w->ctx.arena, &path, "/uploads/%s", id));
    struct call k = {.method = "GET", .path = path.ptr, .out_table = &wire_upload_state_table, .out = &out};
    enum err e = call(s, w, &k);
    if (e == ERR_GONE) return ERR_NOT_FOUND;
    if (e != ERR_OK) return e;
    if (out.part_size != f->part_size) return ERR_NOT_FOUND;
    const uint64_t(*pairs)[2] = out.received.items;
    for (size_t i = 0; i < out.received.count; i++)
        for (uint64_t part = pairs[i][0]; part <= pairs[i][1] && part < parts; part++)
            have[part / BITS] = (uint8_t)(have[part / BITS] | (uint8_t)(1u << part % BITS));
    *ret_complete = slice_eq(out.state, SLICE("complete"));
    return ERR_OK;
}

static bool has(const uint8_t *have, uint64_t part) { return (have[part / BITS] & (1u << part % BITS)) != 0; }

/* Go on with an upload of an earlier run. *ret_parts 0: nothing is left to do for this file. */
static enum err continue_upload(struct send *s, struct worker *w, size_t item, uint64_t *ret_parts)
{
    const struct send_file *f = &s->state->files[item];
    uint64_t parts = sft_part_count(f->file->size, f->part_size), skipped = 0;
    bool complete = false;
    CLEANUP(mem_cleanup) uint8_t *have = mem_alloc(parts / BITS + 1, 1);
    if (!have) return fail(&w->ctx, ERR_NOMEM, "parts");
    TRY(ask_state(s, w, item, parts, have, &complete));
    for (uint64_t part = 0; part < parts; part++)
        if (complete || has(have, part)) skipped += sft_part_plain(f->file->size, f->part_size, part);
    progress_add(s->progress, skipped);
    if (complete) TRY(send_state_done(&w->ctx, s->state, item));
    *ret_parts = complete ? 0 : parts;
    s->open[item].have = TAKE(have);
    return ERR_OK;
}

static enum err open_file(struct send *s, struct worker *w, size_t item, uint64_t *ret_parts)
{
    struct send_file *f = &s->state->files[item];
    if (f->done) {
        progress_add(s->progress, f->file->size);
        *ret_parts = 0;
        return ERR_OK;
    }
    if (f->changed) {
        progress_say(s->progress, "'%s' changed since it was interrupted: it is sent anew", f->file->path);
        forget_upload(s, w, &f->upload_id);
    }
    if (f->known) {
        enum err e = continue_upload(s, w, item, ret_parts);
        if (e != ERR_NOT_FOUND) return e;
        ctx_clear_error(&w->ctx);
    }
    TRY(new_upload(s, w, item, (struct opt_u64){true, f->file->size}));
    *ret_parts = sft_part_count(f->file->size, f->part_size);
    s->open[item].have = mem_alloc(*ret_parts / BITS + 1, 1);
    return s->open[item].have ? ERR_OK : fail(&w->ctx, ERR_NOMEM, "parts");
}

static enum err send_part(struct send *s, struct worker *w, size_t item, uint64_t part)
{
    const struct send_file *f = &s->state->files[item];
    CLEANUP(fd_close) int fd = -1;
    enum err e = file_open(f->file->path, O_RDONLY | O_NOFOLLOW, 0, &fd);
    if (e != ERR_OK) return fail(&w->ctx, e, "cannot open '%s': %s", f->file->path, err_text(e));
    struct source source = {&w->ctx, f->file, fd, part * f->part_size, sft_part_plain(f->file->size, f->part_size, part)};
    struct client_request rq = {.read = read_source, .read_arg = &source, .read_length = source.length};
    return put_part(s, w, f, part, &rq);
}

static enum err complete(struct send *s, struct worker *w, size_t item, struct opt_u64 size)
{
    const struct send_file *f = &s->state->files[item];
    struct wire_complete in = {size};
    struct slice path = {0};
    char id[ID_TEXT_LEN + 1];
    id_text(f->upload_id, id);
    TRY(arena_printf(&w->ctx.arena, &path, "/uploads/%s/complete", id));
    struct call k = {.method = "POST", .path = path.ptr, .in_table = &wire_complete_table, .in = &in};
    TRY(call(s, w, &k));
    return send_state_done(&w->ctx, s->state, item);
}

static enum err close_file(struct send *s, struct worker *w, size_t item)
{
    const struct send_file *f = &s->state->files[item];
    uint64_t size = 0;
    int64_t mtime_ns = 0;
    mem_free(TAKE(s->open[item].have));
    if (!f->done) {
        enum err e = walk_stat(f->file->path, &size, &mtime_ns);
        if (e != ERR_OK || size != f->file->size || mtime_ns != f->file->mtime_ns) return changed(&w->ctx, f->file);
        TRY(complete(s, w, item, (struct opt_u64){0}));
    }
    progress_file(s->progress);
    return ERR_OK;
}

/* The items of the pool: first the forms, each of one part, then the files that go in parts. */
static bool is_form(const struct send *s, size_t item) { return item < s->forms.count; }
static size_t file_of(const struct send *s, size_t item) { return s->single[item - s->forms.count]; }

static enum err open_item(void *arg, struct worker *w, size_t item, uint64_t *ret_parts)
{
    struct send *s = arg;
    if (!is_form(s, item)) return open_file(s, w, file_of(s, item), ret_parts);
    *ret_parts = 1;
    return ERR_OK;
}

static bool have_part(void *arg, size_t item, uint64_t part)
{
    const struct send *s = arg;
    return !is_form(s, item) && has(s->open[file_of(s, item)].have, part);
}

static enum err do_part(void *arg, struct worker *w, size_t item, uint64_t part)
{
    struct send *s = arg;
    const struct form_plan *p = &s->forms;
    struct form_send f = {s->session, s->state, s->progress};
    if (!is_form(s, item)) return send_part(s, w, file_of(s, item), part);
    return form_send(&f, w, p->files + p->first[item], p->first[item + 1] - p->first[item]);
}

static enum err close_item(void *arg, struct worker *w, size_t item)
{
    struct send *s = arg;
    return is_form(s, item) ? ERR_OK : close_file(s, w, file_of(s, item));
}

static enum err make_items(struct ctx *c, struct send *s, size_t *ret)
{
    size_t n = 0;
    TRY(form_plan(c, s->state, &s->forms));
    s->single = ARENA_ARRAY(&c->arena, size_t, s->state->count + 1);
    if (!s->single) return fail(c, ERR_NOMEM, "list of files");
    for (size_t i = 0; i < s->state->count; i++)
        if (!form_takes(s->state, i)) s->single[n++] = i;
    *ret = s->forms.count + n;
    return ERR_OK;
}

static void close_progress(struct progress **p) { progress_stop(*p); }

static uint64_t moved(void *arg) { return progress_moved(((struct send *)arg)->progress); }

enum err send_files(struct app *a, struct session *session, struct send_state *state)
{
    CLEANUP(close_progress) struct progress *progress = NULL;
    struct send s = {.app = a, .session = session, .state = state};
    uint64_t total = 0;
    size_t items = 0;
    for (size_t i = 0; i < state->count; i++) total += state->files[i].file->size;
    s.open = ARENA_ARRAY(&a->c->arena, struct open_file, state->count);
    if (!s.open) return fail(a->c, ERR_NOMEM, "list of files");
    TRY(make_items(a->c, &s, &items));
    TRY(progress_start(app_progress(a), total, state->count, &progress));
    s.progress = progress;
    session->server.progress = progress;
    struct pool_job job = {.arg = &s,
                           .items = items,
                           .workers = POOL_WORKERS_MAX,
                           .moved = moved,
                           .halt = a->halt,
                           .start = start,
                           .stop = stop,
                           .open = open_item,
                           .have = have_part,
                           .part = do_part,
                           .close = close_item};
    enum err e = pool_run(a->c, &job);
    for (size_t i = 0; i < state->count; i++) mem_free(s.open[i].have);
    session->server.progress = NULL;
    return e;
}

/* Standard input: parts are numbered as they are read, and read one after the other into memory, so that each can be sent twice. */
struct stream {
    struct send send; /* first: the callbacks above see a struct send */
    struct mutex lock; /* guards reading and the two below */
    uint64_t next, bytes;
    atomic_bool over;
};

#define STREAM_WORKERS 2u

static enum err read_full(struct ctx *c, char *p, size_t cap, size_t *ret_n)
{
    size_t n = 0, got = 1;
    while (n < cap && got) {
        enum err e = file_read(STDIN_FILENO, p + n, cap - n, &got);
        if (e != ERR_OK) return fail(c, e, "cannot read standard input: %s", err_text(e));
        n += got;
    }
    *ret_n = n;
    return ERR_OK;
}

static enum err read_memory(void *arg, uint64_t off, void *p, size_t cap, size_t *ret_n)
{
    const struct slice *s = arg;
    struct slice piece = slice_sub(*s, (size_t)off, (size_t)off + cap);
    memcpy(p, piece.ptr, piece.len);
    *ret_n = piece.len;
    return ERR_OK;
}

static enum err next_from_stdin(struct stream *st, struct ctx *c, char *p, size_t cap, size_t *ret_n, uint64_t *ret_part)
{
    GUARD(&st->lock);
    if (atomic_load(&st->over)) return ERR_NOT_FOUND;
    if (st->next == LIMIT_PARTS) return refuse(c, ERR_TOO_LARGE, "too_large", "standard input is longer than one file may be");
    TRY(read_full(c, p, cap, ret_n));
    *ret_part = st->next++;
    st->bytes += *ret_n;
    /* The last part is always short, perhaps empty. */
    if (*ret_n < cap) atomic_store(&st->over, true);
    return ERR_OK;
}

static bool stream_over(void *arg, size_t item, uint64_t part)
{
    struct stream *st = arg;
    (void)item;
    (void)part;
    return atomic_load(&st->over);
}

static enum err stream_part(void *arg, struct worker *w, size_t item, uint64_t unused)
{
    struct stream *st = arg;
    const struct send_file *f = &st->send.state->files[item];
    CLEANUP(mem_cleanup) char *bytes = mem_alloc(f->part_size, 1);
    size_t n = 0;
    uint64_t part = 0;
    (void)unused;
    if (!bytes) return fail(&w->ctx, ERR_NOMEM, "a part of standard input");
    enum err e = next_from_stdin(st, &w->ctx, bytes, f->part_size, &n, &part);
    if (e == ERR_NOT_FOUND) return ERR_OK;
    if (e != ERR_OK) return e;
    struct slice body = slice_of(bytes, n);
    struct client_request rq = {.read = read_memory, .read_arg = &body, .read_length = n};
    return put_part(&st->send, w, f, part, &rq);
}

static enum err stream_open(void *arg, struct worker *w, size_t item, uint64_t *ret_parts)
{
    struct stream *st = arg;
    TRY(new_upload(&st->send, w, item, (struct opt_u64){0}));
    *ret_parts = LIMIT_PARTS + 1; /* one more, to see that it is too long */
    return ERR_OK;
}

static enum err stream_close(void *arg, struct worker *w, size_t item)
{
    struct stream *st = arg;
    return complete(&st->send, w, item, (struct opt_u64){true, st->bytes});
}

enum err send_stdin(struct app *a, struct session *session, struct send_state *state, uint64_t *ret_size)
{
    CLEANUP(close_progress) struct progress *progress = NULL;
    struct stream st = {.send = {.app = a, .session = session, .state = state}};
    TRY(progress_start(app_progress(a), UINT64_MAX, 1, &progress));
    st.send.progress = progress;
    session->server.progress = progress;
    mutex_init(&st.lock);
    struct pool_job job = {.arg = &st,
                           .items = 1,
                           .workers = STREAM_WORKERS,
                           .halt = a->halt,
                           .start = start,
                           .stop = stop,
                           .open = stream_open,
                           .have = stream_over,
                           .part = stream_part,
                           .close = stream_close};
    enum err e = pool_run(a->c, &job);
    mutex_done(&st.lock);
    session->server.progress = NULL;
    if (e == ERR_OK) *ret_size = st.bytes;
    return e;
}
