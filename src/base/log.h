/* Structured logging: one line an event, logfmt, to one sink set at start.
 *
 * Fields are typed slices and numbers; there is no way to log a key or a secret type. Lower layers never log above debug:
 * whoever ends an error logs it, once. Thread-safe: a write has whole lines only. */
#ifndef SEALDROP_BASE_LOG_H
#define SEALDROP_BASE_LOG_H

#include "base/buf.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF };
enum log_format { LOG_LOGFMT, LOG_JSON };

struct log_field {
    const char *key;
    struct slice text; /* used when ptr is not NULL */
    int64_t number;
};

#define LOG_TEXT(key, slice) ((struct log_field){(key), (slice), 0})
#define LOG_NUM(key, n) ((struct log_field){(key), {NULL, 0}, (int64_t)(n)})

/* `write` receives whole lines with their newline; `now_ms` gives wall time in milliseconds. */
typedef void log_write_fn(const char *line, size_t len);
typedef int64_t log_now_fn(void);
void log_setup(enum log_level min, enum log_format format, log_write_fn *write, log_now_fn *now_ms);
void log_event(enum log_level level, const char *event, const struct log_field *fields, size_t n);
/* For a thread that works in turns: from now on its lines are kept in `kept`, and written together by log_flush() at the end of
 * each turn. Warnings and errors do not wait. NULL ends that. */
void log_keep(struct buf *kept);
void log_flush(void);

/* log_info("upload_done", LOG_TEXT("file", id), LOG_NUM("bytes", n)) */
#define LOG_ARGS(...) (const struct log_field[]){__VA_ARGS__}
#define LOG_AT(level, event, ...)                                                                  \
    log_event((level), (event), LOG_ARGS(__VA_ARGS__),                                             \
              sizeof(LOG_ARGS(__VA_ARGS__)) / sizeof(struct log_field))
#define log_debug(event, ...) LOG_AT(LOG_DEBUG, event, __VA_ARGS__)
#define log_info(event, ...) LOG_AT(LOG_INFO, event, __VA_ARGS__)
#define log_warn(event, ...) LOG_AT(LOG_WARN, event, __VA_ARGS__)
#define log_error(event, ...) LOG_AT(LOG_ERROR, event, __VA_ARGS__)

#endif
