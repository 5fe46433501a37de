/* Does comparing secrets take a time that tells where they differ? Two classes of inputs, in random order: equal ones, and ones that differ
 * in the first byte; and, to see that the measure sees anything, the same for memcmp. Welch's t of the times, without the slowest tenth
 * (interrupts); the criterion is |t| < 4.5 over a million comparisons of each. After "dude, is my code constant time?" (Reparaz and others,
 * 2016). Not a test: it needs a quiet machine. Build with CMAKE_BUILD_TYPE=Release. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "base/intmath.h"
#include "base/mem.h"
#include "os/clock.h"

#define SECRET_BYTES 32u
#define SAMPLES 2000000u
#define BATCH 64u /* comparisons of one sample: the clock is coarser than one */
#define KEPT 0.9

typedef bool equal_fn(const void *a, const void *b, size_t n);

static bool equal_memcmp(const void *a, const void *b, size_t n) { return memcmp(a, b, n) == 0; }

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t sample(equal_fn *equal, const uint8_t *a, const uint8_t *b)
{
    uint64_t begin = now_ns();
    for (unsigned i = 0; i < BATCH; i++) {
        bool found = equal(a, b, SECRET_BYTES);
        __asm__ volatile("" ::"r"(found) : "memory"); /* the answer is wanted, and no comparison is thought to be the one before */
    }
    return now_ns() - begin;
}

static int by_value(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static double t_of(double *times[2], const size_t n[2])
{
    double mean[2], var[2], kept[2];
    for (int k = 0; k < 2; k++) {
        qsort(times[k], n[k], sizeof *times[k], by_value);
        size_t m = (size_t)((double)n[k] * KEPT);
        mean[k] = var[k] = 0;
        for (size_t i = 0; i < m; i++) mean[k] += times[k][i];
        mean[k] /= (double)m;
        for (size_t i = 0; i < m; i++) var[k] += (times[k][i] - mean[k]) * (times[k][i] - mean[k]);
        var[k] /= (double)(m - 1);
        kept[k] = (double)m;
    }
    return (mean[0] - mean[1]) / sqrt(var[0] / kept[0] + var[1] / kept[1]);
}

static bool measure(const char *name, equal_fn *equal)
{
    CLEANUP(mem_cleanup) double *same = mem_alloc(SAMPLES, sizeof *same);
    CLEANUP(mem_cleanup) double *other = mem_alloc(SAMPLES, sizeof *other);
    static uint8_t secret[SECRET_BYTES], probe[SECRET_BYTES], coins[SAMPLES];
    double *times[2] = {same, other};
    size_t n[2] = {0, 0};
    if (!same || !other || os_random(secret, sizeof secret) != ERR_OK) return false;
    for (size_t i = 0; i < SAMPLES; i += 256)
        if (os_random(coins + i, MIN(sizeof coins - i, (size_t)256)) != ERR_OK) return false;
    for (size_t i = 0; i < SAMPLES; i++) {
        int k = coins[i] & 1;
        memcpy(probe, secret, sizeof secret); /* both classes from the very same place */
        probe[0] = (uint8_t)(probe[0] ^ k);
        times[k][n[k]++] = (double)sample(equal, secret, probe);
    }
    printf("%-14s t = %8.2f  (%zu and %zu samples of %u)\n", name, t_of(times, n), n[0], n[1], BATCH);
    return true;
}

int main(void) { return measure("mem_equal_ct", mem_equal_ct) && measure("memcmp", equal_memcmp) ? 0 : 1; }
