/* The database suite on SQLite in memory. */
#include "db_suite.h"

bool backend_here(void) { return true; }

const char *backend_new(void) { return ":memory:"; }

enum err backend_open(struct ctx *c, const char *where, unsigned connections, struct db **ret)
{
    return db_open(c, &(struct db_config){.kind = DB_SQLITE, .sqlite_path = where, .connections = connections}, ret);
}

void backend_drop(const char *where) { (void)where; }
bool backend_shared(void) { return false; }
