/* Hashes of other systems: known ones verify, everything else is refused before it costs anything. */
#include "crypto/pwhash.h"

#include "base/intmath.h"
#include "lib/test.h"

/* The first two from the test vectors of crypt_blowfish, the last two from those of the Argon2 reference implementation. */
static const struct {
    const char *hash, *password;
} known[] = {
    {"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"},
    {"$2b$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a", "U*U*U"},
    {"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", "password"},
    {"$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc", "password"},
};

TEST(foreign_hashes_verify)
{
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        struct slice hash = slice_cstr(known[i].hash), password = slice_cstr(known[i].password);
        CHECK(foreign_hash_readable(hash));
        CHECK_OK(foreign_hash_verify(password, hash));
        CHECK_ERR(foreign_hash_verify(slice_sub(password, 0, password.len - 1), hash), ERR_DENIED);
        CHECK_ERR(foreign_hash_verify(SLICE(""), hash), ERR_DENIED);
    }
}

TEST(foreign_hash_and_nul)
{
    CHECK_ERR(foreign_hash_verify(SLICE("U*U\0"), slice_cstr(known[0].hash)), ERR_DENIED);
    CHECK_ERR(foreign_hash_verify(SLICE("U*U\0x"), slice_cstr(known[0].hash)), ERR_DENIED);
}

TEST(foreign_hashes_refused)
{
    static const char *const bad[] = {
        "", "plain", "$1$salt$hash", "$6$salt$hash", "$2b$", "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2b$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeWx",
        "$2b$05$CCCCCCCCCCCCCCCCCCCC:.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$argon2d$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=1000,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=2,p=255$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=2,p=1,data=x$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=0,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ", "$argon2id$v=19$m=256,t=2,p=1",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CHECK(!foreign_hash_readable(slice_cstr(bad[i])));
        CHECK_ERR(foreign_hash_verify(SLICE("password"), slice_cstr(bad[i])), ERR_CORRUPT);
    }
}

/* Every allocation of one verification fails, once and from then on. */
TEST(foreign_hash_out_of_memory)
{
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        bool fired = true;
        for (uint64_t n = 0; fired; n++) {
            test_fail_alloc(n, for_ever);
            enum err e = foreign_hash_verify(SLICE("U*U"), slice_cstr(known[0].hash));
            fired = test_alloc_fired();
            test_fail_alloc(UINT64_MAX, false);
            CHECK_ERR(e, fired ? ERR_NOMEM : ERR_OK);
        }
    }
}
