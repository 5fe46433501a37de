/* Password hashes: libsodium's own verifier as a second reader, wrong passwords and peppers, unreadable texts, costs, faults. */
#include "crypto/pwhash.h"

#include <sodium.h>

#include "base/intmath.h"
#include "crypto/hash.h"
#include "crypto/vector_util.h"
#include "lib/test.h"

/* Small enough for a test; nothing here depends on the cost. */
#define CHEAP ((struct pwhash_cost){64, 1})

static const struct key pepper = {{1, 2, 3}};
static const struct key other_pepper = {{1, 2, 4}};

TEST(argon2id_round_trip)
{
    char phc[PWHASH_TEXT_MAX], second[PWHASH_TEXT_MAX];
    CHECK_OK(argon2id_hash(&pepper, SLICE("correct horse"), CHEAP, phc));
    CHECK_OK(argon2id_hash(&pepper, SLICE("correct horse"), CHEAP, second));
    CHECK(!slice_eq(slice_cstr(phc), slice_cstr(second)));
    CHECK(slice_starts(slice_cstr(phc), SLICE("$argon2id$v=19$m=64,t=1,p=1$")));
    CHECK_OK(argon2id_verify(&pepper, SLICE("correct horse"), slice_cstr(phc)));
    CHECK_ERR(argon2id_verify(&pepper, SLICE("correct horsf"), slice_cstr(phc)), ERR_DENIED);
    CHECK_ERR(argon2id_verify(&pepper, SLICE(""), slice_cstr(phc)), ERR_DENIED);
    CHECK_ERR(argon2id_verify(&other_pepper, SLICE("correct horse"), slice_cstr(phc)), ERR_DENIED);
}

TEST(argon2id_text_is_a_phc_string_others_read)
{
    char phc[PWHASH_TEXT_MAX];
    struct sha256 keyed;
    CHECK_OK(argon2id_hash(&pepper, SLICE("pw\0with nul"), CHEAP, phc));
    CHECK_OK(hmac_sha256(slice_of(pepper.b, sizeof pepper.b), SLICE("pw\0with nul"), &keyed));
    CHECK(crypto_pwhash_str_verify(phc, (const char *)keyed.b, sizeof keyed.b) == 0);
}

TEST(argon2id_reads_what_libsodium_writes)
{
    char phc[crypto_pwhash_STRBYTES];
    struct sha256 keyed;
    CHECK_OK(hmac_sha256(slice_of(pepper.b, sizeof pepper.b), SLICE("pw"), &keyed));
    CHECK(crypto_pwhash_str(phc, (const char *)keyed.b, sizeof keyed.b, 2, 128 * 1024) == 0);
    CHECK_OK(argon2id_verify(&pepper, SLICE("pw"), slice_cstr(phc)));
    CHECK_ERR(argon2id_verify(&pepper, SLICE("pv"), slice_cstr(phc)), ERR_DENIED);
}

TEST(argon2id_unreadable)
{
    const char salt_hash[] = "AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    const char *heads[] = {
        "$argon2id$v=19$m=64,t=1,p=2$",       "$argon2i$v=19$m=64,t=1,p=1$",   "$argon2id$v=16$m=64,t=1,p=1$",
        "$argon2id$v=19$m=064,t=1,p=1$",      "$argon2id$v=19$m=64,t=01,p=1$", "$argon2id$v=19$m=7,t=1,p=1$",
        "$argon2id$v=19$m=1048577,t=1,p=1$",  "$argon2id$v=19$m=64,t=65,p=1$", "$argon2id$v=19$m=64,t=0,p=1$",
        "$argon2id$v=19$m=64,t=1,p=1,keyid=$", "$argon2id$v=19$t=1,m=64,p=1$",  "$argon2id$v=19$m=,t=1,p=1$", ""};
    char text[256];
    snprintf(text, sizeof text, "$argon2id$v=19$m=64,t=1,p=1$%s", salt_hash);
    CHECK_ERR(argon2id_verify(&pepper, SLICE("x"), slice_cstr(text)), ERR_DENIED); /* readable */
    for (size_t n = 0; text[n]; n++)
        CHECK_ERR(argon2id_verify(&pepper, SLICE("x"), slice_of(text, n)), ERR_CORRUPT);
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        snprintf(text, sizeof text, "%s%s", heads[i], salt_hash);
        CHECK_ERR(argon2id_verify(&pepper, SLICE("x"), slice_cstr(text)), ERR_CORRUPT);
        CHECK(argon2id_outdated(slice_cstr(text), CHEAP));
    }
    snprintf(text, sizeof text, "$argon2id$v=19$m=64,t=1,p=1$%s=", salt_hash);
    CHECK_ERR(argon2id_verify(&pepper, SLICE("x"), slice_cstr(text)), ERR_CORRUPT);
    /* A last base64 letter with stray low bits is another spelling of the same bytes. */
    snprintf(text, sizeof text, "$argon2id$v=19$m=64,t=1,p=1$%s", salt_hash);
    text[strlen(text) - 1] = 'B';
    CHECK_ERR(argon2id_verify(&pepper, SLICE("x"), slice_cstr(text)), ERR_CORRUPT);
}

TEST(argon2id_outdated_costs)
{
    char phc[PWHASH_TEXT_MAX];
    CHECK_OK(argon2id_hash(&pepper, SLICE("x"), (struct pwhash_cost){128, 2}, phc));
    CHECK(!argon2id_outdated(slice_cstr(phc), (struct pwhash_cost){128, 2}));
    CHECK(!argon2id_outdated(slice_cstr(phc), (struct pwhash_cost){64, 1}));
    CHECK(argon2id_outdated(slice_cstr(phc), (struct pwhash_cost){129, 2}));
    CHECK(argon2id_outdated(slice_cstr(phc), (struct pwhash_cost){128, 3}));
}

TEST(argon2id_costs_out_of_bounds)
{
    char phc[PWHASH_TEXT_MAX];
    CHECK_ERR(argon2id_hash(&pepper, SLICE("x"), (struct pwhash_cost){7, 1}, phc), ERR_INVALID);
    CHECK_ERR(argon2id_hash(&pepper, SLICE("x"), (struct pwhash_cost){64, 0}, phc), ERR_INVALID);
    CHECK_ERR(argon2id_hash(&pepper, SLICE("x"), (struct pwhash_cost){UINT32_MAX, 1}, phc), ERR_INVALID);
}

TEST(bcrypt_round_trip)
{
    char hash[PWHASH_TEXT_MAX], second[PWHASH_TEXT_MAX];
    CHECK_OK(bcrypt_hash(&pepper, SLICE("secret"), 4, hash));
    CHECK_OK(bcrypt_hash(&pepper, SLICE("secret"), 4, second));
    CHECK(slice_starts(slice_cstr(hash), SLICE("$2b$04$")) && strlen(hash) == 60);
    CHECK(!slice_eq(slice_cstr(hash), slice_cstr(second)));
    CHECK_OK(bcrypt_verify(&pepper, SLICE("secret"), slice_cstr(hash)));
    CHECK_ERR(bcrypt_verify(&pepper, SLICE("Secret"), slice_cstr(hash)), ERR_DENIED);
    CHECK_ERR(bcrypt_verify(&pepper, SLICE(""), slice_cstr(hash)), ERR_DENIED);
    CHECK_ERR(bcrypt_verify(&other_pepper, SLICE("secret"), slice_cstr(hash)), ERR_DENIED);
}

TEST(bcrypt_sees_past_72_bytes_and_nul)
{
    char hash[PWHASH_TEXT_MAX], password[100];
    memset(password, 'a', sizeof password);
    CHECK_OK(bcrypt_hash(&pepper, slice_of(password, 73), 4, hash));
    CHECK_OK(bcrypt_verify(&pepper, slice_of(password, 73), slice_cstr(hash)));
    CHECK_ERR(bcrypt_verify(&pepper, slice_of(password, 72), slice_cstr(hash)), ERR_DENIED);
    password[72] = 'b';
    CHECK_ERR(bcrypt_verify(&pepper, slice_of(password, 73), slice_cstr(hash)), ERR_DENIED);
    CHECK_OK(bcrypt_hash(&pepper, SLICE("a\0b"), 4, hash));
    CHECK_ERR(bcrypt_verify(&pepper, SLICE("a\0c"), slice_cstr(hash)), ERR_DENIED);
    CHECK_ERR(bcrypt_verify(&pepper, SLICE("a"), slice_cstr(hash)), ERR_DENIED);
    CHECK_OK(bcrypt_verify(&pepper, SLICE("a\0b"), slice_cstr(hash)));
}

TEST(bcrypt_unreadable)
{
    char hash[PWHASH_TEXT_MAX], bad[PWHASH_TEXT_MAX];
    CHECK_OK(bcrypt_hash(&pepper, SLICE("x"), 4, hash));
    for (size_t n = 0; n < 60; n++) CHECK_ERR(bcrypt_verify(&pepper, SLICE("x"), slice_of(hash, n)), ERR_CORRUPT);
    const struct {
        size_t at;
        char c;
    } changes[] = {{0, '%'}, {1, '1'}, {2, 'a'}, {3, '%'}, {4, '1'}, {5, '3'}, {5, 'x'}, {6, '.'}, {7, '!'}, {59, ':'}, {30, '\0'}};
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        memcpy(bad, hash, sizeof bad);
        bad[changes[i].at] = changes[i].c;
        enum err want = changes[i].at == 4 ? ERR_DENIED : ERR_CORRUPT; /* cost 14 reads well, and is another hash */
        CHECK_ERR(bcrypt_verify(&pepper, SLICE("x"), slice_of(bad, 60)), want);
    }
    bad[4] = '1', bad[5] = '5';
    CHECK_ERR(bcrypt_verify(&pepper, SLICE("x"), slice_of(bad, 60)), ERR_CORRUPT);
    CHECK_ERR(bcrypt_hash(&pepper, SLICE("x"), 3, hash), ERR_INVALID);
    CHECK_ERR(bcrypt_hash(&pepper, SLICE("x"), 15, hash), ERR_INVALID);
}

static enum err pwhash_scenario(void)
{
    char hash[PWHASH_TEXT_MAX];
    TRY(argon2id_hash(&pepper, SLICE("x"), CHEAP, hash));
    TRY(argon2id_verify(&pepper, SLICE("x"), slice_cstr(hash)));
    TRY(bcrypt_hash(&pepper, SLICE("x"), 4, hash));
    return bcrypt_verify(&pepper, SLICE("x"), slice_cstr(hash));
}

TEST(pwhash_alloc_faults) { CHECK(survives_alloc_faults(pwhash_scenario)); }

TEST(pwhash_needs_randomness)
{
    char hash[PWHASH_TEXT_MAX] = "untouched";
    random_fail_from(0);
    enum err a = argon2id_hash(&pepper, SLICE("x"), CHEAP, hash), b = bcrypt_hash(&pepper, SLICE("x"), 4, hash);
    random_restore();
    CHECK_ERR(a, ERR_CRYPTO);
    CHECK_ERR(b, ERR_CRYPTO);
    CHECK_SLICE(slice_cstr(hash), SLICE("untouched"));
}
