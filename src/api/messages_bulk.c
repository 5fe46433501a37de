/* The tables of messages_bulk.h. Data only. */
#include "api/messages_bulk.h"

#include "base/limits.h"

#define F(strct, member, type, ...) JSON_FIELD(struct strct, member, type, __VA_ARGS__)
#define REQUIRED .flags = JSON_REQUIRED

JSON_TABLE(msg_archive_new_table, "ArchiveNew", struct msg_archive_new,
    F(msg_archive_new, ids, JSON_IDS, REQUIRED, .max = LIMIT_BULK_FILES, .doc = "of files; in this order in the archive"));
