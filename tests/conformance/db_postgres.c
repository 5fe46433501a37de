/* The database suite on PostgreSQL, each database a schema of its own on the server that SEALDROP_TEST_POSTGRES names
 * (tools/with-postgres starts one). Without a server there is nothing to test: that is said, and is a failure when
 * SEALDROP_TEST_REQUIRE_POSTGRES=1. */
#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db_suite.h"
#include "lib/test.h"
#include "os/clock.h"

static char urls[64][256];

static bool admin(const char *sql)
{
    PGconn *h = PQconnectdb(getenv("SEALDROP_TEST_POSTGRES"));
    PGresult *res = PQexec(h, sql);
    bool ok = PQresultStatus(res) == PGRES_COMMAND_OK;
    if (!ok) printf("  %s: %s\n", sql, PQerrorMessage(h));
    PQclear(res);
    PQfinish(h);
    return ok;
}

bool backend_here(void)
{
    const char *required = getenv("SEALDROP_TEST_REQUIRE_POSTGRES");
    if (getenv("SEALDROP_TEST_POSTGRES")) return true;
    printf("  DID NOT RUN: SEALDROP_TEST_POSTGRES is not set (run under tools/with-postgres)\n");
    if (required && strcmp(required, "1") == 0) test_fail(__FILE__, __LINE__, "PostgreSQL is required");
    return false;
}

const char *backend_new(void)
{
    static size_t used;
    const char *server = getenv("SEALDROP_TEST_POSTGRES");
    char sql[96];
    uint64_t random = 0;
    if (used == 64 || os_random(&random, sizeof random) != ERR_OK) return NULL;
    snprintf(sql, sizeof sql, "CREATE SCHEMA t%016" PRIx64, random);
    snprintf(urls[used], sizeof urls[0], "%s&options=-csearch_path%%3Dt%016" PRIx64, server, random);
    return admin(sql) ? urls[used++] : NULL;
}

enum err backend_open(struct ctx *c, const char *where, unsigned connections, struct db **ret)
{
    return db_open(c, &(struct db_config){.kind = DB_POSTGRES, .postgres_url = where, .connections = connections}, ret);
}

void backend_drop(const char *where)
{
    char sql[96];
    snprintf(sql, sizeof sql, "SET client_min_messages = error; DROP SCHEMA %s CASCADE", strstr(where, "%3D") + 3);
    admin(sql);
}

bool backend_shared(void) { return true; }
