/* The tables of messages_bulk.h. Data only. */
#include "api/messages_bulk.h"

#include "base/limits.h"

#define F(strct, member, type, ...) JSON_FIELD(struct strct, member, type, __VA_ARGS__)
#define REQUIRED .flags = JSON_REQUIRED

JSON_TABLE(msg_archive_new_table, "ArchiveNew", struct msg_archive_new,
    F(msg_archive_new, ids, JSON_IDS, .max = LIMIT_BULK_FILES, .doc = "of files; in this order in the archive, before the folders"),
    F(msg_archive_new, folder_ids, JSON_IDS, .max = LIMIT_BULK_FILES,
      .doc = "each with all that is below; with ids at most 10,000 files and empty folders"));
static const char *const ops[] = {"delete", "trash", "restore", "tag", "untag", "move", "share", NULL};
static const char *const permissions[] = {"view", "download", "edit", NULL};

JSON_TABLE(msg_bulk_table, "Bulk", struct msg_bulk,
    F(msg_bulk, op, JSON_STRING, REQUIRED, .words = ops),
    F(msg_bulk, ids, JSON_IDS, REQUIRED, .max = LIMIT_BULK_FILES, .doc = "of files"),
    F(msg_bulk, tags, JSON_STRINGS, .max = LIMIT_FILE_TAGS, .doc = "tag, untag: which"),
    F(msg_bulk, folder, JSON_STRING, .max = LIMIT_PATH_BYTES, .doc = "move: an id, or a path that begins with /"),
    F(msg_bulk, user, JSON_OPT_ID, .doc = "share: with whom; or email"),
    F(msg_bulk, email, JSON_STRING, .max = LIMIT_EMAIL_BYTES),
    F(msg_bulk, permission, JSON_STRING, .words = permissions, .doc = "share"),
    F(msg_bulk, expires_in, JSON_OPT_U64, .max = LIMIT_EXPIRES_S, .doc = "share: seconds"),
    F(msg_bulk, expires_at, JSON_OPT_TIME, .doc = "share: the same as a moment"));
JSON_TABLE(msg_bulk_error_table, "BulkError", struct msg_bulk_error,
    F(msg_bulk_error, code, JSON_STRING, REQUIRED),
    F(msg_bulk_error, detail, JSON_STRING, REQUIRED));
JSON_TABLE(msg_bulk_item_table, "BulkItem", struct msg_bulk_item,
    F(msg_bulk_item, id, JSON_ID, REQUIRED),
    F(msg_bulk_item, ok, JSON_BOOL, REQUIRED),
    F(msg_bulk_item, error, JSON_OBJECT, .table = &msg_bulk_error_table, .doc = "when not ok"));
JSON_TABLE(msg_bulk_out_table, "BulkAnswer", struct msg_bulk_out,
    F(msg_bulk_out, items, JSON_OBJECTS, REQUIRED, .table = &msg_bulk_item_table, .doc = "in the order of the ids"));
