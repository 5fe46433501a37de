/* Errors: one closed set of codes, used by every fallible function.
 *
 * A function that can fail returns `enum err` and is MUST_USE. Outputs (`ret_…`) are untouched on failure.
 * The table in err.def maps each code to its name, HTTP status, CLI exit code and whether a retry may help.
 * Detail (which file, which SQLSTATE) is recorded once, at the origin, with `fail()` of ctx.h. */
#ifndef SEALDROP_BASE_ERR_H
#define SEALDROP_BASE_ERR_H

#include <stdbool.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define UNUSED __attribute__((unused))

enum err {
#define X(code, name, http, exit, retry, text) code,
#include "base/err.def"
#undef X
    ERR_COUNT
};

/* Stable lower-case word, e.g. "not_found". */
const char *err_name(enum err e);
/* One short English phrase for people. */
const char *err_text(enum err e);
int err_http_status(enum err e);
int err_exit_code(enum err e);
bool err_retryable(enum err e);
/* The one way to ignore a result: `why` documents the place and lets a reader find them all. */
void err_ignore(enum err e, const char *why);

/* Return the code upward unless it is ERR_OK. The only control-flow macro of the code base. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        enum err try_err_ = (call);                                                                \
        if (try_err_ != ERR_OK) return try_err_;                                                   \
    } while (0)

/* Move a pointer out of a CLEANUP variable: evaluates to its value and leaves NULL behind. */
#define TAKE(p)                                                                                    \
    ({                                                                                             \
        __typeof__(p) take_ = (p);                                                                 \
        (p) = NULL;                                                                                \
        take_;                                                                                     \
    })

#endif
