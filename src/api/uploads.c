/* Uploads in parts. */
#include "api/encode.h"
#include "base/limits.h"
#include "codec/digest.h"

static enum err reply_upload(struct call *q, const struct upload *u, const struct json_list *received)
{
    struct msg_upload out;
    encode_upload(u, &out);
    if (received) out.received = *received;
    return reply(q, &out);
}

enum err upload_new_call(struct call *q)
{
    const struct msg_upload_new *in = q->in;
    struct upload u;
    struct upload_new n = {.version_of = in->version_of.set ? &in->version_of.v : NULL,
                           .name = in->name,
                           .folder = in->folder,
                           .type = in->type,
                           .size = in->size.set ? in->size.v : UPLOAD_SIZE_UNKNOWN,
                           .part_size = in->part_size.set ? (uint32_t)in->part_size.v : 0,
                           .modified_at = in->mtime.v};
    if (!n.version_of && !n.name.ptr) {
        ctx_field_error(q->ctx, "name", "is required for a new file");
        return ERR_INVALID;
    }
    if (in->part_size.set && in->part_size.v == 0) {
        ctx_field_error(q->ctx, "part_size", "must be a power of two from 1 MiB to 512 MiB");
        return ERR_INVALID;
    }
    TRY(upload_create(q->ctx, q->app, &q->who, &n, &u));
    return reply_upload(q, &u, NULL);
}

enum err upload_get_call(struct call *q)
{
    struct id id;
    struct upload u;
    struct part_range *ranges = NULL;
    size_t n = 0;
    TRY(param_id(q, 0, &id));
    TRY(upload_get(q->ctx, q->app, &q->who, &id, &u));
    TRY(upload_received(q->ctx, q->app, &u, &ranges, &n));
    /* A range is two numbers, which is what JSON_PAIRS prints. */
    struct json_list received = {ranges, n, true};
    return reply_upload(q, &u, &received);
}

enum err upload_list_call(struct call *q)
{
    struct page page;
    struct upload *uploads = NULL;
    struct msg_page out = {0};
    size_t n = 0;
    TRY(query_page(q, &page));
    TRY(upload_list(q->ctx, q->app, &q->who, &page, &uploads, &n));
    size_t shown = n > page.limit ? page.limit : n;
    struct msg_upload *items = ARENA_ARRAY(&q->ctx->arena, struct msg_upload, shown + 1);
    if (!items) return ERR_NOMEM;
    for (size_t i = 0; i < shown; i++) encode_upload(&uploads[i], &items[i]);
    if (n > shown) TRY(page_cursor(q->ctx, uploads[shown - 1].created_at, &uploads[shown - 1].id, &out.next_cursor));
    out.items = (struct json_list){items, shown, true};
    return reply(q, &out);
}

enum err upload_complete_call(struct call *q)
{
    const struct msg_upload_complete *in = q->in;
    struct id id;
    struct file f;
    struct checksum want = {.alg = CHECKSUM_SHA256};
    TRY(param_id(q, 0, &id));
    if (in->sha256.len && in->sha256.len != SHA256_BYTES) {
        ctx_field_error(q->ctx, "sha256", "must be 32 bytes in base64url");
        return ERR_INVALID;
    }
    if (in->sha256.len) memcpy(want.b, in->sha256.ptr, SHA256_BYTES);
    TRY(upload_complete(q->ctx, q->app, &q->who, &id, in->size.set ? in->size.v : UPLOAD_SIZE_UNKNOWN, in->sha256.len ? &want : NULL, &f));
    return reply_file(q, &f);
}

enum err upload_delete_call(struct call *q)
{
    struct id id;
    TRY(param_id(q, 0, &id));
    TRY(upload_delete(q->ctx, q->app, &q->who, &id));
    return reply_empty(q);
}

/* ---- PUT /uploads/{id}/parts/{n} ---- */

struct part_sink {
    struct http_sink sink;
    struct call *q;
    struct part_in *part;
};

static enum err part_sink_write(struct http_sink *sink, struct ctx *c, const void *p, size_t n)
{
    return part_write(c, ((struct part_sink *)sink)->part, p, n);
}

static void part_sink_finish(struct http_sink *sink, struct ctx *c, enum err failed, struct http_response *resp)
{
    struct part_sink *s = (struct part_sink *)sink;
    struct call *q = s->q;
    enum err e = failed;
    q->resp = resp;
    if (failed != ERR_OK)
        part_abort(c, s->part);
    else
        e = part_finish(c, s->part);
    mem_free(s);
    if (e == ERR_OK)
        err_ignore(reply_empty(q), "cannot fail");
    else
        reply_problem(q, e);
    reply_common(c, resp, false);
}

static void part_sink_abort(struct http_sink *sink, struct ctx *c)
{
    struct part_sink *s = (struct part_sink *)sink;
    part_abort(c, s->part);
    mem_free(s);
}

static const struct http_sink_ops part_sink_ops = {part_sink_write, part_sink_finish, part_sink_abort};

/* Content-Digest, when there is one. */
static enum err wanted_digest(struct call *q, struct sha256 *digest, const struct sha256 **ret)
{
    struct slice header = http_request_header(q->http, "content-digest");
    struct digest d;
    enum digest_result r = header.ptr ? digest_parse(header, DIGEST_SHA256, &d) : DIGEST_NONE;
    if (r == DIGEST_BAD)
        return refuse(q->ctx, ERR_INVALID, "content_digest", "Content-Digest is malformed: sha-256=:<base64>: is wanted.");
    if (r == DIGEST_ONE) memcpy(digest->b, d.b, sizeof digest->b);
    *ret = r == DIGEST_ONE ? digest : NULL;
    return ERR_OK;
}

enum err upload_part_open(struct call *q, struct http_sink **ret)
{
    struct part_request req = {.length = q->http->has_length ? q->http->content_length : UPLOAD_SIZE_UNKNOWN};
    struct sha256 digest;
    TRY(param_id(q, 0, &req.upload_id));
    TRY(param_u64(q, 1, &req.number));
    TRY(wanted_digest(q, &digest, &req.digest));
    struct part_sink *s = MEM_NEW(struct part_sink);
    if (!s) return ERR_NOMEM;
    enum err e = part_open(q->ctx, q->app, &q->who, &req, &s->part);
    if (e != ERR_OK) {
        mem_free(s);
        return e;
    }
    s->sink.ops = &part_sink_ops;
    s->q = q;
    *ret = &s->sink;
    return ERR_OK;
}
