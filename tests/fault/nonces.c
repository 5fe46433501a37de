/* See nonces.h. In memory that survives whoever is killed. One thread seals. */
#include "fault/nonces.h"

#include <string.h>
#include <sys/mman.h>

#include "base/intmath.h"
#include "crypto/seal.h"
#include "lib/test.h"

#define SLOTS (1u << 15)

struct slot {
    uint64_t key, plain; /* key 0: free */
};
static struct {
    bool twice;
    uint32_t used;
    struct slot slots[SLOTS];
} *seen;

static struct {
    const struct sealer *sealer;
    struct seal_header header;
} open_messages[64];

static uint64_t mix(uint64_t h, const void *p, size_t n)
{
    const uint8_t *b = p;
    for (size_t i = 0; i < n; i++) h = (h ^ b[i]) * UINT64_C(0x100000001b3);
    return h ^ (h >> 29);
}

void nonces_watch(void)
{
    void *p = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return test_fail(__FILE__, __LINE__, "no memory");
    seen = p;
}

void nonces_forget(void) { memset(seen, 0, sizeof *seen); }
bool nonces_used_twice(void) { return seen->twice; }

static void forget(const struct sealer *s)
{
    for (size_t i = 0; i < ARRAY_LEN(open_messages); i++)
        if (open_messages[i].sealer == s) open_messages[i].sealer = NULL;
}

static void remember(const struct sealer *s, const struct seal_header *h)
{
    forget(s);
    for (size_t i = 0; i < ARRAY_LEN(open_messages); i++) {
        if (open_messages[i].sealer) continue;
        open_messages[i].sealer = s;
        open_messages[i].header = *h;
        return;
    }
    test_fail(__FILE__, __LINE__, "more messages at once than are expected");
}

static void note(const struct sealer *s, uint64_t i, const void *p, size_t n)
{
    const struct seal_header *h = NULL;
    for (size_t k = 0; k < ARRAY_LEN(open_messages) && !h; k++)
        if (open_messages[k].sealer == s) h = &open_messages[k].header;
    if (!h) return test_fail(__FILE__, __LINE__, "a chunk of no message");
    uint64_t basis = UINT64_C(0xcbf29ce484222325), key = mix(mix(basis, h->b, sizeof h->b), &i, sizeof i) | 1, plain = mix(basis, p, n);
    uint64_t at = (key >> 1) % SLOTS;
    while (seen->slots[at].key && seen->slots[at].key != key) at = (at + 1) % SLOTS;
    if (seen->slots[at].key && seen->slots[at].plain != plain) seen->twice = true;
    if (!seen->slots[at].key && ++seen->used > SLOTS / 2) return test_fail(__FILE__, __LINE__, "more chunks than are expected");
    seen->slots[at] = (struct slot){key, plain};
}

enum err __real_sealer_start(struct sealer *s, const struct key *key, struct slice context, struct seal_header *ret);
enum err __real_sealer_open(struct sealer *s, const struct key *key, struct slice context, const struct seal_header *h);
enum err __real_sealer_chunk(struct sealer *s, uint64_t i, const void *p, size_t n, void *out);
void __real_sealer_free(struct sealer *s);
void __real_sealer_cleanup(struct sealer **s);
enum err __wrap_sealer_start(struct sealer *s, const struct key *key, struct slice context, struct seal_header *ret);
enum err __wrap_sealer_open(struct sealer *s, const struct key *key, struct slice context, const struct seal_header *h);
enum err __wrap_sealer_chunk(struct sealer *s, uint64_t i, const void *p, size_t n, void *out);
void __wrap_sealer_free(struct sealer *s);
void __wrap_sealer_cleanup(struct sealer **s);

enum err __wrap_sealer_start(struct sealer *s, const struct key *key, struct slice context, struct seal_header *ret)
{
    enum err e = __real_sealer_start(s, key, context, ret);
    if (e == ERR_OK && seen) remember(s, ret);
    return e;
}

/* A message that is opened must not be gone on with, either. */
enum err __wrap_sealer_open(struct sealer *s, const struct key *key, struct slice context, const struct seal_header *h)
{
    enum err e = __real_sealer_open(s, key, context, h);
    if (e == ERR_OK && seen) remember(s, h);
    return e;
}

enum err __wrap_sealer_chunk(struct sealer *s, uint64_t i, const void *p, size_t n, void *out)
{
    if (seen) note(s, i, p, n);
    return __real_sealer_chunk(s, i, p, n, out);
}

void __wrap_sealer_free(struct sealer *s)
{
    if (s) forget(s);
    __real_sealer_free(s);
}

/* It calls sealer_free in its own file, where the linker does not see it. */
void __wrap_sealer_cleanup(struct sealer **s)
{
    if (*s) forget(*s);
    __real_sealer_cleanup(s);
}
