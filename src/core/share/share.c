/* Rules of sharing with named users: who is meant, what is told about accounts, the notice by mail. */
#include "core/share/share.h"

#include "base/limits.h"
#include "core/audit/audit.h"
#include "core/limit/limit.h"
#include "core/mail/mail.h"
#include "core/share/share_store.h"
#include "os/clock.h"

/* Addresses an account may try: sharing says whether one has an account, and must not be a way to find out about many. */
static const struct cache_rate_rule address_rule = {.burst = 100, .per_ms = 3600 * 1000};
/* Notices from one account to another: sharing many files is one. */
static const struct cache_rate_rule mail_rule = {.burst = 1, .per_ms = 3600 * 1000};

struct share_arg {
    struct app *app;
    const struct principal *who;
    struct file file;
    struct id user;
    struct share_target target;
    const struct page *page;
    struct share share, *rows;
    size_t n;
};

static enum err list_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct share_arg *a = arg;
    return share_store_list(c, conn, &a->file.id, a->page, clock_wall_ms(), &a->rows, &a->n);
}

enum err share_list(struct ctx *c, struct app *app, const struct principal *who, const struct id *file,
                    const struct page *page, struct share **ret, size_t *ret_n)
{
    struct share_arg a = {.page = page};
    TRY(file_get(c, app, who, file, ACTION_SHARE, &a.file));
    TRY(db_tx(c, app->be.db, DB_READ, list_tx, &a));
    *ret = a.rows;
    *ret_n = a.n;
    return ERR_OK;
}

/* ---- who is meant ---- */

static enum err nobody(struct ctx *c, bool by_address)
{
    if (by_address)
        ctx_field_error(c, "email", "is not the address of an account that this can be shared with");
    else
        ctx_field_error(c, "user", "is not an account that this can be shared with");
    return ERR_INVALID;
}

static enum err check_new(struct ctx *c, const struct share_new *n, struct share_target *ret)
{
    if (relation_parse(n->permission) == RELATION_NONE) ctx_field_error(c, "permission", "must be \"view\", \"download\" or \"edit\"");
    if (!n->user == !n->email.ptr) ctx_field_error(c, "user", "or email is needed, and only one of them");
    if (n->limited && (n->expires_in_s == 0 || n->expires_in_s > LIMIT_EXPIRES_S))
        ctx_field_error(c, "expires_in", n->expires_in_s ? "is longer than ten years" : "must be at least one second");
    if (c->field_error_count) return ERR_INVALID;
    *ret = (struct share_target){.by_address = !n->user, .permission = n->permission};
    if (n->limited) ret->expires_at = clock_wall_ms() + (int64_t)n->expires_in_s * 1000;
    return ERR_OK;
}

static enum err may_try_address(struct ctx *c, struct app *app, const struct principal *who)
{
    struct limit tries = {"share-address", id_bytes(&who->user_id), address_rule};
    return limit_take(c, app, &tries, 1);
}

enum err share_find(struct ctx *c, struct app *app, const struct principal *who, const struct share_new *n, struct share_target *ret)
{
    struct share_target t;
    TRY(check_new(c, n, &t));
    if (t.by_address) TRY(may_try_address(c, app, who));
    enum err e = t.by_address ? user_by_email(c, app, n->email, &t.user) : user_by_id(c, app, n->user, &t.user);
    if (e == ERR_NOT_FOUND || e == ERR_INVALID || (e == ERR_OK && !t.user.active)) return nobody(c, t.by_address);
    TRY(e);
    *ret = t;
    return ERR_OK;
}

/* ---- sharing ---- */

/* Names of files stay out of mail, which travels in the open; and nobody can make this server mail words of their choice. */
static enum err tell(struct ctx *c, struct db_conn *conn, struct app *app, const struct principal *who, struct share_target *t)
{
    char from[ID_TEXT_LEN + 1], to[ID_TEXT_LEN + 1];
    struct slice key, link;
    struct user sender;
    uint32_t wait_s = 0;
    if (!mail_configured(app)) return ERR_OK;
    if (!t->asked) {
        id_text(who->user_id, from);
        id_text(t->user.id, to);
        TRY(arena_printf(&c->arena, &key, "share-mail:%s:%s", from, to));
        enum err e = cache_rate(app->be.cache, key, &mail_rule, clock_mono_ms(), &wait_s);
        if (e != ERR_RATE) TRY(e);
        t->asked = true;
        t->mail = e == ERR_OK;
    }
    if (!t->mail || t->told) return ERR_OK;
    t->told = true;
    TRY(user_load(c, conn, app, &who->user_id, &sender));
    TRY(mail_link(c, app, "", SLICE(""), &link));
    struct mail_param params[] = {{"name", sender.display_name}, {"link", link}};
    return mail_queue(c, conn, app, &(struct mail_new){.template = MAIL_SHARED, .to = t->user.email, .locale = t->user.locale,
                                                       .params = params, .param_count = 2});
}

static enum err record(struct ctx *c, struct db_conn *conn, const char *event, const struct principal *who, const struct id *file,
                       const struct id *user, struct slice permission)
{
    char text[ID_TEXT_LEN + 1];
    struct slice detail;
    id_text(*user, text);
    TRY(arena_printf(&c->arena, &detail, SLICE_FMT "%s%s", SLICE_ARG(permission), permission.len ? " " : "", text));
    return audit_write(c, conn, &(struct audit_event){.event = event, .who = who, .object_type = "file", .object_id = file,
                                                      .detail = detail});
}

enum err share_put_tx(struct ctx *c, struct db_conn *conn, struct app *app, const struct principal *who, const struct file *f,
                      struct share_target *t)
{
    struct share before;
    uint64_t n = 0;
    enum err e = share_store_get(c, conn, &f->id, &t->user.id, &before);
    if (e != ERR_NOT_FOUND) TRY(e);
    bool is_new = e == ERR_NOT_FOUND || (before.expires_at && before.expires_at <= clock_wall_ms());
    if (e == ERR_NOT_FOUND) TRY(share_store_count(c, conn, &f->id, &n));
    if (n >= LIMIT_FILE_SHARES) return refuse(c, ERR_QUOTA, "too_many_shares", "This file is shared with 1,000 people already.");
    e = share_store_put(c, conn, &f->id, &who->user_id, t, clock_wall_ms());
    if (e == ERR_NOT_FOUND) return nobody(c, t->by_address);
    TRY(e);
    TRY(record(c, conn, is_new ? "share.create" : "share.change", who, &f->id, &t->user.id, t->permission));
    return is_new ? tell(c, conn, app, who, t) : ERR_OK;
}

static enum err put_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct share_arg *a = arg;
    a->target.told = false;
    TRY(share_put_tx(c, conn, a->app, a->who, &a->file, &a->target));
    return share_store_get(c, conn, &a->file.id, &a->target.user.id, &a->share);
}

enum err share_put(struct ctx *c, struct app *app, const struct principal *who, const struct id *file,
                   const struct share_new *n, struct share *ret)
{
    struct share_arg a = {.app = app, .who = who};
    TRY(file_get(c, app, who, file, ACTION_SHARE, &a.file));
    TRY(share_find(c, app, who, n, &a.target));
    TRY(db_tx(c, app->be.db, DB_WRITE, put_tx, &a));
    *ret = a.share;
    return ERR_OK;
}

static enum err remove_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct share_arg *a = arg;
    TRY(share_store_delete(c, conn, &a->file.id, &a->user));
    return record(c, conn, "share.remove", a->who, &a->file.id, &a->user, SLICE(""));
}

enum err share_remove(struct ctx *c, struct app *app, const struct principal *who, const struct id *file, const struct id *user)
{
    struct share_arg a = {.who = who, .user = *user};
    /* Whoever it is shared with may do without. */
    enum action action = id_eq(*user, who->user_id) ? ACTION_READ : ACTION_SHARE;
    TRY(file_get(c, app, who, file, action, &a.file));
    enum err e = db_tx(c, app->be.db, DB_WRITE, remove_tx, &a);
    if (e == ERR_NOT_FOUND) return refuse(c, e, "not_found", "This file is not shared with them.");
    return e;
}

static enum err expire_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    (void)arg;
    return share_store_expire(c, conn, clock_wall_ms());
}

enum err share_expire(struct ctx *c, struct app *app) { return db_tx(c, app->be.db, DB_WRITE, expire_tx, NULL); }
