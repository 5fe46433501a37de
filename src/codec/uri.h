/* uri: percent-encoding, query strings, and absolute http(s) URLs (RFC 3986), strictly. */
#ifndef SEALDROP_CODEC_URI_H
#define SEALDROP_CODEC_URI_H

#include "base/arena.h"
#include "base/buf.h"

/* Percent-decoded copy in the arena. ERR_INVALID on a malformed escape or an encoded NUL; '+' stays '+'. */
MUST_USE enum err uri_decode(struct arena *a, struct slice s, struct slice *ret);
/* Appends s with everything but unreserved characters (letters, digits, - . _ ~) escaped. */
MUST_USE enum err uri_encode(struct buf *out, struct slice s);

/* Cuts the next name=value from *rest, both still encoded; a pair without '=' has an empty value. False at the end. */
bool query_next(struct slice *rest, struct slice *ret_name, struct slice *ret_value);
/* The decoded value ('+' is a space) of one parameter, in the arena. ERR_NOT_FOUND when absent; ERR_INVALID when malformed
 * (this value, or any name before or after it) or given twice. */
MUST_USE enum err query_get(struct arena *a, struct slice query, const char *name,
                            struct slice *ret);

struct uri {
    struct slice scheme;   /* "http" or "https", static */
    struct slice host;     /* as written; IPv6 without its brackets */
    struct slice path;     /* still encoded, begins with '/'; "/" when the URL has none */
    struct slice query;    /* still encoded, without '?'; ptr NULL when absent */
    struct slice fragment; /* without '#'; ptr NULL when absent */
    unsigned port;         /* the scheme's own when not given */
    bool ipv6;
};

/* Slices point into s. ERR_INVALID for other schemes, user information, a host that is no name or address (also forms such as
 * "127.1" or "0x7f000001", which resolvers read differently), port 0, and characters that should have been escaped. */
MUST_USE enum err uri_parse(struct slice s, struct uri *ret);

#endif
