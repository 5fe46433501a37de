/* What the files of core/upload share. */
#ifndef SEALDROP_CORE_UPLOAD_UPLOAD_IMPL_H
#define SEALDROP_CORE_UPLOAD_UPLOAD_IMPL_H

#include "core/key/key.h"
#include "core/upload/append.h"

#define UPLOAD_PART_BYTES_MIN (1u << 20)

/* upload_create that also gives the unwrapped file key. `state`: "open"; "stream" for one that takes no parts from outside; "append". */
MUST_USE enum err upload_make(struct ctx *c, struct app *app, const struct principal *who, const struct append_new *n,
                              const char *state, struct key *ret_key, struct upload *ret);
MUST_USE enum err upload_add_join_job(struct ctx *c, struct db_conn *conn, const struct upload *u);
/* For a store that does not know the upload: ERR_OK when that can be made good, because no part is recorded yet. */
MUST_USE enum err upload_begin_again(struct ctx *c, struct app *app, const struct upload *u);
void upload_blob_ref(const struct upload *u, struct blob_ref *ret);

struct part_sealer;
/* Part `number` of an upload begins. */
MUST_USE enum err upload_start_part(struct ctx *c, struct app *app, const struct upload *u, uint64_t number,
                                    struct part_sealer *s);

/* upload_complete without its looking up. *u is the upload as it was looked up, and then as it was found: when it was over before, it
 * says so and there is no *ret; nor is there one for what is partial: it becomes a content that the upload holds. */
struct completion {
    const struct principal *who; /* NULL: the server itself, of what adds no version */
    uint64_t size;               /* or UPLOAD_SIZE_UNKNOWN */
    const struct checksum *want; /* NULL: nothing */
};
MUST_USE enum err upload_finish(struct ctx *c, struct app *app, const struct completion *how, struct upload *u, struct file *ret);

struct part_record;
struct publication {
    const struct principal *who;
    const struct upload *u;
    uint64_t size;
    const struct part_record *parts; /* checked and in order */
    size_t n;
    const struct checksum *want; /* the content must have; NULL: not checked */
};
/* The parts of a whole file become the file, or its new version. ERR_INVALID "digest_mismatch": the upload is gone. */
MUST_USE enum err upload_publish(struct ctx *c, struct app *app, const struct publication *p, struct file *ret);

#endif
