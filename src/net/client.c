/* The blocking HTTP client over libcurl: one easy handle, one thread. Responsible for transport, trust, bounds and the mapping of
 * answers to err codes; not for tokens, retries or what the bytes mean. */
#include "net/client.h"

#include <curl/curl.h>

#include "base/intmath.h"
#include "base/limits.h"
#include "base/mem.h"
#include "codec/json.h"

#define ANSWER_MAX (1 * MIB)
#define TRANSFER_BUFFER (512L * 1024)

struct client {
    CURL *easy;
    struct curl_slist *headers;
    const atomic_bool *abort;
    struct tls_pin pin;
    char curl_error[CURL_ERROR_SIZE];
    /* the running call */
    const struct client_request *rq;
    struct buf body;
    uint64_t sent;       /* next offset the read function is asked for */
    enum err callback;   /* first error of a callback */
    uint32_t retry_after_s;
    bool range_matches;  /* the Content-Range of the answer begins where we asked */
};

struct problem_field {
    struct slice field, message;
};
struct problem {
    struct slice code, detail, title;
    struct json_list errors; /* struct problem_field */
};
JSON_TABLE(client_problem_field_table, "ProblemField", struct problem_field,
           JSON_FIELD(struct problem_field, field, JSON_STRING, .max = 200),
           JSON_FIELD(struct problem_field, message, JSON_STRING, .max = 1000));
JSON_TABLE(client_problem_table, "Problem", struct problem,
           JSON_FIELD(struct problem, code, JSON_STRING, .max = 100),
           JSON_FIELD(struct problem, detail, JSON_STRING, .max = 2000),
           JSON_FIELD(struct problem, title, JSON_STRING, .max = 500),
           JSON_FIELD(struct problem, errors, JSON_OBJECTS, .max = 32, .table = &client_problem_field_table));

enum err client_setup(void)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? ERR_OK : ERR_INTERNAL;
}

void client_teardown(void) { curl_global_cleanup(); }

static size_t on_body(char *p, size_t one, size_t n, void *arg)
{
    struct client *cl = arg;
    long status = 0;
    n *= one;
    curl_easy_getinfo(cl->easy, CURLINFO_RESPONSE_CODE, &status);
    enum err e = ERR_OK;
    if (status / 100 != 2 || !cl->rq->write)
        e = buf_put(&cl->body, slice_of(p, n));
    else if (cl->rq->ranged && (status != 206 || !cl->range_matches))
        e = ERR_PEER; /* another range would be written to the wrong place */
    else
        e = cl->rq->write(cl->rq->write_arg, p, n);
    if (e == ERR_OK) return n;
    cl->callback = e;
    return n ? 0 : 1;
}

static size_t on_read(char *p, size_t one, size_t n, void *arg)
{
    struct client *cl = arg;
    size_t got = 0, cap = (size_t)MIN(n * one, cl->rq->read_length - MIN(cl->sent, cl->rq->read_length));
    enum err e = cap ? cl->rq->read(cl->rq->read_arg, cl->sent, p, cap, &got) : ERR_OK;
    if (e != ERR_OK) {
        cl->callback = e;
        return CURL_READFUNC_ABORT;
    }
    cl->sent += got;
    return got;
}

static int on_seek(void *arg, curl_off_t off, int origin)
{
    struct client *cl = arg;
    if (origin != SEEK_SET || off < 0) return CURL_SEEKFUNC_CANTSEEK;
    cl->sent = (uint64_t)off;
    return CURL_SEEKFUNC_OK;
}

static bool header_value(struct slice line, struct slice name, struct slice *ret)
{
    struct slice head = slice_cut(&line, ':');
    if (!slice_eq_nocase(head, name)) return false;
    while (line.len && (line.ptr[line.len - 1] == '\n' || line.ptr[line.len - 1] == '\r')) line.len--;
    *ret = slice_trim(line);
    return true;
}

static size_t on_header(char *p, size_t one, size_t n, void *arg)
{
    struct client *cl = arg;
    struct slice line = slice_of(p, n * one), value = {0};
    uint64_t number = 0;
    if (slice_starts(line, SLICE("HTTP/"))) {
        cl->range_matches = false;
        cl->retry_after_s = 0;
    } else if (header_value(line, SLICE("retry-after"), &value)) {
        if (slice_u64(value, 86400, &number) == ERR_OK) cl->retry_after_s = (uint32_t)number;
    } else if (header_value(line, SLICE("content-range"), &value) &&
               slice_starts(value, SLICE("bytes "))) {
        struct slice range = slice_trim(slice_sub(value, 6, value.len));
        cl->range_matches = slice_u64(slice_cut(&range, '-'), UINT64_MAX, &number) == ERR_OK &&
                            number == cl->rq->range_first;
    }
    return n * one;
}

static int on_progress(void *arg, curl_off_t down_all, curl_off_t down, curl_off_t up_all, curl_off_t up)
{
    struct client *cl = arg;
    (void)down_all;
    (void)up_all;
    if (cl->rq->moved) cl->rq->moved(cl->rq->moved_arg, (uint64_t)up, (uint64_t)down);
    return cl->abort && atomic_load(cl->abort);
}

static CURLcode on_ssl_ctx(CURL *easy, void *ssl_ctx, void *arg)
{
    struct client *cl = arg;
    (void)easy;
    tls_pin_install(ssl_ctx, &cl->pin);
    return CURLE_OK;
}

static enum err code_err(CURLcode r) { return r == CURLE_OK ? ERR_OK : ERR_INTERNAL; }
#define SET(easy, option, value) TRY(code_err(curl_easy_setopt((easy), (option), (value))))

static enum err set_trust(struct client *cl, const struct client_config *cfg)
{
    bool pinned = cl->pin.want[0] != '\0';
    SET(cl->easy, CURLOPT_SSL_VERIFYPEER, pinned ? 0L : 1L);
    SET(cl->easy, CURLOPT_SSL_VERIFYHOST, pinned ? 0L : 2L);
    if (cfg->ca_file && !pinned) {
        SET(cl->easy, CURLOPT_CAINFO, cfg->ca_file);
        SET(cl->easy, CURLOPT_CAPATH, NULL);
    }
    SET(cl->easy, CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);
    SET(cl->easy, CURLOPT_SSL_CTX_DATA, cl);
    SET(cl->easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    /* A resumed session skips the certificate; ours is judged in every handshake. */
    SET(cl->easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    return ERR_OK;
}

static enum err set_fixed(struct client *cl, const struct client_config *cfg)
{
    SET(cl->easy, CURLOPT_NOSIGNAL, 1L);
    SET(cl->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(cl->easy, CURLOPT_FOLLOWLOCATION, 0L);
    SET(cl->easy, CURLOPT_ERRORBUFFER, cl->curl_error);
    SET(cl->easy, CURLOPT_USERAGENT, cfg->user_agent ? cfg->user_agent : "sealdrop/" SEALDROP_VERSION);
    SET(cl->easy, CURLOPT_HTTP_VERSION,
        cfg->http1 ? (long)CURL_HTTP_VERSION_1_1 : (long)CURL_HTTP_VERSION_2TLS);
    SET(cl->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(cfg->connect_ms ? cfg->connect_ms : 15000));
    SET(cl->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    SET(cl->easy, CURLOPT_LOW_SPEED_TIME, (long)(cfg->stall_s ? cfg->stall_s : 30));
    SET(cl->easy, CURLOPT_TCP_KEEPALIVE, 1L);
    SET(cl->easy, CURLOPT_BUFFERSIZE, TRANSFER_BUFFER);
    SET(cl->easy, CURLOPT_UPLOAD_BUFFERSIZE, TRANSFER_BUFFER);
    SET(cl->easy, CURLOPT_WRITEFUNCTION, on_body);
    SET(cl->easy, CURLOPT_WRITEDATA, cl);
    SET(cl->easy, CURLOPT_HEADERFUNCTION, on_header);
    SET(cl->easy, CURLOPT_HEADERDATA, cl);
    SET(cl->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    SET(cl->easy, CURLOPT_XFERINFODATA, cl);
    SET(cl->easy, CURLOPT_NOPROGRESS, 0L);
    return set_trust(cl, cfg);
}

static void client_cleanup(struct client **cl) { client_close(*cl); }

enum err client_open(struct ctx *c, const struct client_config *cfg, struct client **ret)
{
    CLEANUP(client_cleanup) struct client *cl = MEM_NEW(struct client);
    if (!cl) return fail(c, ERR_NOMEM, "client");
    cl->abort = cfg->abort;
    if (cfg->pin && tls_pin_parse(cfg->pin, cl->pin.want) != ERR_OK)
        return fail(c, ERR_INVALID, "a pinned fingerprint is 64 hex digits");
    cl->easy = curl_easy_init();
    if (!cl->easy) return fail(c, ERR_NOMEM, "curl_easy_init");
    enum err e = set_fixed(cl, cfg);
    if (e != ERR_OK) return fail(c, e, "libcurl refused an option");
    *ret = TAKE(cl);
    return ERR_OK;
}

void client_close(struct client *cl)
{
    if (!cl) return;
    if (cl->easy) curl_easy_cleanup(cl->easy);
    curl_slist_free_all(cl->headers);
    buf_done(&cl->body);
    mem_free(cl);
}

const struct tls_pin *client_seen(const struct client *cl) { return &cl->pin; }

void client_answer_done(struct client_answer *a) { buf_done(&a->body); }

static enum err add_header(struct client *cl, const char *line)
{
    struct curl_slist *more = curl_slist_append(cl->headers, line);
    if (!more) return ERR_NOMEM;
    cl->headers = more;
    return ERR_OK;
}

static enum err set_headers(struct ctx *c, struct client *cl)
{
    struct slice line = {0};
    curl_slist_free_all(cl->headers);
    cl->headers = NULL;
    for (size_t i = 0; i < cl->rq->header_count; i++) TRY(add_header(cl, cl->rq->headers[i]));
    if (cl->rq->content_type) {
        TRY(arena_printf(&c->arena, &line, "Content-Type: %s", cl->rq->content_type));
        TRY(add_header(cl, line.ptr));
    } else {
        TRY(add_header(cl, "Content-Type:")); /* libcurl would invent one */
    }
    if (cl->rq->ranged) {
        TRY(arena_printf(&c->arena, &line, "Range: bytes=%llu-%llu", (unsigned long long)cl->rq->range_first,
                         (unsigned long long)(cl->rq->range_first + cl->rq->range_length - 1)));
        TRY(add_header(cl, line.ptr));
    }
    SET(cl->easy, CURLOPT_HTTPHEADER, cl->headers);
    return ERR_OK;
}

static enum err set_body(struct client *cl)
{
    const struct client_request *rq = cl->rq;
    if (rq->read) {
        SET(cl->easy, CURLOPT_UPLOAD, 1L);
        SET(cl->easy, CURLOPT_READFUNCTION, on_read);
        SET(cl->easy, CURLOPT_READDATA, cl);
        SET(cl->easy, CURLOPT_SEEKFUNCTION, on_seek);
        SET(cl->easy, CURLOPT_SEEKDATA, cl);
        SET(cl->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)rq->read_length);
    } else if (rq->body.ptr) {
        SET(cl->easy, CURLOPT_POST, 1L);
        SET(cl->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)rq->body.len);
        SET(cl->easy, CURLOPT_POSTFIELDS, rq->body.ptr);
    } else {
        SET(cl->easy, CURLOPT_HTTPGET, 1L);
    }
    /* Last: the options above choose a method of their own. */
    SET(cl->easy, CURLOPT_CUSTOMREQUEST, rq->method);
    return ERR_OK;
}

/* Forget the body options of the call before; connections and fixed options stay. */
static enum err reset_body(struct client *cl)
{
    SET(cl->easy, CURLOPT_UPLOAD, 0L);
    SET(cl->easy, CURLOPT_POSTFIELDS, NULL);
    SET(cl->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)-1);
    SET(cl->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)-1);
    return ERR_OK;
}

static enum err transport_err(CURLcode r)
{
    switch ((int)r) {
    case CURLE_OK: return ERR_OK;
    case CURLE_OUT_OF_MEMORY: return ERR_NOMEM;
    case CURLE_ABORTED_BY_CALLBACK: return ERR_CANCELLED;
    case CURLE_OPERATION_TIMEDOUT: return ERR_TIMEOUT;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_SSL_CONNECT_ERROR: return ERR_CLOSED;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR: return ERR_DENIED;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL: return ERR_INVALID;
    default: return ERR_PEER;
    }
}

static enum err transport_failed(struct ctx *c, struct client *cl, CURLcode r)
{
    const char *why = cl->curl_error[0] ? cl->curl_error : curl_easy_strerror(r);
    if (cl->callback != ERR_OK && cl->callback != ERR_PEER) return cl->callback;
    if (cl->callback == ERR_PEER) return fail(c, ERR_PEER, "the server sent another range than was asked for");
    if (cl->pin.refused && cl->pin.want[0])
        return refuse(c, ERR_DENIED, "certificate_changed",
                      "the server's certificate is not the one pinned for it");
    enum err e = cl->pin.refused ? ERR_DENIED : transport_err(r);
    if (e == ERR_DENIED) return refuse(c, e, "certificate_untrusted", "%s", why);
    return fail(c, e, "%s", why);
}

enum err client_status_err(int status)
{
    switch (status) {
    case 401: return ERR_UNAUTH;
    case 403: return ERR_DENIED;
    case 404: return ERR_NOT_FOUND;
    case 408: return ERR_TIMEOUT;
    case 409: return ERR_CONFLICT;
    case 410: return ERR_GONE;
    case 413: return ERR_TOO_LARGE;
    case 416: return ERR_CONFLICT;
    case 423: return ERR_LOCKED;
    case 429: return ERR_RATE;
    case 501: return ERR_UNSUPPORTED;
    case 502:
    case 503: return ERR_BUSY;
    case 504: return ERR_TIMEOUT;
    case 507: return ERR_NOSPACE;
    default: return status >= 500 ? ERR_INTERNAL : status >= 400 ? ERR_INVALID : ERR_PEER;
    }
}

bool client_worth_retry(enum err e)
{
    return e == ERR_CLOSED || e == ERR_TIMEOUT || e == ERR_BUSY || e == ERR_RATE;
}

/* What is wrong with which field says more than the sentence above it. */
static enum err name_fields(struct ctx *c, struct problem *p)
{
    const struct problem_field *f = p->errors.items;
    struct slice all = {0};
    for (size_t i = 0; i < p->errors.count; i++) {
        if (!f[i].field.len || !f[i].message.len) continue;
        TRY(arena_printf(&c->arena, &all, SLICE_FMT "%s" SLICE_FMT " " SLICE_FMT, SLICE_ARG(all), all.len ? "; " : "",
                         SLICE_ARG(f[i].field), SLICE_ARG(f[i].message)));
    }
    if (all.len) p->detail = all;
    return ERR_OK;
}

/* An answer of 300 or more: what it says goes into the ctx. */
static enum err answered_badly(struct ctx *c, struct client *cl, int status)
{
    struct problem p = {0};
    const char *code = NULL;
    enum err e = client_status_err(status);
    enum err parsed = cl->body.len ? json_decode(c, buf_view(&cl->body), &client_problem_table, JSON_LENIENT, &p)
                                   : ERR_INVALID;
    ctx_clear_error(c);
    if (parsed != ERR_OK) p = (struct problem){0};
    if (!p.detail.len) p.detail = p.title;
    TRY(name_fields(c, &p));
    if (p.code.len) TRY(arena_cstr(&c->arena, p.code, &code));
    if (p.detail.len)
        e = refuse(c, e, code, SLICE_FMT, SLICE_ARG(p.detail));
    else
        e = refuse(c, e, code, "the server answered %d (%s)", status, err_text(e));
    c->retry_after_s = cl->retry_after_s;
    return e;
}

static enum err prepare(struct ctx *c, struct client *cl)
{
    TRY(reset_body(cl));
    TRY(set_headers(c, cl));
    TRY(set_body(cl));
    SET(cl->easy, CURLOPT_URL, cl->rq->url);
    return ERR_OK;
}

enum err client_call(struct ctx *c, struct client *cl, const struct client_request *rq,
                     struct client_answer *ret)
{
    long status = 0;
    ret->status = 0;
    cl->rq = rq;
    cl->sent = 0;
    cl->callback = ERR_OK;
    cl->pin.refused = false;
    cl->curl_error[0] = '\0';
    buf_done(&cl->body);
    cl->body = BUF_INIT(rq->answer_max ? rq->answer_max : ANSWER_MAX);
    cl->body.sensitive = true; /* tokens and keys come in answers */
    enum err e = prepare(c, cl);
    if (e != ERR_OK) return fail(c, e, "cannot prepare %s %s", rq->method, rq->url);
    CURLcode r = curl_easy_perform(cl->easy);
    curl_easy_getinfo(cl->easy, CURLINFO_RESPONSE_CODE, &status);
    ret->status = (int)status;
    /* A server may answer (401, 413, …) and close before it has read the whole body: the answer counts. */
    bool answered = status >= 300 && (r == CURLE_OK || r == CURLE_SEND_ERROR || r == CURLE_RECV_ERROR);
    if (r != CURLE_OK && !answered) return transport_failed(c, cl, r);
    if (status < 200) return fail(c, ERR_PEER, "no final answer");
    if (status >= 300) return answered_badly(c, cl, (int)status);
    if (rq->ranged && status != 206) return fail(c, ERR_PEER, "the server does not serve ranges");
    buf_done(&ret->body);
    ret->body = cl->body;
    cl->body = (struct buf){0};
    return ERR_OK;
}
