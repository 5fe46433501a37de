/* The client's files in the home directory: account, trusted hosts, links. Knows their places and shapes, nothing of the network. */
#include "cmd/cli/config.h"

#include <errno.h>
#include <sys/file.h>

#include "base/limits.h"
#include "cmd/cli/journal.h"
#include "codec/hex.h"
#include "os/file.h"

#define CONFIG_FILE_MAX (1 * MIB)
#define HOSTS_MAX 1000

struct hosts {
    struct json_list hosts;
};

JSON_TABLE(cli_account_table, "Account", struct account,
           JSON_FIELD(struct account, server, JSON_STRING, .flags = JSON_REQUIRED),
           JSON_FIELD(struct account, email, JSON_STRING, .flags = JSON_REQUIRED),
           JSON_FIELD(struct account, device, JSON_STRING),
           JSON_FIELD(struct account, access_token, JSON_STRING, .flags = JSON_REQUIRED | JSON_SECRET),
           JSON_FIELD(struct account, refresh_token, JSON_STRING, .flags = JSON_REQUIRED | JSON_SECRET),
           JSON_FIELD(struct account, access_until, JSON_TIME, .flags = JSON_REQUIRED));
JSON_TABLE(cli_host_table, "Host", struct host_trust,
           JSON_FIELD(struct host_trust, origin, JSON_STRING, .flags = JSON_REQUIRED),
           JSON_FIELD(struct host_trust, pin, JSON_STRING), JSON_FIELD(struct host_trust, ca_file, JSON_STRING));
JSON_TABLE(cli_hosts_table, "Hosts", struct hosts,
           JSON_FIELD(struct hosts, hosts, JSON_OBJECTS, .flags = JSON_REQUIRED, .max = HOSTS_MAX, .table = &cli_host_table));
JSON_TABLE(cli_link_table, "Link", struct link_record,
           JSON_FIELD(struct link_record, link_hash, JSON_STRING, .flags = JSON_REQUIRED),
           JSON_FIELD(struct link_record, server, JSON_STRING, .flags = JSON_REQUIRED),
           JSON_FIELD(struct link_record, transfer_id, JSON_ID, .flags = JSON_REQUIRED),
           JSON_FIELD(struct link_record, link_id, JSON_OPT_ID),
           JSON_FIELD(struct link_record, created_at, JSON_TIME, .flags = JSON_REQUIRED));

/* $xdg/sealdrop, or $HOME/fallback/sealdrop. XDG paths that are not absolute are to be ignored (basedir specification). */
static enum err find_dir(struct ctx *c, const char *xdg, const char *fallback, const char **ret)
{
    struct slice path = {0};
    const char *base = getenv(xdg), *home = getenv("HOME");
    if (base && base[0] == '/')
        TRY(arena_printf(&c->arena, &path, "%s/sealdrop", base));
    else if (home && home[0] == '/')
        TRY(arena_printf(&c->arena, &path, "%s/%s/sealdrop", home, fallback));
    else
        return refuse(c, ERR_INVALID, "no_home", "neither HOME nor %s names a directory for settings", xdg);
    *ret = path.ptr;
    return ERR_OK;
}

enum err home_find(struct ctx *c, struct home *ret)
{
    TRY(find_dir(c, "XDG_CONFIG_HOME", ".config", &ret->config));
    return find_dir(c, "XDG_STATE_HOME", ".local/state", &ret->state);
}

static enum err path_in(struct ctx *c, const char *dir, const char *name, const char **ret)
{
    struct slice path = {0};
    TRY(arena_printf(&c->arena, &path, "%s/%s", dir, name));
    *ret = path.ptr;
    return ERR_OK;
}

static enum err need_dir(struct ctx *c, const char *dir)
{
    enum err e = dir_make(dir);
    return e == ERR_OK ? e : fail(c, e, "cannot make the directory '%s': %s", dir, err_text(e));
}

static enum err hex_of(struct ctx *c, const struct sha256 *h, struct slice *ret)
{
    CLEANUP(buf_done) struct buf hex = BUF_INIT(2 * SHA256_BYTES);
    TRY(hex_encode(&hex, sha256_view(h)));
    return arena_slice(&c->arena, buf_view(&hex), ret);
}

enum err home_state_path(struct ctx *c, const struct home *h, const char *prefix, const struct sha256 *key, const char **ret)
{
    struct slice hex = {0}, path = {0};
    TRY(need_dir(c, h->state));
    TRY(hex_of(c, key, &hex));
    TRY(arena_printf(&c->arena, &path, "%s/%s" SLICE_FMT ".jsonl", h->state, prefix, (int)32, hex.ptr));
    *ret = path.ptr;
    return ERR_OK;
}

/* Reads and decodes a private file. ERR_NOT_FOUND: there is none. */
static enum err read_file(struct ctx *c, const char *path, const struct json_table *t, void *ret)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(CONFIG_FILE_MAX);
    text.sensitive = true;
    enum err e = file_read_all(path, &text);
    if (e == ERR_NOT_FOUND) return e;
    if (e != ERR_OK) return fail(c, e, "cannot read '%s': %s", path, err_text(e));
    if (json_decode(c, buf_view(&text), t, JSON_LENIENT, ret) != ERR_OK)
        return refuse(c, ERR_INVALID, "bad_settings", "'%s' is damaged; remove it and sign in again", path);
    return ERR_OK;
}

static enum err write_file(struct ctx *c, const char *dir, const char *path, const struct json_table *t, const void *obj)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(CONFIG_FILE_MAX);
    text.sensitive = true;
    TRY(need_dir(c, dir));
    enum err e = json_encode(&text, t, obj);
    if (e == ERR_OK) e = buf_putc(&text, '\n');
    if (e == ERR_OK) e = file_replace(path, buf_view(&text), 0600);
    return e == ERR_OK ? e : fail(c, e, "cannot write '%s': %s", path, err_text(e));
}

enum err account_load(struct ctx *c, const struct home *h, struct account *ret)
{
    const char *path = NULL;
    TRY(path_in(c, h->config, "account.json", &path));
    enum err e = read_file(c, path, &cli_account_table, ret);
    if (e == ERR_NOT_FOUND)
        return refuse(c, ERR_UNAUTH, "signed_out", "you are not signed in; start with: sealdrop login https://YOUR-SERVER");
    return e;
}

enum err account_save(struct ctx *c, const struct home *h, const struct account *a)
{
    const char *path = NULL;
    TRY(path_in(c, h->config, "account.json", &path));
    return write_file(c, h->config, path, &cli_account_table, a);
}

enum err account_forget(struct ctx *c, const struct home *h)
{
    const char *path = NULL;
    TRY(path_in(c, h->config, "account.json", &path));
    enum err e = file_remove(path);
    return e == ERR_OK || e == ERR_NOT_FOUND ? ERR_OK : fail(c, e, "cannot remove '%s': %s", path, err_text(e));
}

enum err account_lock(struct ctx *c, const struct home *h, int *ret_fd)
{
    /* A file of its own: account.json is replaced, not rewritten, so a lock on it would be on an old file. */
    CLEANUP(fd_close) int fd = -1;
    const char *path = NULL;
    int r;
    TRY(need_dir(c, h->config));
    TRY(path_in(c, h->config, "account.lock", &path));
    enum err e = file_open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600, &fd);
    if (e != ERR_OK) return fail(c, e, "cannot open '%s': %s", path, err_text(e));
    do r = sys()->flock(fd, LOCK_EX);
    while (r != 0 && errno == EINTR);
    if (r != 0) return fail(c, sys_err(errno), "cannot lock '%s'", path);
    *ret_fd = fd;
    fd = -1;
    return ERR_OK;
}

static enum err hosts_load(struct ctx *c, const struct home *h, const char **ret_path, struct hosts *ret)
{
    TRY(path_in(c, h->config, "hosts.json", ret_path));
    enum err e = read_file(c, *ret_path, &cli_hosts_table, ret);
    if (e == ERR_NOT_FOUND) *ret = (struct hosts){{NULL, 0, true}};
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err trust_load(struct ctx *c, const struct home *h, struct slice origin, struct host_trust *ret)
{
    struct hosts all = {0};
    const char *path = NULL;
    TRY(hosts_load(c, h, &path, &all));
    *ret = (struct host_trust){.origin = origin};
    const struct host_trust *hosts = all.hosts.items;
    for (size_t i = 0; i < all.hosts.count; i++)
        if (slice_eq(hosts[i].origin, origin)) *ret = hosts[i];
    return ERR_OK;
}

enum err trust_save(struct ctx *c, const struct home *h, const struct host_trust *t)
{
    struct hosts all = {0};
    const char *path = NULL;
    CLEANUP(fd_close) int lock = -1;
    TRY(account_lock(c, h, &lock));
    TRY(hosts_load(c, h, &path, &all));
    const struct host_trust *old = all.hosts.items;
    struct host_trust *hosts = ARENA_ARRAY(&c->arena, struct host_trust, all.hosts.count + 1);
    size_t n = 0;
    if (!hosts) return fail(c, ERR_NOMEM, "hosts");
    for (size_t i = 0; i < all.hosts.count; i++)
        if (!slice_eq(old[i].origin, t->origin)) hosts[n++] = old[i];
    if (n == HOSTS_MAX) return refuse(c, ERR_TOO_LARGE, "too_many_hosts", "'%s' names too many hosts; remove some", path);
    hosts[n++] = *t;
    all.hosts = (struct json_list){hosts, n, true};
    return write_file(c, h->config, path, &cli_hosts_table, &all);
}

enum err token_hash(struct ctx *c, struct slice token, struct slice *ret)
{
    struct sha256 h;
    TRY(sha256(token, &h));
    return hex_of(c, &h, ret);
}

enum err links_add(struct ctx *c, const struct home *h, const struct link_record *r)
{
    CLEANUP(journal_cleanup) struct journal *j = NULL;
    const char *path = NULL;
    TRY(need_dir(c, h->state));
    TRY(path_in(c, h->state, "links.jsonl", &path));
    TRY(journal_open(c, path, true, NULL, NULL, &j));
    return journal_append(c, j, &cli_link_table, r, true);
}

struct find {
    struct slice hash;
    struct link_record *ret;
    bool found;
};

static enum err match_link(void *arg, struct ctx *c, struct slice line)
{
    struct find *f = arg;
    struct link_record r = {0};
    /* A line of a newer version or a damaged one hides no other. */
    if (json_decode(c, line, &cli_link_table, JSON_LENIENT, &r) != ERR_OK || !slice_eq(r.link_hash, f->hash)) return ERR_OK;
    *f->ret = r;
    f->found = true;
    return ERR_OK;
}

enum err links_find(struct ctx *c, const struct home *h, struct slice token, struct link_record *ret)
{
    CLEANUP(journal_cleanup) struct journal *j = NULL;
    struct find f = {.ret = ret};
    const char *path = NULL;
    struct stat st;
    TRY(token_hash(c, token, &f.hash));
    TRY(path_in(c, h->state, "links.jsonl", &path));
    if (sys()->stat(path, &st) != 0) return ERR_NOT_FOUND;
    TRY(journal_open(c, path, true, match_link, &f, &j));
    ctx_clear_error(c);
    return f.found ? ERR_OK : ERR_NOT_FOUND;
}
