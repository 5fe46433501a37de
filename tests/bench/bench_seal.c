/* Speed on one core of what an upload and a download cost in the CPU: seal, open, CRC-32, SHA-256; and of one key derivation.
 * Prints MiB per second of CPU time, so that other load on the machine matters little. Not a test. Build with
 * CMAKE_BUILD_TYPE=Release. */
#include "base/intmath.h"
#include "base/limits.h"
#include "crypto/hash.h"
#include "crypto/sft.h"
#include "os/clock.h"

/* About what one transfer has in flight: it fits the cache, as the pieces of a stream do. */
#define PART_BYTES ((size_t)MIB)
#define RUN_US 1000000

struct bench {
    struct sealer *sealer;
    struct key key;
    struct seal_header header;
    uint8_t *plain, *sealed;
};

static enum err run_seal(struct bench *b)
{
    TRY(sealer_start(b->sealer, &b->key, SLICE("bench"), &b->header));
    for (uint64_t i = 0; i < PART_BYTES / SEAL_CHUNK; i++)
        TRY(sealer_chunk(b->sealer, i, b->plain + i * SEAL_CHUNK, SEAL_CHUNK, b->sealed + i * SEAL_SEALED_CHUNK));
    return ERR_OK;
}

static enum err run_open(struct bench *b)
{
    TRY(sealer_open(b->sealer, &b->key, SLICE("bench"), &b->header));
    for (uint64_t i = 0; i < PART_BYTES / SEAL_CHUNK; i++)
        TRY(sealer_open_chunk(b->sealer, i, b->sealed + i * SEAL_SEALED_CHUNK, SEAL_SEALED_CHUNK, b->plain + i * SEAL_CHUNK));
    return ERR_OK;
}

static enum err run_crc(struct bench *b)
{
    b->header.b[0] = (uint8_t)(b->header.b[0] ^ crc32_add(0, b->plain, PART_BYTES));
    return ERR_OK;
}

static enum err run_sha256(struct bench *b)
{
    struct sha256 h;
    return sha256(slice_of(b->plain, PART_BYTES), &h);
}

static uint64_t cpu_us(void) { return (uint64_t)clock() * 1000000 / CLOCKS_PER_SEC; }

static enum err measure(const char *name, enum err (*run)(struct bench *), struct bench *b)
{
    uint64_t rounds = 0;
    TRY(run(b)); /* warm */
    uint64_t start = cpu_us(), now = start;
    for (; now - start < RUN_US; now = cpu_us()) {
        TRY(run(b));
        rounds++;
    }
    uint64_t mib = rounds * PART_BYTES / MIB;
    printf("%-16s %8llu MiB/s\n", name, (unsigned long long)(mib * 1000000 / (now - start)));
    return ERR_OK;
}

static enum err measure_derive(struct bench *b)
{
    const uint64_t rounds = 200000;
    uint64_t start = cpu_us();
    for (uint64_t i = 0; i < rounds; i++)
        TRY(sealer_open(b->sealer, &b->key, SLICE("bench"), &b->header));
    printf("%-16s %8llu ns\n", "derive and key", (unsigned long long)((cpu_us() - start) * 1000 / rounds));
    return ERR_OK;
}

static enum err bench(void)
{
    struct bench b = {0};
    CLEANUP(sealer_cleanup) struct sealer *s = NULL;
    CLEANUP(mem_cleanup) uint8_t *plain = mem_alloc(1, PART_BYTES);
    CLEANUP(mem_cleanup) uint8_t *sealed = mem_alloc(1, sft_sealed_part((uint32_t)PART_BYTES));
    if (!plain || !sealed) return ERR_NOMEM;
    TRY(sealer_new(&s));
    b.sealer = s;
    b.plain = plain;
    b.sealed = sealed;
    TRY(os_random(b.key.b, sizeof b.key.b));
    TRY(measure("seal 16 KiB", run_seal, &b));
    TRY(measure("open 16 KiB", run_open, &b));
    TRY(measure("crc32", run_crc, &b));
    TRY(measure("sha256", run_sha256, &b));
    TRY(run_seal(&b));
    return measure_derive(&b);
}

int main(void)
{
    enum err e = bench();
    if (e != ERR_OK) printf("bench_seal: %s\n", err_text(e));
    return e != ERR_OK;
}
