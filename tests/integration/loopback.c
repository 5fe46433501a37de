/* One node of the product in this process: backends, app and API, opened, reopened and closed; time that a test turns. The requests
 * are in loopback_send.c, what tests begin with in loopback_kit.c. */
#include "integration/loopback.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <stdatomic.h>

#include "base/limits.h"
#include "base/log.h"
#include "core/app/app.h"
#include "core/user/user.h"
#include "crypto/crypto.h"
#include "jobs/jobs.h"
#include "lab/lab.h"
#include "os/child.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/proc.h"

/* ---- time ---- */

static _Atomic int64_t wall_now, mono_now;

static int64_t fake_wall_ms(void) { return atomic_load(&wall_now); }
static int64_t fake_mono_ms(void) { return atomic_load(&mono_now); }

__attribute__((constructor)) static void stop_the_clocks(void)
{
    atomic_store(&mono_now, 1000000);
    sys_table()->wall_ms = fake_wall_ms;
    sys_table()->mono_ms = fake_mono_ms;
    if (getenv("SEALDROP_LOOP_LOG")) log_setup(LOG_INFO, LOG_LOGFMT, proc_log_write, fake_wall_ms);
}

int64_t loop_now_ms(void) { return fake_wall_ms(); }

void loop_advance(int64_t ms)
{
    atomic_fetch_add(&wall_now, ms);
    atomic_fetch_add(&mono_now, ms);
}

/* ---- where the data is ---- */

enum loop_backend loop_chosen(void)
{
    const char *name = getenv("SEALDROP_LOOP");
    if (name && strcmp(name, "files") == 0) return LOOP_FILES;
    if (name && strcmp(name, "postgres") == 0) return LOOP_POSTGRES;
    return LOOP_MEMORY;
}

bool loop_missing(void)
{
    const char *required = getenv("SEALDROP_TEST_REQUIRE_POSTGRES");
    if (loop_chosen() != LOOP_POSTGRES || getenv("SEALDROP_TEST_POSTGRES")) return false;
    printf("  DID NOT RUN: SEALDROP_TEST_POSTGRES is not set (run under tools/with-postgres)\n");
    if (required && strcmp(required, "1") == 0) test_fail(__FILE__, __LINE__, "PostgreSQL is required");
    return true;
}

bool loop_durable(const struct loop *l) { return l->backend != LOOP_MEMORY; }

static bool postgres_do(const char *sql)
{
    PGconn *h = PQconnectdb(getenv("SEALDROP_TEST_POSTGRES"));
    PGresult *res = PQexec(h, sql);
    bool ok = PQresultStatus(res) == PGRES_COMMAND_OK;
    if (!ok) test_fail(__FILE__, __LINE__, "%s: %s", sql, PQerrorMessage(h));
    PQclear(res);
    PQfinish(h);
    return ok;
}

static bool new_schema(struct loop *l)
{
    uint64_t random = 0;
    if (os_random(&random, sizeof random) != ERR_OK) return false;
    snprintf(l->schema, sizeof l->schema, "t%016" PRIx64, random);
    snprintf(l->postgres_url, sizeof l->postgres_url, "%s&options=-csearch_path%%3D%s", getenv("SEALDROP_TEST_POSTGRES"),
             l->schema);
    return postgres_do(loop_text("CREATE SCHEMA %s", l->schema));
}

/* ---- opening and closing ---- */

static enum err open_db(struct ctx *c, struct loop *l)
{
    const char *path = l->backend == LOOP_MEMORY ? ":memory:" : loop_text("%s/sealdrop.db", l->dir);
    struct db_config cfg = {.kind = l->backend == LOOP_POSTGRES ? DB_POSTGRES : DB_SQLITE,
                            .sqlite_path = path,
                            .postgres_url = l->postgres_url,
                            .connections = 4};
    return db_open(c, &cfg, &l->be.db);
}

static enum err open_backends(struct ctx *c, struct loop *l)
{
    const char *key = loop_text("%s/root.key", l->dir);
    TRY(crypto_setup());
    enum err e = keyring_create_file(c, key);
    if (e != ERR_EXISTS) TRY(e);
    TRY(keyring_open_file(c, key, &l->be.keys));
    TRY(cache_local_open(10000, &l->be.cache));
    if (!l->be.db) TRY(open_db(c, l));
    if (l->be.blobs) return ERR_OK;
    return l->backend == LOOP_MEMORY ? blob_mem_open(c, &l->be.blobs)
                                     : blob_fs_open(c, loop_text("%s/blobs", l->dir), &l->be.blobs);
}

static enum err open_all(struct ctx *c, struct loop *l)
{
    uint64_t users = 0;
    TRY(open_backends(c, l));
    TRY(app_open(c, &l->be, &l->cfg, &l->app));
    TRY(jobs_schedule(c, l->app));
    TRY(user_count(c, l->app, &users));
    struct api_config cfg = {.setup_token = users ? SLICE("") : SLICE(LOOP_SETUP_TOKEN)};
    TRY(api_new(c, l->app, &cfg, &l->api));
    l->http = api_http_app(l->api);
    return ERR_OK;
}

static void start(struct loop *l)
{
    CLEANUP(ctx_done) struct ctx c;
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    enum err e = open_all(&c, l);
    if (e != ERR_OK) test_fail(__FILE__, __LINE__, "opening: %s: %s", err_name(e), c.err_detail);
}

/* `all`: also what holds data. */
static void stop(struct loop *l, bool all)
{
    api_free(l->api);
    app_close(l->app);
    keyring_close(l->be.keys);
    cache_close(l->be.cache);
    if (all && !l->guest) blob_store_close(l->be.blobs);
    if (all) db_close(l->be.db);
    l->api = NULL;
    l->app = NULL;
    l->be = (struct app_backends){.db = all ? NULL : l->be.db, .blobs = all && !l->guest ? NULL : l->be.blobs};
}

/* The real one. */
static const char *lab_program(void)
{
    static char path[4096];
    if (!path[0]) child_beside(LAB_PROGRAM, path);
    return path;
}

void loop_open(struct loop *l)
{
    *l = (struct loop){.backend = loop_chosen(), .dir = test_dir()};
    l->cfg = (struct app_config){.public_url = SLICE(LOOP_URL),
                                 .lab_program = lab_program(),
                                 .file_bytes_max = 1 * TIB,
                                 .upload_ttl_ms = 24 * 3600 * 1000,
                                 .trash_ms = 30 * 86400 * 1000ll,
                                 .password_cost = {8, 1},
                                 .link_bcrypt_cost = 4,
                                 .overwrite_on_delete = true};
    /* Blob files have times of the real clock: every test begins now. */
    atomic_store(&wall_now, sys_real()->wall_ms());
    if (!l->dir) {
        test_fail(__FILE__, __LINE__, "no directory left for this test");
        return;
    }
    if (l->backend == LOOP_POSTGRES && !new_schema(l)) return;
    start(l);
}

void loop_open_beside(struct loop *l, const struct loop *first)
{
    *l = *first;
    l->guest = true;
    l->api = NULL;
    l->app = NULL;
    l->be = (struct app_backends){.blobs = first->be.blobs};
    start(l);
}

void loop_reopen(struct loop *l)
{
    stop(l, loop_durable(l));
    start(l);
}

void loop_close(struct loop *l)
{
    stop(l, true);
    if (l->schema[0] && !l->guest)
        postgres_do(loop_text("SET client_min_messages = error; DROP SCHEMA %s CASCADE", l->schema));
}

void loop_jobs(struct loop *l)
{
    CLEANUP(ctx_done) struct ctx c;
    size_t n = 0;
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    enum err e = jobs_run_due(&c, l->app, &n);
    if (e != ERR_OK) test_fail(__FILE__, __LINE__, "jobs: %s: %s", err_name(e), c.err_detail);
}
