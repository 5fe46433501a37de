/* What a file is: its beginning goes to the sandboxed program, the answer through the policy for types. */
#include "base/buf.h"
#include "base/intmath.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/audit/audit.h"
#include "core/file/file.h"
#include "core/file/file_store.h"
#include "core/file/version_store.h"
#include "core/job/job.h"
#include "core/type/sniff.h"
#include "lab/lab.h"

enum err file_check_ready(struct ctx *c, const struct file *f)
{
    if (slice_eq(f->state, SLICE("ready"))) return ERR_OK;
    if (slice_eq(f->state, SLICE("quarantined")))
        return refuse(c, ERR_DENIED, "file_quarantined",
                      "\"" SLICE_FMT "\" is locked away: its content is of a kind that is not allowed here.", SLICE_ARG(f->name));
    return refuse(c, ERR_CONFLICT, "file_not_ready", "\"" SLICE_FMT "\" is still being checked. Try again in a moment.",
                  SLICE_ARG(f->name));
}

struct slice file_first_state(const struct app *app)
{
    return type_policy_set(&app->cfg.types) ? SLICE("scanning") : SLICE("ready");
}

/* The beginning of the content, in `buf`. */
static enum err read_head(struct ctx *c, struct app *app, const struct file *f, uint8_t *buf, size_t *ret_n)
{
    struct reader *r = NULL;
    uint64_t want = MIN(f->size, (uint64_t)LAB_SNIFF_BYTES);
    size_t done = 0, got = 1;
    enum err e = file_read_plain(c, app, f, 0, want, &r);
    while (e == ERR_OK && got && done < want) {
        e = r->ops->read(r, c, buf + done, (size_t)want - done, &got);
        if (e == ERR_OK) done += got;
    }
    reader_close(r, c, e == ERR_OK);
    TRY(e);
    *ret_n = done;
    return ERR_OK;
}

static enum err detect(struct ctx *c, struct app *app, const struct file *f, struct slice *ret)
{
    CLEANUP(mem_cleanup) uint8_t *buf = mem_alloc(1, LAB_SNIFF_BYTES);
    size_t n = 0;
    if (!buf) return ERR_NOMEM;
    TRY(read_head(c, app, f, buf, &n));
    enum err e = app->sniffer ? sniff(c, app->sniffer, slice_of(buf, n), ret) : ERR_NOT_FOUND;
    if (e == ERR_OK || type_policy_set(&app->cfg.types)) return e;
    log_warn("type_not_detected", LOG_TEXT("why", slice_cstr(err_text(e))));
    ctx_clear_error(c);
    *ret = SLICE("");
    return ERR_OK;
}

struct record_arg {
    struct file f;
    bool done;
};

static enum err record_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct record_arg *a = arg;
    const struct file *f = &a->f;
    struct file now;
    TRY(version_store_inspected(c, conn, f));
    TRY(file_store_inspected(c, conn, f, &a->done));
    if (!a->done) {
        enum err e = file_store_get(c, conn, &f->id, &now);
        /* Sealed anew in between, or there is a new version: once more, with what is there now. */
        a->done = e == ERR_NOT_FOUND || (e == ERR_OK && !slice_eq(now.state, SLICE("scanning")));
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    if (f->state_why.len == 0) return ERR_OK;
    return audit_write(c, conn, &(struct audit_event){.event = "file.quarantine", .object_type = "file", .object_id = &f->id,
                                                      .detail = f->state_why});
}

enum err file_inspect_later(struct ctx *c, struct db_conn *conn, const struct id *ids, size_t n)
{
    CLEANUP(buf_done) struct buf payload = BUF_INIT(LIMIT_BATCH_FILES * (ID_TEXT_LEN + 1));
    char text[ID_TEXT_LEN + 1];
    for (size_t i = 0; i < n; i++) {
        id_text(ids[i], text);
        if (i) TRY(buf_putc(&payload, ' '));
        TRY(buf_put_cstr(&payload, text));
    }
    return job_add(c, conn, &(struct job_new){.kind = "inspect", .payload = buf_view(&payload)});
}

static enum err judge(struct ctx *c, struct app *app, struct file *f)
{
    TRY(detect(c, app, f, &f->detected_type));
    f->state_why = type_verdict_word(type_check(&app->cfg.types, f->name, f->detected_type));
    f->state = f->state_why.len ? SLICE("quarantined") : SLICE("ready");
    return ERR_OK;
}

struct older_arg {
    const struct file *f;
    struct file_version *rows;
    size_t n;
    struct file one;
};

static enum err list_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct older_arg *a = arg;
    return version_store_list(c, conn, &a->f->id, INT64_MAX, LIMIT_FILE_VERSIONS, &a->rows, &a->n);
}

static enum err record_older_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    const struct older_arg *a = arg;
    return version_store_inspected(c, conn, &a->one);
}

/* Versions that were replaced before anybody looked at them. */
static enum err inspect_older(struct ctx *c, struct app *app, const struct file *f)
{
    struct older_arg a = {.f = f};
    if (!type_policy_set(&app->cfg.types)) return ERR_OK;
    TRY(db_tx(c, app->be.db, DB_READ, list_tx, &a));
    for (size_t i = 0; i < a.n; i++) {
        if (!a.rows[i].replaced_at || !slice_eq(a.rows[i].state, SLICE("scanning"))) continue;
        version_as_file(f, &a.rows[i], &a.one);
        enum err e = judge(c, app, &a.one);
        if (e == ERR_OK) e = db_tx(c, app->be.db, DB_WRITE, record_older_tx, &a);
        if (e != ERR_NOT_FOUND) TRY(e); /* deleted meanwhile */
    }
    return ERR_OK;
}

enum err file_inspect(struct ctx *c, struct app *app, const struct id *id)
{
    struct record_arg a = {.done = false};
    struct file *f = &a.f;
    enum err e = file_load(c, app, id, f);
    if (e == ERR_NOT_FOUND) return ERR_OK;
    TRY(e);
    if (!slice_eq(f->mode, SLICE("managed"))) return ERR_OK;
    TRY(judge(c, app, f));
    TRY(db_tx(c, app->be.db, DB_WRITE, record_tx, &a));
    if (!a.done) return fail(c, ERR_BUSY, "the content changed while it was looked at");
    return inspect_older(c, app, f);
}
