/* quota: what a user may hold: bytes and files in all, bytes of one file, bytes of one transfer. Each is the user's own where an
 * administrator has set it, else that of the role (app_config.quotas); 0: no limit.
 *
 * Bytes and files are reserved before anything is stored, in one conditional statement, so they are exact under parallel uploads. All
 * functions run inside a transaction; an error changes nothing and has the client's sentence. */
#ifndef SEALDROP_CORE_QUOTA_QUOTA_H
#define SEALDROP_CORE_QUOTA_QUOTA_H

#include "core/app/app.h"
#include "core/principal.h"

/* The columns of users that quota_row reads, from column `first` of row `i` on. */
#define QUOTA_COLUMNS "quota_bytes, quota_files, file_bytes_max, transfer_bytes_max"
struct quota quota_row(const struct app *app, enum role role, const struct db_result *r, size_t i, size_t first);
/* What is in force for a user. */
MUST_USE enum err quota_get(struct ctx *c, struct db_conn *conn, const struct app *app, const struct id *user, struct quota *ret);
/* For a file to come: one file and its bytes, as far as they are known. ERR_QUOTA "quota_exceeded" or "quota_files_exceeded",
 * ERR_TOO_LARGE "file_too_large". */
MUST_USE enum err quota_take_file(struct ctx *c, struct db_conn *conn, const struct app *app, const struct id *user, uint64_t bytes);
/* For several at once, whose sizes quota_check_file has seen: all of them or none. ERR_QUOTA. */
MUST_USE enum err quota_take_files(struct ctx *c, struct db_conn *conn, const struct app *app, const struct id *user, uint64_t bytes,
                                   uint64_t files);
MUST_USE enum err quota_give_back_file(struct ctx *c, struct db_conn *conn, const struct id *user, uint64_t bytes);
/* More bytes of a file. ERR_QUOTA. */
MUST_USE enum err quota_take(struct ctx *c, struct db_conn *conn, const struct app *app, const struct id *user,
                             uint64_t bytes);
MUST_USE enum err quota_give_back(struct ctx *c, struct db_conn *conn, const struct id *user, uint64_t bytes);
/* May a file of the user have so many bytes? ERR_TOO_LARGE "file_too_large". */
MUST_USE enum err quota_check_file(struct ctx *c, const struct quota *q, uint64_t bytes);
/* May a transfer? ERR_TOO_LARGE "transfer_too_large". */
MUST_USE enum err quota_check_transfer(struct ctx *c, const struct quota *q, uint64_t bytes);

#endif
