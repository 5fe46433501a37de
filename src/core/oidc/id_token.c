/* ID tokens: form, key, signature, claims; in this order. */
#include "core/oidc/id_token.h"

#include "base/limits.h"
#include "codec/base64.h"
#include "crypto/jws.h"
#include "os/clock.h"

#define TOKEN_BYTES_MAX (64 * KIB)
#define SKEW_S 30
#define AGE_S 600
#define SUBJECT_BYTES_MAX 255

static enum err bad(struct ctx *c, const char *what)
{
    ctx_clear_error(c);
    return fail(c, ERR_DENIED, "ID token: %s", what);
}

static enum err decode_part(struct ctx *c, struct slice text, struct slice *ret)
{
    CLEANUP(buf_done) struct buf raw = BUF_INIT(TOKEN_BYTES_MAX);
    enum err e = base64url_decode(&raw, text);
    if (e == ERR_NOMEM) return e;
    if (e != ERR_OK) return bad(c, "not base64url");
    return arena_slice(&c->arena, buf_view(&raw), ret);
}

/* A member that may be of another type than we can use, which is as good as none. */
static enum err decode_if(struct ctx *c, struct slice json, const struct json_table *t, void *ret)
{
    enum err e = json_decode(c, json, t, JSON_LENIENT, ret);
    if (e == ERR_NOMEM) return e;
    ctx_clear_error(c);
    return e == ERR_OK ? ERR_OK : ERR_NOT_FOUND;
}

/* ---- header and key ---- */

struct header {
    struct slice alg, kid;
    struct json_list crit;
};
JSON_TABLE(oidc_header_table, "Header", struct header, JSON_FIELD(struct header, alg, JSON_STRING, .flags = JSON_REQUIRED),
           JSON_FIELD(struct header, kid, JSON_STRING), JSON_FIELD(struct header, crit, JSON_STRINGS));

struct jwk {
    struct slice kty, kid, alg, use, crv, n, e, x, y;
};
JSON_TABLE(oidc_jwk_table, "Jwk", struct jwk, JSON_FIELD(struct jwk, kty, JSON_STRING), JSON_FIELD(struct jwk, kid, JSON_STRING),
           JSON_FIELD(struct jwk, alg, JSON_STRING), JSON_FIELD(struct jwk, use, JSON_STRING),
           JSON_FIELD(struct jwk, crv, JSON_STRING), JSON_FIELD(struct jwk, n, JSON_BYTES), JSON_FIELD(struct jwk, e, JSON_BYTES),
           JSON_FIELD(struct jwk, x, JSON_BYTES), JSON_FIELD(struct jwk, y, JSON_BYTES));
struct jwks {
    struct json_list keys;
};
JSON_TABLE(oidc_jwks_table, "Jwks", struct jwks,
           JSON_FIELD(struct jwks, keys, JSON_OBJECTS, .flags = JSON_REQUIRED, .max = 100, .table = &oidc_jwk_table));

static bool fits(const struct jwk *k, const struct header *h, bool rsa)
{
    if (h->kid.ptr && !slice_eq(k->kid, h->kid)) return false;
    if (k->alg.ptr && !slice_eq(k->alg, h->alg)) return false;
    if (k->use.ptr && !slice_eq(k->use, SLICE("sig"))) return false;
    if (rsa) return slice_eq(k->kty, SLICE("RSA"));
    return slice_eq(k->kty, SLICE("EC")) && slice_eq(k->crv, SLICE("P-256"));
}

/* The one key that fits: without a key id in the token there must be no doubt. */
static enum err find_key(struct ctx *c, struct slice jwks, const struct header *h, struct jws_key *ret)
{
    bool rsa = slice_eq(h->alg, SLICE("RS256"));
    struct jwks set = {.keys = {0}};
    const struct jwk *found = NULL;
    if (!rsa && !slice_eq(h->alg, SLICE("ES256"))) return bad(c, "algorithm");
    if (json_decode(c, jwks, &oidc_jwks_table, JSON_LENIENT, &set) != ERR_OK) return bad(c, "the provider's keys cannot be read");
    const struct jwk *keys = set.keys.items;
    for (size_t i = 0; i < set.keys.count; i++) {
        if (!fits(&keys[i], h, rsa)) continue;
        if (found) return bad(c, "more than one key fits");
        found = &keys[i];
    }
    if (!found) return ERR_NOT_FOUND;
    *ret = (struct jws_key){rsa ? JWS_RS256 : JWS_ES256, found->n, found->e, found->x, found->y};
    return ERR_OK;
}

static enum err check_signature(struct ctx *c, struct slice jwks, struct slice token, struct slice *ret_claims)
{
    struct slice rest = token, head, sig, json;
    struct slice header_text = slice_cut(&rest, '.'), claims_text = slice_cut(&rest, '.');
    struct slice signed_text = slice_sub(token, 0, header_text.len + 1 + claims_text.len);
    struct header h = {.alg = {NULL, 0}};
    struct jws_key key;
    if (token.len > TOKEN_BYTES_MAX) return bad(c, "too long");
    TRY(decode_part(c, header_text, &head));
    TRY(decode_part(c, claims_text, &json));
    TRY(decode_part(c, rest, &sig));
    enum err e = json_decode(c, head, &oidc_header_table, JSON_LENIENT, &h);
    if (e == ERR_NOMEM) return e;
    if (e != ERR_OK) return bad(c, "header");
    if (h.crit.set) return bad(c, "critical extensions");
    TRY(find_key(c, jwks, &h, &key));
    e = jws_verify(&key, signed_text, sig);
    if (e == ERR_DENIED) return bad(c, "signature");
    TRY(e);
    *ret_claims = json;
    return ERR_OK;
}

/* ---- claims ---- */

struct claims {
    struct slice iss, sub, azp, nonce, email, name;
    struct opt_u64 exp, iat, nbf;
};
JSON_TABLE(oidc_claims_table, "Claims", struct claims, JSON_FIELD(struct claims, iss, JSON_STRING, .flags = JSON_REQUIRED),
           JSON_FIELD(struct claims, sub, JSON_STRING, .flags = JSON_REQUIRED), JSON_FIELD(struct claims, azp, JSON_STRING),
           JSON_FIELD(struct claims, nonce, JSON_STRING), JSON_FIELD(struct claims, email, JSON_STRING),
           JSON_FIELD(struct claims, name, JSON_STRING), JSON_FIELD(struct claims, exp, JSON_OPT_U64),
           JSON_FIELD(struct claims, iat, JSON_OPT_U64), JSON_FIELD(struct claims, nbf, JSON_OPT_U64));
struct one {
    struct slice aud;
};
JSON_TABLE(oidc_one_table, "Audience", struct one, JSON_FIELD(struct one, aud, JSON_STRING, .flags = JSON_REQUIRED));
struct many {
    struct json_list aud;
};
JSON_TABLE(oidc_many_table, "Audiences", struct many, JSON_FIELD(struct many, aud, JSON_STRINGS, .flags = JSON_REQUIRED));
struct verified {
    bool email_verified;
};
JSON_TABLE(oidc_verified_table, "Verified", struct verified, JSON_FIELD(struct verified, email_verified, JSON_BOOL));

/* One audience: us. Several: we among them, and the token made for us. */
static enum err check_audience(struct ctx *c, const struct oidc_provider *p, struct slice json, struct slice azp)
{
    struct one one = {{NULL, 0}};
    struct many many = {.aud = {0}};
    if (azp.ptr && !slice_eq(azp, p->client_id)) return bad(c, "authorised party");
    enum err e = decode_if(c, json, &oidc_one_table, &one);
    if (e == ERR_OK) return slice_eq(one.aud, p->client_id) ? ERR_OK : bad(c, "audience");
    if (e != ERR_NOT_FOUND) return e;
    e = decode_if(c, json, &oidc_many_table, &many);
    if (e == ERR_NOT_FOUND) return bad(c, "audience");
    TRY(e);
    const struct slice *aud = many.aud.items;
    if (many.aud.count > 1 && !azp.ptr) return bad(c, "many audiences, no authorised party");
    for (size_t i = 0; i < many.aud.count; i++)
        if (slice_eq(aud[i], p->client_id)) return ERR_OK;
    return bad(c, "audience");
}

static enum err check_times(struct ctx *c, const struct claims *k)
{
    uint64_t now = (uint64_t)clock_wall_ms() / 1000;
    if (!k->exp.set || k->exp.v + SKEW_S <= now) return bad(c, "expired");
    if (!k->iat.set || k->iat.v > now + SKEW_S || k->iat.v + AGE_S + SKEW_S < now) return bad(c, "time of issue");
    if (k->nbf.set && k->nbf.v > now + SKEW_S) return bad(c, "not valid yet");
    return ERR_OK;
}

static enum err read_groups(struct ctx *c, const struct oidc_provider *p, struct slice json, struct json_list *ret)
{
    const char *name = NULL;
    if (!p->groups_claim.len) return ERR_OK;
    TRY(arena_cstr(&c->arena, p->groups_claim, &name));
    const struct json_field field = {.name = name, .type = JSON_STRINGS, .max = 10000};
    const struct json_table table = {"Groups", sizeof *ret, &field, 1};
    enum err e = decode_if(c, json, &table, ret);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err id_token_verify(struct ctx *c, const struct oidc_provider *p, struct slice jwks, struct slice token,
                         struct slice nonce, struct id_claims *ret)
{
    struct slice json;
    struct claims k = {.iss = {NULL, 0}};
    struct verified v = {false};
    struct json_list groups = {0};
    TRY(check_signature(c, jwks, token, &json));
    enum err e = json_decode(c, json, &oidc_claims_table, JSON_LENIENT, &k);
    if (e == ERR_NOMEM) return e;
    if (e != ERR_OK) return bad(c, "claims");
    if (!slice_eq(k.iss, p->issuer)) return bad(c, "issuer");
    if (k.sub.len == 0 || k.sub.len > SUBJECT_BYTES_MAX) return bad(c, "subject");
    TRY(check_audience(c, p, json, k.azp));
    TRY(check_times(c, &k));
    if (!slice_eq(k.nonce, nonce)) return bad(c, "nonce");
    e = decode_if(c, json, &oidc_verified_table, &v);
    if (e != ERR_OK && e != ERR_NOT_FOUND) return e;
    TRY(read_groups(c, p, json, &groups));
    *ret = (struct id_claims){k.sub, k.email, k.name, e == ERR_OK && v.email_verified, groups};
    return ERR_OK;
}
