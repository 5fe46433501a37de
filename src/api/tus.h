/* tus: what the files of the tus 1.0.0 door share. tus.c has its requests, tus_fields.c reads and writes its header fields. */
#ifndef SEALDROP_API_TUS_H
#define SEALDROP_API_TUS_H

#include "api/api.h"
#include "core/upload/append.h"

#define TUS_PATH "/tus"
#define TUS_VERSION "1.0.0"
#define TUS_BODY_TYPE "application/offset+octet-stream"

/* The header fields of every answer under /tus; after reply_common. */
void tus_common(struct ctx *c, const struct http_request *req, struct http_response *resp);
/* X-HTTP-Method-Override of a POST under /tus: the method that counts, for the route and so for every check. */
enum http_method tus_method(const struct http_request *req);
/* The path that counts: "/tus/" is "/tus", clients are set up with either. */
struct slice tus_path(struct slice path);
/* Statuses of the protocol for errors (struct route). */
int tus_status(const struct ctx *c, enum err e);

/* ---- reading; ERR_INVALID with the sentence set ---- */

/* 412 "tus_version". */
MUST_USE enum err tus_need_version(struct call *q);
/* 415 "tus_content_type". */
MUST_USE enum err tus_need_type(struct call *q);
MUST_USE enum err tus_number(struct call *q, const char *name, struct opt_u64 *ret);
/* *ret_set false: none was sent. */
MUST_USE enum err tus_checksum(struct call *q, bool *ret_set, struct checksum *ret);
/* What Upload-Metadata tells of the file, and the field itself. */
struct tus_metadata {
    struct slice name, type, raw;
    struct slice folder; /* ptr NULL: none was told */
};
MUST_USE enum err tus_metadata(struct call *q, struct tus_metadata *ret);
enum tus_concat { TUS_WHOLE, TUS_PARTIAL, TUS_FINAL };
/* `ids` has room for LIMIT_JOINED_UPLOADS. */
MUST_USE enum err tus_concat(struct call *q, enum tus_concat *ret, struct id *ids, size_t *ret_n);

/* ---- writing ---- */

MUST_USE enum err tus_put_number(struct call *q, const char *name, uint64_t v);
MUST_USE enum err tus_put_location(struct call *q, const struct upload *u);
/* Upload-Expires of what is not complete, Sealdrop-File-Id of what is a file. */
MUST_USE enum err tus_put_end(struct call *q, const struct append_state *s);
MUST_USE enum err tus_put_concat(struct call *q, const struct upload *u);

#endif
