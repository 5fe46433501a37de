/* The state of a partial file: a bit and a header a part, kept in a journal that is written after the data is durable. */
#include "cmd/cli/get_state.h"

#include "base/intmath.h"
#include "base/limits.h"
#include "base/mem.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/thread.h"

#define FLUSH_BYTES (64 * MIB)
#define FLUSH_MS 5000

enum part_status { PART_MISSING, PART_WRITTEN /* not synced yet */, PART_NOTED };

struct get_state {
    struct get_identity id;
    char link_hash[2 * SHA256_BYTES];
    struct journal *journal;
    bool described; /* the journal's first line was found, and is ours */
    bool foreign;
    bool changed;   /* it was sealed anew since */
    struct mutex lock; /* guards what is below */
    uint64_t parts;
    uint8_t *status;  /* enum part_status a part */
    uint8_t *headers; /* SEAL_HEADER bytes a part */
    uint64_t unsynced_bytes;
    int64_t synced_ms;
};

struct line {
    struct slice link_hash; /* first line */
    struct opt_id file_id;
    struct opt_u64 size, part_size;
    struct slice headers_hash;
    struct opt_u64 part; /* other lines */
    struct slice header;
    bool forget;
};

JSON_TABLE(cli_get_line_table, "GetLine", struct line, JSON_FIELD(struct line, link_hash, JSON_STRING),
           JSON_FIELD(struct line, file_id, JSON_OPT_ID), JSON_FIELD(struct line, size, JSON_OPT_U64),
           JSON_FIELD(struct line, part_size, JSON_OPT_U64), JSON_FIELD(struct line, headers_hash, JSON_BYTES),
           JSON_FIELD(struct line, part, JSON_OPT_U64), JSON_FIELD(struct line, header, JSON_BYTES),
           JSON_FIELD(struct line, forget, JSON_BOOL));

static bool same_file(const struct get_state *s, const struct line *l)
{
    return slice_eq(l->link_hash, s->id.link_hash) && l->file_id.set && id_eq(l->file_id.v, s->id.file_id);
}

static bool same_sealing(const struct get_state *s, const struct line *l)
{
    return l->size.v == s->id.size && l->part_size.v == s->id.part_size &&
           slice_eq(l->headers_hash, sha256_view(&s->id.headers_hash));
}

static enum err apply(void *arg, struct ctx *c, struct slice text)
{
    struct get_state *s = arg;
    struct line l = {0};
    if (s->foreign || s->changed) return ERR_OK;
    if (json_decode(c, text, &cli_get_line_table, JSON_LENIENT, &l) != ERR_OK) {
        s->foreign = true;
    } else if (!s->described) {
        s->described = same_file(s, &l);
        s->foreign = !s->described;
        s->changed = s->described && !same_sealing(s, &l);
    } else if (l.forget) {
        memset(s->status, PART_MISSING, s->parts);
    } else if (l.part.set && l.part.v < s->parts && l.header.len == SEAL_HEADER) {
        s->status[l.part.v] = PART_NOTED;
        memcpy(s->headers + l.part.v * SEAL_HEADER, l.header.ptr, SEAL_HEADER);
    }
    ctx_clear_error(c);
    return ERR_OK;
}

static void free_state(struct get_state *s)
{
    if (!s) return;
    journal_close(s->journal);
    mem_free(s->status);
    mem_free(s->headers);
    mutex_done(&s->lock);
    mem_free(s);
}

static void state_cleanup(struct get_state **s) { free_state(*s); }

static enum err describe(struct ctx *c, struct get_state *s)
{
    struct line l = {.link_hash = s->id.link_hash,
                     .file_id = {true, s->id.file_id},
                     .size = {true, s->id.size},
                     .part_size = {true, s->id.part_size},
                     .headers_hash = sha256_view(&s->id.headers_hash)};
    return journal_append(c, s->journal, &cli_get_line_table, &l, true);
}

static enum err open_journal(struct ctx *c, struct get_state *s, const char *path, bool fresh)
{
    TRY(journal_open(c, path, false, apply, s, &s->journal));
    if (s->foreign && !fresh)
        return refuse(c, ERR_CONFLICT, "other_download",
                      "'%s' belongs to another download; finish or remove that, or use --force", path);
    if (s->foreign || s->changed) {
        TRY(journal_clear(c, s->journal));
        memset(s->status, PART_MISSING, s->parts);
        TRY(describe(c, s));
        s->described = s->changed;
        return ERR_OK;
    }
    return s->described ? ERR_OK : describe(c, s);
}

enum err get_state_open(struct ctx *c, const char *path, bool fresh, const struct get_identity *id, struct get_state **ret,
                        bool *ret_continues)
{
    CLEANUP(state_cleanup) struct get_state *s = MEM_NEW(struct get_state);
    if (!s) return fail(c, ERR_NOMEM, "state");
    mutex_init(&s->lock);
    s->id = *id;
    memcpy(s->link_hash, id->link_hash.ptr, MIN(id->link_hash.len, sizeof s->link_hash));
    s->id.link_hash = slice_of(s->link_hash, MIN(id->link_hash.len, sizeof s->link_hash));
    s->parts = sft_part_count(id->size, id->part_size);
    s->synced_ms = clock_mono_ms();
    s->status = mem_alloc(s->parts, 1);
    s->headers = mem_alloc(s->parts, SEAL_HEADER);
    if (!s->status || !s->headers) return fail(c, ERR_NOMEM, "state of %llu parts", (unsigned long long)s->parts);
    if (path) TRY(open_journal(c, s, path, fresh));
    *ret_continues = s->described;
    *ret = TAKE(s);
    return ERR_OK;
}

void get_state_close(struct get_state *s) { free_state(s); }

void get_state_remove(struct get_state *s)
{
    if (!s) return;
    journal_remove(TAKE(s->journal));
    free_state(s);
}

bool get_state_has(const struct get_state *s, uint64_t part) { return part < s->parts && s->status[part] != PART_MISSING; }

enum err get_state_forget(struct ctx *c, struct get_state *s)
{
    struct line l = {.forget = true};
    GUARD(&s->lock);
    memset(s->status, PART_MISSING, s->parts);
    return s->journal ? journal_append(c, s->journal, &cli_get_line_table, &l, true) : ERR_OK;
}

static enum err note(struct ctx *c, struct get_state *s, uint64_t part)
{
    struct line l = {.part = {true, part}, .header = slice_of(s->headers + part * SEAL_HEADER, SEAL_HEADER)};
    if (s->journal) TRY(journal_append(c, s->journal, &cli_get_line_table, &l, false));
    s->status[part] = PART_NOTED;
    return ERR_OK;
}

/* The lock is held. */
static enum err flush(struct ctx *c, struct get_state *s, int fd)
{
    enum err e = file_datasync(fd);
    if (e != ERR_OK) return fail(c, e, "cannot write to disk: %s", err_text(e));
    for (uint64_t part = 0; part < s->parts; part++)
        if (s->status[part] == PART_WRITTEN) TRY(note(c, s, part));
    s->unsynced_bytes = 0;
    s->synced_ms = clock_mono_ms();
    return ERR_OK;
}

enum err get_state_part(struct ctx *c, struct get_state *s, int fd, uint64_t part, const struct seal_header *h)
{
    GUARD(&s->lock);
    s->status[part] = PART_WRITTEN;
    memcpy(s->headers + part * SEAL_HEADER, h->b, SEAL_HEADER);
    s->unsynced_bytes += sft_part_plain(s->id.size, s->id.part_size, part);
    bool due = s->unsynced_bytes >= FLUSH_BYTES || clock_mono_ms() - s->synced_ms >= FLUSH_MS;
    return due ? flush(c, s, fd) : ERR_OK;
}

enum err get_state_flush(struct ctx *c, struct get_state *s, int fd)
{
    GUARD(&s->lock);
    return flush(c, s, fd);
}

enum err get_state_verify(struct ctx *c, const struct get_state *s)
{
    struct sha256 h;
    for (uint64_t part = 0; part < s->parts; part++)
        if (s->status[part] == PART_MISSING) return fail(c, ERR_CORRUPT, "part %llu is missing", (unsigned long long)part);
    TRY(sft_headers_hash(slice_of(s->headers, (size_t)s->parts * SEAL_HEADER), &h));
    return sha256_equal(&h, &s->id.headers_hash) ? ERR_OK : fail(c, ERR_CORRUPT, "its parts are not the ones it was sealed with");
}
