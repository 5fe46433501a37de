/* tus_kit: what the tests of the tus door begin with. */
#ifndef SEALDROP_TESTS_INTEGRATION_TUS_KIT_H
#define SEALDROP_TESTS_INTEGRATION_TUS_KIT_H

#include "base/limits.h"
#include "codec/httpdate.h"
#include "integration/loopback.h"

#define TUS {SLICE("tus-resumable"), SLICE("1.0.0")}
#define H(name, value) {SLICE(name), slice_cstr(value)}
#define BODY_TYPE "application/offset+octet-stream"
#define CHECK_HEADER(a, name, want) CHECK_SLICE(loop_header((a), (name)), slice_cstr(want))

extern const struct slice tus_content; /* 300,000 bytes */
extern const struct slice tus_large;   /* 9 MiB that begin with them */

/* An open product; the access token of its one account. */
const char *tus_begin(struct loop *l);
const char *tus_text(struct slice s);
const char *tus_header(const struct loop_answer *a, const char *name);
const char *tus_base64(struct slice s);
/* Location of a new upload of so many bytes; "defer" for a length that is not told. */
const char *tus_create(struct loop *l, const char *bearer, const char *length, const char *concat);
void tus_patch(struct loop *l, const char *bearer, const char *at, const char *offset, struct slice body, struct loop_answer *a);
void tus_head(struct loop *l, const char *bearer, const char *at, struct loop_answer *a);
/* The file's content is these, one after the other. */
void tus_check_file(struct loop *l, const char *bearer, const char *id, const struct slice *parts, size_t n);

#endif
