/* The get command: a link's files onto this disk, verified, continued after any interruption. */
#include <errno.h>
#include <limits.h>

#include "base/intmath.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cmd/cli/fetch.h"
#include "cmd/cli/get.h"
#include "cmd/cli/get_state.h"
#include "cmd/cli/target.h"
#include "cmd/cli/unpack.h"
#include "os/file.h"

#define UNPACK_PIECE (256u * 1024u)
/* Times that a file is begun again because it was sealed anew under way. */
#define ROUNDS 3

/* A file being fetched. */
struct open_file {
    int fd;
    struct file_secret secret;
    struct get_state *state;
    bool started; /* an earlier run began it, so its .part is ours */
};

struct get {
    struct app *app;
    struct recipient *recipient;
    const struct wire_file *files;
    size_t count;
    const char *dir;
    enum target_rule rule;
    struct target *targets;
    struct open_file *open;
    struct progress *progress;
    struct slice link_hash;
    struct journal *journal; /* of the whole get: grant, files begun and finished */
    struct mutex lock;       /* guards the two below */
    char grant[LIMIT_TOKEN_BYTES];
    bool grant_is_old;
};

/* Lines of that journal. */
struct line {
    struct slice event; /* "grant", "start", "stop", "done" */
    struct slice grant;
    struct opt_id file_id;
    struct slice path; /* below the folder */
    struct opt_u64 size;
};
JSON_TABLE(cli_get_journal_table, "GetEvent", struct line, JSON_FIELD(struct line, event, JSON_STRING, .flags = JSON_REQUIRED),
           JSON_FIELD(struct line, grant, JSON_STRING, .flags = JSON_SECRET), JSON_FIELD(struct line, file_id, JSON_OPT_ID),
           JSON_FIELD(struct line, path, JSON_STRING), JSON_FIELD(struct line, size, JSON_OPT_U64));

static void set_grant(struct get *g, struct slice grant, bool old)
{
    size_t n = MIN(grant.len, sizeof g->grant - 1);
    memcpy(g->grant, grant.ptr, n);
    g->grant[n] = '\0';
    g->grant_is_old = old;
}

static size_t index_of(const struct get *g, const struct id *file_id)
{
    for (size_t i = 0; i < g->count; i++)
        if (id_eq(g->files[i].id, *file_id)) return i;
    return g->count;
}

/* A finished file counts only while it is where it was put, in its size. */
static void apply_done(struct get *g, struct ctx *c, size_t i, const struct line *l)
{
    struct stat st;
    struct slice path = {0};
    /* Below the folder as it is spelled this time: the paths of all targets are compared. */
    if (arena_printf(&c->arena, &path, "%s/" SLICE_FMT, g->dir, SLICE_ARG(l->path)) != ERR_OK) return;
    if (sys()->lstat(path.ptr, &st) != 0) return;
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != g->files[i].size) return;
    g->targets[i].done = true;
    g->targets[i].path = path.ptr;
}

static enum err apply(void *arg, struct ctx *c, struct slice text)
{
    struct get *g = arg;
    struct line l = {0};
    if (json_decode(c, text, &cli_get_journal_table, JSON_LENIENT, &l) != ERR_OK) return ERR_OK;
    if (slice_eq(l.event, SLICE("grant")) && l.grant.ptr) set_grant(g, l.grant, true);
    if (!l.file_id.set) return ERR_OK;
    size_t i = index_of(g, &l.file_id.v);
    if (i < g->count && slice_eq(l.event, SLICE("start"))) g->open[i].started = true;
    if (i < g->count && slice_eq(l.event, SLICE("stop"))) g->open[i].started = false;
    if (i < g->count && slice_eq(l.event, SLICE("done")) && l.path.ptr) apply_done(g, c, i, &l);
    return ERR_OK;
}

static enum err open_journal(struct get *g)
{
    CLEANUP(hasher_cleanup) struct hasher *h = NULL;
    struct ctx *c = g->app->c;
    struct sha256 key;
    const char *path = NULL;
    char real[PATH_MAX];
    if (!realpath(g->dir, real)) return fail(c, sys_err(errno), "cannot find the folder '%s'", g->dir);
    TRY(hasher_new(&h));
    TRY(hasher_add(h, g->recipient->server.origin, strlen(g->recipient->server.origin) + 1));
    TRY(hasher_add(h, g->recipient->token.ptr, g->recipient->token.len));
    TRY(hasher_add(h, real, strlen(real) + 1));
    TRY(hasher_sum(h, &key));
    TRY(home_state_path(c, &g->app->home, "get-", &key, &path));
    TRY(journal_open(c, path, false, apply, g, &g->journal));
    ctx_clear_error(c);
    return ERR_OK;
}

static enum err note(struct ctx *c, struct get *g, const char *event, size_t item)
{
    struct line l = {.event = slice_cstr(event),
                     .file_id = {true, g->files[item].id},
                     .path = slice_cstr(g->targets[item].path + strlen(g->dir) + 1),
                     .size = {true, g->files[item].size}};
    return journal_append(c, g->journal, &cli_get_journal_table, &l, false);
}

static enum err keep_grant(struct ctx *c, struct get *g, struct slice grant)
{
    if (slice_eq(grant, slice_cstr(g->grant))) return ERR_OK;
    set_grant(g, grant, false);
    struct line l = {.event = SLICE("grant"), .grant = slice_cstr(g->grant)};
    return journal_append(c, g->journal, &cli_get_journal_table, &l, false);
}

/* A grant of an earlier run may have ended meanwhile: then a new one is asked for, once. */
static bool grant_over(enum err e)
{
    return e == ERR_GONE || e == ERR_NOT_FOUND || e == ERR_DENIED || e == ERR_CONFLICT || e == ERR_INVALID;
}

/* The lock is held: the first key call makes the grant that all files share. */
static enum err first_key(struct ctx *c, struct get *g, struct client *cl, const struct id *file_id, struct file_secret *ret)
{
    enum err e = recipient_key(c, cl, g->recipient, file_id, slice_cstr(g->grant), ret);
    if (g->grant_is_old && grant_over(e)) {
        ctx_clear_error(c);
        e = recipient_key(c, cl, g->recipient, file_id, (struct slice){0}, ret);
    }
    if (e != ERR_OK) return e;
    g->grant_is_old = false;
    return keep_grant(c, g, ret->grant);
}

static enum err get_key(struct ctx *c, struct get *g, struct client *cl, size_t item, struct file_secret *ret)
{
    const struct wire_file *f = &g->files[item];
    mutex_lock(&g->lock);
    bool first = !g->grant[0] || g->grant_is_old;
    enum err e = first ? first_key(c, g, cl, &f->id, ret) : ERR_OK;
    mutex_unlock(&g->lock);
    if (!first) e = recipient_key(c, cl, g->recipient, &f->id, slice_cstr(g->grant), ret);
    if (e == ERR_OK && ret->size != f->size) return fail(c, ERR_CORRUPT, "the server contradicts itself about the size");
    return e;
}

static enum err start(void *arg, struct worker *w)
{
    struct get *g = arg;
    struct fetcher *f = NULL;
    TRY(fetcher_open(&w->ctx, &g->recipient->server, &f));
    w->own = f;
    return ERR_OK;
}

static void stop(void *arg, struct worker *w)
{
    (void)arg;
    fetcher_close(w->own);
}

/* The temporary file, ours or new. */
static enum err open_part(struct ctx *c, struct get *g, size_t item, bool *ret_existed)
{
    const struct target *t = &g->targets[item];
    int flags = O_RDWR | O_NOFOLLOW;
    enum err e = file_open(t->part_path, flags, 0, &g->open[item].fd);
    *ret_existed = e == ERR_OK;
    if (e == ERR_NOT_FOUND) e = file_open(t->part_path, flags | O_CREAT | O_EXCL, 0666, &g->open[item].fd);
    return e == ERR_OK ? e : fail(c, e, "cannot open '%s': %s", t->part_path, err_text(e));
}

static enum err settle_part(struct ctx *c, struct get *g, size_t item, bool continues, bool existed)
{
    struct open_file *o = &g->open[item];
    const struct target *t = &g->targets[item];
    if (existed && !continues && !o->started && g->rule != TARGET_REPLACE) {
        if (o->state) get_state_remove(TAKE(o->state));
        return refuse(c, ERR_EXISTS, "exists", "'%s' is there already and is not of this download; remove it or use --force",
                      t->part_path);
    }
    if (continues && !existed) TRY(get_state_forget(c, o->state));
    if (existed && !continues) {
        enum err e = file_truncate(o->fd, 0);
        if (e != ERR_OK) return fail(c, e, "cannot empty '%s': %s", t->part_path, err_text(e));
    }
    return ERR_OK;
}

static enum err open_item(void *arg, struct worker *w, size_t item, uint64_t *ret_parts)
{
    struct get *g = arg;
    struct fetcher *f = w->own;
    struct open_file *o = &g->open[item];
    const struct target *t = &g->targets[item];
    bool continues = false, existed = false;
    *ret_parts = 0;
    if (t->done) {
        progress_add(g->progress, g->files[item].size);
        return ERR_OK;
    }
    TRY(get_key(&w->ctx, g, f->client, item, &o->secret));
    TRY(target_make_dirs(&w->ctx, g->dir, t));
    uint64_t parts = sft_part_count(o->secret.stored_size, o->secret.part_size);
    struct get_identity id = {g->link_hash, g->files[item].id, o->secret.stored_size, o->secret.part_size, o->secret.headers_hash};
    TRY(get_state_open(&w->ctx, parts > 1 ? t->state_path : NULL, g->rule == TARGET_REPLACE, &id, &o->state, &continues));
    if (parts == 1 && !o->started) {
        struct stat st;
        if (sys()->lstat(t->part_path, &st) != 0) {
            TRY(note(&w->ctx, g, "start", item));
            o->started = true;
        }
    }
    TRY(open_part(&w->ctx, g, item, &existed));
    TRY(settle_part(&w->ctx, g, item, continues, existed));
    for (uint64_t part = 0; part < parts; part++)
        if (get_state_has(o->state, part)) progress_add(g->progress, sft_part_plain(o->secret.stored_size, o->secret.part_size, part));
    *ret_parts = parts;
    return ERR_OK;
}

static bool have_part(void *arg, size_t item, uint64_t part)
{
    const struct get *g = arg;
    return get_state_has(g->open[item].state, part);
}

struct writing {
    struct ctx *c;
    int fd;
    const char *path;
};

static enum err write_out(void *arg, uint64_t offset, const void *p, size_t n)
{
    const struct writing *w = arg;
    enum err e = file_pwrite_all(w->fd, p, n, offset);
    return e == ERR_OK ? e : fail(w->c, e, "cannot write '%s': %s", w->path, err_text(e));
}

static enum err get_part(void *arg, struct worker *w, size_t item, uint64_t part)
{
    struct get *g = arg;
    struct open_file *o = &g->open[item];
    struct writing out = {&w->ctx, o->fd, g->targets[item].part_path};
    struct seal_header header;
    struct fetch what = {.recipient = g->recipient,
                         .file_id = &g->files[item].id,
                         .name = g->files[item].name,
                         .secret = &o->secret,
                         .grant = slice_cstr(g->grant),
                         .progress = g->progress,
                         .worker = w->index,
                         .emit = write_out,
                         .emit_arg = &out};
    TRY(fetch_part(&w->ctx, w->own, &what, part, &header));
    return get_state_part(&w->ctx, o->state, o->fd, part, &header);
}

static void close_file(struct open_file *o)
{
    fd_close(&o->fd);
    get_state_close(TAKE(o->state));
    file_secret_done(&o->secret);
}

static enum err unpack_into(struct ctx *c, const struct get *g, size_t item, int fd, const char *path)
{
    CLEANUP(unpack_cleanup) struct unpack *u = NULL;
    CLEANUP(mem_cleanup) uint8_t *piece = mem_alloc(1, UNPACK_PIECE);
    const struct open_file *o = &g->open[item];
    struct writing out = {c, fd, path};
    if (!piece || unpack_new(o->secret.map, o->secret.size, write_out, &out, &u) != ERR_OK) return fail(c, ERR_NOMEM, "decompression");
    for (uint64_t at = 0; at < o->secret.stored_size;) {
        size_t n = (size_t)MIN(o->secret.stored_size - at, (uint64_t)UNPACK_PIECE);
        enum err e = file_pread_all(o->fd, piece, n, at);
        if (e != ERR_OK) return fail(c, e, "cannot read '%s': %s", g->targets[item].part_path, err_text(e));
        TRY(unpack_push(u, piece, n));
        at += n;
    }
    return unpack_finish(u);
}

/* The packed bytes, verified, become plaintext beside them, which then takes their place. Interrupted, it begins anew. */
static enum err unpack_part(struct ctx *c, struct get *g, size_t item)
{
    struct open_file *o = &g->open[item];
    const struct target *t = &g->targets[item];
    struct slice path = {0};
    int fd = -1;
    TRY(arena_printf(&c->arena, &path, "%s.open", t->part_path));
    enum err e = file_open(path.ptr, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, 0666, &fd);
    if (e != ERR_OK) return fail(c, e, "cannot open '%s': %s", path.ptr, err_text(e));
    e = unpack_into(c, g, item, fd, path.ptr);
    if (e == ERR_CORRUPT) e = refuse(c, e, "not_verified", "'" SLICE_FMT "' does not decompress", SLICE_ARG(g->files[item].name));
    if (e == ERR_OK && sys()->rename(path.ptr, t->part_path) != 0) e = fail(c, sys_err(errno), "cannot rename '%s'", path.ptr);
    if (e != ERR_OK) {
        fd_close(&fd);
        sys()->unlink(path.ptr);
        return e;
    }
    fd_close(&o->fd);
    o->fd = fd;
    progress_add(g->progress, o->secret.size - o->secret.stored_size);
    return ERR_OK;
}

static enum err finish(struct ctx *c, struct get *g, size_t item)
{
    struct open_file *o = &g->open[item];
    const struct target *t = &g->targets[item];
    TRY(get_state_flush(c, o->state, o->fd));
    enum err e = get_state_verify(c, o->state);
    if (e == ERR_CORRUPT) {
        /* Nothing of it can be trusted: the next try begins anew. */
        get_state_remove(TAKE(o->state));
        sys()->unlink(t->part_path);
        return refuse(c, e, "not_verified", "'" SLICE_FMT "' does not verify as a whole: %s", SLICE_ARG(g->files[item].name),
                      "its parts are not the ones it was sealed with");
    }
    TRY(e);
    e = file_truncate(o->fd, o->secret.stored_size);
    if (e == ERR_OK && o->secret.map) TRY(unpack_part(c, g, item));
    if (e == ERR_OK) e = file_sync(o->fd);
    if (e != ERR_OK) return fail(c, e, "cannot write '%s': %s", t->part_path, err_text(e));
    TRY(target_publish(c, g->rule, t, o->fd));
    TRY(note(c, g, "done", item));
    get_state_remove(TAKE(o->state));
    return ERR_OK;
}

static enum err close_item(void *arg, struct worker *w, size_t item)
{
    struct get *g = arg;
    if (!g->targets[item].done) TRY(finish(&w->ctx, g, item));
    close_file(&g->open[item]);
    progress_file(g->progress);
    return ERR_OK;
}

/* A file of one part begins anew the next time. What lies in its place by then may be somebody else's. */
static void forget_single(struct ctx *c, struct get *g, size_t item)
{
    const struct open_file *o = &g->open[item];
    if (!o->started || sft_part_count(o->secret.stored_size, o->secret.part_size) != 1) return;
    if (sys()->unlink(g->targets[item].part_path) == 0) err_ignore(note(c, g, "stop", item), "it is taken for ours then");
}

/* What is verified is noted also when the rest failed. */
static void save_rest(struct get *g)
{
    struct ctx c; /* of its own: the error that is told is the first one */
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    for (size_t i = 0; i < g->count; i++) {
        struct open_file *o = &g->open[i];
        if (o->fd >= 0 && o->state) err_ignore(get_state_flush(&c, o->state, o->fd), "it is fetched again then");
        if (o->fd >= 0) forget_single(&c, g, i);
        close_file(o);
    }
    ctx_done(&c);
}

static uint64_t moved(void *arg) { return progress_moved(((struct get *)arg)->progress); }

static enum err run_pool(struct get *g, uint64_t total)
{
    struct pool_job job = {.arg = g,
                           .items = g->count,
                           .workers = POOL_WORKERS_MAX,
                           .moved = moved,
                           .halt = g->app->halt,
                           .start = start,
                           .stop = stop,
                           .open = open_item,
                           .have = have_part,
                           .part = get_part,
                           .close = close_item};
    TRY(progress_start(app_progress(g->app), total, g->count, &g->progress));
    g->recipient->server.progress = g->progress;
    enum err e = pool_run(g->app->c, &job);
    save_rest(g);
    g->recipient->server.progress = NULL;
    progress_stop(TAKE(g->progress));
    return e;
}

static enum err tell_server(struct get *g)
{
    struct client *cl = NULL;
    TRY(server_client(g->app->c, &g->recipient->server, false, &cl));
    enum err e = recipient_done(g->app->c, cl, g->recipient, slice_cstr(g->grant));
    client_close(cl);
    return e;
}

static enum err fetch_all(struct get *g)
{
    struct app *a = g->app;
    uint64_t total = 0;
    for (size_t i = 0; i < g->count; i++) TRY(u64_add(total, g->files[i].size, &total));
    TRY(open_journal(g));
    TRY(target_plan(a->c, g->dir, g->rule, g->targets, g->count));
    enum err e = run_pool(g, total);
    if (e == ERR_CANCELLED)
        return refuse(a->c, e, "interrupted", "interrupted; what was verified is kept: the same command goes on from there");
    if (e != ERR_OK) {
        if (client_worth_retry(e)) progress_say(NULL, "What was verified is kept: the same command goes on from there.");
        return e;
    }
    TRY(target_sync_dirs(a->c, g->targets, g->count));
    if (g->grant[0] && tell_server(g) != ERR_OK)
        progress_say(NULL, "note: all is here and verified, but the server did not hear of it: %s", a->c->err_detail);
    ctx_clear_error(a->c);
    journal_remove(TAKE(g->journal));
    return ERR_OK;
}

static enum err get_round(struct app *a, struct recipient *r, struct get_result *ret)
{
    struct get g = {.app = a,
                    .recipient = r,
                    .files = r->share.files.items,
                    .count = r->share.files.count,
                    .dir = a->opt.out ? a->opt.out : ".",
                    .rule = a->opt.force ? TARGET_REPLACE : a->opt.rename ? TARGET_RENAME : TARGET_REFUSE};
    g.targets = ARENA_ARRAY(&a->c->arena, struct target, g.count);
    g.open = ARENA_ARRAY(&a->c->arena, struct open_file, g.count);
    if (!g.targets || !g.open) return fail(a->c, ERR_NOMEM, "list of files");
    for (size_t i = 0; i < g.count; i++) {
        g.open[i].fd = -1;
        g.targets[i].name = g.files[i].name;
    }
    TRY(target_make_root(a->c, g.dir));
    TRY(token_hash(a->c, r->token, &g.link_hash));
    mutex_init(&g.lock);
    enum err e = fetch_all(&g);
    journal_close(g.journal);
    mutex_done(&g.lock);
    mem_wipe(g.grant, sizeof g.grant);
    if (e == ERR_OK) *ret = (struct get_result){g.targets, g.dir};
    return e;
}

enum err get_files(struct app *a, struct recipient *r, struct get_result *ret)
{
    for (int round = 1;; round++) {
        enum err e = get_round(a, r, ret);
        if (e != ERR_GONE || round == ROUNDS || !a->c->err_code || strcmp(a->c->err_code, CONTENT_CHANGED) != 0) return e;
        ctx_clear_error(a->c);
        atomic_store(a->halt, false); /* the pool had set it */
    }
}
