/* Test support of crypto/: vector files, scripted randomness, the allocation fault loop. */
#include "crypto/vector_util.h"

#include <openssl/crypto.h>
#include <sodium.h>

#include "base/mem.h"
#include "lib/test.h"
#include "os/sys.h"

static void die(const char *what, const char *name)
{
    printf("vectors: %s: %s\n", what, name);
    exit(2);
}

json_t *vectors_load(const char *name)
{
    char path[512];
    json_error_t error;
    snprintf(path, sizeof path, "%s/tests/vectors/%s", TEST_SOURCE_DIR, name);
    json_t *j = json_load_file(path, 0, &error);
    if (!j) die(error.text, path);
    return j;
}

const char *vector_text(const json_t *object, const char *name)
{
    const char *s = json_string_value(json_object_get(object, name));
    if (!s) die("no such string", name);
    return s;
}

void hex_to_buf(const char *hex, struct buf *ret)
{
    size_t n = strlen(hex) / 2, got = 0;
    buf_reset(ret);
    if (buf_reserve(ret, n + 1) != ERR_OK) die("too large", hex);
    if (sodium_hex2bin((unsigned char *)ret->ptr, n, hex, strlen(hex), NULL, &got, NULL) != 0 || got != n)
        die("bad hex", hex);
    ret->len = n;
}

void vector_hex(const json_t *object, const char *name, struct buf *ret) { hex_to_buf(vector_text(object, name), ret); }

struct key vector_key(const json_t *object, const char *name)
{
    struct key k;
    CLEANUP(buf_done) struct buf b = BUF_INIT(KEY_BYTES + 1);
    vector_hex(object, name, &b);
    if (b.len != KEY_BYTES) die("not a key", name);
    memcpy(k.b, b.ptr, KEY_BYTES);
    return k;
}

void vector_b64url(const json_t *object, const char *name, struct buf *ret)
{
    const char *s = vector_text(object, name);
    size_t got = 0;
    buf_reset(ret);
    if (buf_reserve(ret, strlen(s)) != ERR_OK) die("too large", name);
    if (sodium_base642bin((unsigned char *)ret->ptr, strlen(s), s, strlen(s), NULL, &got, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
        die("bad base64url", name);
    ret->len = got;
}

bool hex_equal(struct slice bytes, const char *hex)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(strlen(hex) / 2 + 1);
    hex_to_buf(hex, &b);
    return slice_eq(bytes, buf_view(&b));
}

static struct slice script;
static unsigned calls, fail_from;

static int scripted_random(void *p, size_t n)
{
    if (n > script.len) return -1;
    memcpy(p, script.ptr, n);
    script = slice_sub(script, n, script.len);
    return 0;
}

static int failing_random(void *p, size_t n) { return calls++ >= fail_from ? -1 : sys_real()->random(p, n); }

void random_script(struct slice bytes)
{
    script = bytes;
    sys_table()->random = scripted_random;
}

void random_fail_from(unsigned n)
{
    calls = 0;
    fail_from = n;
    sys_table()->random = failing_random;
}

void random_restore(void) { sys_table()->random = sys_real()->random; }

/* OpenSSL allocates through mem.h here, so that its allocations fail with ours. */
static void *openssl_alloc(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return n ? mem_alloc(1, n) : NULL;
}

static void openssl_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    mem_free(p);
}

static void *openssl_realloc(void *p, size_t n, const char *file, int line)
{
    if (n) return mem_realloc(p, n);
    openssl_free(p, file, line);
    return NULL;
}

__attribute__((constructor)) static void openssl_memory(void)
{
    if (CRYPTO_set_mem_functions(openssl_alloc, openssl_realloc, openssl_free) != 1) die("OpenSSL", "memory functions");
}

static bool survives_one(enum err (*scenario)(void), uint64_t n, bool for_ever, bool *ret_fired)
{
    test_fail_alloc(n, for_ever);
    enum err e = scenario();
    *ret_fired = test_alloc_fired();
    test_fail_alloc(UINT64_MAX, false);
    bool good = *ret_fired ? e == ERR_NOMEM || e == ERR_CRYPTO : e == ERR_OK;
    if (!good) test_fail(__FILE__, __LINE__, "allocation %llu: %s", (unsigned long long)n, err_name(e));
    return good;
}

bool survives_alloc_faults(enum err (*scenario)(void))
{
    /* Once without a fault: OpenSSL 3.0 itself crashes when the allocations of its start fail. */
    if (scenario() != ERR_OK) return false;
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        bool fired = true;
        for (uint64_t n = 0; fired; n++)
            if (!survives_one(scenario, n, for_ever, &fired)) return false;
    }
    return true;
}
