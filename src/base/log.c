/* Formatting of log lines (logfmt or JSON). Where they go is the sink's business. */
#include "base/log.h"

#include <stdatomic.h>

#include "base/limits.h"
#include "base/time.h"

static struct {
    enum log_level min;
    enum log_format format;
    log_write_fn *write;
    log_now_fn *now_ms;
} sink = {.min = LOG_OFF};

/* A pipe takes this much in one piece, so that lines of other threads do not come between. */
#define KEPT_BYTES 4096u
#define LINE_BYTES 512u /* most need no more */
static _Thread_local struct buf *kept_lines;

static const char *const level_names[] = {"debug", "info", "warn", "error", "off"};

void log_setup(enum log_level min, enum log_format format, log_write_fn *write, log_now_fn *now_ms)
{
    sink.min = min;
    sink.format = format;
    sink.write = write;
    sink.now_ms = now_ms;
}

/* Both formats quote the same way; control bytes never reach a terminal. */
static enum err put_quoted(struct buf *b, struct slice s)
{
    TRY(buf_putc(b, '"'));
    for (size_t i = 0; i < s.len; i++) {
        unsigned char ch = (unsigned char)s.ptr[i];
        if (ch == '"' || ch == '\\')
            TRY(buf_printf(b, "\\%c", ch));
        else if (ch < 0x20 || ch == 0x7f)
            TRY(buf_printf(b, "\\u%04x", ch));
        else
            TRY(buf_putc(b, (char)ch));
    }
    return buf_putc(b, '"');
}

static bool plain(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char ch = (unsigned char)s.ptr[i];
        if (ch <= ' ' || ch == '"' || ch == '=' || ch == '\\' || ch >= 0x7f) return false;
    }
    return s.len > 0;
}

static enum err put_number(struct buf *b, int64_t v)
{
    if (v < 0) TRY(buf_putc(b, '-'));
    return buf_put_u64(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

static enum err put_field(struct buf *b, const struct log_field *f)
{
    bool json = sink.format == LOG_JSON;
    if (b->len > (json ? 1u : 0u)) TRY(buf_putc(b, json ? ',' : ' '));
    /* No printf here: a line a request adds up. */
    if (json) TRY(buf_putc(b, '"'));
    TRY(buf_put_cstr(b, f->key));
    TRY(buf_put_cstr(b, json ? "\":" : "="));
    if (!f->text.ptr) return put_number(b, f->number);
    if (!json && plain(f->text)) return buf_put(b, f->text);
    return put_quoted(b, f->text);
}

static enum err put_line(struct buf *b, enum log_level level, const char *event,
                         const struct log_field *fields, size_t n)
{
    char ts[TIME_RFC3339_LEN + 1];
    time_rfc3339(sink.now_ms ? sink.now_ms() : 0, ts);
    TRY(put_field(b, &LOG_TEXT("ts", slice_cstr(ts))));
    TRY(put_field(b, &LOG_TEXT("level", slice_cstr(level_names[level]))));
    TRY(put_field(b, &LOG_TEXT("event", slice_cstr(event))));
    for (size_t i = 0; i < n; i++) TRY(put_field(b, &fields[i]));
    return ERR_OK;
}

void log_flush(void)
{
    struct buf *lines = kept_lines;
    if (!lines || !lines->len) return;
    kept_lines = NULL; /* a failed assertion on the way comes here again */
    if (sink.write) sink.write(lines->ptr, lines->len);
    buf_reset(lines);
    kept_lines = lines;
}

void log_keep(struct buf *kept)
{
    log_flush();
    kept_lines = kept;
}

static void write_line(enum log_level level, struct slice line)
{
    if (kept_lines && kept_lines->len + line.len > KEPT_BYTES) log_flush();
    bool keep = kept_lines && level < LOG_WARN && line.len <= KEPT_BYTES;
    if (keep && buf_put(kept_lines, line) == ERR_OK) return;
    log_flush();
    sink.write(line.ptr, line.len);
}

void log_event(enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
    if (level < sink.min || !sink.write) return;
    CLEANUP(buf_done) struct buf line = BUF_INIT(LIMIT_LOG_LINE_BYTES);
    bool json = sink.format == LOG_JSON;
    err_ignore(buf_reserve(&line, LINE_BYTES), "it grows");
    if (json) err_ignore(buf_putc(&line, '{'), "see below");
    err_ignore(put_line(&line, level, event, fields, n), "a cut line is better than none");
    line.max += 2;
    err_ignore(buf_put_cstr(&line, json ? "}\n" : "\n"), "without memory the line is lost");
    if (line.len) write_line(level, buf_view(&line));
}
