/* sealdropd serve: everything started in order, then signals, then stopped in reverse. */
#include "api/api.h"
#include "base/intmath.h"
#include "base/limits.h"
#include "base/log.h"
#include "cmd/server/commands.h"
#include "cmd/server/wiring.h"
#include "codec/base64.h"
#include "core/user/user.h"
#include "crypto/cert.h"
#include "jobs/jobs.h"
#include "net/smtp.h"
#include "net/tls.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/proc.h"

#define LISTEN_MAX 16
#define PROXIES_MAX 64

struct serve {
    struct config cfg;
    struct wiring w;
    const char *cert_path, *key_path;
    struct tls *tls;
    struct api *api;
    struct http_server *http;
    struct job_runner *jobs;
    const char *listen[LISTEN_MAX];
    size_t listen_count;
    struct address_net proxies[PROXIES_MAX];
    size_t proxy_count;
    struct slice setup_token;
};

static enum err setup_log(struct ctx *c, const struct config *cfg)
{
    static const char *const levels[] = {"debug", "info", "warn", "error", "off"};
    enum log_level level = LOG_INFO;
    (void)c;
    for (size_t i = 0; i < ARRAY_LEN(levels); i++)
        if (slice_eq(cfg->log_level, slice_cstr(levels[i]))) level = (enum log_level)i;
    log_setup(level, slice_eq(cfg->log_format, SLICE("json")) ? LOG_JSON : LOG_LOGFMT, proc_log_write, clock_wall_ms);
    return ERR_OK;
}

/* A certificate of its own for the first start, so that nothing ever travels in clear. */
static enum err make_certificate(struct ctx *c, struct serve *s)
{
    CLEANUP(buf_done) struct buf cert = BUF_INIT(16 * KIB);
    CLEANUP(buf_done) struct buf key = {.max = 16 * KIB, .sensitive = true};
    char host[256], fingerprint[65];
    struct stat st;
    const char *dir = NULL;
    if (s->cfg.tls_cert.len || sys()->stat(s->cert_path, &st) == 0) return ERR_OK;
    proc_hostname(host);
    struct slice names[] = {SLICE("localhost"), SLICE("127.0.0.1"), SLICE("::1"), slice_cstr(host)};
    size_t n = strcmp(host, "localhost") == 0 ? 3 : 4;
    TRY(path_of(c, &s->cfg, SLICE(""), "tls", &dir));
    TRY(dir_make(dir));
    TRY(cert_self_signed(names, n, clock_wall_ms(), &cert, &key));
    TRY(file_replace(s->key_path, buf_view(&key), 0600));
    TRY(file_replace(s->cert_path, buf_view(&cert), 0644));
    TRY(cert_fingerprint(buf_view(&cert), fingerprint));
    log_info("certificate_made", LOG_TEXT("path", slice_cstr(s->cert_path)), LOG_TEXT("sha256", slice_cstr(fingerprint)));
    return ERR_OK;
}

static enum err load_tls(struct ctx *c, struct serve *s, struct tls **ret)
{
    enum tls_min min = slice_eq(s->cfg.tls_min, SLICE("1.3")) ? TLS_MIN_1_3 : TLS_MIN_1_2;
    return tls_open(c, s->cert_path, s->key_path, min, s->tls, ret);
}

static enum err open_tls(struct ctx *c, struct serve *s)
{
    TRY(path_of(c, &s->cfg, s->cfg.tls_cert, "tls/cert.pem", &s->cert_path));
    TRY(path_of(c, &s->cfg, s->cfg.tls_key, "tls/key.pem", &s->key_path));
    TRY(make_certificate(c, s));
    return load_tls(c, s, &s->tls);
}

/* A server without accounts: whoever can read its data directory or its log may make the first one. */
static enum err make_setup_token(struct ctx *c, struct serve *s)
{
    CLEANUP(buf_done) struct buf text = {.max = 64, .sensitive = true};
    uint8_t raw[24];
    uint64_t users = 0;
    const char *path = NULL;
    TRY(path_of(c, &s->cfg, SLICE(""), "setup-token", &path));
    TRY(user_count(c, s->w.app, &users));
    if (users) {
        enum err e = file_remove(path);
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    TRY(os_random(raw, sizeof raw));
    TRY(base64url_encode(&text, slice_of(raw, sizeof raw)));
    TRY(file_replace(path, buf_view(&text), 0600));
    TRY(arena_slice(&c->arena, buf_view(&text), &s->setup_token));
    log_warn("setup_wanted", LOG_TEXT("setup_token", s->setup_token), LOG_TEXT("file", slice_cstr(path)),
             LOG_TEXT("hint", SLICE("make the first account: sealdropd admin create EMAIL --role admin "
                                    "--password-stdin, or POST /api/v1/setup")));
    return ERR_OK;
}

static enum err split_listen(struct ctx *c, struct serve *s)
{
    struct slice rest = s->cfg.listen;
    while (rest.len) {
        struct slice one = slice_trim(slice_cut(&rest, ','));
        if (s->listen_count == LISTEN_MAX) return refuse(c, ERR_INVALID, "config", "server.listen has more than 16 addresses.");
        TRY(arena_cstr(&c->arena, one, &s->listen[s->listen_count++]));
    }
    if (s->listen_count) return ERR_OK;
    return refuse(c, ERR_INVALID, "config", "server.listen is empty.");
}

static enum err split_proxies(struct ctx *c, struct serve *s)
{
    struct slice rest = s->cfg.trusted_proxies;
    while (rest.len) {
        struct slice one = slice_trim(slice_cut(&rest, ','));
        if (s->proxy_count == PROXIES_MAX) return refuse(c, ERR_INVALID, "config", "server.trusted_proxies has more than 64 entries.");
        if (address_net_parse(one, &s->proxies[s->proxy_count++]) != ERR_OK)
            return refuse(c, ERR_INVALID, "config", "server.trusted_proxies: \"" SLICE_FMT "\" is no address or network like 10.0.0.0/8.",
                          SLICE_ARG(one));
    }
    return ERR_OK;
}

static enum err open_http(struct ctx *c, struct serve *s)
{
    struct api_config api = {s->setup_token, s->cfg.metrics_token};
    const struct config *cfg = &s->cfg;
    TRY(split_listen(c, s));
    TRY(split_proxies(c, s));
    TRY(api_new(c, s->w.app, &api, &s->api));
    struct http_app app = api_http_app(s->api);
    struct http_config http = {.listen = s->listen,
                               .listen_count = s->listen_count,
                               .tls = s->tls,
                               .io_threads = (unsigned)cfg->io_threads,
                               .workers = (unsigned)cfg->workers,
                               .connections_max = (unsigned)cfg->connections_max,
                               .head_ms = (int64_t)cfg->head_timeout_s * 1000,
                               .idle_ms = (int64_t)cfg->idle_timeout_s * 1000,
                               .stall_ms = (int64_t)cfg->stall_timeout_s * 1000,
                               .body_rate_min = cfg->body_rate_min,
                               .proxies = s->proxies,
                               .proxy_count = s->proxy_count};
    TRY(http_server_open(c, &http, &app, &s->http));
    api_set_server(s->api, s->http);
    return ERR_OK;
}

static void warn_root_key(struct ctx *c, const struct serve *s)
{
    const char *path = "";
    if (!s->w.made_root_key) return;
    if (path_of(c, &s->cfg, s->cfg.key_file, "root.key", &path) != ERR_OK) return;
    fprintf(stderr,
            "\n"
            "  ****************************************************************************\n"
            "  A new root key was made: %s\n"
            "  Without it nobody, you included, can ever open the files on this server.\n"
            "  BACK IT UP NOW, and keep the copy apart from backups of the data.\n"
            "  ****************************************************************************\n\n",
            path);
}

static enum err start(struct ctx *c, struct serve *s)
{
    TRY(wiring_open(c, &s->cfg, WITH_STORAGE, &s->w));
    warn_root_key(c, s);
    TRY(open_tls(c, s));
    TRY(make_setup_token(c, s));
    TRY(job_runner_start(c, s->w.app, (unsigned)s->cfg.job_workers, &s->jobs));
    TRY(open_http(c, s));
    for (size_t i = 0; i < s->listen_count; i++)
        log_info("listening", LOG_TEXT("address", slice_cstr(s->listen[i])), LOG_NUM("port", http_server_port(s->http, i)));
    log_info("ready", LOG_TEXT("url", s->w.public_url), LOG_TEXT("version", SLICE(SEALDROP_VERSION)));
    return ERR_OK;
}

/* What does not load leaves the old in force. */
static void reload_certificate(struct serve *s)
{
    CLEANUP(ctx_done) struct ctx c;
    struct tls *fresh = NULL;
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    enum err e = load_tls(&c, s, &fresh);
    if (e != ERR_OK) {
        log_error("certificate_not_reloaded", LOG_TEXT("error", slice_cstr(err_name(e))),
                  LOG_TEXT("detail", slice_cstr(c.err_detail)));
        return;
    }
    http_server_set_tls(s->http, fresh);
    tls_unref(s->tls);
    s->tls = fresh;
    log_info("certificate_reloaded", LOG_TEXT("path", slice_cstr(s->cert_path)));
}

static void reload_geoip(struct serve *s)
{
    CLEANUP(ctx_done) struct ctx c;
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    if (!s->w.geoip) return;
    if (geoip_reload(&c, s->w.geoip) == ERR_OK)
        log_info("geoip_reloaded", LOG_TEXT("path", s->cfg.geoip_file));
    else
        log_error("geoip_not_reloaded", LOG_TEXT("detail", slice_cstr(c.err_detail)));
}

static void stop(struct serve *s)
{
    if (s->http) {
        log_info("stopping", LOG_NUM("seconds_at_most", (int64_t)s->cfg.stop_timeout_s));
        api_set_stopping(s->api);
        http_server_stop(s->http, (int64_t)s->cfg.stop_timeout_s * 1000);
    }
    http_server_close(s->http);
    job_runner_stop(s->jobs);
    api_free(s->api);
    tls_unref(s->tls);
    wiring_close(&s->w);
}

enum err command_serve(struct ctx *c, struct args *a)
{
    struct serve s = {.tls = NULL};
    TRY(args_config(c, a, &s.cfg));
    TRY(args_end(c, a));
    TRY(setup_log(c, &s.cfg));
    proc_raise_files();
    proc_block_signals();
    TRY(smtp_setup());
    enum err e = start(c, &s);
    while (e == ERR_OK && proc_wait_signal() == PROC_RELOAD) {
        reload_certificate(&s);
        reload_geoip(&s);
    }
    stop(&s);
    smtp_teardown();
    return e;
}
