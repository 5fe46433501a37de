/* Password hashes of other systems: unkeyed Argon2 (PHC text) and bcrypt, as they were imported. Only verified, never made. */
#include <crypt.h>
#include <sodium.h>

#include "base/buf.h"
#include "crypto/crypto.h"
#include "crypto/pwhash.h"

#define BCRYPT_TEXT 60
#define BCRYPT_COST_MAX 16
#define MEMORY_MAX_KIB (1u << 20)
#define PASSES_MAX 64
#define LANES_MAX 16

static bool bcrypt_shaped(struct slice hash)
{
    uint64_t cost = 0;
    bool known = slice_starts(hash, SLICE("$2a$")) || slice_starts(hash, SLICE("$2b$")) || slice_starts(hash, SLICE("$2y$"));
    if (hash.len != BCRYPT_TEXT || !known || hash.ptr[6] != '$') return false;
    if (slice_u64(slice_sub(hash, 4, 6), BCRYPT_COST_MAX, &cost) != ERR_OK || cost < 4) return false;
    for (size_t i = 7; i < hash.len; i++) {
        char c = hash.ptr[i];
        bool good = (c >= '.' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!good) return false;
    }
    return true;
}

/* "m=65536,t=3,p=4": what it costs is bounded here; the rest of the text is libsodium's to judge. */
static bool costs_bounded(struct slice params)
{
    static const struct {
        struct slice name;
        uint64_t max;
    } want[] = {{{"m=", 2}, MEMORY_MAX_KIB}, {{"t=", 2}, PASSES_MAX}, {{"p=", 2}, LANES_MAX}};
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        struct slice one = slice_cut(&params, ',');
        uint64_t v = 0;
        if (!slice_starts(one, want[i].name)) return false;
        if (slice_u64(slice_sub(one, 2, one.len), want[i].max, &v) != ERR_OK || v == 0) return false;
    }
    return params.len == 0;
}

static bool argon2_shaped(struct slice hash)
{
    struct slice rest = hash;
    if (hash.len >= crypto_pwhash_STRBYTES) return false;
    if (slice_cut(&rest, '$').len) return false;
    struct slice kind = slice_cut(&rest, '$');
    if (!slice_eq(kind, SLICE("argon2id")) && !slice_eq(kind, SLICE("argon2i"))) return false;
    if (!slice_eq(slice_cut(&rest, '$'), SLICE("v=19")) || !costs_bounded(slice_cut(&rest, '$'))) return false;
    return slice_cut(&rest, '$').len >= 8 && rest.len >= 16;
}

bool foreign_hash_readable(struct slice hash) { return bcrypt_shaped(hash) || argon2_shaped(hash); }

static enum err bcrypt_matches(const char *password, struct slice hash)
{
    char stored[BCRYPT_TEXT + 1];
    struct crypt_data *work = MEM_NEW(struct crypt_data);
    if (!work) return ERR_NOMEM;
    memcpy(stored, hash.ptr, BCRYPT_TEXT);
    stored[BCRYPT_TEXT] = '\0';
    const char *text = crypt_rn(password, stored, work, sizeof *work);
    enum err e = !text || strlen(text) != BCRYPT_TEXT ? ERR_CORRUPT
                 : mem_equal_ct(text, stored, BCRYPT_TEXT) ? ERR_OK : ERR_DENIED;
    mem_wipe(work, sizeof *work);
    mem_free(work);
    return e;
}

enum err foreign_hash_verify(struct slice password, struct slice hash)
{
    CLEANUP(buf_done) struct buf text = {.max = 4096, .sensitive = true};
    char stored[crypto_pwhash_STRBYTES] = {0};
    const char *cstr = NULL;
    TRY(crypto_setup());
    if (!foreign_hash_readable(hash)) return ERR_CORRUPT;
    TRY(buf_put(&text, password));
    /* bcrypt stops at a NUL: what comes after would not be looked at. */
    if (buf_cstr(&text, &cstr) != ERR_OK) return ERR_DENIED;
    if (bcrypt_shaped(hash)) return bcrypt_matches(cstr, hash);
    memcpy(stored, hash.ptr, hash.len);
    return crypto_pwhash_str_verify(stored, cstr, password.len) == 0 ? ERR_OK : ERR_DENIED;
}
