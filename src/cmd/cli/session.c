/* The access token: when to renew it, and how several threads and processes share one that rotates. */
#include "cmd/cli/session.h"

#include "base/limits.h"
#include "os/clock.h"
#include "os/file.h"

#define SESSION_ARENA_BYTES (1 * MIB)
#define RENEW_BEFORE_MS 30000

struct account session_account(const struct wire_tokens *t, struct slice server, struct slice email, struct slice device,
                               int64_t now_ms)
{
    return (struct account){.server = server,
                            .email = email,
                            .device = device,
                            .access_token = t->access_token,
                            .refresh_token = t->refresh_token,
                            .access_until = now_ms + (int64_t)t->expires_in * 1000};
}

static enum err ended(struct ctx *c, const struct session *s)
{
    return refuse(c, ERR_UNAUTH, "session_ended", "your session has ended; sign in again: sealdrop login %s", s->server.origin);
}

static enum err refresh(struct session *s, struct ctx *c, struct client *cl, struct account *a)
{
    struct wire_refresh in = {a->refresh_token};
    struct wire_tokens out = {0};
    struct call call = {.method = "POST",
                        .path = "/auth/refresh",
                        .in_table = &wire_refresh_table,
                        .in = &in,
                        .out_table = &wire_tokens_table,
                        .out = &out,
                        .patient = true};
    int64_t asked = clock_wall_ms();
    enum err e = api_call(c, cl, &s->server, &call);
    if (e == ERR_UNAUTH) return ended(c, s);
    if (e != ERR_OK) return e;
    if (!out.access_token.len || !out.refresh_token.len) return fail(c, ERR_PEER, "the server renewed no token");
    *a = session_account(&out, a->server, a->email, a->device, asked);
    /* Kept before it is used: the old refresh token is worth nothing from now on. */
    return account_save(c, &s->app->home, a);
}

static enum err copy(struct arena *a, struct slice *s) { return s->ptr ? arena_slice(a, *s, s) : ERR_OK; }

/* Make `a` the account in force; its strings are copied to the spare arena. */
static enum err adopt(struct session *s, struct account a)
{
    struct ctx *spare = &s->memory[1 - s->now];
    arena_reset(&spare->arena);
    TRY(copy(&spare->arena, &a.server));
    TRY(copy(&spare->arena, &a.email));
    TRY(copy(&spare->arena, &a.device));
    TRY(copy(&spare->arena, &a.access_token));
    TRY(copy(&spare->arena, &a.refresh_token));
    s->account = a;
    s->now = 1 - s->now;
    return ERR_OK;
}

/* Another process may have renewed meanwhile: what is on disk, under the lock, is the truth. */
static enum err renew(struct session *s, struct ctx *c, struct client *cl)
{
    CLEANUP(fd_close) int lock = -1;
    struct account a = {0};
    TRY(account_lock(c, &s->app->home, &lock));
    enum err e = account_load(c, &s->app->home, &a);
    if (e != ERR_OK) return e;
    if (!slice_eq(a.server, s->account.server) || !slice_eq(a.email, s->account.email)) return ended(c, s);
    if (slice_eq(a.access_token, s->account.access_token)) TRY(refresh(s, c, cl, &a));
    return adopt(s, a);
}

static enum err get(struct credential *cr, struct ctx *c, struct client *cl, struct slice stale, struct slice *ret)
{
    struct session *s = (struct session *)cr;
    struct slice bearer = {0};
    GUARD(&s->lock);
    TRY(arena_printf(&c->arena, &bearer, "Bearer " SLICE_FMT, SLICE_ARG(s->account.access_token)));
    bool refused = stale.len && slice_eq(stale, bearer);
    if (session_by_key(&s->account)) {
        if (refused) return refuse(c, ERR_UNAUTH, "key_refused", "%s does not accept the API key any more", s->server.origin);
        *ret = bearer;
        return ERR_OK;
    }
    if (refused || s->account.access_until - clock_wall_ms() < RENEW_BEFORE_MS) {
        TRY(renew(s, c, cl));
        TRY(arena_printf(&c->arena, &bearer, "Bearer " SLICE_FMT, SLICE_ARG(s->account.access_token)));
    }
    *ret = bearer;
    return ERR_OK;
}

enum err session_open(struct app *a, struct session *s)
{
    struct account account = {0};
    const char *origin = NULL;
    *s = (struct session){.credential = {get}, .app = a};
    mutex_init(&s->lock);
    ctx_init(&s->memory[0], SESSION_ARENA_BYTES);
    ctx_init(&s->memory[1], SESSION_ARENA_BYTES);
    TRY(account_load(a->c, &a->home, &account));
    TRY(adopt(s, account));
    TRY(server_origin(a->c, account.server, &origin));
    s->server = (struct server){.origin = origin, .halt = a->halt};
    return server_trust(a->c, &a->home, NULL, &s->server);
}

void session_close(struct session *s)
{
    if (!s->app) return;
    ctx_done(&s->memory[0]);
    ctx_done(&s->memory[1]);
    mutex_done(&s->lock);
    *s = (struct session){0};
}

enum err session_known_link(struct app *a, const struct session *s, struct slice link, struct link_record *ret)
{
    const char *origin = NULL;
    struct slice token = {0};
    TRY(server_link(a->c, link, &origin, &token));
    if (strcmp(origin, s->server.origin) != 0)
        return refuse(a->c, ERR_INVALID, "other_server", "that link is on %s, but you are signed in to %s", origin, s->server.origin);
    enum err e = links_find(a->c, &a->home, token, ret);
    if (e == ERR_NOT_FOUND)
        return refuse(a->c, e, "unknown_link",
                      "this link was not made on this computer; find its transfer with `sealdrop sent`, end it with `sealdrop rm ID`");
    return e;
}
