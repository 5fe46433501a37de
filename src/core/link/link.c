/* Rules of links: making and revoking them, whether one still works, passwords and tickets. Counting is in grant.c. */
#include "core/link/link.h"

#include "base/intmath.h"
#include "base/limits.h"
#include "codec/base64.h"
#include "codec/utf8.h"
#include "core/app/gate.h"
#include "core/audit/audit.h"
#include "core/link/link_store.h"
#include "crypto/hash.h"
#include "os/clock.h"

#define TOKEN_BYTES 32

struct link_arg {
    const struct principal *who;
    struct id transfer, link;
    struct sha256 token;
    struct link l;
    struct link *rows;
    size_t n;
    uint64_t fails;
};

static enum err record(struct ctx *c, struct db_conn *conn, const char *event, const struct principal *who, const struct id *link)
{
    return audit_write(c, conn, &(struct audit_event){.event = event, .who = who, .object_type = "link", .object_id = link});
}

static enum err insert_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct link_arg *a = arg;
    TRY(link_store_insert(c, conn, &a->l, &a->token));
    TRY(record(c, conn, "link.create", a->who, &a->l.id));
    return link_store_by_id(c, conn, &a->l.id, &a->l);
}

static enum err check_new(struct ctx *c, const struct link_new *n)
{
    bool known = !n->permission.ptr || slice_eq(n->permission, SLICE("view")) || slice_eq(n->permission, SLICE("download"));
    if (!known) ctx_field_error(c, "permission", "must be \"view\" or \"download\"");
    if (n->label.len > LIMIT_TITLE_BYTES) ctx_field_error(c, "label", "is longer than 200 bytes");
    if (n->limited && n->max_downloads == 0) ctx_field_error(c, "max_downloads", "must be at least 1");
    return c->field_error_count ? ERR_INVALID : ERR_OK;
}

enum err link_create(struct ctx *c, struct app *app, const struct principal *who, const struct id *transfer,
                     const struct link_new *n, struct link *ret, struct slice *ret_token)
{
    struct link_arg a = {.who = who, .transfer = *transfer};
    struct transfer t;
    uint8_t token[TOKEN_BYTES];
    CLEANUP(buf_done) struct buf text = {.max = 64, .sensitive = true};
    TRY(transfer_get(c, app, who, transfer, ACTION_SHARE, &t));
    TRY(check_new(c, n));
    a.l = (struct link){.transfer_id = t.id,
                        .permission = n->permission.ptr ? n->permission : SLICE("download"),
                        .label = n->label.ptr ? n->label : SLICE(""),
                        .password_hash = t.password_hash,
                        .limited = n->limited || t.limited,
                        .max_downloads = n->limited ? n->max_downloads : t.max_downloads,
                        .expires_at = n->expires_at,
                        .created_at = clock_wall_ms()};
    if (n->password.ptr) TRY(transfer_hash_password(c, app, n->password, &a.l.password_hash));
    TRY(os_new_id(&a.l.id));
    TRY(os_random(token, sizeof token));
    TRY(sha256(slice_of(token, sizeof token), &a.token));
    TRY(base64url_encode(&text, slice_of(token, sizeof token)));
    TRY(db_tx(c, app->be.db, DB_WRITE, insert_tx, &a));
    TRY(arena_slice(&c->arena, buf_view(&text), ret_token));
    *ret = a.l;
    return ERR_OK;
}

static enum err list_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct link_arg *a = arg;
    return link_store_list(c, conn, &a->transfer, &a->rows, &a->n);
}

enum err link_list(struct ctx *c, struct app *app, const struct principal *who, const struct id *transfer,
                   struct link **ret, size_t *ret_n)
{
    struct link_arg a = {.transfer = *transfer};
    struct transfer t;
    TRY(transfer_get(c, app, who, transfer, ACTION_SHARE, &t));
    TRY(db_tx(c, app->be.db, DB_READ, list_tx, &a));
    *ret = a.rows;
    *ret_n = a.n;
    return ERR_OK;
}

static enum err revoke_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct link_arg *a = arg;
    TRY(link_store_revoke(c, conn, &a->transfer, &a->link, clock_wall_ms()));
    return record(c, conn, "link.revoke", a->who, &a->link);
}

enum err link_revoke(struct ctx *c, struct app *app, const struct principal *who, const struct id *transfer,
                     const struct id *link)
{
    struct link_arg a = {.who = who, .transfer = *transfer, .link = *link};
    struct transfer t;
    TRY(transfer_get(c, app, who, transfer, ACTION_SHARE, &t));
    enum err e = db_tx(c, app->be.db, DB_WRITE, revoke_tx, &a);
    if (e == ERR_NOT_FOUND) return refuse(c, e, "not_found", "This transfer has no such link.");
    return e;
}

static enum err by_token_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct link_arg *a = arg;
    return link_store_by_token(c, conn, &a->token, &a->l);
}

static enum err revoked(struct ctx *c)
{
    return refuse(c, ERR_GONE, "link_revoked", "The sender has taken this link back.");
}

static enum err check_alive(struct ctx *c, const struct link *l)
{
    bool deleted = l->ended_at && slice_eq(l->ended_why, SLICE("deleted"));
    if (l->revoked_at || deleted || !l->sender_active || !policy_allows(l->sender_role, ACTION_SHARE, RELATION_OWNER))
        return revoked(c);
    if (l->ended_at || (l->expires_at && clock_wall_ms() >= l->expires_at))
        return refuse(c, ERR_GONE, "link_expired", "This link has expired. Ask the sender for a new one.");
    return ERR_OK;
}

static enum err exhausted(struct ctx *c)
{
    return refuse(c, ERR_GONE, "link_exhausted", "This link has been downloaded as often as its sender allowed.");
}

enum err link_open_running(struct ctx *c, struct app *app, struct slice token, struct link *ret)
{
    CLEANUP(buf_done) struct buf raw = BUF_INIT(TOKEN_BYTES);
    struct link_arg a = {0};
    enum err e = base64url_decode(&raw, token);
    if (e == ERR_OK && raw.len == TOKEN_BYTES) {
        TRY(sha256(buf_view(&raw), &a.token));
        e = db_tx(c, app->be.db, DB_READ_ONE, by_token_tx, &a);
    } else if (e != ERR_NOMEM) {
        e = ERR_NOT_FOUND;
    }
    if (e == ERR_NOT_FOUND) return refuse(c, e, "not_found", "There is no such link. Check that you copied all of it.");
    TRY(e);
    TRY(check_alive(c, &a.l));
    *ret = a.l;
    return ERR_OK;
}

/* A link never gives more than its sender may give now. */
static enum err check_sender(struct ctx *c, const struct link *l, const struct file *f)
{
    return policy_allows_owner(l->sender_role, &l->owner_id, ACTION_SHARE, &f->owner_id) ? ERR_OK : revoked(c);
}

enum err link_files(struct ctx *c, struct app *app, const struct link *l, struct file **ret, size_t *ret_n)
{
    struct file *files = NULL;
    size_t n = 0;
    TRY(transfer_files(c, app, &l->transfer_id, &files, &n));
    for (size_t i = 0; i < n; i++) TRY(check_sender(c, l, &files[i]));
    *ret = files;
    *ret_n = n;
    return ERR_OK;
}

enum err link_file(struct ctx *c, struct app *app, const struct link *l, const struct id *file, struct file *ret)
{
    struct file f;
    enum err e = transfer_file(c, app, &l->transfer_id, file, &f);
    if (e == ERR_NOT_FOUND && !file) return refuse(c, ERR_GONE, "files_gone", "The files of this link are no longer there.");
    TRY(e);
    TRY(check_sender(c, l, &f));
    if (f.trashed_at) return refuse(c, ERR_GONE, "files_gone", "This file is no longer there.");
    TRY(file_check_ready(c, &f));
    *ret = f;
    return ERR_OK;
}

static enum err archive_of_link(struct ctx *c, struct app *app, const struct link *l, struct archive **ret)
{
    struct file *files = NULL;
    size_t n = 0;
    TRY(link_files(c, app, l, &files, &n));
    struct archive_item *items = ARENA_ARRAY(&c->arena, struct archive_item, n + 1);
    if (!items) return ERR_NOMEM;
    for (size_t i = 0; i < n; i++) {
        TRY(file_check_ready(c, &files[i]));
        items[i] = (struct archive_item){.path = files[i].name, .file = &files[i]};
    }
    return archive_new(app, items, n, ret);
}

/* The rows of many files are large: they live only until the archive has what it needs of them. */
enum err link_archive(struct ctx *c, struct app *app, const struct link *l, struct archive **ret)
{
    CLEANUP(ctx_done) struct ctx own;
    ctx_init(&own, LIMIT_REQUEST_ARENA_BYTES);
    enum err e = archive_of_link(&own, app, l, ret);
    return e == ERR_OK ? ERR_OK : ctx_pass_error(c, &own, e);
}

enum err link_open(struct ctx *c, struct app *app, struct slice token, struct link *ret)
{
    struct link l;
    TRY(link_open_running(c, app, token, &l));
    if (l.limited && l.downloads >= l.max_downloads && l.running == 0) return exhausted(c);
    *ret = l;
    return ERR_OK;
}

/* A ticket is "sdt_" and base64url of ticket id, end (8 bytes) and a MAC that also covers the link and its password hash, so
 * that changing the password ends all tickets. Nothing is stored. */
#define TICKET_PREFIX "sdt_"
#define TICKET_BODY 24

static enum err ticket_mac(const struct app *app, const struct link *l, const uint8_t body[TICKET_BODY],
                           struct sha256 *ret)
{
    CLEANUP(buf_done) struct buf in = BUF_INIT(512);
    TRY(buf_put(&in, SLICE("sft/1/ticket\0")));
    TRY(buf_put(&in, id_bytes(&l->id)));
    TRY(buf_put(&in, slice_of(body, TICKET_BODY)));
    TRY(buf_put(&in, l->password_hash));
    return hmac_sha256(slice_of(app->server_key.b, KEY_BYTES), buf_view(&in), ret);
}

static enum err make_ticket(struct ctx *c, const struct app *app, const struct link *l, struct slice *ret,
                            int64_t *ret_expires_at)
{
    CLEANUP(buf_done) struct buf raw = BUF_INIT(TICKET_BODY + SHA256_BYTES);
    CLEANUP(buf_done) struct buf text = BUF_INIT(128);
    uint8_t body[TICKET_BODY];
    struct sha256 mac;
    struct id id;
    int64_t expires_at = clock_wall_ms() + LIMIT_TICKET_MS;
    TRY(os_new_id(&id));
    memcpy(body, id.b, sizeof id.b);
    store_u64be(body + 16, (uint64_t)expires_at);
    TRY(ticket_mac(app, l, body, &mac));
    TRY(buf_put(&raw, slice_of(body, sizeof body)));
    TRY(buf_put(&raw, sha256_view(&mac)));
    TRY(buf_put_cstr(&text, TICKET_PREFIX));
    TRY(base64url_encode(&text, buf_view(&raw)));
    TRY(arena_slice(&c->arena, buf_view(&text), ret));
    *ret_expires_at = expires_at;
    return ERR_OK;
}

static enum err read_ticket(const struct app *app, const struct link *l, struct slice ticket, struct ticket *ret)
{
    CLEANUP(buf_done) struct buf raw = BUF_INIT(TICKET_BODY + SHA256_BYTES);
    struct sha256 want, got;
    if (!slice_starts(ticket, SLICE(TICKET_PREFIX))) return ERR_UNAUTH;
    TRY(base64url_decode(&raw, slice_sub(ticket, sizeof TICKET_PREFIX - 1, ticket.len)));
    if (raw.len != TICKET_BODY + SHA256_BYTES) return ERR_UNAUTH;
    const uint8_t *body = (const uint8_t *)raw.ptr;
    TRY(ticket_mac(app, l, body, &want));
    memcpy(got.b, body + TICKET_BODY, SHA256_BYTES);
    if (!sha256_equal(&want, &got)) return ERR_UNAUTH;
    if (clock_wall_ms() >= (int64_t)load_u64be(body + 16)) return ERR_UNAUTH;
    memcpy(ret->id.b, body, sizeof ret->id.b);
    return ERR_OK;
}

enum err link_check_ticket(struct ctx *c, struct app *app, const struct link *l, struct slice ticket, struct ticket *ret)
{
    struct ticket t = {.id = {{0}}};
    enum err e = ticket.len ? read_ticket(app, l, ticket, &t) : ERR_UNAUTH;
    if (e == ERR_NOMEM || e == ERR_CRYPTO) return e;
    if (e != ERR_OK) {
        if (l->password_hash.ptr)
            return refuse(c, ERR_UNAUTH, "password_required", "This link asks for a password first.");
        t = (struct ticket){.id = {{0}}};
    }
    *ret = t;
    return ERR_OK;
}

static enum err attempt_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct link_arg *a = arg;
    return link_store_attempt(c, conn, &a->link, clock_wall_ms(), &a->fails);
}

static enum err attempt_ok_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct link_arg *a = arg;
    return link_store_attempt_ok(c, conn, &a->link);
}

static enum err check_password(struct ctx *c, struct app *app, const struct link *l, struct slice password)
{
    struct slice normal;
    if (password.len > LIMIT_PASSWORD_BYTES || utf8_nfkc(&c->arena, password, &normal) != ERR_OK) return ERR_DENIED;
    TRY(gate_enter(app->hash_gate, LIMIT_HASH_WAIT_MS));
    enum err e = bcrypt_verify(&app->pepper, normal, l->password_hash);
    gate_leave(app->hash_gate);
    return e;
}

static enum err wrong_password(struct ctx *c, uint64_t fails)
{
    uint64_t left = fails < LIMIT_LINK_ATTEMPTS ? LIMIT_LINK_ATTEMPTS - fails : 0;
    if (left == 0)
        return refuse(c, ERR_UNAUTH, "wrong_password", "The password is wrong. The link is now locked for 15 minutes.");
    return refuse(c, ERR_UNAUTH, "wrong_password", "The password is wrong. %llu %s left.", (unsigned long long)left,
                  left == 1 ? "try is" : "tries are");
}

enum err link_verify(struct ctx *c, struct app *app, const struct link *l, struct slice password, struct slice *ret_ticket,
                     int64_t *ret_expires_at)
{
    struct link_arg a = {.link = l->id};
    if (l->password_hash.ptr) {
        /* The attempt is counted before it is looked at: parallel guesses cannot slip past the limit. */
        enum err e = db_tx(c, app->be.db, DB_WRITE, attempt_tx, &a);
        if (e == ERR_NOT_FOUND) {
            int64_t wait_ms = l->locked_until - clock_wall_ms();
            c->retry_after_s = (uint32_t)MIN(MAX(wait_ms, 1000) / 1000, LIMIT_LINK_LOCK_MS / 1000);
            return refuse(c, ERR_LOCKED, "link_locked", "Too many wrong passwords. Try again in a few minutes.");
        }
        TRY(e);
        e = check_password(c, app, l, password);
        if (e == ERR_DENIED) return wrong_password(c, a.fails);
        TRY(e);
        TRY(db_tx(c, app->be.db, DB_WRITE, attempt_ok_tx, &a));
    }
    return make_ticket(c, app, l, ret_ticket, ret_expires_at);
}
