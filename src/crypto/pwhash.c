/* Password hashes: Argon2id through libsodium, bcrypt through libcrypt, both over a password already keyed with the pepper. The
 * texts are written and read here: one spelling only is accepted, and its costs are bounded, whatever a database holds. */
#include "crypto/pwhash.h"

#include <crypt.h>
#include <errno.h>
#include <sodium.h>

#include "base/buf.h"
#include "base/intmath.h"
#include "crypto/crypto.h"
#include "crypto/hash.h"
#include "os/clock.h"

#define ARGON2_SALT 16
#define ARGON2_HEAD "$argon2id$v=19$m="
#define ARGON2_MEMORY_MIN_KIB 8
#define ARGON2_MEMORY_MAX_KIB (1u << 20)
#define ARGON2_PASSES_MAX 64
#define BCRYPT_TEXT 60
#define BCRYPT_SALT 16
#define BCRYPT_COST_MIN 4
#define BCRYPT_COST_MAX 14

struct argon2 {
    struct pwhash_cost cost;
    uint8_t salt[ARGON2_SALT];
    struct key hash;
};

static void argon2_done(struct argon2 *a) { mem_wipe(a, sizeof *a); }

static bool cost_valid(struct pwhash_cost cost)
{
    return cost.memory_kib >= ARGON2_MEMORY_MIN_KIB && cost.memory_kib <= ARGON2_MEMORY_MAX_KIB && cost.passes >= 1 &&
           cost.passes <= ARGON2_PASSES_MAX;
}

enum err argon2id_raw(struct slice password, const uint8_t salt[16], struct pwhash_cost cost, struct key *ret)
{
    if (!cost_valid(cost)) return ERR_INVALID;
    TRY(crypto_setup());
    CLEANUP(key_done) struct key out;
    if (crypto_pwhash(out.b, sizeof out.b, password.ptr ? password.ptr : "", password.len, salt, cost.passes,
                      (size_t)cost.memory_kib * 1024, crypto_pwhash_ALG_ARGON2ID13) != 0)
        return errno == ENOMEM ? ERR_NOMEM : ERR_CRYPTO;
    *ret = out;
    return ERR_OK;
}

static enum err argon2_compute(const struct key *pepper, struct slice password, struct argon2 *a)
{
    struct sha256 keyed;
    TRY(hmac_sha256(slice_of(pepper->b, sizeof pepper->b), password, &keyed));
    enum err e = argon2id_raw(sha256_view(&keyed), a->salt, a->cost, &a->hash);
    mem_wipe(&keyed, sizeof keyed);
    return e;
}

static void argon2_text(const struct argon2 *a, char ret[PWHASH_TEXT_MAX])
{
    char salt[32], hash[64];
    sodium_bin2base64(salt, sizeof salt, a->salt, sizeof a->salt, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
    sodium_bin2base64(hash, sizeof hash, a->hash.b, sizeof a->hash.b, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
    snprintf(ret, PWHASH_TEXT_MAX, ARGON2_HEAD "%u,t=%u,p=1$%s$%s", a->cost.memory_kib, a->cost.passes, salt, hash);
    mem_wipe(hash, sizeof hash);
}

static bool base64_exact(struct slice s, uint8_t *ret, size_t n)
{
    size_t got = 0;
    return sodium_base642bin(ret, n, s.ptr, s.len, NULL, &got, NULL, sodium_base64_VARIANT_ORIGINAL_NO_PADDING) == 0 &&
           got == n;
}

static enum err argon2_fields(struct slice phc, struct argon2 *a)
{
    uint64_t memory = 0, passes = 0;
    if (!slice_starts(phc, SLICE(ARGON2_HEAD))) return ERR_CORRUPT;
    struct slice rest = slice_sub(phc, sizeof ARGON2_HEAD - 1, phc.len);
    TRY(slice_u64(slice_cut(&rest, ','), ARGON2_MEMORY_MAX_KIB, &memory));
    if (!slice_starts(rest, SLICE("t="))) return ERR_CORRUPT;
    rest = slice_sub(rest, 2, rest.len);
    TRY(slice_u64(slice_cut(&rest, ','), ARGON2_PASSES_MAX, &passes));
    a->cost = (struct pwhash_cost){(uint32_t)memory, (uint32_t)passes};
    if (!slice_starts(rest, SLICE("p=1$")) || !cost_valid(a->cost)) return ERR_CORRUPT;
    rest = slice_sub(rest, 4, rest.len);
    if (!base64_exact(slice_cut(&rest, '$'), a->salt, sizeof a->salt)) return ERR_CORRUPT;
    return base64_exact(rest, a->hash.b, sizeof a->hash.b) ? ERR_OK : ERR_CORRUPT;
}

static enum err argon2_parse(struct slice phc, struct argon2 *ret)
{
    char again[PWHASH_TEXT_MAX];
    if (argon2_fields(phc, ret) != ERR_OK) return ERR_CORRUPT;
    /* One value has one spelling (no leading zeros): what we would write is what we accept. */
    argon2_text(ret, again);
    return slice_eq(slice_cstr(again), phc) ? ERR_OK : ERR_CORRUPT;
}

enum err argon2id_hash(const struct key *pepper, struct slice password, struct pwhash_cost cost, char ret[PWHASH_TEXT_MAX])
{
    CLEANUP(argon2_done) struct argon2 a = {.cost = cost};
    TRY(os_random(a.salt, sizeof a.salt));
    TRY(argon2_compute(pepper, password, &a));
    argon2_text(&a, ret);
    return ERR_OK;
}

enum err argon2id_verify(const struct key *pepper, struct slice password, struct slice phc)
{
    CLEANUP(argon2_done) struct argon2 stored = {0};
    CLEANUP(argon2_done) struct argon2 tried = {0};
    TRY(argon2_parse(phc, &stored));
    tried = stored;
    TRY(argon2_compute(pepper, password, &tried));
    return mem_equal_ct(stored.hash.b, tried.hash.b, KEY_BYTES) ? ERR_OK : ERR_DENIED;
}

bool argon2id_outdated(struct slice phc, struct pwhash_cost cost)
{
    CLEANUP(argon2_done) struct argon2 a = {0};
    if (argon2_parse(phc, &a) != ERR_OK) return true;
    return a.cost.memory_kib < cost.memory_kib || a.cost.passes < cost.passes;
}

/* `setting` is "$2b$NN$" and a salt, or a whole hash, which begins so. */
static enum err bcrypt_compute(const struct key *pepper, struct slice password, const char *setting, char ret[BCRYPT_TEXT + 1])
{
    /* bcrypt stops at a NUL and after 72 bytes: 64 letters of base64 have neither problem. */
    uint8_t keyed[48];
    char phrase[65];
    struct crypt_data *work = MEM_NEW(struct crypt_data);
    if (!work) return ERR_NOMEM;
    enum err e = hmac_sha384(slice_of(pepper->b, sizeof pepper->b), password, keyed);
    if (e == ERR_OK) {
        sodium_bin2base64(phrase, sizeof phrase, keyed, sizeof keyed, sodium_base64_VARIANT_ORIGINAL);
        const char *text = crypt_rn(phrase, setting, work, sizeof *work);
        e = text && strlen(text) == BCRYPT_TEXT ? ERR_OK : ERR_CRYPTO;
        if (e == ERR_OK) memcpy(ret, text, BCRYPT_TEXT + 1);
    }
    mem_wipe(keyed, sizeof keyed);
    mem_wipe(phrase, sizeof phrase);
    mem_wipe(work, sizeof *work);
    mem_free(work);
    return e;
}

enum err bcrypt_hash(const struct key *pepper, struct slice password, unsigned cost, char ret[PWHASH_TEXT_MAX])
{
    char salt[BCRYPT_SALT], setting[CRYPT_GENSALT_OUTPUT_SIZE];
    if (cost < BCRYPT_COST_MIN || cost > BCRYPT_COST_MAX) return ERR_INVALID;
    TRY(os_random(salt, sizeof salt));
    if (!crypt_gensalt_rn("$2b$", cost, salt, sizeof salt, setting, sizeof setting)) return ERR_CRYPTO;
    return bcrypt_compute(pepper, password, setting, ret);
}

static bool bcrypt_readable(struct slice hash)
{
    uint64_t cost = 0;
    if (hash.len != BCRYPT_TEXT || !slice_starts(hash, SLICE("$2b$")) || hash.ptr[6] != '$') return false;
    if (slice_u64(slice_sub(hash, 4, 6), BCRYPT_COST_MAX, &cost) != ERR_OK || cost < BCRYPT_COST_MIN) return false;
    for (size_t i = 7; i < hash.len; i++) {
        char c = hash.ptr[i];
        bool good = (c >= '.' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!good) return false;
    }
    return true;
}

enum err bcrypt_verify(const struct key *pepper, struct slice password, struct slice hash)
{
    char stored[BCRYPT_TEXT + 1], tried[BCRYPT_TEXT + 1];
    if (!bcrypt_readable(hash)) return ERR_CORRUPT;
    memcpy(stored, hash.ptr, BCRYPT_TEXT);
    stored[BCRYPT_TEXT] = '\0';
    TRY(bcrypt_compute(pepper, password, stored, tried));
    return mem_equal_ct(stored, tried, BCRYPT_TEXT) ? ERR_OK : ERR_DENIED;
}
