/* Tokens of a sign-in that is not finished: a MAC over who, what for and until when. */
#include "base/buf.h"
#include "base/intmath.h"
#include "base/limits.h"
#include "codec/base64.h"
#include "core/mfa/mfa.h"
#include "crypto/hash.h"
#include "os/clock.h"

#define PREFIX "sdm_"
/* user id[16] || use || 1 with the second factor given || end u64be */
#define BODY_BYTES 26
#define TEXT_MAX 128

static enum err body_mac(const struct app *app, const struct user *user, const uint8_t body[BODY_BYTES], struct sha256 *ret)
{
    CLEANUP(buf_done) struct buf in = BUF_INIT(512);
    TRY(buf_put(&in, SLICE("sft/1/mfa\0")));
    TRY(buf_put(&in, slice_of(body, BODY_BYTES)));
    /* A new password ends what was begun with the old one. */
    TRY(buf_put(&in, user->password_hash));
    return hmac_sha256(slice_of(app->server_key.b, KEY_BYTES), buf_view(&in), ret);
}

enum err mfa_token_new(struct ctx *c, struct app *app, const struct user *user, enum mfa_use use, bool otp, struct slice *ret)
{
    CLEANUP(buf_done) struct buf raw = BUF_INIT(BODY_BYTES + SHA256_BYTES);
    CLEANUP(buf_done) struct buf text = BUF_INIT(TEXT_MAX);
    uint8_t body[BODY_BYTES];
    struct sha256 mac;
    memcpy(body, user->id.b, 16);
    body[16] = (uint8_t)use;
    body[17] = otp;
    store_u64be(body + 18, (uint64_t)(clock_wall_ms() + LIMIT_MFA_TOKEN_MS));
    TRY(body_mac(app, user, body, &mac));
    TRY(buf_put(&raw, slice_of(body, sizeof body)));
    TRY(buf_put(&raw, sha256_view(&mac)));
    TRY(buf_put_cstr(&text, PREFIX));
    TRY(base64url_encode(&text, buf_view(&raw)));
    return arena_slice(&c->arena, buf_view(&text), ret);
}

static enum err read_token(struct ctx *c, struct app *app, struct slice token, enum mfa_use use, struct user *ret, bool *ret_otp)
{
    CLEANUP(buf_done) struct buf raw = BUF_INIT(BODY_BYTES + SHA256_BYTES);
    struct sha256 want, got;
    struct id id;
    if (!slice_starts(token, SLICE(PREFIX)) || token.len > TEXT_MAX) return ERR_UNAUTH;
    TRY(base64url_decode(&raw, slice_sub(token, sizeof PREFIX - 1, token.len)));
    if (raw.len != BODY_BYTES + SHA256_BYTES) return ERR_UNAUTH;
    const uint8_t *body = (const uint8_t *)raw.ptr;
    memcpy(id.b, body, sizeof id.b);
    memcpy(got.b, body + BODY_BYTES, SHA256_BYTES);
    TRY(user_by_id(c, app, &id, ret));
    TRY(body_mac(app, ret, body, &want));
    if (!sha256_equal(&want, &got) || body[16] != (uint8_t)use || !ret->active) return ERR_UNAUTH;
    if (clock_wall_ms() >= (int64_t)load_u64be(body + 18)) return ERR_UNAUTH;
    *ret_otp = body[17] == 1;
    return ERR_OK;
}

enum err mfa_token_open(struct ctx *c, struct app *app, struct slice token, enum mfa_use use, struct user *ret, bool *ret_otp)
{
    struct user user;
    bool otp = false;
    enum err e = read_token(c, app, token, use, &user, &otp);
    if (e == ERR_UNAUTH || e == ERR_INVALID || e == ERR_NOT_FOUND || e == ERR_TOO_LARGE)
        return refuse(c, ERR_UNAUTH, "unauthorized", "This sign-in took too long or is not valid. Sign in again.");
    TRY(e);
    *ret = user;
    *ret_otp = otp;
    return ERR_OK;
}
