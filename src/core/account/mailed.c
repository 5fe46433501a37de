/* The kinds of mailed tokens, each with its prefix (so that none passes for another), page and mail. */
#include "core/account/mailed.h"

#include "codec/base64.h"
#include "core/account/account_store.h"
#include "os/clock.h"

#define TOKEN_BYTES 32
#define HOUR_MS (3600 * 1000ll)

static const struct kind {
    const char *purpose, *prefix, *page, *what;
    enum mail_template template;
} kinds[MAILED_COUNT] = {
    [MAILED_VERIFY] = {"verify", "sdv_", "verify", "confirm an e-mail address", MAIL_VERIFY},
    [MAILED_INVITE] = {"invite", "sdi_", "join", "make an account", MAIL_INVITE},
    [MAILED_RESET] = {"reset", "sdp_", "reset", "choose a new password", MAIL_RESET},
    [MAILED_EMAIL] = {"email", "sdv_", "verify", "confirm a new e-mail address", MAIL_EMAIL_CONFIRM},
    [MAILED_CHOOSE] = {"choose", "sdp_", "reset", "choose a first password", MAIL_CHOOSE_PASSWORD},
};

const char *mailed_purpose(enum mailed_kind kind) { return kinds[kind].purpose; }

enum err mailed_invalid(struct ctx *c)
{
    ctx_clear_error(c);
    return refuse(c, ERR_INVALID, "token_invalid", "This link was used already, is too old, or is not whole. Ask for a new one.");
}

enum err mailed_hash(struct ctx *c, enum mailed_kind kind, struct slice token, struct sha256 *ret)
{
    CLEANUP(buf_done) struct buf raw = {.max = TOKEN_BYTES, .sensitive = true};
    struct slice prefix = slice_cstr(kinds[kind].prefix);
    (void)c;
    if (!slice_starts(token, prefix)) return ERR_NOT_FOUND;
    enum err e = base64url_decode(&raw, slice_sub(token, prefix.len, token.len));
    if (e == ERR_NOMEM) return e;
    if (e != ERR_OK || raw.len != TOKEN_BYTES) return ERR_NOT_FOUND;
    return sha256(buf_view(&raw), ret);
}

enum err mailed_make(struct ctx *c, const struct app *app, struct mailed *m, struct sha256 *ret_hash)
{
    CLEANUP(buf_done) struct buf text = {.max = 64, .sensitive = true};
    uint8_t raw[TOKEN_BYTES];
    TRY(os_random(raw, sizeof raw));
    TRY(sha256(slice_of(raw, sizeof raw), ret_hash));
    TRY(buf_put_cstr(&text, kinds[m->kind].prefix));
    TRY(base64url_encode(&text, slice_of(raw, sizeof raw)));
    m->expires_at = clock_wall_ms() + m->ttl_ms;
    return mail_link(c, app, kinds[m->kind].page, buf_view(&text), &m->link);
}

enum err mailed_send_tx(struct ctx *c, struct db_conn *conn, const struct app *app, const struct mailed *m,
                        const struct sha256 *hash)
{
    struct slice minutes, hours, days;
    struct mailed_token t = {.hash = *hash,
                             .purpose = kinds[m->kind].purpose,
                             .user_id = m->user_id,
                             .data = m->data.ptr ? m->data : SLICE(""),
                             .created_at = clock_wall_ms(),
                             .expires_at = m->expires_at};
    if (m->user_id) TRY(mailed_store_drop(c, conn, m->user_id, t.purpose));
    TRY(mailed_store_insert(c, conn, &t));
    TRY(arena_printf(&c->arena, &minutes, "%lld", (long long)(m->ttl_ms / 60000)));
    TRY(arena_printf(&c->arena, &hours, "%lld", (long long)(m->ttl_ms / HOUR_MS)));
    TRY(arena_printf(&c->arena, &days, "%lld", (long long)(m->ttl_ms / (24 * HOUR_MS))));
    struct mail_param params[] = {{"link", m->link}, {"minutes", minutes}, {"hours", hours}, {"days", days}, {"ip", m->ip}};
    return mail_queue(c, conn, app, &(struct mail_new){.template = kinds[m->kind].template, .to = m->to, .locale = m->locale,
                                                       .params = params, .param_count = 5, .expires_at = m->expires_at});
}

void mailed_show(const struct app *app, const struct mailed *m) { mail_show_link(app, kinds[m->kind].what, m->link); }
