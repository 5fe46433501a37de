/* file: what people see of what is stored: names, rights, versions. A version exists only with complete, durable content
 * (core/content); the file shows its newest.
 *
 * Deleting drops the contents of all versions in one transaction. */
#ifndef SEALDROP_CORE_FILE_FILE_H
#define SEALDROP_CORE_FILE_FILE_H

#include "core/app/app.h"
#include "core/content/content.h"
#include "core/page.h"
#include "core/policy/policy.h"
#include "core/principal.h"

struct file {
    struct id id;
    struct id owner_id;
    struct slice name;
    uint64_t size;
    struct slice type;
    struct slice detected_type; /* what its content is; empty while not known */
    struct slice state;         /* ready, scanning (not looked at yet), quarantined */
    struct slice state_why;     /* of quarantined: type_denied, type_mismatch, type_unknown; else empty */
    struct slice mode;
    int64_t version; /* the newest, whose content this is */
    struct content content;
    bool processing;         /* it is, or waits to be, sealed anew (core/content/reseal.h) */
    uint64_t processed_bytes;
    struct slice description;
    struct id folder_id;   /* zero: the root */
    struct slice folder;   /* its path; in the trash also that of one that is gone */
    struct slice category; /* empty: none */
    struct slice tags;     /* each ends in a line feed */
    int64_t modified_at;
    int64_t created_at;
    int64_t updated_at;
    int64_t trashed_at; /* 0: it is not in the trash */
    enum relation relation; /* of whoever asked for it, where a function says so */
    struct slice owner_name; /* in lists of what others share */
};

/* Checks rights first: ERR_NOT_FOUND for foreign and absent ids alike. Sets the relation. What is in the trash can only be looked at,
 * restored and deleted: ERR_CONFLICT file_trashed otherwise. */
MUST_USE enum err file_get(struct ctx *c, struct app *app, const struct principal *who, const struct id *id,
                           enum action action, struct file *ret);
/* The same inside a write transaction, without the relation. */
MUST_USE enum err file_get_tx(struct ctx *c, struct db_conn *conn, const struct principal *who, const struct id *id,
                              enum action action, struct file *ret);
/* The same with a row that was read in this transaction. */
MUST_USE enum err file_check_tx(struct ctx *c, struct db_conn *conn, const struct principal *who, const struct file *f,
                                enum action action);
struct file_patch {
    struct slice name, description, category, folder; /* ptr NULL: as it is; folder: an id or a path (core/folder) */
    bool has_tags;            /* false: as they are */
    const struct slice *tags; /* all there shall be, at most LIMIT_FILE_TAGS; those that are the same folded count once */
    size_t tag_count;
};
MUST_USE enum err file_change(struct ctx *c, struct app *app, const struct principal *who, const struct id *id,
                              const struct file_patch *p, struct file *ret);
/* Inside a transaction that holds the file (core/file/file_store.h), rights decided: these tags besides those it has (`add`), or without
 * them; and into a folder that is held. */
MUST_USE enum err file_tag_tx(struct ctx *c, struct db_conn *conn, const struct principal *who, const struct file *f,
                              const struct slice *tags, size_t n, bool add);
MUST_USE enum err file_set_tags_tx(struct ctx *c, struct db_conn *conn, const struct principal *who, const struct id *id,
                                   const struct slice *tags, size_t n);
MUST_USE enum err file_move_tx(struct ctx *c, struct db_conn *conn, const struct principal *who, const struct file *f,
                               const struct id *folder);
/* A folder of the owner of files that go there: it stays until the transaction ends. ERR_NOT_FOUND folder_not_found. */
MUST_USE enum err file_hold_folder_tx(struct ctx *c, struct db_conn *conn, const struct id *owner, const struct id *folder);
/* Tags somebody asks for: at least one, at most LIMIT_FILE_TAGS. ERR_INVALID with errors of field "tags". */
MUST_USE enum err file_check_tags(struct ctx *c, const struct slice *tags, size_t n);
MUST_USE enum err file_delete(struct ctx *c, struct app *app, const struct principal *who, const struct id *id);
/* Queues it to be sealed anew under a fresh key; it can be read all the time. */
MUST_USE enum err file_encrypt(struct ctx *c, struct app *app, const struct principal *who, const struct id *id, struct file *ret);
/* Bytes [first, first + length) of a file as it was looked up; also when the same bytes have been sealed anew since. ERR_NOT_FOUND: the
 * file is gone or has other content by now. ERR_CORRUPT as content_read_plain. */
MUST_USE enum err file_read_plain(struct ctx *c, struct app *app, const struct file *f, uint64_t first, uint64_t length,
                                  struct reader **ret);
/* content_release_key of the file's present content, which *f then has. */
MUST_USE enum err file_release_key(struct ctx *c, struct app *app, struct file *f, struct slice public_key, const struct id *context,
                                   struct content_key *ret);
/* Inside a transaction of another part (transfers and accounts that take their files along), with its audit record: `who` NULL is the
 * server itself, `why` a word or empty. ERR_NOT_FOUND when it is gone already. */
MUST_USE enum err file_delete_tx(struct ctx *c, struct db_conn *conn, const struct principal *who, const struct id *id,
                                 struct slice why);
/* The same of a file that is held. */
MUST_USE enum err file_delete_held_tx(struct ctx *c, struct db_conn *conn, const struct principal *who, const struct id *id,
                                      const struct id *owner, struct slice why);
/* Into the trash, from which it is deleted after the configured time; and back to its folder, which is made anew when it was deleted
 * (ERR_QUOTA "too_many_folders"). Repeating either is fine. */
MUST_USE enum err file_trash(struct ctx *c, struct app *app, const struct principal *who, const struct id *id);
MUST_USE enum err file_restore(struct ctx *c, struct app *app, const struct principal *who, const struct id *id, struct file *ret);
/* The same inside a transaction that holds the file, rights decided. */
MUST_USE enum err file_set_trashed_tx(struct ctx *c, struct db_conn *conn, const struct principal *who, const struct file *f, bool in);
/* A folder that is about to be deleted loses this file; rights are decided. What lies in the trash already keeps nothing but the path.
 * ERR_NOT_FOUND: it is gone, lies in another folder, or is one that stays. */
enum file_leaving {
    FILE_LEAVES_TRASHED, /* only what lies in the trash */
    FILE_LEAVES_TO_TRASH,
    FILE_LEAVES_FOR_EVER
};
MUST_USE enum err file_leave_tx(struct ctx *c, struct db_conn *conn, const struct principal *who, const struct id *id,
                                const struct id *folder, enum file_leaving how);
/* For the expiry job: deletes what has been in the trash long enough; how many were found. */
MUST_USE enum err file_expire(struct ctx *c, struct app *app, size_t limit, size_t *ret_n);
/* May its content be given out? ERR_CONFLICT "file_not_ready", ERR_DENIED "file_quarantined". file_get with ACTION_DOWNLOAD asks. */
MUST_USE enum err file_check_ready(struct ctx *c, const struct file *f);
/* The state of a file that has just arrived: inspected first where a policy for types must be enforced. */
struct slice file_first_state(const struct app *app);
/* Queues the job of one file or several. */
MUST_USE enum err file_inspect_later(struct ctx *c, struct db_conn *conn, const struct id *ids, size_t n);
/* The job of every new content, older versions that still wait too: finds out what it is, and what the policy for types makes of that.
 * Without a policy a detector that does not work is only logged; with one the file is not given out before it has worked. ERR_OK when the
 * file is gone. */
MUST_USE enum err file_inspect(struct ctx *c, struct app *app, const struct id *id);
/* May a file have this name? `detected`: what its content is, empty while not known. ERR_INVALID "type_denied". */
MUST_USE enum err file_check_type(struct ctx *c, const struct app *app, struct slice name, struct slice detected);
/* By id alone, for callers that have decided the right otherwise (links). */
MUST_USE enum err file_load(struct ctx *c, struct app *app, const struct id *id, struct file *ret);

/* Name checks shared by uploads and renames: a relative path of safe segments. *name becomes its normal form C; *ret_key is for comparing.
 * Notes a field error. */
MUST_USE enum err file_check_name(struct ctx *c, const char *field, struct slice *name, struct slice *ret_key);

#endif
