/* Conditions, ranges and the bridge from core readers to the edge. */
#include "api/download.h"

#include "api/repr_digest.h"
#include "base/intmath.h"
#include "base/limits.h"
#include "base/log.h"
#include "codec/base64.h"
#include "codec/httpdate.h"
#include "codec/name.h"
#include "codec/range.h"
#include "core/audit/audit.h"
#include "core/archive/archive.h"
#include "os/clock.h"

/* ---- bridge ---- */

struct download {
    struct http_source source;
    struct app *app;
    struct reader *reader;
    bool counted;
    struct grant grant;
    int64_t renewed_ms; /* when the grant was taken or last renewed */
    bool reaches_end; /* the range ends with the last byte of the content */
    bool release;
    struct principal who;
    const char *object_type;
    struct id object_id;
};

static void log_read_error(const struct ctx *c, enum err e)
{
    log_error("download_failed", LOG_TEXT("error", slice_cstr(err_name(e))),
              LOG_TEXT("detail", slice_cstr(c->err_detail)), LOG_TEXT("request_id", c->request_id));
}

static bool renewal_due(const struct download *d)
{
    return d->counted && clock_mono_ms() - d->renewed_ms >= LIMIT_GRANT_MS / 4;
}

/* A long download must not lose its grant under way. */
static void renew(struct download *d, struct ctx *c)
{
    if (!renewal_due(d)) return;
    if (grant_end(c, d->app, &d->grant.id, 0, false, false) == ERR_OK) d->renewed_ms = clock_mono_ms();
}

static enum err download_read(struct http_source *source, struct ctx *c, void *p, size_t cap, size_t *ret_n)
{
    struct download *d = (struct download *)source;
    renew(d, c);
    enum err e = d->reader->ops->read(d->reader, c, p, cap, ret_n);
    if (e != ERR_OK) log_read_error(c, e);
    return e;
}

static void note_end(const struct download *d, struct ctx *c, bool complete, uint64_t sent)
{
    struct slice detail;
    if (arena_printf(&c->arena, &detail, "bytes=%llu", (unsigned long long)sent) != ERR_OK) detail = SLICE("");
    audit_note(d->app, &(struct audit_event){.event = "download.end", .result = complete ? "ok" : "failed", .who = &d->who,
                                             .object_type = d->object_type, .object_id = &d->object_id, .detail = detail});
}

static void download_close(struct http_source *source, struct ctx *c, bool complete, uint64_t sent)
{
    struct download *d = (struct download *)source;
    reader_close(d->reader, c, complete);
    note_end(d, c, complete, sent);
    if (d->counted) {
        /* Sealed bytes are the client's to verify: only its "done" commits their grant. */
        bool whole = complete && d->reaches_end && d->release;
        enum err e = grant_end(c, d->app, &d->grant.id, sent, whole, d->release);
        if (e != ERR_OK)
            log_warn("grant_not_settled", LOG_TEXT("error", slice_cstr(err_name(e))),
                     LOG_TEXT("detail", slice_cstr(c->err_detail)), LOG_TEXT("request_id", c->request_id));
    }
    mem_free(d);
}

static enum err download_read_now(struct http_source *source, struct ctx *c, void *p, size_t cap, size_t *ret_n)
{
    struct download *d = (struct download *)source;
    if (renewal_due(d)) return ERR_BUSY; /* asks the database: a worker's */
    enum err e = d->reader->ops->read_now(d->reader, c, p, cap, ret_n);
    if (e != ERR_OK && e != ERR_BUSY) log_read_error(c, e);
    return e;
}

/* Whether the reader can do without blocking decides which table its download has. */
static const struct http_source_ops download_ops = {download_read, NULL, download_close};
static const struct http_source_ops download_now_ops = {download_read, download_read_now, download_close};

/* HEAD: a length without bytes. */
static enum err nothing_read(struct http_source *s, struct ctx *c, void *p, size_t cap, size_t *ret_n)
{
    (void)s;
    (void)c;
    (void)p;
    (void)cap;
    *ret_n = 0;
    return ERR_OK;
}

static void nothing_close(struct http_source *s, struct ctx *c, bool complete, uint64_t sent)
{
    (void)s;
    (void)c;
    (void)complete;
    (void)sent;
}

static const struct http_source_ops nothing_ops = {nothing_read, NULL, nothing_close};
static struct http_source nothing = {&nothing_ops};

/* ---- headers ---- */

static enum err put_headers(struct call *q, const struct representation *t)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(4096);
    char date[30];
    TRY(reply_header(q, "etag", t->etag));
    TRY(reply_header(q, "accept-ranges", SLICE("bytes")));
    TRY(reply_header(q, "cache-control", t->immutable ? SLICE("private, max-age=31536000, immutable") : SLICE("private, no-cache")));
    if (t->modified_at) {
        httpdate_format(t->modified_at, date);
        TRY(reply_header(q, "last-modified", slice_cstr(date)));
    }
    if (t->name.len) {
        TRY(disposition_write(&b, true, t->name));
        TRY(reply_header(q, "content-disposition", buf_view(&b)));
    }
    return repr_digest_put_known(q, t->sha256);
}

/* A POST that answers with content makes it: ranges and conditions are of GET and HEAD (RFC 9110, sections 13 and 14). */
static bool only_reads(const struct call *q) { return q->http->method == HTTP_GET || q->http->method == HTTP_HEAD; }

/* RFC 9110, section 13.2.2: If-Match, then If-None-Match. */
static int check_conditions(struct call *q, const struct representation *t)
{
    if (!only_reads(q)) return 200;
    struct slice match = http_request_header(q->http, "if-match");
    struct slice none = http_request_header(q->http, "if-none-match");
    if (match.ptr && !etag_matches(match, t->etag, false)) return 412;
    if (none.ptr && etag_matches(none, t->etag, true)) return 304;
    return 200;
}

/* A range counts only if the client's copy is of this very content (If-Range). */
static enum range_result wanted_range(struct call *q, const struct representation *t, struct byte_range *ret)
{
    struct slice range = http_request_header(q->http, "range"), if_range = http_request_header(q->http, "if-range");
    if (!range.ptr || !only_reads(q) || (if_range.ptr && !slice_eq(if_range, t->etag))) return RANGE_NONE;
    return range_parse(range, t->size, ret);
}

static enum err put_content_range(struct call *q, const struct representation *t, const struct byte_range *r)
{
    struct slice text;
    unsigned long long size = t->size;
    if (r)
        TRY(arena_printf(&q->ctx->arena, &text, "bytes %llu-%llu/%llu", (unsigned long long)r->first,
                         (unsigned long long)(r->first + r->length - 1), size));
    else
        TRY(arena_printf(&q->ctx->arena, &text, "bytes */%llu", size));
    return reply_header(q, "content-range", text);
}

static enum err open_download(struct call *q, const struct representation *t, const struct byte_range *r, struct download *d)
{
    d->source.ops = &download_ops;
    d->app = q->app;
    d->who = q->who;
    d->object_type = t->object_type;
    d->object_id = t->object_id;
    d->reaches_end = r->first + r->length == t->size;
    d->release = t->release;
    if (t->count) {
        TRY(t->count(q, t->arg, &d->grant));
        d->counted = true;
        d->renewed_ms = clock_mono_ms();
    }
    TRY(t->open(q, t->arg, r->first, r->length, &d->reader));
    if (d->reader->ops->read_now) d->source.ops = &download_now_ops;
    if (t->quiet_start) return ERR_OK;
    return audit_record(q->ctx, q->app, &(struct audit_event){.event = "download.start", .who = &d->who, .object_type = d->object_type,
                                                              .object_id = &d->object_id});
}

static enum err send_bytes(struct call *q, const struct representation *t, int status, const struct byte_range *r)
{
    const char *type = NULL;
    TRY(arena_cstr(&q->ctx->arena, t->type, &type));
    if (q->http->method == HTTP_HEAD)
        return http_response_source(q->ctx, q->resp, status, type, &nothing, r->length);
    struct download *d = MEM_NEW(struct download);
    if (!d) return ERR_NOMEM;
    enum err e = open_download(q, t, r, d);
    if (e == ERR_OK) return http_response_source(q->ctx, q->resp, status, type, &d->source, r->length);
    reader_close(d->reader, q->ctx, false);
    if (d->counted) err_ignore(grant_end(q->ctx, q->app, &d->grant.id, 0, false, d->release), "it runs out by itself");
    mem_free(d);
    return e;
}

static enum err send_checked(struct call *q, const struct representation *t)
{
    struct byte_range r = {0, t->size};
    int status = check_conditions(q, t);
    if (status == 412) {
        reply_problem_raw(q->ctx, q->resp, 412, SLICE("precondition_failed"), SLICE("The content is not the one you asked for."));
        return ERR_OK;
    }
    TRY(put_headers(q, t));
    if (status == 304) {
        q->resp->status = 304;
        return ERR_OK;
    }
    enum range_result range = wanted_range(q, t, &r);
    if (range == RANGE_UNSATISFIABLE) {
        reply_problem_raw(q->ctx, q->resp, 416, SLICE("range_not_satisfiable"), SLICE("The content is shorter than that."));
        return put_content_range(q, t, NULL);
    }
    if (range == RANGE_NONE) return send_bytes(q, t, 200, &r);
    TRY(put_content_range(q, t, &r));
    return send_bytes(q, t, 206, &r);
}

enum err send_content(struct call *q, const struct representation *t)
{
    enum err e = send_checked(q, t);
    if (t->drop) t->drop(t->arg);
    return e;
}

#define FIND_TRIES 3

enum err send_found(struct call *q, find_fn *find)
{
    size_t headers = q->resp->header_count;
    for (int tries = 0; tries < FIND_TRIES; tries++) {
        struct representation t;
        TRY(find(q, &t));
        enum err e = send_content(q, &t);
        if (e != ERR_NOT_FOUND) return e;
        ctx_clear_error(q->ctx);
        q->resp->header_count = headers;
    }
    return refuse(q->ctx, ERR_BUSY, "content_changed", "The file is being replaced again and again. Try again.");
}

/* ---- kinds of content ---- */

static enum err open_plain(struct call *q, void *arg, uint64_t first, uint64_t length, struct reader **ret)
{
    const struct file *f = arg;
    return file_read_plain(q->ctx, q->app, f, first, length, ret);
}

static enum err open_sealed(struct call *q, void *arg, uint64_t first, uint64_t length, struct reader **ret)
{
    const struct file *f = arg;
    return content_read_sealed(q->ctx, q->app, &f->content, first, length, ret);
}

/* base64url of the first half of headers_hash: it names these very sealed bytes, and so their plaintext. */
static enum err file_etag(struct call *q, const struct file *f, const char *suffix, struct slice *ret)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(64);
    TRY(buf_putc(&b, '"'));
    TRY(base64url_encode(&b, slice_sub(f->content.headers_hash, 0, 16)));
    TRY(buf_put_cstr(&b, suffix));
    TRY(buf_putc(&b, '"'));
    return arena_slice(&q->ctx->arena, buf_view(&b), ret);
}

static enum err keep_file(struct call *q, const struct file *f, void **ret)
{
    struct file *copy = ARENA_NEW(&q->ctx->arena, struct file);
    if (!copy) return ERR_NOMEM;
    *copy = *f;
    *ret = copy;
    return ERR_OK;
}

/* The last part of a path: what a browser saves. */
static struct slice base_name(struct slice path)
{
    size_t from = path.len;
    while (from && path.ptr[from - 1] != '/') from--;
    return slice_sub(path, from, path.len);
}

enum err content_plain(struct call *q, const struct file *f, struct representation *ret)
{
    *ret = (struct representation){.size = f->size, .type = f->type, .name = base_name(f->name), .modified_at = f->modified_at,
                            .sha256 = f->content.sha256, .open = open_plain, .release = true, .object_type = "file", .object_id = f->id};
    TRY(keep_file(q, f, &ret->arg));
    return file_etag(q, f, "", &ret->etag);
}

enum err content_sealed(struct call *q, const struct file *f, struct representation *ret)
{
    *ret = (struct representation){.size = f->content.sealed_size, .type = SLICE("application/octet-stream"), .immutable = true,
                            .open = open_sealed, .object_type = "file", .object_id = f->id, .quiet_start = true};
    TRY(keep_file(q, f, &ret->arg));
    return file_etag(q, f, ".s", &ret->etag);
}

/* Planned once: the reader takes it over, or, when nothing is sent, drop_archive frees it. */
struct archive_content {
    struct archive *archive;
};

static enum err open_archive(struct call *q, void *arg, uint64_t first, uint64_t length, struct reader **ret)
{
    struct archive_content *a = arg;
    return archive_read(q->ctx, TAKE(a->archive), first, length, ret);
}

static void drop_archive(void *arg)
{
    struct archive_content *a = arg;
    archive_free(TAKE(a->archive));
}

enum err content_archive(struct call *q, struct archive *archive, struct slice name, struct representation *ret)
{
    struct archive_content *a = ARENA_NEW(&q->ctx->arena, struct archive_content);
    if (!a) {
        archive_free(archive);
        return ERR_NOMEM;
    }
    a->archive = archive;
    *ret = (struct representation){.type = SLICE("application/zip"), .name = name, .open = open_archive, .drop = drop_archive,
                                   .arg = a, .release = true, .size = archive_size(archive)};
    enum err e = archive_etag(q->ctx, archive, &ret->etag);
    if (e != ERR_OK) drop_archive(a);
    return e;
}
