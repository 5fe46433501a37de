/* The kind of hash that a refused password is compared with does not tell who has an account: addresses of nobody have each kind as
 * often as accounts have it. (That the kind makes the time is measured: tests/bench/login_timing.py.) */
#include "core/user/imitate.h"

#include "base/intmath.h"
#include "base/limits.h"
#include "core/user/password.h"
#include "integration/loopback.h"

#define OWN "$argon2id$v=19$m=8,t=1,p=1$"
#define RAISED "$argon2id$v=19$m=16,t=1,p=1$"
#define BCRYPT "import:$2b$04$"
#define FOREIGN "import:$argon2id$v=19$m=64,t=2,p=2$"
#define ADDRESSES 3000

static const char bcrypt_of_abc[] = "$2b$04$......................LAtw7/ohmmBAhnXqmkuIz83Rl5Qdjhm"; /* any will do */
static const char argon2_foreign[] = "$argon2id$v=19$m=64,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b/dWRWJTmaaJObGAAAAAAAAAAA";

TEST(hash_kinds_are_scheme_and_cost)
{
    static const struct {
        const char *hash, *kind;
    } cases[] = {
        {"", ""},
        {"$argon2id$v=19$m=65536,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAA", "$argon2id$v=19$m=65536,t=3,p=1$"},
        {"import:$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", "import:$2b$10$"},
        {"import:$2y$12$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", "import:$2y$12$"},
        {"import:$argon2i$v=19$m=4096,t=3,p=4$c29tZXNhbHQ$abc", "import:$argon2i$v=19$m=4096,t=3,p=4$"},
        {"$argon2id$v=19", "$argon2id$v=19"},
        {"import:$2", "import:$2"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) CHECK_SLICE(hash_kind(slice_cstr(cases[i].hash)), slice_cstr(cases[i].kind));
}

static void make(struct loop *l, const char *name, unsigned from, unsigned to, const char *hash)
{
    for (unsigned i = from; i < to; i++) {
        CLEANUP(ctx_done) struct ctx c;
        struct user made;
        struct user_new n = {.email = slice_cstr(loop_text("%s%u@example.com", name, i)), .role = ROLE_USER,
                             .password = SLICE(LOOP_PASSWORD)};
        ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
        enum err e = hash ? password_import(&c, slice_cstr(hash), &n.import_hash) : ERR_OK;
        if (e == ERR_OK) e = user_create(&c, l->app, &n, &made);
        if (e != ERR_OK) test_fail(__FILE__, __LINE__, "account: %s %s", err_name(e), c.err_detail);
    }
}

static const char *kind_for(struct loop *l, unsigned address)
{
    CLEANUP(ctx_done) struct ctx c;
    struct slice hash;
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    if (hash_imitate(&c, l->app, slice_cstr(loop_text("nobody%u@example.com", address)), &hash) != ERR_OK) return "";
    /* It must be comparable, and cost what it says. */
    enum err e = slice_starts(hash, SLICE(PASSWORD_IMPORT))
                     ? foreign_hash_verify(SLICE("x"), slice_sub(hash, sizeof PASSWORD_IMPORT - 1, hash.len))
                     : argon2id_verify(&l->app->pepper, SLICE("x"), hash);
    if (e != ERR_DENIED) test_fail(__FILE__, __LINE__, "%.*s: %s", (int)hash.len, hash.ptr, err_name(e));
    return loop_text(SLICE_FMT, SLICE_ARG(hash_kind(hash)));
}

static void load(struct loop *l)
{
    CLEANUP(ctx_done) struct ctx c;
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    if (password_kinds_load(&c, l->app) != ERR_OK) test_fail(__FILE__, __LINE__, "load: %s", c.err_detail);
}

static unsigned per_cent(struct loop *l, const char *kind)
{
    unsigned n = 0;
    for (unsigned i = 0; i < ADDRESSES; i++) n += slice_eq(slice_cstr(kind_for(l, i)), slice_cstr(kind));
    return (n * 100 + ADDRESSES / 2) / ADDRESSES;
}

static bool near(unsigned got, unsigned want) { return got + 4 > want && got < want + 4; }

TEST(nobody_has_each_kind_of_hash_as_often_as_accounts)
{
    struct loop l;
    if (loop_missing()) return;
    loop_open(&l);
    CHECK_U64(per_cent(&l, OWN), 100);
    make(&l, "own", 0, 30, NULL);
    make(&l, "bcrypt", 0, 15, bcrypt_of_abc);
    make(&l, "foreign", 0, 5, argon2_foreign);
    load(&l);
    CHECK(near(per_cent(&l, OWN), 60));
    CHECK(near(per_cent(&l, BCRYPT), 30));
    CHECK(near(per_cent(&l, FOREIGN), 10));
    /* An address keeps its kind, also over a restart. */
    const char *before[100];
    for (unsigned i = 0; i < 100; i++) before[i] = kind_for(&l, i);
    loop_reopen(&l);
    for (unsigned i = 0; i < 100; i++) CHECK_SLICE(slice_cstr(kind_for(&l, i)), slice_cstr(before[i]));
    /* Higher costs: accounts have the old ones until they sign in, so nobody has them too. */
    l.cfg.password_cost.memory_kib = 16;
    loop_reopen(&l);
    CHECK(near(per_cent(&l, RAISED), 0) && near(per_cent(&l, OWN), 60));
    for (unsigned i = 0; i < 10; i++) loop_sign_in(&l, loop_text("own%u@example.com", i), LOOP_PASSWORD, NULL);
    load(&l);
    CHECK(near(per_cent(&l, RAISED), 20) && near(per_cent(&l, OWN), 40));
    for (unsigned i = 0; i < 100; i++) before[i] = kind_for(&l, i);
    for (unsigned i = 10; i < 20; i++) loop_sign_in(&l, loop_text("own%u@example.com", i), LOOP_PASSWORD, NULL);
    load(&l);
    /* Like an account, an address of nobody never goes back from the present kind. */
    for (unsigned i = 0; i < 100; i++)
        CHECK(!slice_eq(slice_cstr(before[i]), SLICE(RAISED)) || slice_eq(slice_cstr(kind_for(&l, i)), SLICE(RAISED)));
    loop_close(&l);
}
