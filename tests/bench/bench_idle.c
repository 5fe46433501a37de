/* What an idle keep-alive TLS connection costs the server: opens N of them (default 10,000), one request each, and prints the
 * server's resident memory a connection. The server runs in a child process, so that only its memory is counted.
 *   bench_idle CERT KEY [N]        needs `ulimit -n` above N */
#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/http.h"
#include "net/tls.h"

static void plan(void *arg, struct http_request *req, struct http_plan *ret)
{
    (void)arg;
    (void)req;
    *ret = (struct http_plan){HTTP_PLAN_CALL, 0};
}

static void call(void *arg, struct http_request *req, struct http_response *resp)
{
    (void)arg;
    if (http_response_memory(req->ctx, resp, 200, "text/plain", SLICE("ok")) != ERR_OK) resp->status = 500;
}

/* The child: tells its port, serves until it is told to end. */
static int serve(const char *cert, const char *key, int to_parent)
{
    static const char *const listens[] = {"127.0.0.1:0"};
    struct http_app app = {.plan = plan, .call = call};
    struct http_server *server = NULL;
    struct tls *tls = NULL;
    struct ctx c;
    ctx_init(&c, 65536);
    enum err e = tls_open(&c, cert, key, TLS_MIN_1_2, NULL, &tls);
    struct http_config cfg = {.listen = listens, .listen_count = 1, .tls = tls, .idle_ms = 3600000};
    if (e == ERR_OK) e = http_server_open(&c, &cfg, &app, &server);
    if (e != ERR_OK) {
        fprintf(stderr, "%s\n", c.err_detail);
        return 1;
    }
    unsigned port = http_server_port(server, 0);
    if (write(to_parent, &port, sizeof port) != sizeof port) return 1;
    for (;;) pause();
}

static long resident_kib(pid_t pid)
{
    char path[64], line[256];
    long kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f)) {
        if (strncmp(line, "VmRSS:", 6) != 0) continue;
        for (const char *p = line + 6; *p; p++)
            if (*p >= '0' && *p <= '9') kib = kib * 10 + (*p - '0');
    }
    if (f) fclose(f);
    return kib;
}

static SSL *connect_one(SSL_CTX *ctx, unsigned port)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    char answer[1000];
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    SSL *ssl = SSL_new(ctx);
    bool ok = fd >= 0 && ssl && connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
    ok = ok && SSL_set_fd(ssl, fd) == 1 && SSL_connect(ssl) == 1;
    ok = ok && SSL_write(ssl, text, sizeof text - 1) > 0 && SSL_read(ssl, answer, sizeof answer) > 0;
    return ok ? ssl : NULL;
}

int main(int argc, char **argv)
{
    unsigned port = 0, n = 10000;
    int pair[2];
    if (argc < 3 || pipe(pair) != 0) return 2;
    if (argc > 3) {
        uint64_t v = 0;
        if (slice_u64(slice_cstr(argv[3]), 1000000, &v) != ERR_OK || v <= 100) return 2;
        n = (unsigned)v;
    }
    pid_t child = fork();
    if (child == 0) return serve(argv[1], argv[2], pair[1]);
    if (read(pair[0], &port, sizeof port) != sizeof port) return 1;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    long before = 0;
    int result = 0;
    for (unsigned i = 0; i < n && result == 0; i++) {
        if (i == 100) before = resident_kib(child); /* warm: pools and libraries are not a connection's */
        if (!connect_one(ctx, port)) {
            fprintf(stderr, "connection %u failed\n", i);
            result = 1;
        }
    }
    long after = resident_kib(child);
    printf("%u connections: %.1f KiB each, %.0f MiB in all\n", n, (double)(after - before) / (n - 100),
           (double)after / 1024);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return result;
}
