/* Sending mail over libcurl: one easy handle a message. Responsible for transport and trust; what a message says and when it is
 * tried again belong to others. */
#include "net/smtp.h"

#include <curl/curl.h>

#include "base/intmath.h"

#define TIMEOUT_MS 60000
#define CONNECT_MS 15000L

enum err smtp_setup(void) { return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? ERR_OK : ERR_INTERNAL; }
void smtp_teardown(void) { curl_global_cleanup(); }

struct sending {
    CURL *easy;
    struct curl_slist *to;
    struct slice left; /* of the message */
    char why[CURL_ERROR_SIZE];
};

static void sending_done(struct sending *s)
{
    curl_slist_free_all(s->to);
    curl_easy_cleanup(s->easy);
}

static size_t on_read(char *p, size_t one, size_t n, void *arg)
{
    struct sending *s = arg;
    n = MIN(n * one, s->left.len);
    if (n) memcpy(p, s->left.ptr, n);
    s->left = slice_sub(s->left, n, s->left.len);
    return n;
}

static enum err code_err(CURLcode r) { return r == CURLE_OK ? ERR_OK : ERR_INTERNAL; }
#define SET(s, option, value) TRY(code_err(curl_easy_setopt((s)->easy, (option), (value))))

static enum err set_server(struct sending *s, const struct smtp_config *cfg)
{
    SET(s, CURLOPT_URL, cfg->url);
    SET(s, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    SET(s, CURLOPT_NOSIGNAL, 1L);
    SET(s, CURLOPT_ERRORBUFFER, s->why);
    SET(s, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    SET(s, CURLOPT_TIMEOUT_MS, (long)(cfg->timeout_ms ? cfg->timeout_ms : TIMEOUT_MS));
    SET(s, CURLOPT_USE_SSL, cfg->starttls ? (long)CURLUSESSL_ALL : (long)CURLUSESSL_NONE);
    SET(s, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    if (cfg->ca_file) SET(s, CURLOPT_CAINFO, cfg->ca_file);
    if (cfg->ca_file) SET(s, CURLOPT_CAPATH, NULL);
    if (cfg->user) SET(s, CURLOPT_USERNAME, cfg->user);
    if (cfg->user) SET(s, CURLOPT_PASSWORD, cfg->password ? cfg->password : "");
    return ERR_OK;
}

static enum err set_message(struct sending *s, const char *from, const char *to)
{
    s->to = curl_slist_append(NULL, to);
    if (!s->to) return ERR_NOMEM;
    SET(s, CURLOPT_MAIL_FROM, from);
    SET(s, CURLOPT_MAIL_RCPT, s->to);
    SET(s, CURLOPT_UPLOAD, 1L);
    SET(s, CURLOPT_READFUNCTION, on_read);
    SET(s, CURLOPT_READDATA, s);
    SET(s, CURLOPT_INFILESIZE_LARGE, (curl_off_t)s->left.len);
    return ERR_OK;
}

static enum err result_err(CURLcode r)
{
    switch ((int)r) {
    case CURLE_OK: return ERR_OK;
    case CURLE_OUT_OF_MEMORY: return ERR_NOMEM;
    case CURLE_OPERATION_TIMEDOUT: return ERR_TIMEOUT;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_GOT_NOTHING:
    case CURLE_SSL_CONNECT_ERROR: return ERR_CLOSED;
    case CURLE_LOGIN_DENIED:
    case CURLE_USE_SSL_FAILED:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_PEER_FAILED_VERIFICATION: return ERR_DENIED;
    default: return ERR_PEER;
    }
}

enum err smtp_send(struct ctx *c, const struct smtp_config *cfg, const char *from, const char *to, struct slice message)
{
    CLEANUP(sending_done) struct sending s = {.left = message};
    bool tls = cfg->starttls || slice_starts(slice_cstr(cfg->url), SLICE("smtps://"));
    if (cfg->user && !tls) return fail(c, ERR_DENIED, "a mail password is sent only over TLS");
    s.easy = curl_easy_init();
    if (!s.easy) return fail(c, ERR_NOMEM, "curl_easy_init");
    enum err e = set_server(&s, cfg);
    if (e == ERR_OK) e = set_message(&s, from, to);
    if (e != ERR_OK) return fail(c, e, "libcurl refused an option for mail");
    CURLcode r = curl_easy_perform(s.easy);
    if (r == CURLE_OK) return ERR_OK;
    return fail(c, result_err(r), "mail server: %s", s.why[0] ? s.why : curl_easy_strerror(r));
}
