/* The database suite on SQLite in a file behind the fault wrapper: unarmed, it must change nothing. */
#include <stdio.h>

#include "db_suite.h"
#include "lib/test.h"

static char paths[64][96];

bool backend_here(void) { return true; }

const char *backend_new(void)
{
    static size_t used;
    const char *dir = test_dir();
    if (!dir || used == 64) return NULL;
    snprintf(paths[used], sizeof paths[0], "%s/data.db", dir);
    return paths[used++];
}

enum err backend_open(struct ctx *c, const char *where, unsigned connections, struct db **ret)
{
    struct db *inner = NULL;
    TRY(db_open(c, &(struct db_config){.kind = DB_SQLITE, .sqlite_path = where, .connections = connections}, &inner));
    return db_fault_open(inner, ret);
}

void backend_drop(const char *where) { (void)where; }
bool backend_shared(void) { return true; }
