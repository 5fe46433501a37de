/* Civil time from days and back (Howard Hinnant's public-domain algorithms), RFC 3339 text. */
#include "base/time.h"

#include <string.h>

#define DAY_MS 86400000ll

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t days_from_civil(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = floor_div(y, 400);
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

void time_civil(int64_t ms, struct civil_time *ret)
{
    int64_t days = floor_div(ms, DAY_MS);
    int64_t rest = ms - days * DAY_MS;
    int64_t z = days + 719468;
    int64_t era = floor_div(z, 146097);
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    ret->day = (int)(doy - (153 * mp + 2) / 5 + 1);
    ret->month = (int)(mp < 10 ? mp + 3 : mp - 9);
    ret->year = yoe + era * 400 + (ret->month <= 2);
    ret->hour = (int)(rest / 3600000);
    ret->minute = (int)(rest / 60000 % 60);
    ret->second = (int)(rest / 1000 % 60);
    ret->ms = (int)(rest % 1000);
    ret->weekday = (int)(((days + 4) % 7 + 7) % 7);
}

int64_t time_from_civil(const struct civil_time *t)
{
    return days_from_civil(t->year, t->month, t->day) * DAY_MS + t->hour * 3600000ll +
           t->minute * 60000ll + t->second * 1000ll + t->ms;
}

static void put_digits(char *to, size_t width, unsigned v)
{
    for (; width; width--, v /= 10) to[width - 1] = (char)('0' + v % 10);
}

void time_rfc3339(int64_t ms, char ret[TIME_RFC3339_LEN + 1])
{
    struct civil_time t;
    if (ms < -62167219200000ll) ms = -62167219200000ll;
    if (ms > 253402300799999ll) ms = 253402300799999ll;
    time_civil(ms, &t);
    memcpy(ret, "0000-00-00T00:00:00.000Z", TIME_RFC3339_LEN + 1);
    put_digits(ret, 4, (unsigned)t.year);
    put_digits(ret + 5, 2, (unsigned)t.month);
    put_digits(ret + 8, 2, (unsigned)t.day);
    put_digits(ret + 11, 2, (unsigned)t.hour);
    put_digits(ret + 14, 2, (unsigned)t.minute);
    put_digits(ret + 17, 2, (unsigned)t.second);
    put_digits(ret + 20, 3, (unsigned)t.ms);
}

/* Exactly `width` digits from *s. */
static enum err take_digits(struct slice *s, size_t width, int *ret)
{
    uint64_t v = 0;
    if (s->len < width) return ERR_INVALID;
    TRY(slice_u64(slice_sub(*s, 0, width), 9999, &v));
    *s = slice_sub(*s, width, s->len);
    *ret = (int)v;
    return ERR_OK;
}

static enum err take_char(struct slice *s, const char *one_of)
{
    if (s->len == 0) return ERR_INVALID;
    for (; *one_of; one_of++) {
        if (*one_of != s->ptr[0]) continue;
        *s = slice_sub(*s, 1, s->len);
        return ERR_OK;
    }
    return ERR_INVALID;
}

static enum err take_fraction(struct slice *s, int *ret_ms)
{
    int ms = 0, scale = 100;
    size_t n = 0;
    for (; n < s->len && s->ptr[n] >= '0' && s->ptr[n] <= '9'; n++, scale /= 10)
        ms += (s->ptr[n] - '0') * scale;
    if (n == 0 || n > 9) return ERR_INVALID;
    *s = slice_sub(*s, n, s->len);
    *ret_ms = ms;
    return ERR_OK;
}

static enum err take_offset(struct slice *s, int64_t *ret_ms)
{
    if (take_char(s, "Zz") == ERR_OK) {
        *ret_ms = 0;
        return ERR_OK;
    }
    int hour = 0, minute = 0;
    bool minus = s->len && s->ptr[0] == '-';
    TRY(take_char(s, "+-"));
    TRY(take_digits(s, 2, &hour));
    TRY(take_char(s, ":"));
    TRY(take_digits(s, 2, &minute));
    if (hour > 23 || minute > 59) return ERR_INVALID;
    int64_t ms = hour * 3600000ll + minute * 60000ll;
    *ret_ms = minus ? -ms : ms;
    return ERR_OK;
}

static bool real_date(const struct civil_time *t)
{
    if (t->month < 1 || t->month > 12 || t->day < 1 || t->hour > 23 || t->minute > 59 ||
        t->second > 60)
        return false;
    struct civil_time back;
    struct civil_time day = {.year = t->year, .month = t->month, .day = t->day};
    time_civil(time_from_civil(&day), &back);
    return back.day == t->day && back.month == t->month;
}

enum err time_parse_rfc3339(struct slice s, int64_t *ret_ms)
{
    struct civil_time t = {0};
    int year = 0;
    int64_t offset = 0;
    TRY(take_digits(&s, 4, &year));
    t.year = year;
    TRY(take_char(&s, "-"));
    TRY(take_digits(&s, 2, &t.month));
    TRY(take_char(&s, "-"));
    TRY(take_digits(&s, 2, &t.day));
    TRY(take_char(&s, "Tt "));
    TRY(take_digits(&s, 2, &t.hour));
    TRY(take_char(&s, ":"));
    TRY(take_digits(&s, 2, &t.minute));
    TRY(take_char(&s, ":"));
    TRY(take_digits(&s, 2, &t.second));
    if (take_char(&s, ".") == ERR_OK) TRY(take_fraction(&s, &t.ms));
    TRY(take_offset(&s, &offset));
    if (s.len || !real_date(&t)) return ERR_INVALID;
    *ret_ms = time_from_civil(&t) - offset;
    return ERR_OK;
}
