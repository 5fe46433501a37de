/* The door of the IETF draft (draft-ietf-httpbis-resumable-upload, interop versions 8 and 6) on core/upload/append.h: an upload that
 * begins at POST or PUT /files/upload is a resource that tells its offset (HEAD, GET), takes more bytes (PATCH) and can be given up
 * (DELETE). An offset is told only once it is durable: the engine's promise is the draft's. */
#include "api/resumable.h"

#include "api/encode.h"
#include "api/refusal.h"
#include "api/repr_digest.h"
#include "base/intmath.h"
#include "base/limits.h"
#include "os/clock.h"

#define PARTIAL_UPLOAD "application/partial-upload"

struct append_sink {
    struct http_sink sink;
    struct call *q;
    struct resumable r;
    struct resumable_memo memo;
    struct append_state s; /* slices in it belong to the request's arena */
    struct append_in *in;
    bool creating, last;
    bool has_digest; /* of this body */
    struct checksum digest;
    bool telling;    /* progress, while the body comes in */
    uint64_t at;     /* what has arrived */
    uint64_t told;   /* the offset told last */
    int64_t told_ms;
};

/* ---- refusals ---- */

static bool code_is(const struct ctx *c, enum err e, const char *code)
{
    return c->err == e && c->err_code && strcmp(c->err_code, code) == 0;
}

/* On a context of its own: what went wrong is what the client is told. */
static void deactivate(struct call *q, const struct id *id)
{
    CLEANUP(ctx_done) struct ctx own;
    ctx_init(&own, LIMIT_REQUEST_ARENA_BYTES);
    err_ignore(upload_delete(&own, q->app, &q->who, id), "it expires");
}

/* More than the length that was declared: the draft wants no further word with such an upload. */
static bool exceeds(const struct call *q, const struct append_state *s, enum err e)
{
    return code_is(q->ctx, e, "past_size") && s && s->u.size != UPLOAD_SIZE_UNKNOWN;
}

static enum err put_fields(struct call *q, const struct resumable *r, const struct append_state *s)
{
    if (q->resp->status == 413) TRY(resumable_put_limit(q, r, s ? &s->u : NULL));
    return s ? resumable_put_state(q, s, s->complete) : ERR_OK;
}

/* What the engine refused, in the draft's words. `s` is NULL when there is no upload to tell of. */
static void answer_refusal(struct call *q, const struct resumable *r, const struct append_state *s, enum err e)
{
    const struct ctx *c = q->ctx;
    if (exceeds(q, s, e)) {
        deactivate(q, &s->u.id);
        resumable_problem(q, RESUMABLE_INCONSISTENT, 0, 0);
        return;
    }
    if (s && code_is(c, e, "offset_mismatch")) {
        resumable_problem(q, RESUMABLE_MISMATCH, s->offset, r->offset.v);
    } else if (code_is(c, e, "upload_complete")) {
        resumable_problem(q, RESUMABLE_COMPLETED, 0, 0);
    } else if (code_is(c, e, "size_mismatch") || code_is(c, e, "bytes_missing")) {
        resumable_problem(q, RESUMABLE_INCONSISTENT, 0, 0);
    } else {
        note_refusal(q, e);
        reply_problem(q, e);
    }
    /* A newer request has taken the upload over, and knows better. */
    if (e == ERR_CANCELLED) {
        q->resp->close = true;
        return;
    }
    err_ignore(put_fields(q, r, s), "the status says what matters most");
}

/* ---- answers ---- */

static enum err answer_file(struct append_sink *s, const struct file *f)
{
    struct call *q = s->q;
    struct msg_file one;
    struct msg_files_out out = {.file = &one};
    struct checksum sum;
    enum checksum_alg alg = s->memo.wanted;
    TRY(encode_file(q->ctx, f, &one));
    TRY(reply(q, &out));
    s->s.offset = f->size;
    TRY(resumable_put_state(q, &s->s, true));
    TRY(resumable_put_location(q, &s->s.u));
    bool wants = repr_digest_wanted(q->http, &alg) || s->memo.wants;
    if (!wants || upload_checksum(q->ctx, q->app, f, alg, &sum) != ERR_OK) return ERR_OK;
    return repr_digest_put(q, &sum);
}

static enum err answer_unfinished(struct append_sink *s)
{
    struct call *q = s->q;
    q->resp->status = s->creating ? q->route->status : 204;
    if (s->creating) {
        TRY(resumable_put_location(q, &s->s.u));
        TRY(resumable_put_limit(q, &s->r, &s->s.u));
    }
    return resumable_put_state(q, &s->s, false);
}

/* All bytes are there. */
static enum err answer_complete(struct append_sink *s)
{
    struct call *q = s->q;
    struct file f;
    enum err e = upload_complete(q->ctx, q->app, &q->who, &s->s.u.id, UPLOAD_SIZE_UNKNOWN, s->memo.has_digest ? &s->memo.digest : NULL, &f);
    /* Sending it again would not help: the end was reached, and nothing was kept. */
    if (code_is(q->ctx, e, "digest_mismatch")) s->s.complete = true;
    TRY(e);
    return answer_file(s, &f);
}

/* ---- the body ---- */

static void free_sink(struct append_sink *s)
{
    if (s->in) append_abort(s->q->ctx, s->in);
    mem_free(s);
}

/* Parts are durable as they are, so their ends cost nothing to tell. Between them it costs writing twice: only where a part takes
 * long to arrive. */
static enum err tell_progress(struct append_sink *s)
{
    int64_t now = clock_mono_ms();
    uint64_t offset = s->told;
    bool at_part = s->at % s->s.u.part_size == 0;
    bool late = now - s->told_ms >= LIMIT_UPLOAD_TELL_MS && s->at - s->told >= LIMIT_UPLOAD_TELL_BYTES;
    if (!s->telling || (!at_part && !late)) return ERR_OK;
    TRY(append_sync(s->q->ctx, s->in, &offset));
    s->told_ms = now;
    if (offset <= s->told) return ERR_OK;
    s->told = offset;
    resumable_tell_offset(s->q, &s->r, offset);
    return ERR_OK;
}

static enum err sink_write(struct http_sink *sink, struct ctx *c, const void *p, size_t n)
{
    struct append_sink *s = (struct append_sink *)sink;
    const uint8_t *at = p;
    while (n) {
        size_t take = (size_t)MIN((uint64_t)n, s->s.u.part_size - s->at % s->s.u.part_size);
        TRY(append_write(c, s->in, at, take));
        s->at += take;
        at += take;
        n -= take;
        TRY(tell_progress(s));
    }
    return ERR_OK;
}

static void sink_finish(struct http_sink *sink, struct ctx *c, enum err failed, struct http_response *resp)
{
    struct append_sink *s = (struct append_sink *)sink;
    struct call *q = s->q;
    q->resp = resp;
    enum err e = append_finish(c, TAKE(s->in), &s->s.offset);
    if (failed != ERR_OK) e = failed;
    if (e == ERR_OK) e = s->last ? answer_complete(s) : answer_unfinished(s);
    if (e != ERR_OK) answer_refusal(q, &s->r, &s->s, e);
    reply_common(c, resp, false);
    free_sink(s);
}

static void sink_abort(struct http_sink *sink, struct ctx *c)
{
    (void)c;
    free_sink((struct append_sink *)sink);
}

static const struct http_sink_ops sink_ops = {sink_write, sink_finish, sink_abort};

static struct append_sink *new_sink(struct call *q, const struct resumable *r)
{
    struct append_sink *s = MEM_NEW(struct append_sink);
    if (!s) return NULL;
    s->sink.ops = &sink_ops;
    s->q = q;
    s->r = *r;
    s->last = r->complete.set ? r->complete.v : true;
    return s;
}

static uint64_t body_length(const struct call *q) { return q->http->has_length ? q->http->content_length : UPLOAD_SIZE_UNKNOWN; }

static enum err open_body(struct append_sink *s, const struct id *id, uint64_t offset)
{
    struct call *q = s->q;
    const struct append_request req = {.id = *id, .offset = offset, .length = body_length(q), .last = s->last,
                                       .digest = s->has_digest ? &s->digest : NULL};
    TRY(append_open(q->ctx, q->app, &q->who, &req, &s->s, &s->in));
    s->at = s->told = offset;
    s->told_ms = clock_mono_ms();
    s->telling = !s->has_digest && resumable_hears(q->http, &s->r);
    return ERR_OK;
}

/* Whether what the request says of lengths agrees with itself. */
static bool lengths_agree(const struct call *q, const struct append_sink *s, uint64_t offset)
{
    uint64_t body = body_length(q), end = 0;
    if (!s->r.length.set || body == UPLOAD_SIZE_UNKNOWN) return true;
    if (u64_add(offset, body, &end) != ERR_OK) return false;
    return s->last ? end == s->r.length.v : end <= s->r.length.v;
}

/* ---- POST and PUT /files/upload ---- */

static enum err begin(struct append_sink *s, const struct upload_new *n)
{
    struct call *q = s->q;
    struct append_new new = {.file = *n};
    TRY(resumable_digest(q, "content-digest", &s->has_digest, &s->digest));
    TRY(resumable_digest(q, "repr-digest", &s->memo.has_digest, &s->memo.digest));
    s->memo.wants = repr_digest_wanted(q->http, &s->memo.wanted);
    TRY(resumable_memo_write(q->ctx, &s->memo, &new.memo));
    new.file.size = s->r.length.set ? s->r.length.v : s->last ? body_length(q) : UPLOAD_SIZE_UNKNOWN;
    TRY(append_create(q->ctx, q->app, &q->who, &new, &s->s.u));
    const struct id id = s->s.u.id;
    resumable_tell_place(q, &s->r, &s->s.u);
    enum err e = open_body(s, &id, 0);
    if (e != ERR_OK) deactivate(q, &id);
    return e;
}

enum err resumable_create(struct call *q, const struct resumable *r, const struct upload_new *n, struct http_sink **ret)
{
    struct append_sink *s = new_sink(q, r);
    if (!s) return ERR_NOMEM;
    s->creating = true;
    if (!lengths_agree(q, s, 0)) {
        resumable_problem(q, RESUMABLE_INCONSISTENT, 0, 0);
        free_sink(s);
        return ERR_OK;
    }
    enum err e = begin(s, n);
    if (e == ERR_OK) {
        *ret = &s->sink;
        return ERR_OK;
    }
    answer_refusal(q, r, NULL, e);
    free_sink(s);
    return ERR_OK;
}

/* ---- the resource ---- */

static enum err absent(struct call *q)
{
    return refuse(q->ctx, ERR_NOT_FOUND, "not_found", "There is nothing here, or it is not yours.");
}

/* The upload of the path, the caller's own and of this door. */
static enum err find_upload(struct call *q, struct upload *ret, struct resumable_memo *ret_memo)
{
    struct id id;
    TRY(param_id(q, 0, &id));
    TRY(upload_get(q->ctx, q->app, &q->who, &id, ret));
    return resumable_memo_read(ret->memo, ret_memo) ? ERR_OK : absent(q);
}

/* Iterations up to 6 want requests refused that say more than they ask; later ones do not mind. */
static enum err check_asks_only(struct call *q, const struct resumable *r)
{
    if (r->interop != RESUMABLE_INTEROP_OLD && r->interop != RESUMABLE_INTEROP_UNTYPED) return ERR_OK;
    if (r->offset.set) ctx_field_error(q->ctx, "upload-offset", "is not for this request");
    if (r->complete.set) ctx_field_error(q->ctx, "upload-complete", "is not for this request");
    if (r->length.set) ctx_field_error(q->ctx, "upload-length", "is not for this request");
    return r->offset.set || r->complete.set || r->length.set ? ERR_INVALID : ERR_OK;
}

/* Of what the upload became. */
static enum err put_known_digest(struct call *q, const struct append_state *s)
{
    enum checksum_alg alg;
    struct slice sha256;
    if (!s->complete || !repr_digest_wanted(q->http, &alg)) return ERR_OK;
    TRY(upload_sha256(q->ctx, q->app, &q->who, &s->u, &sha256));
    return repr_digest_put_known(q, sha256);
}

enum err resumable_get_call(struct call *q)
{
    struct resumable r;
    struct resumable_memo memo;
    struct upload u;
    struct append_state s;
    resumable_read(q->http, &r);
    TRY(check_asks_only(q, &r));
    TRY(find_upload(q, &u, &memo));
    TRY(append_state(q->ctx, q->app, &q->who, &u.id, &s));
    TRY(resumable_put_state(q, &s, s.complete));
    TRY(resumable_put_limit(q, &r, &s.u));
    if (s.u.size != UPLOAD_SIZE_UNKNOWN) TRY(resumable_put_length(q, s.u.size));
    TRY(put_known_digest(q, &s));
    return reply_empty(q);
}

enum err resumable_delete_call(struct call *q)
{
    struct resumable r;
    struct resumable_memo memo;
    struct upload u;
    resumable_read(q->http, &r);
    TRY(check_asks_only(q, &r));
    TRY(find_upload(q, &u, &memo));
    TRY(upload_delete(q->ctx, q->app, &q->who, &u.id));
    return reply_empty(q);
}

enum err resumable_options_call(struct call *q)
{
    struct resumable r;
    resumable_read(q->http, &r);
    TRY(reply_header(q, "accept-patch", SLICE(PARTIAL_UPLOAD)));
    TRY(reply_header(q, "allow", SLICE("OPTIONS, POST, PUT")));
    TRY(resumable_put_limit(q, &r, NULL));
    return reply_empty(q);
}

/* ---- PATCH ---- */

static bool type_is_right(const struct call *q, const struct resumable *r)
{
    struct slice type = http_request_header(q->http, "content-type");
    if (!type.ptr) return r->interop == RESUMABLE_INTEROP_UNTYPED;
    return slice_eq_nocase(slice_trim(slice_cut(&type, ';')), SLICE(PARTIAL_UPLOAD));
}

static enum err refuse_type(struct call *q)
{
    reply_problem_raw(q->ctx, q->resp, 415, SLICE("unsupported_media_type"), SLICE("The body must be " PARTIAL_UPLOAD "."));
    return reply_header(q, "accept-patch", SLICE(PARTIAL_UPLOAD));
}

static enum err check_said(struct call *q, const struct resumable *r)
{
    if (!r->offset.set) ctx_field_error(q->ctx, "upload-offset", "is required: the number of bytes before those of this request");
    if (!r->complete.set) ctx_field_error(q->ctx, "upload-complete", "is required: ?1 when the upload ends with this request, ?0 when not");
    return r->offset.set && r->complete.set ? ERR_OK : ERR_INVALID;
}

/* A length that is told now. It counts only when the request itself is taken. */
static enum err take_length(struct append_sink *s, const struct upload *u)
{
    struct call *q = s->q;
    uint64_t length = s->r.length.v;
    if (!s->r.length.set || (u->size != UPLOAD_SIZE_UNKNOWN && u->size == length)) return ERR_OK;
    TRY(append_state(q->ctx, q->app, &q->who, &u->id, &s->s));
    if (s->s.complete) return refuse(q->ctx, ERR_CONFLICT, "upload_complete", "This upload takes no more bytes.");
    if (s->s.offset != s->r.offset.v) return refuse(q->ctx, ERR_CONFLICT, "offset_mismatch", "The offset is another one.");
    if (!lengths_agree(q, s, s->r.offset.v)) return refuse(q->ctx, ERR_INVALID, "size_mismatch", "The lengths do not agree.");
    return append_set_size(q->ctx, q->app, &q->who, &u->id, length);
}

/* The end was reached before, and its answer may have been lost: an empty last request is answered again. */
static bool asks_again(const struct append_sink *s, enum err e)
{
    return code_is(s->q->ctx, e, "upload_complete") && s->last && body_length(s->q) == 0 && s->s.offset == s->r.offset.v;
}

static enum err append(struct append_sink *s, const struct upload *u)
{
    struct call *q = s->q;
    TRY(resumable_digest(q, "content-digest", &s->has_digest, &s->digest));
    TRY(take_length(s, u));
    enum err e = open_body(s, &u->id, s->r.offset.v);
    if (!asks_again(s, e)) return e;
    ctx_clear_error(q->ctx);
    return answer_complete(s);
}

enum err resumable_append_open(struct call *q, struct http_sink **ret)
{
    struct resumable r;
    struct resumable_memo memo;
    struct upload u;
    resumable_read(q->http, &r);
    TRY(find_upload(q, &u, &memo));
    if (!type_is_right(q, &r)) return refuse_type(q);
    TRY(check_said(q, &r));
    struct append_sink *s = new_sink(q, &r);
    if (!s) return ERR_NOMEM;
    s->memo = memo;
    enum err e = append(s, &u);
    if (e == ERR_OK && s->in) {
        *ret = &s->sink;
        return ERR_OK;
    }
    /* The state is told when the engine came to look at it. */
    if (e != ERR_OK) answer_refusal(q, &r, id_is_zero(s->s.u.id) ? NULL : &s->s, e);
    free_sink(s);
    return ERR_OK;
}
