/* sealdropd doctor: looks at everything a server needs and says, for each thing that is wrong, what to do. Changes nothing. */
#include "base/limits.h"
#include "cmd/server/commands.h"
#include "cmd/server/wiring.h"
#include "codec/text.h"
#include "core/type/sniff.h"
#include "crypto/cert.h"
#include "crypto/crypto.h"
#include "lab/lab.h"
#include "net/tls.h"
#include "os/child.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/proc.h"

#define FILES_WANTED 65536u
#define FREE_WANTED (1 * GIB)
#define CERT_DAYS_WANTED 14

struct doctor {
    struct ctx *c;
    struct config cfg;
    unsigned bad;
};

static void __attribute__((format(printf, 5, 6))) say(struct doctor *d, bool good, const char *what, const char *todo,
                                                      const char *fmt, ...)
{
    va_list args;
    printf("%-4s  %-9s ", good ? "ok" : "BAD", what);
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    printf("\n");
    if (!good) printf("      %-9s -> %s\n", "", todo);
    d->bad += !good;
    ctx_clear_error(d->c);
}

static const char *detail(const struct doctor *d, enum err e)
{
    return d->c->err == e && d->c->err_detail[0] ? d->c->err_detail : err_text(e);
}

static void check_root_key(struct doctor *d, struct keyring **ret)
{
    const char *path = "";
    enum err e = path_of(d->c, &d->cfg, d->cfg.key_file, "root.key", &path);
    if (e == ERR_OK) e = keyring_open_file(d->c, path, ret);
    if (e == ERR_NOT_FOUND)
        say(d, false, "root key", "start the server once to make it, or put your backup there", "%s is not there", path);
    else if (e != ERR_OK)
        say(d, false, "root key", "restore it from your backup; mode 0600, owned by the server's user", "%s", detail(d, e));
    else
        say(d, true, "root key", "", "%s", path);
}

static void check_database(struct doctor *d)
{
    struct db *db = NULL;
    bool postgres = d->cfg.database_url.len > 0;
    struct db_config cfg = {.kind = postgres ? DB_POSTGRES : DB_SQLITE, .connections = 1, .acquire_timeout_ms = 5000};
    struct stat st;
    enum err e = arena_cstr(&d->c->arena, d->cfg.database_url, &cfg.postgres_url);
    if (e == ERR_OK) e = path_of(d->c, &d->cfg, SLICE(""), "sealdrop.db", &cfg.sqlite_path);
    if (e == ERR_OK && !postgres && sys()->stat(cfg.sqlite_path, &st) != 0) {
        say(d, false, "database", "start the server once to make it", "%s is not there", cfg.sqlite_path);
        return;
    }
    if (e == ERR_OK) e = db_open(d->c, &cfg, &db);
    if (e == ERR_OK) e = db_ping(d->c, db);
    if (e == ERR_OK)
        say(d, true, "database", "", "%s answers", postgres ? "PostgreSQL" : cfg.sqlite_path);
    else
        say(d, false, "database", postgres ? "check database.url and that PostgreSQL runs" : "check the disk and who owns the file",
            "%s", detail(d, e));
    db_close(db);
}

static void check_storage(struct doctor *d)
{
    CLEANUP(buf_done) struct buf size = BUF_INIT(64);
    const char *dir = "";
    struct statvfs st;
    enum err e = path_of(d->c, &d->cfg, d->cfg.storage_dir, "blobs", &dir);
    if (e != ERR_OK || sys()->statvfs(dir, &st) != 0) {
        say(d, false, "storage", "start the server once to make it, or check storage.dir", "%s cannot be reached", dir);
        return;
    }
    uint64_t free_bytes = (uint64_t)st.f_bavail * st.f_frsize;
    if (size_print(&size, free_bytes) != ERR_OK) return;
    say(d, free_bytes >= FREE_WANTED, "storage", "make room: uploads are refused when the disk is full", SLICE_FMT " free at %s",
        SLICE_ARG(buf_view(&size)), dir);
}

static void check_clock(struct doctor *d)
{
    /* Before this program was written, or far past it. */
    int64_t now = clock_wall_ms();
    bool good = now > 1760000000000ll && now < 4102444800000ll;
    say(d, good, "clock", "set the clock (timedatectl set-ntp true): links and sessions end by it", good ? "looks right" : "is wrong");
}

static void check_certificate(struct doctor *d)
{
    CLEANUP(buf_done) struct buf pem = BUF_INIT(256 * KIB);
    const char *cert = "", *key = "";
    struct tls *tls = NULL;
    int64_t days = 0;
    enum err e = path_of(d->c, &d->cfg, d->cfg.tls_cert, "tls/cert.pem", &cert);
    if (e == ERR_OK) e = path_of(d->c, &d->cfg, d->cfg.tls_key, "tls/key.pem", &key);
    if (e == ERR_OK) e = tls_open(d->c, cert, key, TLS_MIN_1_2, NULL, &tls);
    tls_unref(tls);
    if (e == ERR_OK) e = file_read_all(cert, &pem);
    if (e == ERR_OK) e = cert_days_left(buf_view(&pem), clock_wall_ms(), &days);
    if (e != ERR_OK)
        say(d, false, "TLS", "check tls.cert and tls.key; without them the first start makes a self-signed pair", "%s", detail(d, e));
    else
        say(d, days >= CERT_DAYS_WANTED, "TLS", "renew it, then send the server SIGHUP", "%s ends in %lld days", cert, (long long)days);
}

static void check_files(struct doctor *d)
{
    uint64_t n = proc_raise_files();
    say(d, n >= FILES_WANTED, "ulimit", "raise it (LimitNOFILE=65536 in the unit): each connection takes one",
        "%llu open files at most", (unsigned long long)n);
}

static void check_lab(struct doctor *d)
{
    char beside[4096];
    struct sniffer *s = NULL;
    struct slice type = {0}, program = d->cfg.lab_program;
    child_beside(LAB_PROGRAM, beside);
    if (program.len == 0) program = slice_cstr(beside);
    enum err e = sniffer_new(program, &s);
    if (e == ERR_OK) e = sniff(d->c, s, SLICE("%PDF-1.7\n"), &type);
    sniffer_free(s);
    if (e == ERR_OK && slice_eq(type, SLICE("application/pdf")))
        say(d, true, "types", "", "the sandboxed program answers");
    else
        say(d, false, "types", "check types.lab and that the kernel has seccomp", "%s", e == ERR_OK ? "not told rightly" : detail(d, e));
}

enum err command_doctor(struct ctx *c, struct args *a)
{
    struct doctor d = {.c = c};
    struct keyring *keys = NULL;
    TRY(args_config(c, a, &d.cfg));
    TRY(args_end(c, a));
    TRY(crypto_setup());
    say(&d, true, "config", "", "every setting is understood");
    check_root_key(&d, &keys);
    check_database(&d);
    check_storage(&d);
    check_clock(&d);
    check_certificate(&d);
    check_files(&d);
    check_lab(&d);
    keyring_close(keys);
    if (d.bad == 0) return ERR_OK;
    return refuse(c, ERR_IO, "doctor", "%u %s to be looked after.", d.bad, d.bad == 1 ? "thing has" : "things have");
}
