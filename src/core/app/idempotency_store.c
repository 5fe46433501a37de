/* The memory of idempotent requests, its SQL and the sealing of stored answers. */
#include "base/limits.h"
#include "core/app/idempotency.h"
#include "crypto/seal.h"
#include "crypto/sft.h"
#include "os/clock.h"

/* A request that was cut off by a crash may be tried again after this long: whoever goes on with an upload waits for it. Longer than
 * any such request works (a database that does not answer is given up sooner). */
#define RUNNING_MS (15 * 1000)

static const struct db_stmt reserve = {
    "idempotency_reserve",
    "INSERT INTO idempotency (key_hash, request_hash, status, response, expires_at) VALUES ($1, $2, 0, $5, $3) "
    "ON CONFLICT (key_hash) DO UPDATE SET request_hash = excluded.request_hash, status = 0, "
    "response = excluded.response, expires_at = excluded.expires_at WHERE idempotency.expires_at <= $4", NULL};
static const struct db_stmt get = {
    "idempotency_get", "SELECT request_hash, status, response FROM idempotency WHERE key_hash = $1", NULL};
static const struct db_stmt fill = {
    "idempotency_fill", "UPDATE idempotency SET status = $2, response = $3, expires_at = $4 WHERE key_hash = $1", NULL};
static const struct db_stmt drop = {"idempotency_drop", "DELETE FROM idempotency WHERE key_hash = $1", NULL};
static const struct db_stmt expire = {"idempotency_expire", "DELETE FROM idempotency WHERE expires_at <= $1", NULL};

struct idem_arg {
    const struct idempotency *i;
    bool reserved;
    struct sha256 request;
    int64_t status;
    struct slice sealed;
};

static enum err begin_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct idem_arg *a = arg;
    struct db_result r;
    int64_t now = clock_wall_ms();
    struct db_value key = db_bytes(sha256_view(&a->i->key));
    TRY(db_exec(c, conn, &reserve, &r, key, db_bytes(sha256_view(&a->i->request)), db_i64(now + RUNNING_MS), db_i64(now),
                db_bytes(SLICE(""))));
    a->reserved = r.changes == 1;
    if (a->reserved) return ERR_OK;
    TRY(db_one(c, conn, &get, &r, key));
    struct slice request = db_get_slice(&r, 0, 0);
    if (request.len != SHA256_BYTES) return ERR_CORRUPT;
    memcpy(a->request.b, request.ptr, SHA256_BYTES);
    a->status = db_get_i64(&r, 0, 1);
    a->sealed = db_get_slice(&r, 0, 2);
    return ERR_OK;
}

static void context_of(struct sft_context *ret, const struct idempotency *i)
{
    sft_context(ret, "sft/1/idempotency", sha256_view(&i->key), SLICE(""));
}

enum err idempotency_begin(struct ctx *c, struct app *app, const struct idempotency *i, int *ret_status,
                           struct slice *ret_body)
{
    struct idem_arg a = {.i = i};
    CLEANUP(buf_done) struct buf body = {.max = LIMIT_JSON_ANSWER_BYTES, .sensitive = true};
    struct sft_context context;
    TRY(db_tx(c, app->be.db, DB_WRITE, begin_tx, &a));
    if (a.reserved) return ERR_OK;
    if (!sha256_equal(&a.request, &i->request))
        return refuse(c, ERR_CONFLICT, "idempotency_mismatch", "This Idempotency-Key was used for another request.");
    if (a.status == 0)
        return refuse(c, ERR_BUSY, "idempotency_running", "The first request with this Idempotency-Key is still running.");
    context_of(&context, i);
    TRY(seal_open_message(&app->server_key, sft_context_view(&context), a.sealed, &body));
    TRY(arena_slice(&c->arena, buf_view(&body), ret_body));
    *ret_status = (int)a.status;
    return ERR_EXISTS;
}

static enum err fill_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct idem_arg *a = arg;
    return db_exec(c, conn, &fill, NULL, db_bytes(sha256_view(&a->i->key)), db_i64(a->status), db_bytes(a->sealed),
                   db_i64(clock_wall_ms() + IDEMPOTENCY_KEEP_MS));
}

enum err idempotency_finish(struct ctx *c, struct app *app, const struct idempotency *i, int status, struct slice body)
{
    CLEANUP(buf_done) struct buf sealed = BUF_INIT(seal_size(LIMIT_JSON_ANSWER_BYTES));
    struct sft_context context;
    context_of(&context, i);
    TRY(seal_message(&app->server_key, sft_context_view(&context), body, &sealed));
    struct idem_arg a = {.i = i, .status = status, .sealed = buf_view(&sealed)};
    return db_tx(c, app->be.db, DB_WRITE, fill_tx, &a);
}

enum err idempotency_drop_tx(struct ctx *c, struct db_conn *conn, const struct idempotency *i)
{
    return db_exec(c, conn, &drop, NULL, db_bytes(sha256_view(&i->key)));
}

static enum err drop_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    const struct idem_arg *a = arg;
    return idempotency_drop_tx(c, conn, a->i);
}

enum err idempotency_claim_tx(struct ctx *c, struct db_conn *conn, const struct idempotency *i, const struct id *object, int64_t until_ms,
                              struct id *ret_made)
{
    struct db_result r;
    struct db_value key = db_bytes(sha256_view(&i->key)), request = db_bytes(sha256_view(&i->request));
    struct id made = {{0}};
    TRY(db_exec(c, conn, &reserve, &r, key, request, db_i64(until_ms), db_i64(clock_wall_ms()), db_id(object)));
    if (r.changes == 0) {
        TRY(db_one(c, conn, &get, &r, key));
        if (!slice_eq(db_get_slice(&r, 0, 0), sha256_view(&i->request)))
            return refuse(c, ERR_CONFLICT, "idempotency_mismatch", "This idempotency key was used for another file.");
        made = db_get_id(&r, 0, 2);
    }
    *ret_made = made;
    return ERR_OK;
}

enum err idempotency_renew_tx(struct ctx *c, struct db_conn *conn, const struct idempotency *i, const struct id *object,
                              int64_t until_ms)
{
    return db_exec(c, conn, &fill, NULL, db_bytes(sha256_view(&i->key)), db_i64(0), db_id(object), db_i64(until_ms));
}

enum err idempotency_drop(struct ctx *c, struct app *app, const struct idempotency *i)
{
    struct idem_arg a = {.i = i};
    return db_tx(c, app->be.db, DB_WRITE, drop_tx, &a);
}

static enum err expire_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    (void)arg;
    return db_exec(c, conn, &expire, NULL, db_i64(clock_wall_ms()));
}

enum err idempotency_expire(struct ctx *c, struct app *app)
{
    return db_tx(c, app->be.db, DB_WRITE, expire_tx, NULL);
}
