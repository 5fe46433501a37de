/* Accounts, as administrators see and change them. */
#include "core/admin/admin.h"

#include "api/encode.h"
#include "api/messages_admin.h"
#include "core/mfa/mfa.h"

static void encode_account(const struct account *a, struct msg_account *ret)
{
    const struct user *u = &a->user;
    *ret = (struct msg_account){.id = u->id,
                                .email = u->email,
                                .display_name = u->display_name,
                                .role = slice_cstr(role_name(u->role)),
                                .state = a->state,
                                .quota_bytes = {u->quota.bytes != 0, u->quota.bytes},
                                .quota_files = {u->quota.files != 0, u->quota.files},
                                .file_bytes_max = {u->quota.file_bytes != 0, u->quota.file_bytes},
                                .transfer_bytes_max = {u->quota.transfer_bytes != 0, u->quota.transfer_bytes},
                                .used_bytes = u->used_bytes,
                                .used_files = u->used_files,
                                .email_verified = a->email_verified_at != 0,
                                .has_password = u->password_hash.len != 0,
                                .must_change_password = u->must_change_password,
                                .mfa_required = u->mfa_required,
                                .mfa_enabled = a->has_factor,
                                .created_at = u->created_at,
                                .last_used_at = {a->last_used_at != 0, a->last_used_at}};
}

static enum err reply_account(struct call *q, const struct account *a)
{
    struct msg_account user;
    encode_account(a, &user);
    return reply(q, &(struct msg_account_out){.user = &user});
}

static void encode_invite(const struct invite *i, struct slice email, enum role role, struct msg_invite *ret)
{
    *ret = (struct msg_invite){.email = email, .role = slice_cstr(role_name(role)), .mailed = !i->link.ptr, .link = i->link,
                               .expires_at = i->expires_at};
}

enum err admin_users_call(struct call *q)
{
    struct account_query query;
    struct account *rows = NULL;
    struct msg_page out = {.items = {.set = true}};
    size_t n = 0;
    TRY(query_page(q, &query.page));
    TRY(query_text(q, "q", &query.q));
    TRY(admin_user_list(q->ctx, q->app, &query, &rows, &n));
    bool more = n > query.page.limit;
    if (more) n = query.page.limit;
    struct msg_account *items = ARENA_ARRAY(&q->ctx->arena, struct msg_account, n + 1);
    if (!items) return ERR_NOMEM;
    for (size_t i = 0; i < n; i++) encode_account(&rows[i], &items[i]);
    out.items.items = items;
    out.items.count = n;
    if (more) TRY(page_cursor(q->ctx, rows[n - 1].user.created_at, &rows[n - 1].user.id, &out.next_cursor));
    return reply(q, &out);
}

enum err admin_user_call(struct call *q)
{
    struct id id;
    struct account a;
    TRY(param_id(q, 0, &id));
    TRY(admin_user_get(q->ctx, q->app, &id, &a));
    return reply_account(q, &a);
}

static enum err role_or(struct slice word, enum role otherwise, enum role *ret)
{
    *ret = otherwise;
    return word.ptr ? role_parse(word, ret) : ERR_OK;
}

enum err admin_user_new_call(struct call *q)
{
    const struct msg_account_new *in = q->in;
    struct account_new n = {.email = in->email, .display_name = in->display_name, .password = in->password,
                            .send_invite = in->send_invite.v,
                            .quota = {in->quota_bytes, in->quota_files, in->file_bytes_max, in->transfer_bytes_max}};
    struct account a;
    struct invite invite;
    struct msg_account user;
    struct msg_invite out_invite;
    TRY(role_or(in->role, ROLE_USER, &n.role));
    TRY(admin_user_create(q->ctx, q->app, &q->who, &n, &a, &invite));
    encode_account(&a, &user);
    encode_invite(&invite, a.user.email, a.user.role, &out_invite);
    return reply(q, &(struct msg_account_out){&user, n.send_invite ? &out_invite : NULL});
}

enum err admin_user_change_call(struct call *q)
{
    const struct msg_account_patch *in = q->in;
    struct account_patch p = {.set_role = in->role.ptr != NULL,
                              .quota = {in->quota_bytes, in->quota_files, in->file_bytes_max, in->transfer_bytes_max},
                              .set_must_change_password = in->must_change_password.set,
                              .must_change_password = in->must_change_password.v,
                              .set_mfa_required = in->mfa_required.set,
                              .mfa_required = in->mfa_required.v,
                              .display_name = in->display_name,
                              .email = in->email};
    struct id id;
    struct account a;
    TRY(param_id(q, 0, &id));
    TRY(role_or(in->role, ROLE_USER, &p.role));
    TRY(admin_user_change(q->ctx, q->app, &q->who, &id, &p, &a));
    return reply_account(q, &a);
}

static enum err suspend(struct call *q, bool on)
{
    struct id id;
    struct account a;
    TRY(param_id(q, 0, &id));
    TRY(admin_user_suspend(q->ctx, q->app, &q->who, &id, on, &a));
    return reply_account(q, &a);
}

enum err admin_user_suspend_call(struct call *q) { return suspend(q, true); }
enum err admin_user_unsuspend_call(struct call *q) { return suspend(q, false); }

enum err admin_user_reset_mfa_call(struct call *q)
{
    struct id id;
    struct account a;
    TRY(param_id(q, 0, &id));
    TRY(admin_user_get(q->ctx, q->app, &id, &a));
    TRY(mfa_reset(q->ctx, q->app, &q->who, &a.user));
    TRY(admin_user_get(q->ctx, q->app, &id, &a));
    return reply_account(q, &a);
}

enum err admin_user_delete_call(struct call *q)
{
    struct id id;
    bool yes = false;
    TRY(param_id(q, 0, &id));
    TRY(query_bool(q, "delete_files", false, &yes));
    TRY(admin_user_delete(q->ctx, q->app, &q->who, &id, yes));
    return reply_empty(q);
}

enum err admin_invite_call(struct call *q)
{
    const struct msg_invite_new *in = q->in;
    struct invite_new n = {.email = in->email, .has_quota = in->quota_bytes.set, .quota_bytes = in->quota_bytes.v,
                           .expires_in_s = in->expires_in.v};
    struct invite invite;
    struct msg_invite out;
    TRY(role_or(in->role, ROLE_USER, &n.role));
    TRY(account_invite(q->ctx, q->app, &q->who, &n, &invite));
    encode_invite(&invite, n.email, n.role, &out);
    return reply(q, &(struct msg_invite_out){&out});
}
