/* A bare server on the HTTP engine for side-by-side measurements (see bench_http.sh): small answers, downloads of
 * pattern bytes from a source, uploads that are dropped. Prints its own CPU time when it ends (Enter, or end of input).
 *   bench_http PORT [CERT KEY]      /call  /inline  /source/BYTES  PUT /sink */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/mem.h"
#include "net/http.h"
#include "net/tls.h"

static void plan(void *arg, struct http_request *req, struct http_plan *ret)
{
    (void)arg;
    *ret = (struct http_plan){HTTP_PLAN_CALL, 65536};
    if (slice_eq(req->path, SLICE("/inline"))) ret->kind = HTTP_PLAN_INLINE;
    if (req->method == HTTP_PUT) *ret = (struct http_plan){HTTP_PLAN_STREAM, UINT64_MAX};
}

struct source {
    struct http_source base;
    uint64_t left;
};

static char pattern[1 << 20];

static enum err source_read(struct http_source *base, struct ctx *c, void *p, size_t cap, size_t *ret_n)
{
    struct source *s = (struct source *)base;
    (void)c;
    size_t n = cap < s->left ? cap : (size_t)s->left;
    if (n > sizeof pattern) n = sizeof pattern;
    memcpy(p, pattern, n);
    s->left -= n;
    *ret_n = n;
    return ERR_OK;
}

static void source_close(struct http_source *base, struct ctx *c, bool complete, uint64_t sent_bytes)
{
    (void)c;
    (void)sent_bytes;
    (void)complete;
    (void)sent_bytes;
    mem_free(base);
}

static const struct http_source_ops source_ops = {.read = source_read, .close = source_close};

static void call(void *arg, struct http_request *req, struct http_response *resp)
{
    (void)arg;
    uint64_t n = 0;
    struct slice prefix = SLICE("/source/");
    enum err e = ERR_OK;
    if (slice_starts(req->path, prefix) &&
        slice_u64(slice_sub(req->path, prefix.len, req->path.len), UINT64_MAX / 2, &n) == ERR_OK) {
        struct source *s = MEM_NEW(struct source);
        if (s) {
            *s = (struct source){{&source_ops}, n};
            e = http_response_source(req->ctx, resp, 200, "application/octet-stream", &s->base, n);
        }
    } else {
        e = http_response_memory(req->ctx, resp, 200, "application/json", SLICE("{\"ok\":true}"));
    }
    if (e != ERR_OK) resp->status = 500;
}

struct sink {
    struct http_sink base;
};

static enum err sink_write(struct http_sink *s, struct ctx *c, const void *p, size_t n)
{
    (void)s;
    (void)c;
    (void)p;
    (void)n;
    return ERR_OK;
}

static void sink_finish(struct http_sink *s, struct ctx *c, enum err failed, struct http_response *resp)
{
    (void)s;
    if (http_response_memory(c, resp, failed ? 500 : 200, "text/plain", SLICE("ok\n")) != ERR_OK)
        resp->status = 500;
}

static void sink_abort(struct http_sink *s, struct ctx *c)
{
    (void)s;
    (void)c;
}

static const struct http_sink_ops sink_ops = {sink_write, sink_finish, sink_abort};

static void open_sink(void *arg, struct http_request *req, struct http_sink **ret, struct http_response *resp)
{
    static struct sink sink = {{&sink_ops}};
    (void)arg;
    (void)req;
    (void)resp;
    *ret = &sink.base;
}

int main(int argc, char **argv)
{
    char listen[32];
    const char *listens[] = {listen};
    struct ctx c;
    struct tls *tls = NULL;
    struct http_server *server = NULL;
    struct http_app app = {NULL, plan, call, open_sink, NULL, NULL};
    struct rusage used;
    if (argc < 2) return 2;
    ctx_init(&c, 65536);
    memset(pattern, 'z', sizeof pattern);
    snprintf(listen, sizeof listen, ":%s", argv[1]);
    struct http_config cfg = {.listen = listens, .listen_count = 1};
    enum err e = argc > 3 ? tls_open(&c, argv[2], argv[3], TLS_MIN_1_2, NULL, &tls) : ERR_OK;
    cfg.tls = tls;
    if (e == ERR_OK) e = http_server_open(&c, &cfg, &app, &server);
    if (e != ERR_OK) {
        fprintf(stderr, "%s: %s\n", err_name(e), c.err_detail);
        return 1;
    }
    getchar();
    http_server_close(server);
    tls_unref(tls);
    ctx_done(&c);
    getrusage(RUSAGE_SELF, &used);
    printf("cpu %.3f s, peak %ld KiB\n",
           (double)used.ru_utime.tv_sec + (double)used.ru_stime.tv_sec +
               (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6,
           used.ru_maxrss);
    return 0;
}
