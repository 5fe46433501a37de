/* Judging a server certificate inside the handshake. Responsible for pins and fingerprints; host names are libcurl's task. */
#include "net/tls_pin.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

static const char hex_digits[] = "0123456789abcdef";

static bool fingerprint(X509 *leaf, char ret[TLS_PIN_HEX + 1])
{
    unsigned char md[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (!leaf || X509_digest(leaf, EVP_sha256(), md, &n) != 1 || n * 2 != TLS_PIN_HEX) return false;
    for (unsigned i = 0; i < n; i++) {
        ret[2 * i] = hex_digits[md[i] >> 4];
        ret[2 * i + 1] = hex_digits[md[i] & 15];
    }
    ret[TLS_PIN_HEX] = '\0';
    return true;
}

/* Returns 1 to go on with the handshake, 0 to end it. */
static int judge(X509_STORE_CTX *store, void *arg)
{
    struct tls_pin *pin = arg;
    pin->refused = true;
    pin->seen[0] = '\0';
    if (!fingerprint(X509_STORE_CTX_get0_cert(store), pin->seen)) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_UNSPECIFIED);
        return 0;
    }
    bool good = pin->want[0] ? strcmp(pin->want, pin->seen) == 0 : X509_verify_cert(store) == 1;
    if (pin->want[0]) X509_STORE_CTX_set_error(store, good ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
    pin->refused = !good;
    return good;
}

void tls_pin_install(void *ssl_ctx, struct tls_pin *pin)
{
    SSL_CTX *ctx = ssl_ctx;
    /* libcurl asks for no verification when a pin replaces the store; here it is on in every case. */
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, judge, pin);
}

enum err tls_pin_parse(const char *text, char ret[TLS_PIN_HEX + 1])
{
    char out[TLS_PIN_HEX + 1] = "";
    size_t n = 0;
    for (const char *p = text; *p; p++) {
        bool between = n > 0 && n % 2 == 0 && p[-1] != ':';
        if (*p == ':' && between) continue;
        char lower = *p >= 'A' && *p <= 'F' ? (char)(*p - 'A' + 'a') : *p;
        if (n == TLS_PIN_HEX || !strchr(hex_digits, lower)) return ERR_INVALID;
        out[n++] = lower;
    }
    if (n != TLS_PIN_HEX) return ERR_INVALID;
    memcpy(ret, out, sizeof out);
    return ERR_OK;
}
