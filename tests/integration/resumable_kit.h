/* For the tests of the resumable-upload draft: a fresh product with an owner, and what is checked again and again. */
#ifndef SEALDROP_TESTS_INTEGRATION_RESUMABLE_KIT_H
#define SEALDROP_TESTS_INTEGRATION_RESUMABLE_KIT_H

#include "codec/base64.h"
#include "integration/loopback.h"

#define UPLOAD "/api/v1/files/upload"
#define PARTIAL "application/partial-upload"

extern struct loop l;
extern const char *bearer;    /* of the owner */
extern struct slice content;  /* what is uploaded: 300,000 bytes */

/* False: the backend is not to be had. */
bool kit_open(void);

/* Begins an upload without bytes; `length` -1: not said. Its place. */
const char *create(const char *complete, int64_t length);
void append(struct loop_answer *a, const char *place, uint64_t offset, const char *complete, struct slice body);
/* The fields as they are said; "" leaves Upload-Length out. */
void append_said(struct loop_answer *a, const char *place, const char *offset, const char *complete, const char *length, struct slice body);

/* Location, which must be there. */
const char *place_of(const struct loop_answer *a);
/* The same of the first interim answer. */
const char *place_told(const struct loop_answer *a);
/* Upload-Offset; UINT64_MAX when it is not there. */
uint64_t offset_told(const struct loop_answer *a);
/* HEAD and GET tell this, all of it, and nothing stale. `length` -1: none is known. */
void check_state(const char *place, uint64_t offset, bool complete, int64_t length);
/* Upload-Limit, exactly. */
void check_limit(const struct loop_answer *a, const char *version, int64_t age_s);
/* A problem of the registered type. */
void check_registered(struct loop_answer *a, int status, const char *name);
/* The file has `content`. */
void check_content(const char *file_id);

#endif
