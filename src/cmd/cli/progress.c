/* Progress on stderr: counting, smoothing, formatting, and the thread that prints. */
#include "cmd/cli/progress.h"

#include <stdatomic.h>

#include "base/intmath.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cmd/cli/names.h"
#include "cmd/cli/pool.h"
#include "codec/text.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/term.h"
#include "os/thread.h"

#define LINE_EVERY_MS 200
#define PLAIN_EVERY_MS 10000
#define LINE_MAX_BYTES 1024
#define SMOOTH_S 3.0

struct progress {
    enum progress_mode mode;
    uint64_t total, files;
    atomic_uint_fast64_t done, files_done;
    atomic_uint_fast64_t flight[POOL_WORKERS_MAX];
    struct mutex lock; /* guards all below, and stderr */
    struct cond stopped;
    bool stop;
    bool shown; /* a progress line is on the screen */
    int64_t stall_since_ms;
    unsigned tries, tries_max;
    struct progress_rate rate;
    struct thread thread;
};

void progress_rate_add(struct progress_rate *r, uint64_t bytes, int64_t now_ms)
{
    if (!r->started) {
        *r = (struct progress_rate){.last_bytes = bytes, .last_ms = now_ms, .started = true};
        return;
    }
    double dt = (double)(now_ms - r->last_ms) / 1000.0;
    if (dt <= 0) return;
    double now = bytes > r->last_bytes ? (double)(bytes - r->last_bytes) / dt : 0.0;
    double weight = r->bytes_per_s > 0 ? dt / (dt + SMOOTH_S) : 1.0;
    r->bytes_per_s += (now - r->bytes_per_s) * weight;
    r->last_bytes = bytes;
    r->last_ms = now_ms;
}

static enum err print_amount(struct buf *out, const struct progress_view *v)
{
    if (v->total == UINT64_MAX) return size_print(out, v->done);
    uint64_t percent = v->total ? (uint64_t)((double)v->done * 100.0 / (double)v->total) : 100;
    TRY(buf_printf(out, "%3u %%  ", (unsigned)MIN(percent, 100)));
    TRY(size_print(out, v->done));
    TRY(buf_put_cstr(out, " of "));
    return size_print(out, v->total);
}

static enum err print_speed(struct buf *out, const struct progress_view *v)
{
    if (v->tries)
        return buf_printf(out, "  stalled %llu s – retrying %u/%u", (unsigned long long)v->stalled_s, v->tries,
                          v->tries_max);
    if (!v->rate) return ERR_OK;
    TRY(buf_put_cstr(out, "  "));
    TRY(size_print(out, v->rate));
    TRY(buf_put_cstr(out, "/s"));
    if (v->total == UINT64_MAX || v->done >= v->total) return ERR_OK;
    TRY(buf_put_cstr(out, "  "));
    TRY(duration_print(out, div_ceil_u64(v->total - v->done, v->rate)));
    return buf_put_cstr(out, " left");
}

/* Cut to `width` columns at a character (our text has no wide ones). */
static void cut(struct buf *out, size_t from, unsigned width)
{
    unsigned columns = 0;
    for (size_t i = from; i < out->len; i++) {
        bool starts = ((unsigned char)out->ptr[i] & 0xc0) != 0x80;
        if (starts && columns++ == width) {
            out->len = i;
            return;
        }
    }
}

enum err progress_print(struct buf *out, const struct progress_view *v, unsigned width)
{
    size_t from = out->len;
    TRY(print_amount(out, v));
    TRY(print_speed(out, v));
    if (v->files > 1)
        TRY(buf_printf(out, "  files %llu/%llu", (unsigned long long)v->files_done, (unsigned long long)v->files));
    cut(out, from, width);
    return ERR_OK;
}

static void view(struct progress *p, struct progress_view *ret)
{
    *ret = (struct progress_view){.done = atomic_load(&p->done),
                                  .total = p->total,
                                  .files_done = atomic_load(&p->files_done),
                                  .files = p->files,
                                  .tries = p->tries,
                                  .tries_max = p->tries_max};
    for (size_t i = 0; i < POOL_WORKERS_MAX; i++) ret->done += atomic_load(&p->flight[i]);
    if (p->total != UINT64_MAX) ret->done = MIN(ret->done, p->total);
    int64_t now = clock_mono_ms();
    progress_rate_add(&p->rate, ret->done, now);
    ret->rate = (uint64_t)p->rate.bytes_per_s;
    if (p->tries) ret->stalled_s = (uint64_t)MAX(now - p->stall_since_ms, 0) / 1000;
}

static void put(const struct buf *b)
{
    err_ignore(file_write_all(STDERR_FILENO, b->ptr, b->len), "a lost progress line harms nobody");
}

static void clear_line(struct progress *p, struct buf *out)
{
    if (p->shown) err_ignore(buf_put_cstr(out, "\r\x1b[K"), "only the look");
    p->shown = false;
}

static void show(struct progress *p)
{
    CLEANUP(buf_done) struct buf line = BUF_INIT(LINE_MAX_BYTES);
    struct progress_view v;
    view(p, &v);
    clear_line(p, &line);
    enum err e = progress_print(&line, &v, p->mode == PROGRESS_LINE ? term_width(STDERR_FILENO) - 1 : 200);
    if (e == ERR_OK && p->mode == PROGRESS_PLAIN) e = buf_putc(&line, '\n');
    p->shown = p->mode == PROGRESS_LINE;
    if (e == ERR_OK) put(&line);
}

static void run(void *arg)
{
    struct progress *p = arg;
    int64_t every = p->mode == PROGRESS_LINE ? LINE_EVERY_MS : PLAIN_EVERY_MS;
    GUARD(&p->lock);
    while (!p->stop)
        if (!cond_wait_for(&p->stopped, &p->lock, every) && !p->stop) show(p);
}

enum err progress_start(enum progress_mode mode, uint64_t total, uint64_t files, struct progress **ret)
{
    CLEANUP(mem_cleanup) struct progress *p = MEM_NEW(struct progress);
    if (!p) return ERR_NOMEM;
    p->mode = mode;
    p->total = total;
    p->files = files;
    mutex_init(&p->lock);
    cond_init(&p->stopped);
    progress_rate_add(&p->rate, 0, clock_mono_ms());
    enum err e = mode == PROGRESS_NONE ? ERR_OK : thread_start(&p->thread, "progress", run, p);
    if (e != ERR_OK) {
        cond_done(&p->stopped);
        mutex_done(&p->lock);
        return e;
    }
    *ret = TAKE(p);
    return ERR_OK;
}

void progress_stop(struct progress *p)
{
    if (!p) return;
    mutex_lock(&p->lock);
    p->stop = true;
    cond_broadcast(&p->stopped);
    mutex_unlock(&p->lock);
    thread_join(&p->thread);
    CLEANUP(buf_done) struct buf line = BUF_INIT(LINE_MAX_BYTES);
    clear_line(p, &line);
    if (line.len) put(&line);
    cond_done(&p->stopped);
    mutex_done(&p->lock);
    mem_free(p);
}

void progress_add(struct progress *p, uint64_t bytes)
{
    if (p) atomic_fetch_add(&p->done, bytes);
}

void progress_flight(struct progress *p, unsigned worker, uint64_t bytes)
{
    if (p && worker < POOL_WORKERS_MAX) atomic_store(&p->flight[worker], bytes);
}

void progress_file(struct progress *p)
{
    if (p) atomic_fetch_add(&p->files_done, 1);
}

uint64_t progress_moved(struct progress *p)
{
    uint64_t moved = atomic_load(&p->done) + atomic_load(&p->files_done) * 64 * KIB;
    for (unsigned i = 0; i < POOL_WORKERS_MAX; i++) moved += atomic_load(&p->flight[i]);
    return moved;
}

void progress_stall(struct progress *p, int64_t since_ms, unsigned tries, unsigned tries_max)
{
    if (!p) return;
    GUARD(&p->lock);
    p->stall_since_ms = since_ms;
    p->tries = tries;
    p->tries_max = tries_max;
}

void progress_say(struct progress *p, const char *fmt, ...)
{
    CLEANUP(buf_done) struct buf line = BUF_INIT(LINE_MAX_BYTES * 4);
    va_list args;
    if (p) mutex_lock(&p->lock);
    if (p) clear_line(p, &line);
    size_t from = line.len;
    va_start(args, fmt);
    enum err e = buf_vprintf(&line, fmt, args);
    va_end(args);
    if (e == ERR_OK) name_plain(line.ptr + from, line.len - from);
    if (e == ERR_OK) e = buf_putc(&line, '\n');
    if (e == ERR_OK) put(&line);
    if (p) mutex_unlock(&p->lock);
}
