/* static: constant assets compiled into the program, served pre-compressed (br, gzip), with ETag, 304 and HEAD. */
#ifndef SEALDROP_NET_STATIC_H
#define SEALDROP_NET_STATIC_H

#include "net/http.h"

struct static_asset {
    const char *path; /* "/" or "/assets/app-1a2b.js" */
    const char *content_type;
    const char *etag; /* with quotes */
    bool immutable;   /* name carries a hash: cached for a year */
    struct slice plain, gzip, br; /* gzip and br may be empty */
};

const struct static_asset *static_find(const struct static_asset *list, size_t n, struct slice path);
/* Chooses the encoding from Accept-Encoding, answers If-None-Match. Never blocks. */
MUST_USE enum err static_respond(const struct static_asset *a, const struct http_request *req,
                                 struct http_response *resp);

#endif
