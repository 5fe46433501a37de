/* Absolute http and https URLs, taken apart strictly: what two readers could understand differently is refused. */
#include <arpa/inet.h>

#include "base/intmath.h"
#include "codec/hex.h"
#include "codec/uri.h"

static bool is_alnum(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* pchar, '/' and '?' of RFC 3986, with whole escapes. */
static bool well_escaped(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (is_alnum(c) || (c && strchr("-._~!$&'()*+,;=:@/?", c))) continue;
        if (c != '%' || i + 2 >= s.len || hex_value(s.ptr[i + 1]) < 0 ||
            hex_value(s.ptr[i + 2]) < 0)
            return false;
        i += 2;
    }
    return true;
}

static bool is_address(struct slice host, int family)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr ignored;
    if (host.len >= sizeof text || slice_find(host, 0) < host.len) return false;
    memcpy(text, host.ptr, host.len);
    text[host.len] = '\0';
    return inet_pton(family, text, &ignored) == 1;
}

/* inet_aton() takes a last label like this for an address, in any of its odd forms. */
static bool looks_numeric(struct slice label)
{
    bool hex = slice_starts(label, SLICE("0x")) || slice_starts(label, SLICE("0X"));
    for (size_t i = hex ? 2 : 0; i < label.len; i++) {
        char c = label.ptr[i];
        if (hex ? hex_value(c) < 0 : c < '0' || c > '9') return false;
    }
    return true;
}

static bool valid_name(struct slice host)
{
    struct slice rest = host, label = {0};
    if (host.len == 0 || host.len > 253 || host.ptr[host.len - 1] == '.') return false;
    while (rest.len) {
        label = slice_cut(&rest, '.');
        if (label.len == 0 || label.len > 63 || label.ptr[0] == '-' ||
            label.ptr[label.len - 1] == '-')
            return false;
        for (size_t i = 0; i < label.len; i++)
            if (!is_alnum(label.ptr[i]) && label.ptr[i] != '-' && label.ptr[i] != '_') return false;
    }
    return !looks_numeric(label) || is_address(host, AF_INET);
}

static enum err parse_authority(struct slice s, struct uri *u)
{
    size_t end = slice_find(s, ':');
    u->ipv6 = s.len && s.ptr[0] == '[';
    if (u->ipv6) {
        size_t close = slice_find(s, ']');
        u->host = slice_sub(s, 1, close);
        if (close == s.len || !is_address(u->host, AF_INET6)) return ERR_INVALID;
        end = close + 1;
    } else {
        u->host = slice_sub(s, 0, end);
        if (!valid_name(u->host)) return ERR_INVALID;
    }
    if (end == s.len) return ERR_OK;
    uint64_t port = 0;
    if (s.ptr[end] != ':' || slice_u64(slice_sub(s, end + 1, s.len), 65535, &port) != ERR_OK ||
        port == 0)
        return ERR_INVALID;
    u->port = (unsigned)port;
    return ERR_OK;
}

static enum err parse_scheme(struct slice *s, struct uri *u)
{
    static const struct {
        struct slice name;
        unsigned port;
    } schemes[] = {{{"https", 5}, 443}, {{"http", 4}, 80}};
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        size_t n = schemes[i].name.len;
        if (!slice_eq_nocase(slice_sub(*s, 0, n), schemes[i].name) ||
            !slice_eq(slice_sub(*s, n, n + 3), SLICE("://")))
            continue;
        u->scheme = schemes[i].name;
        u->port = schemes[i].port;
        *s = slice_sub(*s, n + 3, s->len);
        return ERR_OK;
    }
    return ERR_INVALID;
}

/* Takes what follows the first `mark` off the end of s; ptr NULL when there is none. */
static struct slice split_off(struct slice *s, char mark)
{
    size_t at = slice_find(*s, mark);
    struct slice tail = {NULL, 0};
    if (at < s->len) tail = slice_sub(*s, at + 1, s->len);
    *s = slice_sub(*s, 0, at);
    return tail;
}

enum err uri_parse(struct slice s, struct uri *ret)
{
    struct uri u = {0};
    TRY(parse_scheme(&s, &u));
    u.fragment = split_off(&s, '#');
    u.query = split_off(&s, '?');
    size_t slash = slice_find(s, '/');
    TRY(parse_authority(slice_sub(s, 0, slash), &u));
    u.path = slash < s.len ? slice_sub(s, slash, s.len) : SLICE("/");
    if (!well_escaped(u.path) || !well_escaped(u.query) || !well_escaped(u.fragment))
        return ERR_INVALID;
    *ret = u;
    return ERR_OK;
}
