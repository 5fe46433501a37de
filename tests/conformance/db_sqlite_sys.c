/* SQLite on a disk that fails: every system call SQLite makes is failed in turn, once and for ever, with EIO and ENOSPC, and
 * the process is killed at every write and sync. Afterwards an acknowledged transaction is there, any other is there wholly
 * or not at all, and the database works again. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/intmath.h"
#include "db/db.h"
#include "lib/test.h"
#include "os/sys.h"
#include "os/thread.h"

/* SQLite calls these directly: this program's own definitions, which the library then finds, lead it to the table. */
#define SEAM __attribute__((visibility("default")))
SEAM int fdatasync(int fd)
{
    return sys()->fdatasync == fdatasync ? (int)syscall(SYS_fdatasync, fd) : sys()->fdatasync(fd);
}
SEAM int fsync(int fd) { return sys()->fsync == fsync ? (int)syscall(SYS_fsync, fd) : sys()->fsync(fd); }

enum call { CALL_NONE, CALL_OPEN, CALL_READ, CALL_PREAD, CALL_WRITE, CALL_PWRITE, CALL_SYNC, CALL_TRUNCATE, CALL_FSTAT, CALL_CHANGE };

static struct {
    enum call call; /* CALL_CHANGE: any that changes the disk */
    uint64_t seen, at;
    bool for_ever, fired, kill;
    int error;
} fault;

static bool changes_disk(enum call call) { return call >= CALL_WRITE && call <= CALL_TRUNCATE; }

/* True: fail with errno set. */
static bool strike(enum call call)
{
    if (fault.call == CALL_NONE || (fault.call != call && !(fault.call == CALL_CHANGE && changes_disk(call)))) return false;
    uint64_t n = fault.seen++;
    if (n != fault.at && !(n > fault.at && fault.for_ever)) return false;
    if (fault.kill) _exit(9);
    fault.fired = true;
    errno = fault.error;
    return true;
}

static int f_open(const char *path, int flags, mode_t mode)
{
    return strike(CALL_OPEN) ? -1 : sys_real()->open(path, flags, mode);
}
static ssize_t f_read(int fd, void *p, size_t n) { return strike(CALL_READ) ? -1 : sys_real()->read(fd, p, n); }
static ssize_t f_pread(int fd, void *p, size_t n, off_t off)
{
    return strike(CALL_PREAD) ? -1 : sys_real()->pread(fd, p, n, off);
}
static ssize_t f_write(int fd, const void *p, size_t n) { return strike(CALL_WRITE) ? -1 : sys_real()->write(fd, p, n); }
static ssize_t f_pwrite(int fd, const void *p, size_t n, off_t off)
{
    return strike(CALL_PWRITE) ? -1 : sys_real()->pwrite(fd, p, n, off);
}
/* Nothing here survives a power cut, so the real sync is spared. */
static int f_sync(int fd)
{
    (void)fd;
    return strike(CALL_SYNC) ? -1 : 0;
}
static int f_ftruncate(int fd, off_t len) { return strike(CALL_TRUNCATE) ? -1 : sys_real()->ftruncate(fd, len); }
static int f_fstat(int fd, struct stat *st) { return strike(CALL_FSTAT) ? -1 : sys_real()->fstat(fd, st); }

static void use_faults(void)
{
    struct sys_table *t = sys_table();
    t->open = f_open;
    t->read = f_read;
    t->pread = f_pread;
    t->write = f_write;
    t->pwrite = f_pwrite;
    t->fsync = f_sync;
    t->fdatasync = f_sync;
    t->ftruncate = f_ftruncate;
    t->fstat = f_fstat;
}

static void arm(enum call call, uint64_t at, bool for_ever, int error)
{
    memset(&fault, 0, sizeof fault);
    fault.call = call;
    fault.at = at;
    fault.for_ever = for_ever;
    fault.error = error;
}

static const struct db_migration schema[] = {
    {1, "tables",
     "CREATE TABLE a (n BIGINT PRIMARY KEY, b BYTEA); CREATE TABLE z (n BIGINT PRIMARY KEY);"
     "CREATE TABLE counter (v BIGINT NOT NULL); INSERT INTO counter (v) VALUES (0);", NULL},
};

/* Adds row v + 1 to both tables, with bulk between, and counts it. */
static enum err add_pair(struct ctx *c, struct db_conn *conn, void *arg)
{
    static const struct db_stmt get = {.name = "get", .sql = "SELECT v FROM counter"};
    static const struct db_stmt put_a = {.name = "put_a", .sql = "INSERT INTO a (n, b) VALUES ($1, $2)"};
    static const struct db_stmt put_z = {.name = "put_z", .sql = "INSERT INTO z (n) VALUES ($1)"};
    static const struct db_stmt set = {.name = "set", .sql = "UPDATE counter SET v = $1"};
    static const char bulk[9000];
    struct db_result r = {0};
    (void)arg;
    TRY(db_run_one(c, conn, &get, NULL, 0, &r));
    int64_t v = db_get_i64(&r, 0, 0) + 1;
    TRY(db_exec(c, conn, &put_a, NULL, db_i64(v), db_bytes(slice_of(bulk, sizeof bulk))));
    TRY(db_one(c, conn, &set, NULL, db_i64(v)));
    return db_exec(c, conn, &put_z, NULL, db_i64(v));
}

static enum err look(struct ctx *c, struct db_conn *conn, void *arg)
{
    static const struct db_stmt st = {
        .name = "look",
        .sql = "SELECT v, (SELECT count(*) FROM a), (SELECT max(n) FROM a), (SELECT count(*) FROM z),"
               " (SELECT max(n) FROM z) FROM counter"};
    struct db_result r = {0};
    TRY(db_run_one(c, conn, &st, NULL, 0, &r));
    int64_t v = db_get_i64(&r, 0, 0);
    for (size_t i = 1; i < 5; i++)
        if (db_get_i64(&r, 0, i) != v) return ERR_CORRUPT;
    *(int64_t *)arg = v;
    return ERR_OK;
}

static enum err open_at(struct ctx *c, const char *path, struct db **ret)
{
    return db_open(c, &(struct db_config){.kind = DB_SQLITE, .sqlite_path = path, .connections = 1}, ret);
}

static enum err make(const char *path)
{
    struct ctx c;
    struct db *db = NULL;
    ctx_init(&c, 1 << 20);
    enum err e = open_at(&c, path, &db);
    if (e == ERR_OK) e = db_migrate(&c, db, schema, 1);
    db_close(db);
    ctx_done(&c);
    return e;
}

/* The count that the three tables agree on, seen by a new handle. */
static enum err count_now(const char *path, int64_t *ret)
{
    struct ctx c;
    struct db *db = NULL;
    ctx_init(&c, 1 << 20);
    enum err e = open_at(&c, path, &db);
    if (e == ERR_OK) e = db_tx(&c, db, DB_READ, look, ret);
    db_close(db);
    ctx_done(&c);
    return e;
}

static bool clean_error(enum err e)
{
    /* A page that the disk cannot read (EIO) is a corrupt database to SQLite. */
    if (e == ERR_CORRUPT) return fault.error == EIO;
    return e == ERR_OK || e == ERR_IO || e == ERR_NOSPACE || e == ERR_BUSY || e == ERR_NOT_FOUND;
}

/* Opens and adds under the armed fault, then again without it. */
static void one_round(const char *path, bool *ret_fired)
{
    struct ctx c;
    struct db *db = NULL;
    int64_t before = 0, after = 0, acknowledged = 0, tried = 0;
    typeof(fault) armed = fault;
    fault.call = CALL_NONE;
    CHECK_OK(count_now(path, &before));
    fault = armed;
    ctx_init(&c, 1 << 20);
    enum err e = open_at(&c, path, &db);
    for (int i = 0; i < 2 && e == ERR_OK; i++) {
        tried++;
        e = db_tx(&c, db, DB_WRITE, add_pair, NULL);
        if (e == ERR_OK) acknowledged++;
        if (e == ERR_OK) e = db_tx(&c, db, DB_READ, look, &after);
    }
    *ret_fired = fault.fired;
    fault.call = CALL_NONE;
    if (!clean_error(e)) test_fail(__FILE__, __LINE__, "%s: %s", err_name(e), c.err_detail);
    if (db) { /* the same handle goes on */
        if ((e = db_tx(&c, db, DB_WRITE, add_pair, NULL)) != ERR_OK)
            test_fail(__FILE__, __LINE__, "afterwards: %s: %s", err_name(e), c.err_detail);
        acknowledged++;
        tried++;
    }
    db_close(db);
    ctx_done(&c);
    CHECK_OK(count_now(path, &after));
    CHECK(after >= before + acknowledged && after <= before + tried);
}

static void fail_each(enum call call)
{
    static const int errors[] = {EIO, ENOSPC};
    char path[128];
    uint64_t total = 0;
    snprintf(path, sizeof path, "%s/data.db", test_dir());
    use_faults();
    arm(CALL_NONE, 0, false, 0);
    CHECK_OK(make(path));
    for (unsigned i = 0; i < ARRAY_LEN(errors) * 2; i++) {
        bool fired = true;
        for (uint64_t n = 0; fired && !test_failed(); n++) {
            arm(call, n, i & 1, errors[i / 2]);
            one_round(path, &fired);
            total += fired;
            CHECK(n < 500);
        }
    }
    CHECK(total > 0);
}

TEST(db_sqlite_failing_open) { fail_each(CALL_OPEN); }
TEST(db_sqlite_failing_pread) { fail_each(CALL_PREAD); }
TEST(db_sqlite_failing_pwrite) { fail_each(CALL_PWRITE); }
TEST(db_sqlite_failing_sync) { fail_each(CALL_SYNC); }
TEST(db_sqlite_failing_fstat) { fail_each(CALL_FSTAT); }
TEST(db_sqlite_failing_any_change) { fail_each(CALL_CHANGE); }

/* In the child: one byte to `out` for each acknowledged transaction, until it is killed. */
static void child(const char *path, int out, uint64_t at)
{
    struct ctx c;
    struct db *db = NULL;
    arm(CALL_CHANGE, at, false, 0);
    fault.kill = true;
    ctx_init(&c, 1 << 20);
    bool ok = open_at(&c, path, &db) == ERR_OK;
    for (int i = 0; i < 3 && ok; i++) {
        ok = db_tx(&c, db, DB_WRITE, add_pair, NULL) == ERR_OK;
        if (ok && sys_real()->write(out, "a", 1) != 1) _exit(1);
    }
    db_close(db);
    _exit(ok ? 0 : 1);
}

TEST(db_sqlite_killed_at_every_change)
{
    char path[128], acknowledged[8];
    int status = 9 << 8;
    snprintf(path, sizeof path, "%s/data.db", test_dir());
    use_faults();
    arm(CALL_NONE, 0, false, 0);
    CHECK_OK(make(path));
    for (uint64_t n = 0; WEXITSTATUS(status) == 9; n++) {
        int64_t before = 0, after = 0;
        int ends[2];
        CHECK(n < 500);
        CHECK_OK(count_now(path, &before));
        CHECK(pipe(ends) == 0);
        pid_t pid = fork();
        if (pid == 0) child(path, ends[1], n);
        CHECK(pid > 0);
        close(ends[1]);
        CHECK(waitpid(pid, &status, 0) == pid);
        ssize_t acks = read(ends[0], acknowledged, sizeof acknowledged);
        close(ends[0]);
        CHECK(WIFEXITED(status) && (WEXITSTATUS(status) == 9 || WEXITSTATUS(status) == 0));
        CHECK_OK(count_now(path, &after));
        CHECK(acks >= 0 && after >= before + acks && after <= before + acks + 1);
    }
}

TEST(db_sqlite_file_is_private)
{
    char path[128], wal[140];
    struct stat st = {0};
    struct ctx c;
    struct db *db = NULL;
    snprintf(path, sizeof path, "%s/data.db", test_dir());
    snprintf(wal, sizeof wal, "%s-wal", path);
    arm(CALL_NONE, 0, false, 0);
    ctx_init(&c, 1 << 20);
    CHECK_OK(make(path));
    CHECK_OK(open_at(&c, path, &db));
    CHECK_OK(db_tx(&c, db, DB_WRITE, add_pair, NULL));
    CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    CHECK(stat(wal, &st) == 0 && (st.st_mode & 0777) == 0600);
    db_close(db);
    ctx_done(&c);
}

/* --- group commit --- */

#define WRITERS 8
#define WRITES 40

static _Atomic unsigned slow_sync_us;

static int f_slow_sync(int fd)
{
    usleep(atomic_load(&slow_sync_us));
    return f_sync(fd);
}

struct writer {
    struct db *db;
    struct thread t;
    int64_t first;
    unsigned acknowledged, refused, failed;
    char there[WRITES]; /* 1: acknowledged; 2: must not be there */
};

struct put {
    int64_t n;
    bool refuse;
};

static enum err put_two(struct ctx *c, struct db_conn *conn, void *arg)
{
    static const struct db_stmt put_a = {.name = "group_a", .sql = "INSERT INTO a (n) VALUES ($1)"};
    static const struct db_stmt put_z = {.name = "group_z", .sql = "INSERT INTO z (n) VALUES ($1)"};
    /* Takes the whole group with it, as a full disk would: the others must run again. */
    static const struct db_stmt put_hard = {.name = "group_hard", .sql = "INSERT OR ROLLBACK INTO a (n) VALUES ($1)"};
    const struct put *p = arg;
    TRY(db_exec(c, conn, &put_a, NULL, db_i64(p->n)));
    if (p->refuse && p->n % 10 == 8) return db_exec(c, conn, &put_hard, NULL, db_i64(p->n));
    if (p->refuse && p->n % 2) return ERR_DENIED;
    if (p->refuse) return db_exec(c, conn, &put_a, NULL, db_i64(p->n));
    return db_exec(c, conn, &put_z, NULL, db_i64(p->n));
}

static void write_many(void *arg)
{
    struct writer *w = arg;
    struct ctx c;
    ctx_init(&c, 1 << 20);
    for (int i = 0; i < WRITES; i++) {
        struct put p = {.n = w->first + i, .refuse = i % 5 == 3};
        enum err e = db_tx(&c, w->db, DB_WRITE, put_two, &p);
        if (e == ERR_OK) w->acknowledged++;
        if (e == ERR_DENIED || e == ERR_EXISTS) w->refused++;
        if (e == ERR_IO) w->failed++;
        w->there[i] = e == ERR_OK ? 1 : 2;
    }
    ctx_done(&c);
}

static enum err is_there(struct ctx *c, struct db_conn *conn, void *arg)
{
    static const struct db_stmt st = {.name = "is_there",
                                      .sql = "SELECT (SELECT count(*) FROM a WHERE n = $1), (SELECT count(*) FROM z WHERE n = $1)"};
    struct db_result r = {0};
    int64_t *n = arg;
    TRY(db_one(c, conn, &st, &r, db_i64(*n)));
    if (db_get_i64(&r, 0, 0) != db_get_i64(&r, 0, 1)) return ERR_CORRUPT;
    *n = db_get_i64(&r, 0, 0);
    return ERR_OK;
}

/* Eight writers at once; what each was told is what is there. `fail_sync`: that sync fails (UINT64_MAX: none). */
static void write_in_groups(uint64_t fail_sync, bool for_ever)
{
    static struct writer writers[WRITERS];
    char path[128];
    struct ctx c;
    struct db *db = NULL;
    unsigned acknowledged = 0, refused = 0, failed = 0;
    snprintf(path, sizeof path, "%s/data.db", test_dir());
    use_faults();
    sys_table()->fdatasync = f_slow_sync;
    arm(CALL_NONE, 0, false, 0);
    ctx_init(&c, 1 << 20);
    CHECK_OK(make(path));
    CHECK_OK(open_at(&c, path, &db));
    atomic_store(&slow_sync_us, 3000);
    arm(CALL_SYNC, fail_sync, for_ever, EIO);
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.db = db, .first = 1000 * (i + 1)};
        CHECK_OK(thread_start(&writers[i].t, "writer", write_many, &writers[i]));
    }
    for (int i = 0; i < WRITERS; i++) {
        thread_join(&writers[i].t);
        acknowledged += writers[i].acknowledged;
        refused += writers[i].refused;
        failed += writers[i].failed;
    }
    uint64_t syncs = fault.seen;
    atomic_store(&slow_sync_us, 0);
    fault.call = CALL_NONE;
    CHECK(refused == WRITERS * WRITES / 5);
    CHECK(acknowledged + refused + failed == WRITERS * WRITES);
    CHECK(fail_sync == UINT64_MAX ? failed == 0 : failed > 0);
    CHECK(for_ever || syncs < WRITERS * WRITES / 2);
    for (int i = 0; i < WRITERS; i++) {
        for (int k = 0; k < WRITES; k++) {
            int64_t n = writers[i].first + k;
            CHECK_OK(db_tx(&c, db, DB_READ, is_there, &n));
            CHECK(n == (writers[i].there[k] == 1));
        }
    }
    db_close(db);
    ctx_done(&c);
}

TEST(db_sqlite_group_commit_shares_syncs) { write_in_groups(UINT64_MAX, false); }
TEST(db_sqlite_group_commit_that_fails_fails_all) { write_in_groups(5, false); }
TEST(db_sqlite_group_commit_that_always_fails) { write_in_groups(5, true); }

/* The promise of durability: a commit syncs. */
TEST(db_sqlite_commit_syncs)
{
    char path[128];
    struct ctx c;
    struct db *db = NULL;
    snprintf(path, sizeof path, "%s/data.db", test_dir());
    use_faults();
    arm(CALL_NONE, 0, false, 0);
    ctx_init(&c, 1 << 20);
    CHECK_OK(make(path));
    CHECK_OK(open_at(&c, path, &db));
    for (int i = 0; i < 3; i++) {
        arm(CALL_SYNC, UINT64_MAX, false, 0);
        CHECK_OK(db_tx(&c, db, DB_WRITE, add_pair, NULL));
        CHECK(fault.seen >= 1);
    }
    db_close(db);
    ctx_done(&c);
}
