/* http1_parse: the HTTP/1 wire format (RFC 9112) as pure functions over bytes: no sockets, no allocation, fuzzed.
 *
 * Strict on purpose: two parsers that disagree about where a request ends are how requests are smuggled. Lines end in CRLF,
 * nothing is folded, nothing is guessed; what is not exactly allowed is refused with the status the client is told. */
#ifndef SEALDROP_NET_HTTP1_PARSE_H
#define SEALDROP_NET_HTTP1_PARSE_H

#include "base/limits.h"
#include "net/http.h"

/* Where the head ends. Feed it the whole buffer again each time more has arrived; it goes on where it stopped. */
struct http1_scan {
    size_t pos;        /* bytes looked at */
    size_t line_start; /* of the line being looked at */
    size_t skipped;    /* leading empty lines, not part of the head (RFC 9112 2.2) */
};
enum http1_found { HTTP1_MORE, HTTP1_HEAD, HTTP1_BAD };
/* HTTP1_HEAD: the head is p[scan->skipped, *ret_end), its empty line included. HTTP1_BAD: a line does not end in CRLF. */
enum http1_found http1_scan_head(struct http1_scan *scan, const char *p, size_t n, size_t *ret_end);

struct http1_head {
    enum http_method method;
    int minor; /* HTTP/1.minor: 0 or 1 */
    struct slice path, query, authority;
    struct http_header headers[LIMIT_HTTP_HEADERS];
    size_t header_count;
    bool keep_alive, expect_continue, chunked, has_length;
    uint64_t content_length;
};
struct http_refusal {
    int status;         /* 400, 414, 417, 431, 501 or 505 */
    const char *detail; /* a sentence for the client */
};
/* Parses a whole head as found by http1_scan_head. Header names are lowered in place; every slice of *ret points into `p`.
 * False: *why says how to refuse it; the connection cannot be used further. */
MUST_USE bool http1_parse_head(char *p, size_t n, struct http1_head *ret, struct http_refusal *why);

/* Request targets, shared with HTTP/2: splits "/path?query"; false when a byte may not be there. */
MUST_USE bool http_target_split(struct slice target, struct slice *ret_path, struct slice *ret_query);
MUST_USE bool http_authority_valid(struct slice s);
MUST_USE bool http_method_parse(struct slice s, enum http_method *ret);

/* The chunked transfer coding (RFC 9112 7.1). Zero-initialised. Trailers are read and dropped. */
struct http1_chunked {
    int state;
    unsigned digits;
    uint64_t left; /* data bytes still to come of this chunk: may be read past the decoder when it says data */
    size_t line;   /* bytes of the present line or, for trailers, of all of them */
};
/* Looks at p[0..n): *ret_used bytes are done with; of them the last *ret_data are body. Returns after each run of data.
 * ERR_INVALID: not the chunked coding. */
MUST_USE enum err http1_chunked_feed(struct http1_chunked *c, const char *p, size_t n, size_t *ret_used,
                                     struct slice *ret_data);
/* True when the next byte is body data: at most c->left bytes may be taken directly with http1_chunked_took(). */
bool http1_chunked_in_data(const struct http1_chunked *c);
void http1_chunked_took(struct http1_chunked *c, size_t n);
bool http1_chunked_ended(const struct http1_chunked *c);

#endif
