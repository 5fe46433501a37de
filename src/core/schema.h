/* schema: the tables of the product, as one list of numbered migrations for both databases. */
#ifndef SEALDROP_CORE_SCHEMA_H
#define SEALDROP_CORE_SCHEMA_H

#include "db/db.h"

extern const struct db_migration schema_migrations[];
extern const size_t schema_migration_count;

#endif
