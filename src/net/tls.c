/* The server's TLS settings and certificate, shared by connections and swapped as a whole. */
#include "net/tls_impl.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"

#define TICKET_KEY_BYTES 80

struct tls {
    SSL_CTX *ctx;
    atomic_uint refs;
};

struct tls *tls_ref(struct tls *t)
{
    if (t) atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void tls_unref(struct tls *t)
{
    if (!t || atomic_fetch_sub(&t->refs, 1) != 1) return;
    SSL_CTX_free(t->ctx);
    mem_free(t);
}

SSL *tls_session(struct tls *t)
{
    ERR_clear_error();
    return SSL_new(t->ctx);
}

/* Records why OpenSSL refused, in its own words. */
static enum err tls_fail(struct ctx *c, enum err e, const char *what, const char *path)
{
    char reason[160] = "";
    unsigned long code = ERR_peek_last_error();
    if (code) ERR_error_string_n(code, reason, sizeof reason);
    ERR_clear_error();
    return fail(c, e, "%s %s: %s", what, path, reason);
}

/* RFC 7301: our preference; a client that offers only what we do not speak is told so. */
static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                       const unsigned char *in, unsigned in_len, void *arg)
{
    static const unsigned char ours[] = "\x02h2\x08http/1.1";
    unsigned char *chosen = NULL;
    (void)ssl;
    (void)arg;
    if (SSL_select_next_proto(&chosen, out_len, ours, sizeof ours - 1, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static enum err configure(struct ctx *c, SSL_CTX *ctx, enum tls_min min)
{
    static const unsigned char session_context[] = "sealdrop";
    char groups[] = "X25519:P-256:P-384"; /* OpenSSL's macro wants it writable */
    int version = min == TLS_MIN_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
    bool ok = SSL_CTX_set_min_proto_version(ctx, version) == 1;
    /* Forward secrecy and authenticated encryption only. */
    ok = ok && SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20:!PSK") == 1;
    ok = ok && SSL_CTX_set_ciphersuites(ctx, "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:"
                                             "TLS_AES_128_GCM_SHA256") == 1;
    ok = ok && SSL_CTX_set1_groups_list(ctx, groups) == 1;
    ok = ok && SSL_CTX_set_session_id_context(ctx, session_context, sizeof session_context - 1) == 1;
    if (!ok) return tls_fail(c, ERR_CRYPTO, "configure", "TLS");
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                 SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(ctx, 0);
    /* Sessions live in tickets the client keeps: no table that grows here. */
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, NULL);
    return ERR_OK;
}

static enum err load(struct ctx *c, SSL_CTX *ctx, const char *cert_path, const char *key_path)
{
    if (SSL_CTX_use_certificate_chain_file(ctx, cert_path) != 1)
        return tls_fail(c, ERR_INVALID, "no usable certificate in", cert_path);
    if (SSL_CTX_use_PrivateKey_file(ctx, key_path, SSL_FILETYPE_PEM) != 1)
        return tls_fail(c, ERR_INVALID, "no usable private key, or not the certificate's, in", key_path);
    if (SSL_CTX_check_private_key(ctx) != 1)
        return tls_fail(c, ERR_INVALID, "not the certificate's private key:", key_path);
    return ERR_OK;
}

/* So that clients resume their sessions across a change of certificate. */
static enum err keep_tickets(struct ctx *c, SSL_CTX *from, SSL_CTX *to)
{
    unsigned char keys[TICKET_KEY_BYTES];
    bool ok = SSL_CTX_get_tlsext_ticket_keys(from, keys, sizeof keys) == 1 &&
              SSL_CTX_set_tlsext_ticket_keys(to, keys, sizeof keys) == 1;
    mem_wipe(keys, sizeof keys);
    return ok ? ERR_OK : tls_fail(c, ERR_CRYPTO, "keep the keys of", "session tickets");
}

static void tls_cleanup(struct tls **t) { tls_unref(*t); }

enum err tls_open(struct ctx *c, const char *cert_path, const char *key_path, enum tls_min min,
                  struct tls *previous, struct tls **ret)
{
    CLEANUP(tls_cleanup) struct tls *t = MEM_NEW(struct tls);
    if (!t) return ERR_NOMEM;
    t->refs = 1;
    ERR_clear_error();
    t->ctx = SSL_CTX_new(TLS_server_method());
    if (!t->ctx) return tls_fail(c, ERR_NOMEM, "create", "TLS");
    TRY(configure(c, t->ctx, min));
    TRY(load(c, t->ctx, cert_path, key_path));
    if (previous) TRY(keep_tickets(c, previous->ctx, t->ctx));
    *ret = TAKE(t);
    return ERR_OK;
}
