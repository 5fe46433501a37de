/* The header fields of tus 1.0.0, read strictly: what the protocol does not allow is told, not guessed. */
#include "api/tus.h"
#include "base/limits.h"
#include "codec/base64.h"
#include "codec/httpdate.h"
#include "codec/uri.h"

static bool under_tus(struct slice path)
{
    return slice_eq(path, SLICE(TUS_PATH)) || slice_starts(path, SLICE(TUS_PATH "/"));
}

void tus_common(struct ctx *c, const struct http_request *req, struct http_response *resp)
{
    if (!req || !under_tus(req->path)) return;
    err_ignore(http_response_header(c, resp, "tus-resumable", SLICE(TUS_VERSION)), "the rest of the answer still says what happened");
    if (resp->status == 412)
        err_ignore(http_response_header(c, resp, "tus-version", SLICE(TUS_VERSION)), "a hint");
}

enum http_method tus_method(const struct http_request *req)
{
    struct slice name = http_request_header(req, "x-http-method-override");
    if (req->method != HTTP_POST || !name.ptr || !under_tus(req->path)) return req->method;
    for (unsigned m = 0; m < HTTP_METHOD_COUNT; m++)
        if (slice_eq(name, slice_cstr(http_method_name((enum http_method)m)))) return (enum http_method)m;
    return req->method;
}

struct slice tus_path(struct slice path) { return slice_eq(path, SLICE(TUS_PATH "/")) ? SLICE(TUS_PATH) : path; }

static const struct {
    const char *code;
    int status;
} statuses[] = {{"tus_version", 412}, {"tus_content_type", 415}, {"digest_mismatch", 460}, {"append_superseded", 409},
                {"not_appendable", 404}};

int tus_status(const struct ctx *c, enum err e)
{
    for (size_t i = 0; c->err == e && c->err_code && i < sizeof statuses / sizeof statuses[0]; i++)
        if (strcmp(c->err_code, statuses[i].code) == 0) return statuses[i].status;
    return err_http_status(e);
}

/* ---- reading ---- */

enum err tus_need_version(struct call *q)
{
    if (slice_eq(http_request_header(q->http, "tus-resumable"), SLICE(TUS_VERSION))) return ERR_OK;
    return refuse(q->ctx, ERR_INVALID, "tus_version", "This server speaks tus " TUS_VERSION ", and every request must say so.");
}

enum err tus_need_type(struct call *q)
{
    if (slice_eq_nocase(http_request_header(q->http, "content-type"), SLICE(TUS_BODY_TYPE))) return ERR_OK;
    return refuse(q->ctx, ERR_INVALID, "tus_content_type", "The body must be " TUS_BODY_TYPE ".");
}

static enum err bad_field(struct call *q, const char *name, const char *why)
{
    ctx_field_error(q->ctx, name, why);
    return ERR_INVALID;
}

enum err tus_number(struct call *q, const char *name, struct opt_u64 *ret)
{
    struct slice text = http_request_header(q->http, name);
    *ret = (struct opt_u64){text.ptr != NULL, 0};
    if (!text.ptr || slice_u64(text, INT64_MAX, &ret->v) == ERR_OK) return ERR_OK;
    return bad_field(q, name, "must be a number");
}

enum err tus_checksum(struct call *q, bool *ret_set, struct checksum *ret)
{
    static const struct {
        struct slice name;
        enum checksum_alg alg;
    } known[] = {{SLICE("sha1"), CHECKSUM_SHA1}, {SLICE("sha256"), CHECKSUM_SHA256}, {SLICE("crc32"), CHECKSUM_CRC32}};
    CLEANUP(buf_done) struct buf raw = BUF_INIT(CHECKSUM_BYTES_MAX);
    struct slice text = http_request_header(q->http, "upload-checksum"), rest = text;
    *ret_set = text.ptr != NULL;
    if (!text.ptr) return ERR_OK;
    struct slice name = slice_cut(&rest, ' ');
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (!slice_eq(name, known[i].name)) continue;
        *ret = (struct checksum){.alg = known[i].alg};
        enum err e = base64_decode(&raw, rest);
        if (e == ERR_NOMEM) return e;
        if (e != ERR_OK || raw.len != checksum_bytes(ret->alg))
            return bad_field(q, "upload-checksum", "is not an algorithm and its checksum in base64");
        memcpy(ret->b, raw.ptr, raw.len);
        return ERR_OK;
    }
    return bad_field(q, "upload-checksum", "names an algorithm that is not in Tus-Checksum-Algorithm");
}

static bool key_valid(struct slice key)
{
    for (size_t i = 0; i < key.len; i++)
        if (key.ptr[i] <= ' ' || key.ptr[i] > '~') return false;
    return key.len > 0;
}

/* `seen` is what was read before this pair. */
static bool key_known(struct slice seen, struct slice key)
{
    while (seen.len) {
        struct slice pair = slice_trim(slice_cut(&seen, ','));
        if (slice_eq(slice_cut(&pair, ' '), key)) return true;
    }
    return false;
}

struct names {
    struct slice filename, name, path, type, folder;
};

static enum err take_pair(struct call *q, struct slice pair, struct slice seen, struct names *n)
{
    CLEANUP(buf_done) struct buf value = BUF_INIT(LIMIT_UPLOAD_MEMO_BYTES);
    struct slice rest = pair, key = slice_cut(&rest, ' ');
    const struct {
        struct slice key;
        struct slice *to;
    } known[] = {{SLICE("filename"), &n->filename}, {SLICE("name"), &n->name}, {SLICE("relativePath"), &n->path},
                 {SLICE("filetype"), &n->type}, {SLICE("folder"), &n->folder}};
    if (!key_valid(key)) return bad_field(q, "upload-metadata", "has an empty key, or one that is not ASCII");
    if (key_known(seen, key)) return bad_field(q, "upload-metadata", "has the same key twice");
    enum err e = base64_decode(&value, rest);
    if (e == ERR_NOMEM) return e;
    if (e != ERR_OK) return bad_field(q, "upload-metadata", "has a value that is not base64");
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (slice_eq(key, known[i].key)) TRY(arena_slice(&q->ctx->arena, buf_view(&value), known[i].to));
    return ERR_OK;
}

enum err tus_metadata(struct call *q, struct tus_metadata *ret)
{
    struct slice raw = http_request_header(q->http, "upload-metadata"), rest = raw;
    struct names n = {.name = {NULL, 0}};
    if (raw.len > LIMIT_UPLOAD_MEMO_BYTES) return bad_field(q, "upload-metadata", "is longer than 4096 bytes");
    while (rest.len) {
        struct slice seen = slice_sub(raw, 0, (size_t)(rest.ptr - raw.ptr));
        TRY(take_pair(q, slice_trim(slice_cut(&rest, ',')), seen, &n));
    }
    /* What Uppy sends for a file that is in no folder. */
    if (slice_eq(n.path, SLICE("null"))) n.path = SLICE("");
    struct slice type = n.type;
    *ret = (struct tus_metadata){
        .name = n.path.len ? n.path : n.filename.len ? n.filename : n.name.len ? n.name : SLICE("unnamed"),
        .type = slice_trim(slice_cut(&type, ';')),
        .raw = raw.ptr ? raw : SLICE(""),
        .folder = n.folder.len ? n.folder : (struct slice){NULL, 0},
    };
    return ERR_OK;
}

/* "/tus/<id>", or an absolute URL that ends so. */
static enum err id_of_url(struct call *q, struct slice url, struct id *ret)
{
    struct uri uri;
    struct slice path = url;
    if (slice_starts(url, SLICE("http")) && uri_parse(url, &uri) == ERR_OK) path = uri.path;
    bool ours = slice_starts(path, SLICE(TUS_PATH "/"));
    if (ours && id_parse(slice_sub(path, sizeof TUS_PATH, path.len), ret) == ERR_OK) return ERR_OK;
    return bad_field(q, "upload-concat", "names what is not an upload of this server");
}

enum err tus_concat(struct call *q, enum tus_concat *ret, struct id *ids, size_t *ret_n)
{
    struct slice text = http_request_header(q->http, "upload-concat"), rest = text;
    size_t n = 0;
    *ret_n = 0;
    *ret = !text.ptr ? TUS_WHOLE : slice_eq(text, SLICE("partial")) ? TUS_PARTIAL : TUS_FINAL;
    if (*ret != TUS_FINAL) return ERR_OK;
    if (!slice_eq(slice_cut(&rest, ';'), SLICE("final")) || rest.len == 0)
        return bad_field(q, "upload-concat", "must be partial, or final; and the uploads to put together");
    while (rest.len) {
        struct slice url = slice_cut(&rest, ' ');
        if (url.len == 0) continue;
        if (n == LIMIT_JOINED_UPLOADS) return bad_field(q, "upload-concat", "names more than 200 uploads");
        TRY(id_of_url(q, url, &ids[n++]));
    }
    *ret_n = n;
    return ERR_OK;
}

/* ---- writing ---- */

enum err tus_put_number(struct call *q, const char *name, uint64_t v)
{
    struct slice text;
    TRY(arena_printf(&q->ctx->arena, &text, "%llu", (unsigned long long)v));
    return reply_header(q, name, text);
}

enum err tus_put_location(struct call *q, const struct upload *u)
{
    struct slice text;
    char id[ID_TEXT_LEN + 1];
    id_text(u->id, id);
    TRY(arena_printf(&q->ctx->arena, &text, TUS_PATH "/%s", id));
    return reply_header(q, "location", text);
}

enum err tus_put_end(struct call *q, const struct append_state *s)
{
    char date[HTTPDATE_LEN + 1], id[ID_TEXT_LEN + 1];
    id_text(s->u.file_id, id);
    if (s->complete && !s->u.partial) return reply_header(q, "sealdrop-file-id", slice_cstr(id));
    httpdate_format(s->u.expires_at, date);
    return reply_header(q, "upload-expires", slice_cstr(date));
}

enum err tus_put_concat(struct call *q, const struct upload *u)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(LIMIT_HTTP_RESPONSE_HEAD_BYTES);
    struct slice rest = u->joins;
    if (u->partial) return reply_header(q, "upload-concat", SLICE("partial"));
    if (rest.len == 0) return ERR_OK;
    TRY(buf_put_cstr(&b, "final;"));
    for (const char *gap = ""; rest.len; gap = " ") {
        struct slice id = slice_cut(&rest, ' ');
        TRY(buf_printf(&b, "%s" TUS_PATH "/" SLICE_FMT, gap, SLICE_ARG(id)));
    }
    return reply_header(q, "upload-concat", buf_view(&b));
}
