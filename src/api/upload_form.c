/* POST /files/upload: one raw body (curl -T), or a form with one or many files (curl -F). Both stream into core/upload. A raw body
 * that may be resumed goes through resumable.c.
 *
 * In a form the fields idempotency_key and mtime say something of the file that follows them. */
#include "api/encode.h"
#include "api/resumable.h"
#include "base/limits.h"
#include "base/time.h"
#include "codec/multipart.h"
#include "core/upload/batch.h"

#define FIELD_BYTES 255

struct form_sink {
    struct http_sink sink;
    struct call *q;
    bool form;
    struct multipart reader;
    struct batch *batch;      /* of a form */
    struct stream_in *stream; /* of a raw body */
    enum { FIELD_FILE, FIELD_KEY, FIELD_MTIME, FIELD_OTHER } field; /* which is being read */
    struct buf value;         /* of a field that is no file */
    struct slice key;         /* for the next file */
    int64_t mtime;
    struct slice folder; /* of all files in it; ptr NULL: not given */
    struct opt_id version_of; /* what comes makes new versions of this file */
};

static void free_sink(struct form_sink *s, struct ctx *c)
{
    if (s->stream) stream_abort(c, s->stream);
    batch_free(s->batch);
    buf_done(&s->value);
    if (s->form) multipart_done(&s->reader);
    mem_free(s);
}

static enum err begin_file(struct form_sink *s, const struct multipart_head *h)
{
    struct ctx *c = s->q->ctx;
    struct upload_new n = {.size = UPLOAD_SIZE_UNKNOWN, .folder = s->folder, .modified_at = s->mtime};
    struct slice key = s->key;
    if (s->version_of.set) n.version_of = &s->version_of.v;
    TRY(arena_slice(&c->arena, h->filename, &n.name));
    if (h->content_type.ptr) TRY(arena_slice(&c->arena, h->content_type, &n.type));
    if (slice_eq(n.type, SLICE("application/octet-stream"))) n.type = SLICE("");
    s->key = (struct slice){0};
    s->mtime = 0;
    return batch_begin(c, s->batch, &n, key);
}

static enum err form_begin(void *arg, const struct multipart_head *h)
{
    struct form_sink *s = arg;
    s->field = h->filename.ptr                              ? FIELD_FILE
               : slice_eq(h->name, SLICE("idempotency_key")) ? FIELD_KEY
               : slice_eq(h->name, SLICE("mtime"))           ? FIELD_MTIME
                                                             : FIELD_OTHER;
    buf_reset(&s->value);
    return s->field == FIELD_FILE ? begin_file(s, h) : ERR_OK;
}

static enum err form_data(void *arg, struct slice bytes)
{
    struct form_sink *s = arg;
    if (s->field == FIELD_FILE) return batch_write(s->q->ctx, s->batch, bytes.ptr, bytes.len);
    if (s->field == FIELD_OTHER) return ERR_OK;
    enum err e = buf_put(&s->value, bytes);
    if (e == ERR_TOO_LARGE) ctx_field_error(s->q->ctx, s->field == FIELD_KEY ? "idempotency_key" : "mtime", "is longer than 255 bytes");
    return e == ERR_TOO_LARGE ? ERR_INVALID : e;
}

static enum err end_field(struct form_sink *s)
{
    struct ctx *c = s->q->ctx;
    struct slice value = buf_view(&s->value);
    if (s->field == FIELD_KEY && value.len == 0) {
        ctx_field_error(c, "idempotency_key", "must have 1 to 255 characters");
        return ERR_INVALID;
    }
    if (s->field == FIELD_KEY) return arena_slice(&c->arena, value, &s->key);
    if (s->field == FIELD_OTHER || time_parse_rfc3339(value, &s->mtime) == ERR_OK) return ERR_OK;
    ctx_field_error(c, "mtime", "is not a time like 2026-01-31T12:00:00.000Z");
    return ERR_INVALID;
}

static enum err form_end(void *arg)
{
    struct form_sink *s = arg;
    return s->field == FIELD_FILE ? batch_end(s->q->ctx, s->batch) : end_field(s);
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

/* Files that were refused beside others that were stored. */
static enum err encode_refusals(struct ctx *c, const struct batch_result *results, size_t n, struct json_list *ret)
{
    struct msg_file_error *errors = ARENA_ARRAY(&c->arena, struct msg_file_error, n);
    size_t count = 0;
    if (!errors) return ERR_NOMEM;
    for (size_t i = 0; i < n; i++) {
        const struct batch_result *r = &results[i];
        if (r->err == ERR_OK) continue;
        errors[count++] = (struct msg_file_error){
            .index = i, .name = r->name, .status = (uint64_t)err_http_status(r->err),
            .code = slice_cstr(r->code ? r->code : err_name(r->err)), .detail = r->detail};
    }
    if (count) *ret = (struct json_list){errors, count, true};
    return ERR_OK;
}

static enum err answer_form(struct form_sink *s)
{
    struct call *q = s->q;
    const struct batch_result *results = NULL;
    struct msg_files_out out = {0};
    size_t n = 0, stored = 0;
    TRY(form_error(q->ctx, multipart_end(&s->reader)));
    TRY(batch_finish(q->ctx, s->batch, &results, &n));
    if (n == 0) return refuse(q->ctx, ERR_INVALID, "no_files", "The form has no file in it.");
    struct file *files = ARENA_ARRAY(&q->ctx->arena, struct file, n);
    if (!files) return ERR_NOMEM;
    for (size_t i = 0; i < n; i++)
        if (results[i].err == ERR_OK) files[stored++] = results[i].file;
    if (stored == 0) return batch_refusal(q->ctx, s->batch);
    TRY(encode_files(q->ctx, files, stored, &out.files));
    TRY(encode_refusals(q->ctx, results, n, &out.errors));
    return reply(q, &out);
}

static enum err answer(struct form_sink *s)
{
    struct call *q = s->q;
    struct msg_file one;
    struct file made;
    struct msg_files_out out = {.file = &one};
    if (s->form) return answer_form(s);
    TRY(stream_finish(q->ctx, TAKE(s->stream), &made));
    TRY(encode_file(q->ctx, &made, &one));
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
    TRY(form_error(q->ctx, e));
    return batch_new(q->ctx, q->app, &q->who, &s->batch);
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
    s->value = BUF_INIT(FIELD_BYTES);
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
