/* The audit table: entries as exact JSON text, personal data beside them. */
#include "base/limits.h"
#include "base/log.h"
#include "base/time.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "core/audit/audit_store.h"
#include "crypto/hash.h"
#include "os/clock.h"

#define ENTRY_BYTES (8 * KIB)
#define SALT_BYTES 16

static const struct db_stmt insert = {
    "audit_insert",
    "INSERT INTO audit (id, at, event, actor_id, object_id, result, entry, pii_salt, pii, ip) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)", NULL};
static const struct db_stmt list = {
    "audit_list",
    "SELECT id, at, event, result, actor_id, object_id, entry, pii FROM audit "
    "WHERE (at < $1 OR (at = $1 AND id < $2)) AND at >= $3 AND at < $4 "
    "AND ($5 = '' OR event = $5 OR event LIKE $6 ESCAPE '!') "
    "AND (actor_id = $7 OR $7 IS NULL) AND (object_id = $8 OR $8 IS NULL) "
    "AND (ip = $10 OR $10 IS NULL) ORDER BY at DESC, id DESC LIMIT $9", NULL};

static enum err put_id(struct buf *b, const char *member, const struct id *id)
{
    char text[ID_TEXT_LEN + 1];
    id_text(*id, text);
    return buf_printf(b, "\"%s\":\"%s\"", member, text);
}

static enum err put_actor(struct buf *b, const struct audit_event *e, const struct id *actor)
{
    TRY(buf_put_cstr(b, ",\"actor\":{"));
    if (actor) TRY(put_id(b, "user", actor));
    if (e->who && e->who->signed_in) {
        if (e->who->by_key)
            TRY(buf_printf(b, ",\"key\":\"%s\"", e->who->key_id));
        else {
            TRY(buf_putc(b, ','));
            TRY(put_id(b, "session", &e->who->session_id));
        }
    }
    if (!actor) TRY(buf_put_cstr(b, e->who ? "\"anonymous\":true" : "\"server\":true"));
    return buf_putc(b, '}');
}

static enum err put_object(struct buf *b, const struct audit_event *e)
{
    TRY(buf_put_cstr(b, ",\"object\":{"));
    if (e->object_type) TRY(buf_printf(b, "\"type\":\"%s\"", e->object_type));
    if (e->object_id) {
        if (e->object_type) TRY(buf_putc(b, ','));
        TRY(put_id(b, "id", e->object_id));
    }
    return buf_putc(b, '}');
}

/* The personal part; empty when there is none. */
static enum err put_pii(struct buf *b, const struct audit_event *e)
{
    if (!e->who && !e->email.len) return ERR_OK;
    TRY(buf_put_cstr(b, "{\"ip\":"));
    TRY(json_put_string(b, slice_cstr(e->who ? e->who->ip : "")));
    if (e->email.len) {
        TRY(buf_put_cstr(b, ",\"email\":"));
        TRY(json_put_string(b, e->email));
    }
    return buf_putc(b, '}');
}

static enum err put_pii_hash(struct buf *b, const uint8_t salt[SALT_BYTES], struct slice pii)
{
    CLEANUP(buf_done) struct buf in = BUF_INIT(ENTRY_BYTES);
    struct sha256 h;
    TRY(buf_put(&in, slice_of(salt, SALT_BYTES)));
    TRY(buf_put(&in, pii));
    TRY(sha256(buf_view(&in), &h));
    TRY(buf_put_cstr(b, ",\"pii\":\""));
    TRY(base64url_encode(b, sha256_view(&h)));
    return buf_putc(b, '"');
}

static enum err put_entry(struct buf *b, const struct audit_event *e, const struct id *actor, int64_t at,
                          const uint8_t salt[SALT_BYTES], struct slice pii)
{
    char ts[TIME_RFC3339_LEN + 1];
    time_rfc3339(at, ts);
    TRY(buf_printf(b, "{\"v\":1,\"ts\":\"%s\",\"event\":\"%s\"", ts, e->event));
    TRY(put_actor(b, e, actor));
    TRY(put_object(b, e));
    TRY(buf_printf(b, ",\"result\":\"%s\"", e->result ? e->result : "ok"));
    if (e->detail.len) {
        TRY(buf_put_cstr(b, ",\"detail\":"));
        TRY(json_put_string(b, e->detail));
    }
    if (e->break_glass) TRY(buf_put_cstr(b, ",\"break_glass\":true"));
    if (pii.len) TRY(put_pii_hash(b, salt, pii));
    return buf_putc(b, '}');
}

enum err audit_write(struct ctx *c, struct db_conn *conn, const struct audit_event *e)
{
    CLEANUP(buf_done) struct buf entry = BUF_INIT(ENTRY_BYTES);
    CLEANUP(buf_done) struct buf pii = BUF_INIT(ENTRY_BYTES);
    const struct id *actor = e->actor_id ? e->actor_id : e->who && e->who->signed_in ? &e->who->user_id : NULL;
    uint8_t salt[SALT_BYTES];
    struct id id;
    int64_t at = clock_wall_ms();
    TRY(os_new_id(&id));
    TRY(os_random(salt, sizeof salt));
    TRY(put_pii(&pii, e));
    TRY(put_entry(&entry, e, actor, at, salt, buf_view(&pii)));
    return db_later(c, conn, &insert, db_id(&id), db_i64(at), db_text(slice_cstr(e->event)),
                   actor ? db_id(actor) : db_null(), e->object_id ? db_id(e->object_id) : db_null(),
                   db_text(slice_cstr(e->result ? e->result : "ok")), db_text(buf_view(&entry)),
                   pii.len ? db_bytes(slice_of(salt, sizeof salt)) : db_null(),
                   pii.len ? db_text(buf_view(&pii)) : db_null(),
                   e->who && e->who->ip[0] ? db_text(slice_cstr(e->who->ip)) : db_null());
}

static enum err note_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    return audit_write(c, conn, arg);
}

enum err audit_record(struct ctx *c, struct app *app, const struct audit_event *e)
{
    struct audit_event copy = *e;
    return db_tx(c, app->be.db, DB_WRITE, note_tx, &copy);
}

void audit_note(struct app *app, const struct audit_event *e)
{
    CLEANUP(ctx_done) struct ctx own;
    ctx_init(&own, LIMIT_REQUEST_ARENA_BYTES);
    enum err r = audit_record(&own, app, e);
    if (r != ERR_OK)
        log_error("audit_not_written", LOG_TEXT("event", slice_cstr(e->event)), LOG_TEXT("error", slice_cstr(err_name(r))));
}

enum err audit_store_list(struct ctx *c, struct db_conn *conn, const struct audit_query *q, struct slice like, struct db_result *ret)
{
    return db_exec(c, conn, &list, ret, db_i64(q->page.before_ms), db_id(&q->page.before_id), db_i64(q->from_ms),
                   db_i64(q->to_ms ? q->to_ms : INT64_MAX), db_text(q->event.ptr ? q->event : SLICE("")), db_text(like),
                   q->actor ? db_id(q->actor) : db_null(), q->object ? db_id(q->object) : db_null(),
                   db_i64((int64_t)q->page.limit + 1), q->ip.len ? db_text(q->ip) : db_null());
}
