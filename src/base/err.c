/* The error table: names, statuses and exit codes of err.def. Nothing else. */
#include "base/err.h"

struct err_row {
    const char *name;
    const char *text;
    int http;
    int exit_code;
    bool retry;
};

static const struct err_row rows[ERR_COUNT] = {
#define X(code, name, http, exit, retry, text) [code] = {name, text, http, exit, retry},
#include "base/err.def"
#undef X
};

static const struct err_row *row(enum err e)
{
    return (unsigned)e < ERR_COUNT ? &rows[e] : &rows[ERR_INTERNAL];
}

const char *err_name(enum err e) { return row(e)->name; }
const char *err_text(enum err e) { return row(e)->text; }
int err_http_status(enum err e) { return row(e)->http; }
int err_exit_code(enum err e) { return row(e)->exit_code; }
bool err_retryable(enum err e) { return row(e)->retry; }

void err_ignore(enum err e, const char *why)
{
    (void)e;
    (void)why;
}
