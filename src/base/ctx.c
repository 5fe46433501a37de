/* The context of one unit of work: memory and the last error. */
#include "base/ctx.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/intmath.h"

void ctx_init(struct ctx *c, size_t arena_cap_bytes)
{
    *c = (struct ctx){0};
    arena_init(&c->arena, arena_cap_bytes);
}

void ctx_done(struct ctx *c) { arena_done(&c->arena); }

void ctx_clear_error(struct ctx *c)
{
    c->err = ERR_OK;
    c->err_code = NULL;
    c->err_public = (struct slice){0};
    c->err_detail[0] = '\0';
    c->err_file = NULL;
    c->err_line = 0;
    c->retry_after_s = 0;
    c->field_error_count = 0;
}

static void record(struct ctx *c, enum err e, const char *file, int line)
{
    c->err = e;
    c->err_file = file;
    c->err_line = line;
}

/* Long names do not fit; what does ends with a whole character, for clients refuse JSON that does not. */
static PRINTF_LIKE(2, 0) void write_detail(struct ctx *c, const char *fmt, va_list args)
{
    int n = vsnprintf(c->err_detail, sizeof c->err_detail, fmt, args);
    size_t len = sizeof c->err_detail - 1;
    if (n < 0) c->err_detail[0] = '\0';
    if (n < 0 || (size_t)n <= len) return;
    while (len && ((uint8_t)c->err_detail[len - 1] & 0xc0) == 0x80) len--;
    if (len && ((uint8_t)c->err_detail[len - 1] & 0x80)) len--;
    c->err_detail[len] = '\0';
}

enum err ctx_fail(struct ctx *c, enum err e, const char *file, int line, const char *fmt, ...)
{
    va_list args;
    record(c, e, file, line);
    c->err_code = NULL;
    c->err_public = (struct slice){0};
    va_start(args, fmt);
    write_detail(c, fmt, args);
    va_end(args);
    return e;
}

enum err ctx_refuse(struct ctx *c, enum err e, const char *code, const char *file, int line,
                    const char *fmt, ...)
{
    va_list args;
    record(c, e, file, line);
    c->err_code = code;
    va_start(args, fmt);
    write_detail(c, fmt, args);
    va_end(args);
    c->err_public = slice_cstr(c->err_detail);
    return e;
}

static void add_field_error(struct ctx *c, struct slice field, struct slice message)
{
    if (c->field_error_count == ARRAY_LEN(c->field_errors)) return;
    struct field_error *f = &c->field_errors[c->field_error_count];
    if (arena_slice(&c->arena, field, &f->field) != ERR_OK || arena_slice(&c->arena, message, &f->message) != ERR_OK) return;
    c->field_error_count++;
}

void ctx_field_error(struct ctx *c, const char *field, const char *message)
{
    add_field_error(c, slice_cstr(field), slice_cstr(message));
}

enum err ctx_pass_error(struct ctx *c, const struct ctx *from, enum err e)
{
    struct arena *a = &c->arena;
    bool recorded = from->err == e;
    ctx_clear_error(c);
    c->err = e;
    for (size_t i = 0; i < from->field_error_count; i++) add_field_error(c, from->field_errors[i].field, from->field_errors[i].message);
    if (!recorded) return e;
    c->err_code = from->err_code;
    c->err_file = from->err_file;
    c->err_line = from->err_line;
    c->retry_after_s = from->retry_after_s;
    memcpy(c->err_detail, from->err_detail, sizeof c->err_detail);
    if (from->err_public.ptr && arena_slice(a, from->err_public, &c->err_public) != ERR_OK) c->err_public = (struct slice){0};
    return e;
}
