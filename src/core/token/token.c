/* Signing and verifying access tokens; the memory of verified ones. */
#include "core/token/token.h"

#include "base/intmath.h"
#include "base/limits.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "core/key/key.h"
#include "core/token/token_store.h"
#include "crypto/hash.h"
#include "crypto/sign.h"
#include "os/clock.h"
#include "os/thread.h"

#define SKEW_S 30
#define SEEN_SLOTS 8192u /* direct-mapped: a collision costs one more signature check */
#define SEEN_LOCKS 16u

struct seen {
    struct sha256 hash;
    struct token_claims claims;
};

struct token_signer {
    struct key seed;
    uint8_t public_key[ED25519_PUBLIC_BYTES];
    char kid[44];
    char issuer[256];
    struct mutex locks[SEEN_LOCKS]; /* each guards the slots with that remainder */
    struct seen *seen;
};

/* The claims of RFC 9068 that we use. */
struct claims_json {
    struct slice iss, aud, sub, sid, jti, role, amr;
    uint64_t iat, exp, auth_time;
};
JSON_TABLE(claims_table, "AccessToken", struct claims_json,
    JSON_FIELD(struct claims_json, iss, JSON_STRING, .flags = JSON_REQUIRED),
    JSON_FIELD(struct claims_json, aud, JSON_STRING, .flags = JSON_REQUIRED),
    JSON_FIELD(struct claims_json, sub, JSON_STRING, .flags = JSON_REQUIRED),
    JSON_FIELD(struct claims_json, sid, JSON_STRING, .flags = JSON_REQUIRED),
    JSON_FIELD(struct claims_json, jti, JSON_STRING, .flags = JSON_REQUIRED),
    JSON_FIELD(struct claims_json, iat, JSON_U64, .flags = JSON_REQUIRED),
    JSON_FIELD(struct claims_json, exp, JSON_U64, .flags = JSON_REQUIRED),
    JSON_FIELD(struct claims_json, role, JSON_STRING, .flags = JSON_REQUIRED),
    JSON_FIELD(struct claims_json, amr, JSON_STRING),
    JSON_FIELD(struct claims_json, auth_time, JSON_U64, .flags = JSON_REQUIRED));

/* RFC 7638 thumbprint of an OKP key. */
static enum err thumbprint(const uint8_t pub[ED25519_PUBLIC_BYTES], char ret[44])
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(256);
    CLEANUP(buf_done) struct buf kid = BUF_INIT(64);
    struct sha256 h;
    TRY(buf_put_cstr(&text, "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\""));
    TRY(base64url_encode(&text, slice_of(pub, ED25519_PUBLIC_BYTES)));
    TRY(buf_put_cstr(&text, "\"}"));
    TRY(sha256(buf_view(&text), &h));
    TRY(base64url_encode(&kid, sha256_view(&h)));
    memcpy(ret, kid.ptr, 43);
    ret[43] = '\0';
    return ERR_OK;
}

static const struct id no_object = {{0}};

struct open_arg {
    struct app *app;
    struct token_signer *s;
};

static enum err load_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct open_arg *a = arg;
    struct db_result r;
    TRY(token_store_current(c, conn, &r));
    struct slice pub = db_get_slice(&r, 0, 1);
    if (pub.len != ED25519_PUBLIC_BYTES) return fail(c, ERR_CORRUPT, "signing key");
    memcpy(a->s->public_key, pub.ptr, pub.len);
    TRY(key_unwrap(c, a->app, KEY_LABEL_SIGNING, &no_object, db_get_slice(&r, 0, 2), &a->s->seed));
    return thumbprint(a->s->public_key, a->s->kid);
}

static enum err create_put(struct ctx *c, struct db_conn *conn, const struct wrapped *w, void *arg)
{
    const struct open_arg *a = arg;
    return token_store_insert(c, conn, slice_cstr(a->s->kid), slice_of(a->s->public_key, ED25519_PUBLIC_BYTES),
                              slice_of(w->key.b, sizeof w->key.b), clock_wall_ms());
}

static enum err load_or_create(struct ctx *c, struct open_arg *a)
{
    enum err e = db_tx(c, a->app->be.db, DB_READ, load_tx, a);
    if (e != ERR_NOT_FOUND) return e;
    TRY(os_random(a->s->seed.b, sizeof a->s->seed.b));
    TRY(ed25519_public(&a->s->seed, a->s->public_key));
    TRY(thumbprint(a->s->public_key, a->s->kid));
    e = key_put(c, a->app, KEY_LABEL_SIGNING, &no_object, &a->s->seed, create_put, a);
    return e == ERR_EXISTS ? db_tx(c, a->app->be.db, DB_READ, load_tx, a) : e;
}

enum err token_signer_open(struct ctx *c, struct app *app, struct token_signer **ret)
{
    struct token_signer *s = MEM_NEW(struct token_signer);
    if (!s) return ERR_NOMEM;
    for (size_t i = 0; i < SEEN_LOCKS; i++) mutex_init(&s->locks[i]);
    struct open_arg a = {app, s};
    s->seen = mem_alloc(SEEN_SLOTS, sizeof *s->seen);
    struct slice url = slice_sub(app->cfg.public_url, 0, sizeof s->issuer - 1);
    memcpy(s->issuer, url.ptr, url.len);
    enum err e = s->seen ? load_or_create(c, &a) : ERR_NOMEM;
    if (e != ERR_OK) {
        token_signer_close(s);
        return e;
    }
    *ret = s;
    return ERR_OK;
}

void token_signer_close(struct token_signer *s)
{
    if (!s) return;
    for (size_t i = 0; i < SEEN_LOCKS; i++) mutex_done(&s->locks[i]);
    mem_free(s->seen);
    mem_wipe(s, sizeof *s);
    mem_free(s);
}

static enum err put_claims(struct ctx *c, const struct token_signer *s, const struct token_claims *claims,
                           struct buf *out)
{
    char sub[ID_TEXT_LEN + 1], sid[ID_TEXT_LEN + 1], jti[ID_TEXT_LEN + 1];
    struct id token_id;
    (void)c;
    TRY(os_new_id(&token_id));
    id_text(claims->user_id, sub);
    id_text(claims->session_id, sid);
    id_text(token_id, jti);
    struct claims_json j = {.iss = slice_cstr(s->issuer),
                            .aud = slice_cstr(s->issuer),
                            .sub = slice_cstr(sub),
                            .sid = slice_cstr(sid),
                            .jti = slice_cstr(jti),
                            .role = slice_cstr(role_name(claims->role)),
                            .amr = claims->amr,
                            .auth_time = (uint64_t)claims->auth_at_s,
                            .iat = (uint64_t)claims->issued_at_s,
                            .exp = (uint64_t)claims->expires_at_s};
    return json_encode(out, &claims_table, &j);
}

static enum err put_header(const struct token_signer *s, struct buf *out)
{
    return buf_printf(out, "{\"alg\":\"EdDSA\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", s->kid);
}

enum err token_sign(struct ctx *c, struct token_signer *s, const struct token_claims *claims, struct slice *ret)
{
    CLEANUP(buf_done) struct buf json = BUF_INIT(LIMIT_TOKEN_BYTES);
    CLEANUP(buf_done) struct buf token = BUF_INIT(LIMIT_TOKEN_BYTES);
    uint8_t sig[ED25519_SIGNATURE_BYTES];
    TRY(put_header(s, &json));
    TRY(base64url_encode(&token, buf_view(&json)));
    TRY(buf_putc(&token, '.'));
    buf_reset(&json);
    TRY(put_claims(c, s, claims, &json));
    TRY(base64url_encode(&token, buf_view(&json)));
    TRY(ed25519_sign(&s->seed, buf_view(&token), sig));
    TRY(buf_putc(&token, '.'));
    TRY(base64url_encode(&token, slice_of(sig, sizeof sig)));
    return arena_slice(&c->arena, buf_view(&token), ret);
}

static enum err check_header(const struct token_signer *s, struct slice encoded)
{
    CLEANUP(buf_done) struct buf want = BUF_INIT(256);
    CLEANUP(buf_done) struct buf got = BUF_INIT(256);
    TRY(put_header(s, &want));
    TRY(base64url_decode(&got, encoded));
    return slice_eq(buf_view(&want), buf_view(&got)) ? ERR_OK : ERR_UNAUTH;
}

static enum err parse_claims(struct ctx *c, const struct token_signer *s, struct slice encoded,
                             struct token_claims *ret)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(LIMIT_TOKEN_BYTES);
    struct claims_json j;
    struct token_claims out = {.amr = {NULL, 0}};
    TRY(base64url_decode(&text, encoded));
    TRY(json_decode(c, buf_view(&text), &claims_table, JSON_LENIENT, &j));
    if (!slice_eq(j.iss, slice_cstr(s->issuer)) || !slice_eq(j.aud, j.iss)) return ERR_UNAUTH;
    TRY(id_parse(j.sub, &out.user_id));
    TRY(id_parse(j.sid, &out.session_id));
    TRY(role_parse(j.role, &out.role));
    out.auth_at_s = (int64_t)j.auth_time;
    out.issued_at_s = (int64_t)j.iat;
    out.expires_at_s = (int64_t)j.exp;
    *ret = out;
    return ERR_OK;
}

static enum err verify_fully(struct ctx *c, struct token_signer *s, struct slice token, struct token_claims *ret)
{
    CLEANUP(buf_done) struct buf sig = BUF_INIT(ED25519_SIGNATURE_BYTES);
    struct slice rest = token, head = slice_cut(&rest, '.'), body = slice_cut(&rest, '.');
    TRY(check_header(s, head));
    TRY(base64url_decode(&sig, rest));
    TRY(ed25519_verify(s->public_key, slice_sub(token, 0, head.len + 1 + body.len), buf_view(&sig)));
    return parse_claims(c, s, body, ret);
}

static bool recall(struct token_signer *s, const struct sha256 *h, struct token_claims *ret)
{
    uint32_t slot = load_u32be(h->b) % SEEN_SLOTS;
    GUARD(&s->locks[slot % SEEN_LOCKS]);
    if (!sha256_equal(&s->seen[slot].hash, h)) return false;
    *ret = s->seen[slot].claims;
    return true;
}

static void remember(struct token_signer *s, const struct sha256 *h, const struct token_claims *claims)
{
    uint32_t slot = load_u32be(h->b) % SEEN_SLOTS;
    GUARD(&s->locks[slot % SEEN_LOCKS]);
    s->seen[slot] = (struct seen){*h, *claims};
}

enum err token_verify(struct ctx *c, struct token_signer *s, struct slice token, struct token_claims *ret)
{
    struct sha256 h;
    struct token_claims claims;
    if (token.len > LIMIT_TOKEN_BYTES) return ERR_UNAUTH;
    TRY(sha256(token, &h));
    if (!recall(s, &h, &claims)) {
        enum err e = verify_fully(c, s, token, &claims);
        ctx_clear_error(c);
        if (e == ERR_NOMEM) return e;
        if (e != ERR_OK) return ERR_UNAUTH;
        remember(s, &h, &claims);
    }
    int64_t now_s = clock_wall_ms() / 1000;
    if (now_s >= claims.expires_at_s || now_s + SKEW_S < claims.issued_at_s) return ERR_UNAUTH;
    *ret = claims;
    return ERR_OK;
}

enum err token_jwks(struct token_signer *s, struct buf *ret)
{
    TRY(buf_put_cstr(ret, "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\""));
    TRY(base64url_encode(ret, slice_of(s->public_key, ED25519_PUBLIC_BYTES)));
    return buf_printf(ret, "\",\"kid\":\"%s\",\"use\":\"sig\",\"alg\":\"EdDSA\"}]}", s->kid);
}
