/* The fields, interim answers and problem types of resumable uploads. All fields are structured ones (codec/sfield.h). */
#include "api/resumable.h"

#include "api/repr_digest.h"
#include "base/limits.h"
#include "codec/sfield.h"
#include "os/clock.h"

void resumable_read(const struct http_request *req, struct resumable *ret)
{
    uint64_t version = 0;
    *ret = (struct resumable){0};
    if (sfield_is_u64(http_request_header(req, "upload-draft-interop-version"), &version) &&
        (version == RESUMABLE_INTEROP || version == RESUMABLE_INTEROP_OLD || version == RESUMABLE_INTEROP_UNTYPED))
        ret->interop = (unsigned)version;
    ret->complete.set = sfield_is_boolean(http_request_header(req, "upload-complete"), &ret->complete.v);
    ret->offset.set = sfield_is_u64(http_request_header(req, "upload-offset"), &ret->offset.v);
    ret->length.set = sfield_is_u64(http_request_header(req, "upload-length"), &ret->length.v);
}

static bool told_in(const struct resumable *r) { return r->interop == RESUMABLE_INTEROP || r->interop == RESUMABLE_INTEROP_OLD; }

bool resumable_hears(const struct http_request *req, const struct resumable *r) { return req->interim && told_in(r); }

bool resumable_meant(const struct resumable *r) { return r->complete.set || told_in(r); }

/* ---- answers ---- */

static enum err put_u64(struct call *q, const char *name, uint64_t v)
{
    struct slice text;
    TRY(arena_printf(&q->ctx->arena, &text, "%llu", (unsigned long long)v));
    return reply_header(q, name, text);
}

enum err resumable_put_state(struct call *q, const struct append_state *s, bool complete)
{
    TRY(reply_header(q, "upload-complete", complete ? SLICE("?1") : SLICE("?0")));
    return put_u64(q, "upload-offset", s->offset);
}

enum err resumable_put_length(struct call *q, uint64_t length) { return put_u64(q, "upload-length", length); }

static enum err location(struct call *q, const struct upload *u, struct slice *ret)
{
    char id[ID_TEXT_LEN + 1];
    id_text(u->id, id);
    return arena_printf(&q->ctx->arena, ret, "/api/v1/files/upload/%s", id);
}

enum err resumable_put_location(struct call *q, const struct upload *u)
{
    struct slice text;
    TRY(location(q, u, &text));
    return reply_header(q, "location", text);
}

/* Without a declared length an upload has parts of one size and no more than so many: that may be less than the largest file. */
static uint64_t size_max(const struct app *app, const struct upload *u)
{
    uint64_t max = upload_size_max(app);
    if (!u || u->size != UPLOAD_SIZE_UNKNOWN) return max;
    uint64_t parts = (uint64_t)LIMIT_PARTS * u->part_size - 1;
    return parts < max ? parts : max;
}

static enum err limit(struct call *q, const struct resumable *r, const struct upload *u, struct slice *ret)
{
    int64_t left_ms = u ? u->expires_at - clock_wall_ms() : q->app->cfg.upload_ttl_ms;
    unsigned long long request = q->app->cfg.request_bytes_max;
    struct slice append = SLICE("");
    if (request) TRY(arena_printf(&q->ctx->arena, &append, ", max-append-size=%llu", request));
    return arena_printf(&q->ctx->arena, ret, "max-size=%llu, min-size=0" SLICE_FMT ", %s=%lld",
                        (unsigned long long)size_max(q->app, u), SLICE_ARG(append),
                        r->interop == RESUMABLE_INTEROP_OLD ? "expires" : "max-age", (long long)(left_ms > 0 ? left_ms / 1000 : 0));
}

enum err resumable_put_limit(struct call *q, const struct resumable *r, const struct upload *u)
{
    struct slice text;
    TRY(limit(q, r, u, &text));
    return reply_header(q, "upload-limit", text);
}

static struct http_header version_of(const struct resumable *r)
{
    return (struct http_header){SLICE("upload-draft-interop-version"), r->interop == RESUMABLE_INTEROP ? SLICE("8") : SLICE("6")};
}

void resumable_tell_place(struct call *q, const struct resumable *r, const struct upload *u)
{
    struct http_header h[] = {{SLICE("location"), {0}}, {SLICE("upload-limit"), {0}}, version_of(r)};
    if (!resumable_hears(q->http, r)) return;
    if (location(q, u, &h[0].value) != ERR_OK || limit(q, r, u, &h[1].value) != ERR_OK) return;
    http_interim(q->http, 104, h, sizeof h / sizeof h[0]);
}

void resumable_tell_offset(struct call *q, const struct resumable *r, uint64_t offset)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%llu", (unsigned long long)offset);
    const struct http_header h[] = {{SLICE("upload-offset"), slice_of(text, (size_t)n)}, version_of(r)};
    if (resumable_hears(q->http, r)) http_interim(q->http, 104, h, sizeof h / sizeof h[0]);
}

/* ---- digests ---- */

static enum digest_result read_digest(struct slice text, struct checksum *ret)
{
    struct digest d;
    enum digest_result result = text.ptr ? digest_parse(text, DIGEST_SHA512, &d) : DIGEST_NONE;
    if (result != DIGEST_ONE) return result;
    *ret = (struct checksum){.alg = checksum_of_digest(d.algorithm)};
    memcpy(ret->b, d.b, digest_bytes(d.algorithm));
    return DIGEST_ONE;
}

enum err resumable_digest(struct call *q, const char *name, bool *ret_set, struct checksum *ret)
{
    enum digest_result result = read_digest(http_request_header(q->http, name), ret);
    if (result == DIGEST_BAD) {
        ctx_field_error(q->ctx, name, "is malformed; sha-256=:<base64>: or sha-512=:<base64>: is wanted");
        return ERR_INVALID;
    }
    *ret_set = result == DIGEST_ONE;
    return ERR_OK;
}

/* A structured field, too: "door=ietf, want=sha-512, sha-256=:…:". */
enum err resumable_memo_write(struct ctx *c, const struct resumable_memo *m, struct slice *ret)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(512);
    TRY(buf_put_cstr(&b, "door=ietf"));
    if (m->wants) TRY(buf_printf(&b, ", want=%s", digest_name(digest_of_checksum(m->wanted))));
    if (m->has_digest) {
        TRY(buf_put_cstr(&b, ", "));
        TRY(repr_digest_write(&b, &m->digest));
    }
    return arena_slice(&c->arena, buf_view(&b), ret);
}

bool resumable_memo_read(struct slice text, struct resumable_memo *ret)
{
    struct sfield f;
    *ret = (struct resumable_memo){0};
    if (sfield_member(text, SLICE("door"), &f) != ERR_OK || !slice_eq(f.text, SLICE("ietf"))) return false;
    ret->has_digest = read_digest(text, &ret->digest) == DIGEST_ONE;
    ret->wants = sfield_member(text, SLICE("want"), &f) == ERR_OK;
    if (ret->wants) ret->wanted = slice_eq(f.text, SLICE("sha-512")) ? CHECKSUM_SHA512 : CHECKSUM_SHA256;
    return true;
}

/* ---- problems ---- */

void resumable_problem(struct call *q, enum resumable_problem p, uint64_t expected, uint64_t provided)
{
    static const struct registered_problem problems[] = {
        [RESUMABLE_MISMATCH] = {.status = 409, .name = "mismatching-upload-offset", .code = "mismatching_upload_offset",
                                .title = "Mismatching Upload Offset",
                                .detail = "The offset of the request is not that of the upload: go on at Upload-Offset."},
        [RESUMABLE_COMPLETED] = {.status = 400, .name = "completed-upload", .code = "completed_upload", .title = "Upload Is Completed",
                                 .detail = "The upload is complete and takes no more bytes."},
        [RESUMABLE_INCONSISTENT] = {.status = 400, .name = "inconsistent-upload-length", .code = "inconsistent_upload_length",
                                    .title = "Inconsistent Upload Length Values",
                                    .detail = "Upload-Length, Content-Length, and what was declared or sent before do not agree."},
    };
    struct registered_problem one = problems[p];
    if (p == RESUMABLE_MISMATCH) {
        one.members[0] = (struct problem_member){"expected-offset", expected};
        one.members[1] = (struct problem_member){"provided-offset", provided};
    }
    reply_registered(q->ctx, q->resp, &one);
}
