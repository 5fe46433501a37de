/* The journal of a send: one line with the beginning of all keys, one when an upload is made, one when it is complete, one for a small
 * file that is stored, one when the transfer is made. */
#include "cmd/cli/send_state.h"

#include "base/limits.h"
#include "codec/hex.h"
#include "crypto/sft.h"
#include "os/clock.h"

struct line {
    struct slice event; /* "keys", "upload", "done", "stored", "transfer" */
    struct slice path;
    struct opt_u64 size, mtime_ns, part_size;
    struct opt_id upload_id, file_id, transfer_id, keys;
};

JSON_TABLE(cli_send_line_table, "SendLine", struct line, JSON_FIELD(struct line, event, JSON_STRING, .flags = JSON_REQUIRED),
           JSON_FIELD(struct line, path, JSON_STRING), JSON_FIELD(struct line, size, JSON_OPT_U64),
           JSON_FIELD(struct line, mtime_ns, JSON_OPT_U64), JSON_FIELD(struct line, part_size, JSON_OPT_U64),
           JSON_FIELD(struct line, upload_id, JSON_OPT_ID), JSON_FIELD(struct line, file_id, JSON_OPT_ID),
           JSON_FIELD(struct line, transfer_id, JSON_OPT_ID), JSON_FIELD(struct line, keys, JSON_OPT_ID));

static enum err add_text(struct hasher *h, struct slice s)
{
    TRY(hasher_add(h, s.ptr, s.len));
    return hasher_add(h, "", 1);
}

enum err send_state_key(struct slice server, struct slice email, const struct walk *w, struct sha256 *ret)
{
    CLEANUP(hasher_cleanup) struct hasher *h = NULL;
    TRY(hasher_new(&h));
    TRY(add_text(h, server));
    TRY(add_text(h, email));
    for (size_t i = 0; i < w->root_count; i++) TRY(add_text(h, slice_cstr(w->roots[i])));
    return hasher_sum(h, ret);
}

struct match {
    struct send_state *state;
    struct send_file **by_path; /* sorted */
};

static int compare_path(const void *a, const void *b)
{
    const struct send_file *const *x = a, *const *y = b;
    return strcmp((*x)->file->path, (*y)->file->path);
}

static struct send_file *find(const struct match *m, const char *path)
{
    const struct walk_file file = {.path = path};
    const struct send_file wanted = {.file = &file};
    const struct send_file *key = &wanted;
    struct send_file *const *hit = bsearch(&key, m->by_path, m->state->count, sizeof(struct send_file *), compare_path);
    return hit ? *hit : NULL;
}

static void apply_upload(struct send_file *f, const struct line *l)
{
    bool same = l->size.v == f->file->size && l->mtime_ns.v == (uint64_t)f->file->mtime_ns;
    bool sound = l->upload_id.set && l->file_id.set && l->part_size.v <= SFT_PART_MAX && sft_part_size_valid(l->part_size.v);
    if (!sound) return;
    f->known = same;
    f->changed = !same;
    f->done = false;
    f->upload_id = l->upload_id.v;
    f->file_id = l->file_id.v;
    f->part_size = (uint32_t)l->part_size.v;
}

/* What has changed since is another file: it gets another key. */
static void apply_stored(struct send_file *f, const struct line *l)
{
    if (!l->file_id.set || l->size.v != f->file->size || l->mtime_ns.v != (uint64_t)f->file->mtime_ns) return;
    f->done = true;
    f->file_id = l->file_id.v;
}

/* A line that cannot be read is one of a newer version: what it said is done again, which harms nothing. */
static enum err apply(void *arg, struct ctx *c, struct slice text)
{
    struct match *m = arg;
    struct line l = {0};
    const char *path = NULL;
    if (json_decode(c, text, &cli_send_line_table, JSON_LENIENT, &l) != ERR_OK) return ERR_OK;
    if (slice_eq(l.event, SLICE("transfer"))) m->state->transfer_id = l.transfer_id;
    if (slice_eq(l.event, SLICE("keys"))) m->state->keys = l.keys.v;
    if (!l.path.ptr || arena_cstr(&c->arena, l.path, &path) != ERR_OK) return ERR_OK;
    struct send_file *f = find(m, path);
    if (f && slice_eq(l.event, SLICE("upload"))) apply_upload(f, &l);
    if (f && slice_eq(l.event, SLICE("stored"))) apply_stored(f, &l);
    if (f && slice_eq(l.event, SLICE("done")) && f->known && l.upload_id.set && id_eq(l.upload_id.v, f->upload_id))
        f->done = true;
    return ERR_OK;
}

enum err send_state_none(struct ctx *c, const struct walk *w, struct send_state *ret)
{
    struct send_file *files = ARENA_ARRAY(&c->arena, struct send_file, w->count);
    if (!files) return fail(c, ERR_NOMEM, "list of files");
    for (size_t i = 0; i < w->count; i++) files[i].file = &w->files[i];
    *ret = (struct send_state){.files = files, .count = w->count};
    return ERR_OK;
}

/* Durable before anything is sent under it. */
static enum err begin_keys(struct ctx *c, struct send_state *s)
{
    struct line l = {.event = SLICE("keys")};
    if (!id_is_zero(s->keys)) return ERR_OK;
    TRY(os_new_id(&s->keys));
    l.keys = (struct opt_id){true, s->keys};
    return journal_append(c, s->journal, &cli_send_line_table, &l, true);
}

/* A transfer made for another set of files is not this one. */
static void check_transfer(struct send_state *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (!s->files[i].done) s->transfer_id = (struct opt_id){0};
}

enum err send_state_open(struct ctx *c, const char *path, bool fresh, const struct walk *w, struct send_state *ret)
{
    struct send_state s = {0};
    struct match m = {.state = &s};
    TRY(send_state_none(c, w, &s));
    m.by_path = ARENA_ARRAY(&c->arena, struct send_file *, w->count);
    if (!m.by_path) return fail(c, ERR_NOMEM, "list of files");
    for (size_t i = 0; i < w->count; i++) m.by_path[i] = &s.files[i];
    qsort(m.by_path, w->count, sizeof *m.by_path, compare_path);
    TRY(journal_open(c, path, false, fresh ? NULL : apply, &m, &s.journal));
    enum err e = fresh ? journal_clear(c, s.journal) : ERR_OK;
    if (e == ERR_OK) e = begin_keys(c, &s);
    if (e != ERR_OK) {
        journal_close(s.journal);
        return e;
    }
    ctx_clear_error(c);
    check_transfer(&s);
    *ret = s;
    return ERR_OK;
}

void send_state_close(struct send_state *s)
{
    journal_close(s->journal);
    s->journal = NULL;
}

void send_state_remove(struct send_state *s)
{
    journal_remove(s->journal);
    s->journal = NULL;
}

enum err send_state_upload(struct ctx *c, struct send_state *s, size_t i, const struct id *upload_id, const struct id *file_id,
                           uint32_t part_size)
{
    struct send_file *f = &s->files[i];
    struct line l = {.event = SLICE("upload"),
                     .path = slice_cstr(f->file->path),
                     .size = {true, f->file->size},
                     .mtime_ns = {true, (uint64_t)f->file->mtime_ns},
                     .part_size = {true, part_size},
                     .upload_id = {true, *upload_id},
                     .file_id = {true, *file_id}};
    f->known = true;
    f->changed = false;
    f->upload_id = *upload_id;
    f->file_id = *file_id;
    f->part_size = part_size;
    return s->journal ? journal_append(c, s->journal, &cli_send_line_table, &l, false) : ERR_OK;
}

enum err send_state_done(struct ctx *c, struct send_state *s, size_t i)
{
    struct send_file *f = &s->files[i];
    struct line l = {.event = SLICE("done"), .path = slice_cstr(f->file->path), .upload_id = {true, f->upload_id}};
    f->done = true;
    return s->journal ? journal_append(c, s->journal, &cli_send_line_table, &l, false) : ERR_OK;
}

enum err send_state_file_key(struct ctx *c, const struct send_state *s, size_t i, const char **ret)
{
    CLEANUP(hasher_cleanup) struct hasher *h = NULL;
    CLEANUP(buf_done) struct buf hex = BUF_INIT(2 * SHA256_BYTES + 1);
    const struct walk_file *f = s->files[i].file;
    struct sha256 sum;
    struct slice numbers;
    TRY(hasher_new(&h));
    TRY(hasher_add(h, s->keys.b, sizeof s->keys.b));
    TRY(add_text(h, slice_cstr(f->path)));
    TRY(arena_printf(&c->arena, &numbers, "%llu %lld", (unsigned long long)f->size, (long long)f->mtime_ns));
    TRY(add_text(h, numbers));
    TRY(hasher_sum(h, &sum));
    TRY(hex_encode(&hex, sha256_view(&sum)));
    return arena_cstr(&c->arena, buf_view(&hex), ret);
}

enum err send_state_stored(struct ctx *c, struct send_state *s, size_t i, const struct id *file_id)
{
    struct send_file *f = &s->files[i];
    struct line l = {.event = SLICE("stored"),
                     .path = slice_cstr(f->file->path),
                     .size = {true, f->file->size},
                     .mtime_ns = {true, (uint64_t)f->file->mtime_ns},
                     .file_id = {true, *file_id}};
    f->done = true;
    f->file_id = *file_id;
    return s->journal ? journal_append(c, s->journal, &cli_send_line_table, &l, false) : ERR_OK;
}

enum err send_state_transfer(struct ctx *c, struct send_state *s, const struct id *transfer_id)
{
    struct line l = {.event = SLICE("transfer"), .transfer_id = {true, *transfer_id}};
    s->transfer_id = l.transfer_id;
    return s->journal ? journal_append(c, s->journal, &cli_send_line_table, &l, true) : ERR_OK;
}
