/* What the files of core/upload share. */
#ifndef SEALDROP_CORE_UPLOAD_UPLOAD_IMPL_H
#define SEALDROP_CORE_UPLOAD_UPLOAD_IMPL_H

#include "core/content/content_store.h"
#include "core/file/file_store.h"
#include "core/key/key.h"
#include "core/upload/append.h"


/* upload_create that also gives the unwrapped file key. `state`: "open"; "stream" for one that takes no parts from outside; "append". */
MUST_USE enum err upload_make(struct ctx *c, struct app *app, const struct principal *who, const struct append_new *n,
                              const char *state, struct key *ret_key, struct upload *ret);
/* What files that come in one request share; zeroed at first. */
struct upload_siblings {
    bool has_folder, has_content;
    struct slice folder, below; /* as the last one was wanted: mostly the next lies there too */
    struct id folder_id;
    struct id content_id; /* of one of them */
};
/* upload_make in two steps: all but its row, then that. What is not recorded in the end is forgotten. */
MUST_USE enum err upload_plan(struct ctx *c, struct app *app, const struct principal *who, const struct append_new *n, const char *state,
                              struct upload_siblings *siblings, struct key *ret_key, struct upload *ret);
MUST_USE enum err upload_record(struct ctx *c, struct app *app, struct upload *u, const struct key *file_key);
void upload_forget(struct app *app, const struct upload *u);
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

/* Inside the transaction that took its quota: a content that is stored becomes a new file. Its owner is the upload's. */
struct new_file {
    struct content_insert content;
    struct file_insert in;
};
MUST_USE enum err upload_new_file(struct ctx *c, const struct app *app, const struct upload *u, uint64_t size, struct new_file *ret);
MUST_USE enum err upload_put_file(struct ctx *c, struct db_conn *conn, const struct app *app, const struct upload *u, struct new_file *f);

#endif
