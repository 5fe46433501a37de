/* version: what a file was and is. Versions are numbered from 1; the newest is what the file shows. Each holds a content (which others
 * may hold too), and is paid for by the file's owner in its size.
 *
 * What a file was is the business of those who may change it; deleting a version is its owner's.
 *
 * Making one never touches an older one: two that upload to one file at the same time make two versions, and nothing is lost. How many
 * are kept, and how long after they were replaced, are settings; the oldest go first, the newest never. */
#ifndef SEALDROP_CORE_FILE_VERSION_H
#define SEALDROP_CORE_FILE_VERSION_H

#include "core/file/file.h"
#include "core/page.h"

struct file_version {
    int64_t version;
    struct content content;
    uint64_t size;
    struct slice type, state;
    int64_t modified_at;
    int64_t created_at;
    int64_t replaced_at; /* 0: it is the newest */
    struct id created_by;
};
/* Newest first, by their number, in the arena; one more than page->limit when there is a next page. */
MUST_USE enum err version_list(struct ctx *c, struct app *app, const struct principal *who, const struct id *file,
                               const struct page_key *page, struct file_version **ret, size_t *ret_n);
/* The file as it was in that version. ERR_NOT_FOUND. */
MUST_USE enum err version_get(struct ctx *c, struct app *app, const struct principal *who, const struct id *file, int64_t version,
                              struct file *ret);
/* The file in the version that has this content, for callers that have decided the right otherwise (links). ERR_NOT_FOUND. */
MUST_USE enum err version_with_content(struct ctx *c, struct app *app, const struct file *f, const struct id *content,
                                       struct file *ret);
/* A new version that holds the old one's content; no bytes are copied. The newest is left as it is. */
MUST_USE enum err version_restore(struct ctx *c, struct app *app, const struct principal *who, const struct id *file,
                                  int64_t version, struct file *ret);
/* ERR_CONFLICT "version_current" for the newest. */
MUST_USE enum err version_delete(struct ctx *c, struct app *app, const struct principal *who, const struct id *file,
                                 int64_t version);
/* For the expiry job: deletes versions that were replaced too long ago, at most `limit`; how many. */
MUST_USE enum err version_expire(struct ctx *c, struct app *app, size_t limit, size_t *ret_n);

struct version_new {
    struct id file_id;
    struct id content_id; /* there, and held for this version */
    uint64_t size;
    struct slice type;
    int64_t modified_at;
};
/* Inside a transaction that has locked the file (file_store_lock) and taken the quota: the file's new version, with its audit record.
 * Those that are one too many go. */
MUST_USE enum err version_add_tx(struct ctx *c, struct db_conn *conn, const struct app *app, const struct principal *who,
                                 const struct version_new *v, struct file *ret);

#endif
