/* Files for tests and benchmarks of lists: rows as an upload leaves them, without bytes. */
#ifndef SEALDROP_TESTS_INTEGRATION_LIBRARY_KIT_H
#define SEALDROP_TESTS_INTEGRATION_LIBRARY_KIT_H

#include "core/file/file.h"
#include "db/db.h"

struct kit_file {
    struct id owner, folder;       /* zero: the root */
    const char *name, *tags;       /* each tag ends in a line feed */
    const char *category, *description, *type, *state;
    uint64_t size;
    int64_t created_at, updated_at, trashed_at; /* 0: not in the trash */
};
/* In a write transaction. */
MUST_USE enum err kit_add(struct ctx *c, struct db_conn *conn, const struct kit_file *f, struct id *ret);

#endif
