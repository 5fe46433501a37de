/* The text of the library's migration, one a dialect; for core/schema.c. */
#ifndef SEALDROP_CORE_SCHEMA_LIBRARY_H
#define SEALDROP_CORE_SCHEMA_LIBRARY_H

extern const char library_schema_sqlite[], library_schema_postgres[];

#endif
