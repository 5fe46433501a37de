/* ctx: what one unit of work (a request, a job, a command) carries: its memory, its name in the log, its last error.
 *
 * Functions above base/, os/ and codec/ take it first. `fail()` records the detail of an error once, where it arises, and
 * returns the code; whoever ends the error logs it. Used by one thread at a time. */
#ifndef SEALDROP_BASE_CTX_H
#define SEALDROP_BASE_CTX_H

#include "base/arena.h"
#include "base/err.h"

struct field_error {
    struct slice field;
    struct slice message;
};

struct ctx {
    struct arena arena;
    struct slice request_id;
    enum err err;            /* code of the last fail() */
    const char *err_code;    /* stable word for clients, e.g. "link_expired"; NULL: the code's own name */
    struct slice err_public; /* sentence a client may see; empty: the code's text */
    char err_detail[256];    /* for the log only */
    const char *err_file;
    int err_line;
    uint32_t retry_after_s;
    struct field_error field_errors[16];
    size_t field_error_count;
};

void ctx_init(struct ctx *c, size_t arena_cap_bytes);
void ctx_done(struct ctx *c);
/* Forget the error, keep the memory. */
void ctx_clear_error(struct ctx *c);

/* Record an internal detail (for the log) and return `e`. errno, when set by the failing call, is worth naming in it. */
#define fail(c, e, ...) ctx_fail((c), (e), __FILE__, __LINE__, __VA_ARGS__)
enum err ctx_fail(struct ctx *c, enum err e, const char *file, int line, const char *fmt, ...)
    PRINTF_LIKE(5, 6);
/* Record what the client is told: a stable code word and a sentence. Returns `e`. */
#define refuse(c, e, code, ...) ctx_refuse((c), (e), (code), __FILE__, __LINE__, __VA_ARGS__)
enum err ctx_refuse(struct ctx *c, enum err e, const char *code, const char *file, int line,
                    const char *fmt, ...) PRINTF_LIKE(6, 7);
/* Ends in `c` the error `e` of work that had a context of its own: what it recorded is kept. Returns `e`. */
enum err ctx_pass_error(struct ctx *c, const struct ctx *from, enum err e);
/* Note a bad field of the input (up to 16 are told); the caller then returns ERR_INVALID. */
void ctx_field_error(struct ctx *c, const char *field, const char *message);

#endif
