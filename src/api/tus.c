/* tus 1.0.0 (https://tus.io/protocols/resumable-upload) with creation, creation-with-upload, creation-defer-length, termination,
 * expiration, checksum and concatenation: a thin door to core/upload/append.h. */
#include "api/tus.h"
#include "base/limits.h"

#define TUS_EXTENSIONS                                                                                                 \
    "creation,creation-with-upload,creation-defer-length,termination,expiration,checksum,concatenation"

struct tus_sink {
    struct http_sink sink;
    struct call *q;
    struct append_in *in; /* NULL: there is nothing to take in, only an answer to give */
    struct append_state state;
    bool with_body; /* of a creation: the answer tells the offset */
};

/* ---- what is the same for all ---- */

/* An upload that has all its bytes is done at once; also by who comes to ask, when the one that sent the last was cut off. */
static enum err complete_if_whole(struct call *q, struct append_state *s)
{
    struct file f;
    if (s->complete || s->u.joins.len || s->offset != s->u.size) return ERR_OK;
    if (s->u.partial)
        TRY(append_complete_partial(q->ctx, q->app, &q->who, &s->u.id));
    else
        TRY(upload_complete(q->ctx, q->app, &q->who, &s->u.id, UPLOAD_SIZE_UNKNOWN, NULL, &f));
    s->complete = true;
    return ERR_OK;
}

static enum err answer(struct call *q, struct append_state *s)
{
    bool creation = q->route->method == HTTP_POST;
    TRY(complete_if_whole(q, s));
    if (creation) TRY(tus_put_location(q, &s->u));
    TRY(tus_put_end(q, s));
    return reply_empty(q);
}

/* ---- bodies ---- */

static enum err sink_write(struct http_sink *sink, struct ctx *c, const void *p, size_t n)
{
    struct tus_sink *s = (struct tus_sink *)sink;
    if (!s->in) return refuse(c, ERR_TOO_LARGE, "past_size", "There was to be no body.");
    return append_write(c, s->in, p, n);
}

static enum err end_body(struct tus_sink *s)
{
    struct call *q = s->q;
    if (s->in) TRY(append_finish(q->ctx, TAKE(s->in), &s->state.offset));
    TRY(answer(q, &s->state));
    return s->with_body ? tus_put_number(q, "upload-offset", s->state.offset) : ERR_OK;
}

/* Of a creation that failed nobody knows the place. */
static void forget(struct call *q, const struct id *id)
{
    CLEANUP(ctx_done) struct ctx own;
    ctx_init(&own, LIMIT_REQUEST_ARENA_BYTES);
    if (q->route->method == HTTP_POST && !id_is_zero(*id))
        err_ignore(upload_delete(&own, q->app, &q->who, id), "it expires");
}

static void sink_finish(struct http_sink *sink, struct ctx *c, enum err failed, struct http_response *resp)
{
    struct tus_sink *s = (struct tus_sink *)sink;
    struct call *q = s->q;
    q->resp = resp;
    enum err e = failed != ERR_OK ? failed : end_body(s);
    if (s->in) append_abort(c, s->in); /* keeps what arrived before it failed */
    if (e != ERR_OK) forget(q, &s->state.u.id);
    mem_free(s);
    if (e != ERR_OK) reply_problem(q, e);
    reply_common(c, resp, false);
    tus_common(c, q->http, resp);
}

static void sink_abort(struct http_sink *sink, struct ctx *c)
{
    struct tus_sink *s = (struct tus_sink *)sink;
    if (s->in) append_abort(c, s->in);
    forget(s->q, &s->state.u.id);
    mem_free(s);
}

static const struct http_sink_ops sink_ops = {sink_write, sink_finish, sink_abort};

static struct tus_sink *sink_new(struct call *q)
{
    struct tus_sink *s = MEM_NEW(struct tus_sink);
    if (!s) return NULL;
    s->sink.ops = &sink_ops;
    s->q = q;
    return s;
}

static enum err open_body(struct call *q, struct tus_sink *s, struct append_request *req)
{
    struct checksum sum;
    bool checked = false;
    TRY(tus_checksum(q, &checked, &sum));
    req->length = q->http->has_length ? q->http->content_length : UPLOAD_SIZE_UNKNOWN;
    if (checked) req->digest = &sum;
    s->with_body = true;
    return append_open(q->ctx, q->app, &q->who, req, &s->state, &s->in);
}

/* ---- creation ---- */

static enum err declared_size(struct call *q, uint64_t *ret)
{
    struct opt_u64 length;
    struct slice defer = http_request_header(q->http, "upload-defer-length");
    TRY(tus_number(q, "upload-length", &length));
    if (defer.ptr && !slice_eq(defer, SLICE("1"))) {
        ctx_field_error(q->ctx, "upload-defer-length", "must be 1");
        return ERR_INVALID;
    }
    if (length.set == (defer.ptr != NULL)) {
        ctx_field_error(q->ctx, "upload-length", "or Upload-Defer-Length: 1 is needed, and not both");
        return ERR_INVALID;
    }
    *ret = length.set ? length.v : UPLOAD_SIZE_UNKNOWN;
    return ERR_OK;
}

static enum err create_final(struct call *q, const struct append_new *n, const struct id *ids, size_t count, struct tus_sink *s)
{
    if (http_request_header(q->http, "upload-length").ptr || http_request_header(q->http, "upload-defer-length").ptr) {
        ctx_field_error(q->ctx, "upload-length", "follows from the uploads that are put together");
        return ERR_INVALID;
    }
    if (q->http->has_body) return refuse(q->ctx, ERR_INVALID, "no_body", "A final upload takes no body.");
    return append_join(q->ctx, q->app, &q->who, n, ids, count, &s->state);
}

static enum err create(struct call *q, struct tus_sink *s)
{
    struct id *ids = ARENA_ARRAY(&q->ctx->arena, struct id, LIMIT_JOINED_UPLOADS);
    enum tus_concat concat = TUS_WHOLE;
    struct tus_metadata meta;
    struct append_new n = {.file = {.size = UPLOAD_SIZE_UNKNOWN}};
    size_t count = 0;
    if (!ids) return ERR_NOMEM;
    TRY(tus_need_version(q));
    TRY(tus_concat(q, &concat, ids, &count));
    TRY(tus_metadata(q, &meta));
    n.file.name = meta.name;
    n.file.type = meta.type;
    n.memo = meta.raw;
    n.partial = concat == TUS_PARTIAL;
    if (!n.partial) n.file.folder = meta.folder;
    if (concat == TUS_FINAL) return create_final(q, &n, ids, count, s);
    TRY(declared_size(q, &n.file.size));
    if (q->http->has_body) TRY(tus_need_type(q));
    /* Refused before there is an upload. */
    if (q->http->has_body && q->http->has_length && n.file.size != UPLOAD_SIZE_UNKNOWN && q->http->content_length > n.file.size)
        return refuse(q->ctx, ERR_TOO_LARGE, "past_size", "The body is longer than the upload.");
    struct checksum sum;
    bool checked = false;
    TRY(tus_checksum(q, &checked, &sum));
    TRY(append_create(q->ctx, q->app, &q->who, &n, &s->state.u));
    if (!q->http->has_body) return ERR_OK;
    struct id id = s->state.u.id;
    enum err e = open_body(q, s, &(struct append_request){.id = id});
    if (e != ERR_OK) forget(q, &id);
    return e;
}

static enum err open_with(struct call *q, struct http_sink **ret, enum err (*begin)(struct call *q, struct tus_sink *s))
{
    struct tus_sink *s = sink_new(q);
    if (!s) return ERR_NOMEM;
    enum err e = begin(q, s);
    if (e != ERR_OK) {
        mem_free(s);
        return e;
    }
    *ret = &s->sink;
    return ERR_OK;
}

enum err tus_create_open(struct call *q, struct http_sink **ret) { return open_with(q, ret, create); }

/* ---- PATCH ---- */

static enum err append(struct call *q, struct tus_sink *s)
{
    struct append_request req = {.length = 0};
    struct opt_u64 offset, length;
    TRY(tus_need_version(q));
    TRY(tus_need_type(q));
    TRY(param_id(q, 0, &req.id));
    TRY(tus_number(q, "upload-offset", &offset));
    if (!offset.set) {
        ctx_field_error(q->ctx, "upload-offset", "is needed");
        return ERR_INVALID;
    }
    TRY(tus_number(q, "upload-length", &length));
    req.offset = offset.v;
    if (length.set) req.size = &length.v;
    enum err e = open_body(q, s, &req);
    /* At the end there is nothing to send any more, and to send nothing is no mistake. */
    bool whole = e == ERR_CONFLICT && s->state.complete && !q->http->has_body && offset.v == s->state.offset;
    if (whole) ctx_clear_error(q->ctx);
    return whole ? ERR_OK : e;
}

enum err tus_append_open(struct call *q, struct http_sink **ret) { return open_with(q, ret, append); }

/* ---- without bodies ---- */

enum err tus_head_call(struct call *q)
{
    struct append_state s;
    struct id id;
    TRY(tus_need_version(q));
    TRY(param_id(q, 0, &id));
    TRY(append_state(q->ctx, q->app, &q->who, &id, &s));
    TRY(complete_if_whole(q, &s));
    /* What is made of others has no offset before it is there. */
    if (s.complete || s.u.joins.len == 0) TRY(tus_put_number(q, "upload-offset", s.offset));
    if (s.u.size == UPLOAD_SIZE_UNKNOWN)
        TRY(reply_header(q, "upload-defer-length", SLICE("1")));
    else
        TRY(tus_put_number(q, "upload-length", s.u.size));
    if (s.u.memo.len) TRY(reply_header(q, "upload-metadata", s.u.memo));
    TRY(tus_put_concat(q, &s.u));
    TRY(tus_put_end(q, &s));
    return reply_empty(q);
}

enum err tus_delete_call(struct call *q)
{
    struct id id;
    TRY(tus_need_version(q));
    TRY(param_id(q, 0, &id));
    TRY(append_terminate(q->ctx, q->app, &q->who, &id));
    return reply_empty(q);
}

enum err tus_options_call(struct call *q)
{
    TRY(reply_header(q, "tus-version", SLICE(TUS_VERSION)));
    TRY(reply_header(q, "tus-extension", SLICE(TUS_EXTENSIONS)));
    TRY(reply_header(q, "tus-checksum-algorithm", SLICE("sha1,sha256,crc32")));
    TRY(tus_put_number(q, "tus-max-size", upload_size_max(q->app)));
    return reply_empty(q);
}
