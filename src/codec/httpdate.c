/* Dates of HTTP header fields: each of the three forms is a pattern, read by one small matcher. */
#include "codec/httpdate.h"

#include <stdio.h>

#include "base/intmath.h"
#include "base/time.h"

static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                   "Thursday", "Friday", "Saturday"};
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

void httpdate_format(int64_t ms, char ret[HTTPDATE_LEN + 1])
{
    struct civil_time t;
    ms = MAX(ms, -62167219200000ll);
    ms = MIN(ms, 253402300799999ll);
    time_civil(ms, &t);
    snprintf(ret, HTTPDATE_LEN + 1, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT", days[t.weekday],
             (unsigned)t.day % 100u, months + 3 * (t.month - 1), (unsigned)t.year % 10000u,
             (unsigned)t.hour % 100u, (unsigned)t.minute % 100u, (unsigned)t.second % 100u);
}

static bool take(struct slice *s, struct slice want)
{
    if (!slice_starts(*s, want)) return false;
    *s = slice_sub(*s, want.len, s->len);
    return true;
}

static bool take_digits(struct slice *s, size_t width, int *ret)
{
    uint64_t v = 0;
    if (s->len < width || slice_u64(slice_sub(*s, 0, width), 9999, &v) != ERR_OK) return false;
    *s = slice_sub(*s, width, s->len);
    *ret = (int)v;
    return true;
}

static bool take_day_name(struct slice *s, bool whole)
{
    for (size_t i = 0; i < ARRAY_LEN(days); i++) {
        struct slice name = slice_cstr(days[i]);
        if (take(s, whole ? name : slice_sub(name, 0, 3))) return true;
    }
    return false;
}

static bool take_month(struct slice *s, int *ret)
{
    for (int i = 0; i < 12; i++) {
        if (!take(s, slice_of(months + 3 * (size_t)i, 3))) continue;
        *ret = i + 1;
        return true;
    }
    return false;
}

/* One part of a date as `what` says; any other character stands for itself. */
static bool take_part(struct slice *s, char what, struct civil_time *t)
{
    int year = 0;
    bool ok = false;
    switch (what) {
    case 'w':
        return take_day_name(s, false);
    case 'W':
        return take_day_name(s, true);
    case 'd':
        return take_digits(s, 2, &t->day);
    case 'e':
        return take_digits(s, s->len && s->ptr[0] == ' ' && take(s, SLICE(" ")) ? 1 : 2, &t->day);
    case 'm':
        return take_month(s, &t->month);
    case 'y':
        ok = take_digits(s, 2, &year);
        t->year = year + (year < 70 ? 2000 : 1900);
        return ok;
    case 'Y':
        ok = take_digits(s, 4, &year);
        t->year = year;
        return ok;
    case 'H':
        return take_digits(s, 2, &t->hour);
    case 'M':
        return take_digits(s, 2, &t->minute);
    case 'S':
        return take_digits(s, 2, &t->second);
    case 'Z':
        return take(s, SLICE("GMT"));
    default:
        return take(s, slice_of(&what, 1));
    }
}

static bool matches(struct slice s, const char *form, struct civil_time *ret)
{
    *ret = (struct civil_time){0};
    for (; *form; form++)
        if (!take_part(&s, *form, ret)) return false;
    return s.len == 0;
}

static bool is_real(const struct civil_time *t)
{
    struct civil_time day = {.year = t->year, .month = t->month, .day = t->day}, back;
    if (t->day < 1 || t->hour > 23 || t->minute > 59 || t->second > 60) return false;
    time_civil(time_from_civil(&day), &back);
    return back.day == t->day;
}

enum err httpdate_parse(struct slice s, int64_t *ret_ms)
{
    static const char *const forms[] = {"w, d m Y H:M:S Z", "W, d-m-y H:M:S Z", "w m e H:M:S Y"};
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct civil_time t;
        if (!matches(s, forms[i], &t)) continue;
        if (!is_real(&t)) return ERR_INVALID;
        *ret_ms = time_from_civil(&t);
        return ERR_OK;
    }
    return ERR_INVALID;
}
