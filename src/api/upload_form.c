/* POST /files/upload: one raw body (curl -T), or a form with one or many files (curl -F). Both stream into core/upload. A raw body
 * that may be resumed goes through resumable.c. */
#include "api/encode.h"
#include "api/resumable.h"
#include "base/limits.h"
#include "codec/multipart.h"

struct form_sink {
    struct http_sink sink;
    struct call *q;
    bool form;
    struct multipart reader;
    struct stream_in *stream; /* NULL between files */
    struct file *files;       /* arena, grown by doubling */
    size_t n, cap;
    bool ignoring; /* a field that is not a file */
    struct slice folder; /* of all files in it; ptr NULL: not given */
    struct opt_id version_of; /* what comes makes new versions of this file */
};

static void free_sink(struct form_sink *s, struct ctx *c)
{
    if (s->stream) stream_abort(c, s->stream);
    if (s->form) multipart_done(&s->reader);
    mem_free(s);
}

static enum err end_file(struct form_sink *s)
{
    struct ctx *c = s->q->ctx;
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 4;
        struct file *more = ARENA_ARRAY(&c->arena, struct file, cap);
        if (!more) return ERR_NOMEM;
        if (s->n) memcpy(more, s->files, s->n * sizeof *more);
        s->files = more;
        s->cap = cap;
    }
    TRY(stream_finish(c, TAKE(s->stream), &s->files[s->n]));
    s->n++;
    return ERR_OK;
}

static enum err form_begin(void *arg, const struct multipart_head *h)
{
    struct form_sink *s = arg;
    struct ctx *c = s->q->ctx;
    struct upload_new n = {.size = UPLOAD_SIZE_UNKNOWN, .folder = s->folder};
    s->ignoring = !h->filename.ptr;
    if (s->ignoring) return ERR_OK;
    if (s->version_of.set) n.version_of = &s->version_of.v;
    TRY(arena_slice(&c->arena, h->filename, &n.name));
    if (h->content_type.ptr) TRY(arena_slice(&c->arena, h->content_type, &n.type));
    if (slice_eq(n.type, SLICE("application/octet-stream"))) n.type = SLICE("");
    return stream_open(c, s->q->app, &s->q->who, &n, &s->stream);
}

static enum err form_data(void *arg, struct slice bytes)
{
    struct form_sink *s = arg;
    return s->ignoring ? ERR_OK : stream_write(s->q->ctx, s->stream, bytes.ptr, bytes.len);
}

static enum err form_end(void *arg)
{
    struct form_sink *s = arg;
    return s->ignoring ? ERR_OK : end_file(s);
}

static const struct multipart_ops form_ops = {form_begin, form_data, form_end};

static enum err form_error(struct ctx *c, enum err e)
{
    if (e == ERR_INVALID && c->err != e && !c->field_error_count)
        return refuse(c, e, "malformed_form", "The body is not valid multipart/form-data.");
    return e;
}

static enum err sink_write(struct http_sink *sink, struct ctx *c, const void *p, size_t n)
{
    struct form_sink *s = (struct form_sink *)sink;
    if (!s->form) return stream_write(c, s->stream, p, n);
    return form_error(c, multipart_push(&s->reader, slice_of(p, n)));
}

static enum err answer(struct form_sink *s)
{
    struct call *q = s->q;
    struct msg_file one;
    struct msg_files_out out = {0};
    if (s->form) {
        TRY(form_error(q->ctx, multipart_end(&s->reader)));
        if (s->n == 0) return refuse(q->ctx, ERR_INVALID, "no_files", "The form has no file in it.");
        TRY(encode_files(q->ctx, s->files, s->n, &out.files));
        return reply(q, &out);
    }
    TRY(end_file(s));
    TRY(encode_file(q->ctx, &s->files[0], &one));
    out.file = &one;
    return reply(q, &out);
}

static void sink_finish(struct http_sink *sink, struct ctx *c, enum err failed, struct http_response *resp)
{
    struct form_sink *s = (struct form_sink *)sink;
    struct call *q = s->q;
    q->resp = resp;
    enum err e = failed != ERR_OK ? failed : answer(s);
    free_sink(s, c);
    if (e != ERR_OK) reply_problem(q, e);
    reply_common(c, resp, false);
}

static void sink_abort(struct http_sink *sink, struct ctx *c)
{
    free_sink((struct form_sink *)sink, c);
}

static const struct http_sink_ops sink_ops = {sink_write, sink_finish, sink_abort};

/* The name is in the query, or in Content-Disposition. */
static enum err raw_name(struct call *q, struct slice *ret)
{
    struct slice field = http_request_header(q->http, "content-disposition");
    TRY(query_text(q, "name", ret));
    if (ret->ptr || !field.ptr) return ERR_OK;
    enum err e = disposition_filename(&q->ctx->arena, field, ret);
    if (e == ERR_INVALID) ctx_field_error(q->ctx, "content-disposition", "is malformed: inline; filename*=UTF-8''report.pdf is wanted");
    return e;
}

/* What clients say that know nothing of the content. */
static bool tells(struct slice type)
{
    return type.ptr && !slice_eq(type, SLICE("application/octet-stream")) && !slice_eq(type, SLICE("application/partial-upload")) &&
           !slice_eq(type, SLICE("application/x-www-form-urlencoded"));
}

static enum err describe_raw(struct call *q, const struct opt_id *version_of, struct upload_new *ret)
{
    struct slice type = http_request_header(q->http, "content-type");
    *ret = (struct upload_new){.size = q->http->has_length ? q->http->content_length : UPLOAD_SIZE_UNKNOWN};
    if (version_of->set) ret->version_of = &version_of->v;
    TRY(query_text(q, "folder", &ret->folder));
    TRY(raw_name(q, &ret->name));
    if (!ret->name.ptr && !ret->version_of) {
        ctx_field_error(q->ctx, "name", "is required for a raw body: ?name=report.pdf");
        return ERR_INVALID;
    }
    if (tells(type)) ret->type = type;
    return ERR_OK;
}

static enum err open_form(struct call *q, struct form_sink *s, struct slice type)
{
    struct slice boundary;
    enum err e = multipart_boundary(type, &boundary);
    if (e == ERR_OK) e = multipart_init(&s->reader, boundary, &form_ops, s);
    return form_error(q->ctx, e);
}

static enum err open_sink(struct form_sink *s, const struct upload_new *n, struct slice type)
{
    return s->form ? open_form(s->q, s, type) : stream_open(s->q->ctx, s->q->app, &s->q->who, n, &s->stream);
}

enum err files_upload_open(struct call *q, struct http_sink **ret)
{
    struct slice type = http_request_header(q->http, "content-type"), rest = type;
    struct resumable r;
    struct upload_new n = {0};
    struct opt_id version_of;
    bool form = slice_eq_nocase(slice_trim(slice_cut(&rest, ';')), SLICE("multipart/form-data"));
    resumable_read(q->http, &r);
    if (form && r.complete.set && !r.complete.v)
        return refuse(q->ctx, ERR_INVALID, "form_not_resumable",
                      "A form comes in one request. Send the bytes of the file alone to go on later.");
    TRY(query_id(q, "version_of", &version_of));
    if (!form) TRY(describe_raw(q, &version_of, &n));
    if (!form && resumable_meant(&r)) return resumable_create(q, &r, &n, ret);
    struct form_sink *s = MEM_NEW(struct form_sink);
    if (!s) return ERR_NOMEM;
    s->sink.ops = &sink_ops;
    s->q = q;
    s->form = form;
    s->version_of = version_of;
    enum err e = query_text(q, "folder", &s->folder);
    if (e == ERR_OK) e = open_sink(s, &n, type);
    if (e != ERR_OK) {
        free_sink(s, q->ctx);
        return e;
    }
    *ret = &s->sink;
    return ERR_OK;
}
