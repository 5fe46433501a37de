/* Making challenges and reading clientDataJSON (WebAuthn 5.8.1). */
#include "core/passkey/challenge.h"

#include "codec/base64.h"
#include "codec/json.h"
#include "codec/uri.h"
#include "core/passkey/passkey.h"
#include "os/clock.h"

#define RANDOM_BYTES 16
#define END_BYTES 8
#define BODY_BYTES (RANDOM_BYTES + END_BYTES)
#define CHALLENGE_BYTES (BODY_BYTES + SHA256_BYTES)
#define CLIENT_DATA_MAX 4096

static enum err body_mac(const struct app *app, enum challenge_use use, const struct id *user, const uint8_t body[BODY_BYTES],
                         struct sha256 *ret)
{
    CLEANUP(buf_done) struct buf in = BUF_INIT(128);
    static const struct id nobody;
    TRY(buf_put(&in, SLICE("sft/1/passkey\0")));
    TRY(buf_putc(&in, (char)use));
    TRY(buf_put(&in, id_bytes(user ? user : &nobody)));
    TRY(buf_put(&in, slice_of(body, BODY_BYTES)));
    return hmac_sha256(slice_of(app->server_key.b, KEY_BYTES), buf_view(&in), ret);
}

enum err challenge_new(struct ctx *c, const struct app *app, enum challenge_use use, const struct id *user, struct slice *ret)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(128);
    uint8_t raw[CHALLENGE_BYTES];
    struct sha256 mac;
    uint64_t end = (uint64_t)(clock_wall_ms() + PASSKEY_CHALLENGE_MS);
    TRY(os_random(raw, RANDOM_BYTES));
    for (size_t i = 0; i < END_BYTES; i++) raw[RANDOM_BYTES + i] = (uint8_t)(end >> (56 - 8 * i));
    TRY(body_mac(app, use, user, raw, &mac));
    memcpy(raw + BODY_BYTES, mac.b, SHA256_BYTES);
    TRY(base64url_encode(&text, slice_of(raw, sizeof raw)));
    return arena_slice(&c->arena, buf_view(&text), ret);
}

static enum err check(const struct app *app, enum challenge_use use, const struct id *user, struct slice raw, struct challenge *ret)
{
    struct sha256 want, got;
    uint64_t end = 0;
    if (raw.len != CHALLENGE_BYTES) return ERR_DENIED;
    const uint8_t *p = (const uint8_t *)raw.ptr;
    TRY(body_mac(app, use, user, p, &want));
    memcpy(got.b, p + BODY_BYTES, SHA256_BYTES);
    if (!sha256_equal(&want, &got)) return ERR_DENIED;
    for (size_t i = 0; i < END_BYTES; i++) end = end << 8 | p[RANDOM_BYTES + i];
    if ((uint64_t)clock_wall_ms() >= end) return ERR_DENIED;
    ret->expires_ms = (int64_t)end;
    return sha256(raw, &ret->hash);
}

struct client_data {
    struct slice type, challenge, origin;
    struct opt_bool cross_origin;
};
JSON_TABLE(passkey_client_data_table, "ClientData", struct client_data,
    JSON_FIELD(struct client_data, type, JSON_STRING, .flags = JSON_REQUIRED),
    JSON_FIELD(struct client_data, challenge, JSON_BYTES, .flags = JSON_REQUIRED),
    JSON_FIELD(struct client_data, origin, JSON_STRING, .flags = JSON_REQUIRED),
    {.name = "crossOrigin", .type = JSON_OPT_BOOL, .offset = offsetof(struct client_data, cross_origin)});

enum err challenge_rp_id(struct ctx *c, const struct app *app, struct slice *ret)
{
    struct uri u;
    enum err e = uri_parse(app->cfg.public_url, &u);
    if (e != ERR_OK) return fail(c, ERR_INTERNAL, "public URL: %s", err_name(e));
    *ret = u.host;
    return ERR_OK;
}

enum err challenge_check(struct ctx *c, const struct app *app, enum challenge_use use, const struct id *user,
                         struct slice client_data, struct webauthn_expect *ret_expect, struct challenge *ret)
{
    struct client_data d = {.type = {NULL, 0}};
    if (client_data.len > CLIENT_DATA_MAX) return ERR_DENIED;
    enum err e = json_decode(c, client_data, &passkey_client_data_table, JSON_LENIENT, &d);
    /* What was wrong with it is nobody's business. */
    ctx_clear_error(c);
    if (e == ERR_NOMEM) return e;
    if (e != ERR_OK) return ERR_DENIED;
    if (!slice_eq(d.type, use == CHALLENGE_REGISTER ? SLICE("webauthn.create") : SLICE("webauthn.get"))) return ERR_DENIED;
    if (!slice_eq(d.origin, app->cfg.public_url) || d.cross_origin.v) return ERR_DENIED;
    TRY(check(app, use, user, d.challenge, ret));
    TRY(challenge_rp_id(c, app, &ret_expect->rp_id));
    return sha256(client_data, &ret_expect->client_data_hash);
}
