/* keyring: the project vector, binding to contexts and organisations, generations, root key files, many keys, threads, faults. */
#include "crypto/keyring.h"

#include "base/intmath.h"
#include "base/limits.h"
#include "crypto/sft.h"
#include "crypto/vector_util.h"
#include "lib/test.h"
#include "os/file.h"
#include "os/thread.h"

static struct id an_id(uint8_t fill)
{
    struct id id;
    memset(id.b, fill, sizeof id.b);
    return id;
}

static void ring_done(struct keyring **k) { keyring_close(*k); }

/* A ring on the root key of all `fill`. */
static enum err open_ring(struct ctx *c, uint8_t fill, struct keyring **ret)
{
    char path[128], root[KEY_BYTES];
    const char *dir = test_dir();
    memset(root, fill, sizeof root);
    snprintf(path, sizeof path, "%s/root.key", dir);
    TRY(file_create(path, slice_of(root, sizeof root), 0600));
    return keyring_open_file(c, path, ret);
}

/* A new key for `org`, in use. */
static enum err new_active(struct ctx *c, struct keyring *k, uint8_t kek, uint8_t org, struct sealed_kek *ret)
{
    const struct id kek_id = an_id(kek), org_id = an_id(org);
    TRY(keyring_new_kek(c, k, &kek_id, &org_id, ret));
    return keyring_add_kek(c, k, &kek_id, &org_id, true, slice_of(ret->b, sizeof ret->b));
}

static struct slice wrapped_view(const struct wrapped_key *w) { return slice_of(w->b, sizeof w->b); }

TEST(sft1_vectors_wrapped_dek)
{
    CLEANUP(json_done) json_t *file = vectors_load("sft1/sft1_vectors.json");
    CLEANUP(buf_done) struct buf want = BUF_INIT(256), sealed = BUF_INIT(256), org = BUF_INIT(32), kek_id = BUF_INIT(32),
                                 file_id = BUF_INIT(32);
    CLEANUP(ctx_done) struct ctx c;
    CLEANUP(ring_done) struct keyring *k = NULL;
    const json_t *v = json_object_get(file, "wrapped_dek");
    struct key root, kek = vector_key(v, "kek"), dek = vector_key(v, "dek"), got;
    struct id kek_of, org_of;
    struct sft_context context;
    struct wrapped_key w;
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    memset(root.b, 7, sizeof root.b);
    vector_hex(v, "wrapped", &want);
    vector_hex(v, "org_id", &org);
    vector_hex(v, "kek_id", &kek_id);
    vector_hex(file, "file_id", &file_id);
    CHECK_OK(id_from_bytes(buf_view(&org), &org_of));
    CHECK_OK(id_from_bytes(buf_view(&kek_id), &kek_of));
    sft_context(&context, "sft/1/kek", buf_view(&kek_id), buf_view(&org));
    CHECK_OK(seal_message(&root, sft_context_view(&context), slice_of(kek.b, KEY_BYTES), &sealed));
    CHECK_OK(open_ring(&c, 7, &k));
    CHECK_OK(keyring_add_kek(&c, k, &kek_of, &org_of, true, buf_view(&sealed)));
    sft_context(&context, "sft/1/dek", buf_view(&org), buf_view(&file_id));
    random_script(slice_sub(buf_view(&want), 18, 18 + SEAL_SALT));
    enum err e = keyring_wrap(&c, k, &org_of, sft_context_view(&context), &dek, &w);
    random_restore();
    CHECK_OK(e);
    CHECK(slice_eq(wrapped_view(&w), buf_view(&want)));
    CHECK_OK(keyring_unwrap(&c, k, sft_context_view(&context), buf_view(&want), &got));
    CHECK(mem_equal_ct(got.b, dek.b, KEY_BYTES));
}

TEST(keyring_binds_context_org_and_root)
{
    CLEANUP(ctx_done) struct ctx c;
    CLEANUP(ring_done) struct keyring *k = NULL, *other_root = NULL;
    const struct id kek = an_id(1), org = an_id(2), stranger = an_id(3);
    struct key key = {{9}}, got = {{0}};
    struct sealed_kek sealed;
    struct wrapped_key w;
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    CHECK_OK(open_ring(&c, 1, &k));
    CHECK_OK(open_ring(&c, 2, &other_root));
    CHECK_OK(new_active(&c, k, 1, 2, &sealed));
    CHECK_OK(keyring_wrap(&c, k, &org, SLICE("a"), &key, &w));
    CHECK_ERR(keyring_wrap(&c, k, &stranger, SLICE("a"), &key, &w), ERR_NOT_FOUND);
    CHECK_ERR(keyring_unwrap(&c, k, SLICE("b"), wrapped_view(&w), &got), ERR_CORRUPT);
    CHECK_ERR(keyring_unwrap(&c, other_root, SLICE("a"), wrapped_view(&w), &got), ERR_NOT_FOUND);
    const struct slice view = slice_of(sealed.b, sizeof sealed.b);
    CHECK_ERR(keyring_add_kek(&c, other_root, &kek, &org, true, view), ERR_CORRUPT);
    CHECK_ERR(keyring_add_kek(&c, k, &kek, &stranger, true, view), ERR_CORRUPT);
    CHECK_ERR(keyring_add_kek(&c, k, &stranger, &org, true, view), ERR_CORRUPT);
    CHECK_ERR(keyring_add_kek(&c, k, &kek, &org, true, slice_sub(view, 0, view.len - 1)), ERR_CORRUPT);
    CHECK_ERR(keyring_new_kek(&c, k, &kek, &org, &sealed), ERR_EXISTS);
    CHECK(got.b[0] == 0);
    CHECK_OK(keyring_unwrap(&c, k, SLICE("a"), wrapped_view(&w), &got));
    CHECK(mem_equal_ct(got.b, key.b, KEY_BYTES));
    keyring_close(NULL);
}

TEST(keyring_refuses_changed_wraps)
{
    CLEANUP(ctx_done) struct ctx c;
    CLEANUP(ring_done) struct keyring *k = NULL;
    const struct id org = an_id(2);
    struct key key = {{9}}, got = {{0}};
    struct sealed_kek sealed;
    struct wrapped_key w;
    struct id id;
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    CHECK_OK(open_ring(&c, 1, &k));
    CHECK_OK(new_active(&c, k, 1, 2, &sealed));
    CHECK_OK(keyring_wrap(&c, k, &org, SLICE("a"), &key, &w));
    for (size_t i = 0; i < sizeof w.b; i++) {
        w.b[i] ^= 1;
        enum err want = i >= 2 && i < 18 ? ERR_NOT_FOUND : ERR_CORRUPT;
        CHECK_ERR(keyring_unwrap(&c, k, SLICE("a"), wrapped_view(&w), &got), want);
        w.b[i] ^= 1;
    }
    for (size_t n = 0; n < sizeof w.b; n++)
        CHECK_ERR(keyring_unwrap(&c, k, SLICE("a"), slice_of(w.b, n), &got), ERR_CORRUPT);
    CHECK_ERR(wrapped_key_kek(slice_of(w.b, sizeof w.b - 1), &id), ERR_CORRUPT);
    CHECK_OK(wrapped_key_kek(wrapped_view(&w), &id));
    CHECK(id_eq(id, an_id(1)));
}

TEST(keyring_generations)
{
    CLEANUP(ctx_done) struct ctx c;
    CLEANUP(ring_done) struct keyring *k = NULL, *reopened = NULL;
    const struct id first = an_id(1), second = an_id(2), org = an_id(9);
    struct key key = {{9}}, got;
    struct sealed_kek sealed1, sealed2;
    struct wrapped_key old, new;
    struct id id;
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    CHECK_OK(open_ring(&c, 1, &k));
    CHECK_OK(keyring_new_kek(&c, k, &first, &org, &sealed1));
    CHECK_ERR(keyring_wrap(&c, k, &org, SLICE("a"), &key, &old), ERR_NOT_FOUND); /* not stored, not used */
    CHECK_OK(keyring_add_kek(&c, k, &first, &org, true, slice_of(sealed1.b, sizeof sealed1.b)));
    CHECK_OK(keyring_wrap(&c, k, &org, SLICE("a"), &key, &old));
    CHECK_OK(new_active(&c, k, 2, 9, &sealed2));
    CHECK_OK(keyring_wrap(&c, k, &org, SLICE("a"), &key, &new));
    CHECK_OK(wrapped_key_kek(wrapped_view(&new), &id));
    CHECK(id_eq(id, second));
    CHECK_OK(keyring_unwrap(&c, k, SLICE("a"), wrapped_view(&old), &got));
    CHECK_OK(open_ring(&c, 1, &reopened));
    CHECK_OK(keyring_add_kek(&c, reopened, &first, &org, false, slice_of(sealed1.b, sizeof sealed1.b)));
    CHECK_ERR(keyring_wrap(&c, reopened, &org, SLICE("a"), &key, &new), ERR_NOT_FOUND);
    CHECK_OK(keyring_unwrap(&c, reopened, SLICE("a"), wrapped_view(&old), &got));
    CHECK(mem_equal_ct(got.b, key.b, KEY_BYTES));
    CHECK_OK(keyring_add_kek(&c, k, &second, &org, false, slice_of(sealed2.b, sizeof sealed2.b)));
    CHECK_ERR(keyring_wrap(&c, k, &org, SLICE("a"), &key, &new), ERR_NOT_FOUND);
}

TEST(keyring_many_keys)
{
    CLEANUP(ctx_done) struct ctx c;
    CLEANUP(ring_done) struct keyring *k = NULL;
    static struct wrapped_key w[150];
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    CHECK_OK(open_ring(&c, 1, &k));
    for (uint8_t i = 0; i < ARRAY_LEN(w); i++) {
        const struct id org = an_id(i);
        struct sealed_kek sealed;
        struct key key;
        memset(key.b, i, sizeof key.b);
        CHECK_OK(new_active(&c, k, i, i, &sealed));
        CHECK_OK(keyring_wrap(&c, k, &org, SLICE("a"), &key, &w[i]));
    }
    for (uint8_t i = 0; i < ARRAY_LEN(w); i++) {
        struct key got;
        CHECK_OK(keyring_unwrap(&c, k, SLICE("a"), wrapped_view(&w[i]), &got));
        CHECK(got.b[0] == i && got.b[31] == i);
    }
}

static enum err write_root(struct ctx *c, struct slice content, mode_t mode)
{
    char path[128];
    CLEANUP(ring_done) struct keyring *k = NULL;
    snprintf(path, sizeof path, "%s/root.key", test_dir());
    TRY(file_create(path, content, mode));
    return keyring_open_file(c, path, &k);
}

TEST(keyring_root_files)
{
    static const char raw[33];
    CLEANUP(ctx_done) struct ctx c;
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    CHECK_OK(write_root(&c, slice_of(raw, 32), 0600));
    CHECK_OK(write_root(&c, slice_of(raw, 32), 0400));
    CHECK_ERR(write_root(&c, slice_of(raw, 32), 0640), ERR_DENIED);
    CHECK_ERR(write_root(&c, slice_of(raw, 32), 0604), ERR_DENIED);
    CHECK_ERR(write_root(&c, slice_of(raw, 31), 0600), ERR_INVALID);
    CHECK_ERR(write_root(&c, slice_of(raw, 33), 0600), ERR_INVALID);
    CHECK_ERR(write_root(&c, SLICE(""), 0600), ERR_INVALID);
    CHECK_OK(write_root(&c, SLICE("_-8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), 0600));
    CHECK_OK(write_root(&c, SLICE("_-8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"), 0600));
    CHECK_ERR(write_root(&c, SLICE("_-8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n\n"), 0600), ERR_INVALID);
    CHECK_ERR(write_root(&c, SLICE("_-8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), 0600), ERR_INVALID);
    CHECK_ERR(write_root(&c, SLICE("+/8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), 0600), ERR_INVALID);
    CHECK_ERR(write_root(&c, SLICE("_-8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB"), 0600), ERR_INVALID);
    struct keyring *k = NULL;
    CHECK_ERR(keyring_open_file(&c, test_dir(), &k), ERR_INVALID);
    CHECK_ERR(keyring_open_file(&c, "/nonexistent/root.key", &k), ERR_NOT_FOUND);
    CHECK(k == NULL && c.err_detail[0] != '\0');
}

TEST(keyring_create_file_and_fingerprint)
{
    CLEANUP(ctx_done) struct ctx c;
    CLEANUP(ring_done) struct keyring *a = NULL, *b = NULL, *other = NULL;
    CLEANUP(buf_done) struct buf first = BUF_INIT(64), second = BUF_INIT(64);
    char path[128], path2[128];
    uint8_t fa[8], fb[8], fo[8];
    struct stat st;
    const char *dir = test_dir();
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    snprintf(path, sizeof path, "%s/root.key", dir);
    snprintf(path2, sizeof path2, "%s/root2.key", dir);
    CHECK_OK(keyring_create_file(&c, path));
    CHECK(sys()->stat(path, &st) == 0 && (st.st_mode & 07777) == 0600 && st.st_size == 44);
    CHECK_OK(file_read_all(path, &first));
    CHECK_ERR(keyring_create_file(&c, path), ERR_EXISTS);
    CHECK_OK(file_read_all(path, &second));
    CHECK(slice_eq(buf_view(&first), buf_view(&second)));
    CHECK_OK(keyring_create_file(&c, path2));
    CHECK_OK(keyring_open_file(&c, path, &a));
    CHECK_OK(keyring_open_file(&c, path, &b));
    CHECK_OK(keyring_open_file(&c, path2, &other));
    CHECK_OK(keyring_fingerprint(a, fa));
    CHECK_OK(keyring_fingerprint(b, fb));
    CHECK_OK(keyring_fingerprint(other, fo));
    CHECK(slice_eq(slice_of(fa, 8), slice_of(fb, 8)) && !slice_eq(slice_of(fa, 8), slice_of(fo, 8)));
}

struct crowd {
    struct keyring *k;
    uint8_t number;
    bool good;
};

static void crowd_member(void *arg)
{
    struct crowd *m = arg;
    CLEANUP(ctx_done) struct ctx c;
    const struct id org = an_id(m->number);
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    for (uint8_t i = 0; i < 50; i++) {
        struct key key = {{i}}, got = {{0}};
        struct sealed_kek sealed;
        struct wrapped_key w;
        m->good = new_active(&c, m->k, (uint8_t)(m->number * 64 + i), m->number, &sealed) == ERR_OK &&
                  keyring_wrap(&c, m->k, &org, SLICE("x"), &key, &w) == ERR_OK &&
                  keyring_unwrap(&c, m->k, SLICE("x"), wrapped_view(&w), &got) == ERR_OK && got.b[0] == i;
        if (!m->good) return;
    }
}

TEST(keyring_is_shared_by_threads)
{
    CLEANUP(ctx_done) struct ctx c;
    CLEANUP(ring_done) struct keyring *k = NULL;
    struct thread threads[4] = {0};
    struct crowd crowd[4];
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    CHECK_OK(open_ring(&c, 1, &k));
    for (uint8_t i = 0; i < 4; i++) {
        crowd[i] = (struct crowd){k, i, false};
        CHECK_OK(thread_start(&threads[i], "ring", crowd_member, &crowd[i]));
    }
    for (size_t i = 0; i < 4; i++) thread_join(&threads[i]);
    for (size_t i = 0; i < 4; i++) CHECK(crowd[i].good);
}

static char scenario_path[128];

static enum err keyring_scenario(void)
{
    CLEANUP(ctx_done) struct ctx c;
    CLEANUP(ring_done) struct keyring *k = NULL;
    const struct id org = an_id(2);
    struct sealed_kek sealed;
    struct wrapped_key w;
    struct key key = {{9}}, got;
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    TRY(keyring_open_file(&c, scenario_path, &k));
    TRY(new_active(&c, k, 1, 2, &sealed));
    TRY(keyring_wrap(&c, k, &org, SLICE("a"), &key, &w));
    return keyring_unwrap(&c, k, SLICE("a"), wrapped_view(&w), &got);
}

TEST(keyring_faults)
{
    static const char raw[32];
    snprintf(scenario_path, sizeof scenario_path, "%s/root.key", test_dir());
    CHECK_OK(file_create(scenario_path, slice_of(raw, 32), 0600));
    CHECK(survives_alloc_faults(keyring_scenario));
    for (unsigned n = 0; n < 3; n++) {
        random_fail_from(n);
        enum err e = keyring_scenario();
        random_restore();
        CHECK_ERR(e, ERR_CRYPTO);
    }
    CLEANUP(ctx_done) struct ctx c;
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    char path[160];
    snprintf(path, sizeof path, "%s.new", scenario_path);
    random_fail_from(0);
    enum err e = keyring_create_file(&c, path);
    random_restore();
    CHECK_ERR(e, ERR_CRYPTO);
    struct stat st;
    CHECK(sys()->stat(path, &st) != 0);
}
