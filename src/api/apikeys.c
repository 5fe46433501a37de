/* API keys of the caller. */
#include "api/api.h"
#include "core/apikey/apikey.h"

static enum err encode(struct ctx *c, const struct apikey *k, struct msg_apikey *ret)
{
    struct slice *scopes = ARENA_ARRAY(&c->arena, struct slice, SCOPE_COUNT);
    if (!scopes) return ERR_NOMEM;
    *ret = (struct msg_apikey){.id = k->id,
                               .name = k->name,
                               .scopes = {scopes, 0, true},
                               .created_at = k->created_at,
                               .expires_at = {k->expires_at != 0, k->expires_at},
                               .last_used_at = {k->last_used_at != 0, k->last_used_at}};
    for (unsigned i = 0; i < SCOPE_COUNT; i++)
        if (k->scopes & 1u << i) scopes[ret->scopes.count++] = slice_cstr(scope_name((enum scope)(1u << i)));
    return ERR_OK;
}

enum err apikeys_list_call(struct call *q)
{
    struct apikey *rows = NULL;
    size_t n = 0;
    TRY(apikey_list(q->ctx, q->app, &q->who, &rows, &n));
    struct msg_apikey *items = ARENA_ARRAY(&q->ctx->arena, struct msg_apikey, n + 1);
    if (!items) return ERR_NOMEM;
    for (size_t i = 0; i < n; i++) TRY(encode(q->ctx, &rows[i], &items[i]));
    return reply(q, &(struct msg_page){.items = {items, n, true}});
}

static enum err read_scopes(struct ctx *c, const struct json_list *list, unsigned *ret)
{
    const struct slice *words = list->items;
    for (size_t i = 0; i < list->count; i++) {
        enum scope one;
        if (scope_parse(words[i], &one) == ERR_OK) *ret |= one;
        else ctx_field_error(c, "scopes", "has an unknown word");
    }
    return c->field_error_count ? ERR_INVALID : ERR_OK;
}

enum err apikeys_new_call(struct call *q)
{
    const struct msg_apikey_new *in = q->in;
    struct apikey_new n = {.name = in->name, .expires_in_s = in->expires_in.set ? in->expires_in.v : 0};
    struct apikey k;
    struct slice key;
    struct msg_apikey out_key;
    struct msg_apikey_out out = {&out_key};
    TRY(read_scopes(q->ctx, &in->scopes, &n.scopes));
    if (in->expires_in.set && in->expires_in.v == 0) {
        ctx_field_error(q->ctx, "expires_in", "must be at least one second");
        return ERR_INVALID;
    }
    TRY(apikey_create(q->ctx, q->app, &q->who, &n, &k, &key));
    TRY(encode(q->ctx, &k, &out_key));
    out_key.key = key;
    return reply(q, &out);
}

enum err apikeys_revoke_call(struct call *q)
{
    TRY(apikey_revoke(q->ctx, q->app, &q->who, q->params[0]));
    return reply_empty(q);
}
