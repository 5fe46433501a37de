/* Durations, sizes, e-mail and IP addresses as people write them. */
#include "codec/text.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#include "base/intmath.h"
#include "base/limits.h"
#include "codec/utf8.h"

static size_t count_digits(struct slice s)
{
    size_t n = 0;
    while (n < s.len && s.ptr[n] >= '0' && s.ptr[n] <= '9') n++;
    return n;
}

enum err duration_parse(struct slice s, uint64_t *ret_seconds)
{
    static const struct {
        char unit;
        uint64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400}};
    size_t digits = count_digits(s);
    uint64_t number = 0;
    TRY(slice_u64(slice_sub(s, 0, digits), UINT64_MAX, &number));
    struct slice unit = slice_sub(s, digits, s.len);
    if (unit.len == 0) unit = SLICE("s");
    for (size_t i = 0; unit.len == 1 && i < ARRAY_LEN(units); i++)
        if (units[i].unit == unit.ptr[0]) return u64_mul(number, units[i].seconds, ret_seconds);
    return ERR_INVALID;
}

enum err duration_print(struct buf *out, uint64_t seconds)
{
    static const struct {
        const char *name;
        uint64_t seconds;
    } units[] = {{"d", 86400}, {"h", 3600}, {"min", 60}, {"s", 1}};
    size_t i = 0;
    while (i + 1 < ARRAY_LEN(units) && seconds < units[i].seconds) i++;
    TRY(buf_printf(out, "%" PRIu64 " %s", seconds / units[i].seconds, units[i].name));
    if (i + 1 == ARRAY_LEN(units)) return ERR_OK;
    uint64_t rest = seconds % units[i].seconds / units[i + 1].seconds;
    return rest ? buf_printf(out, " %" PRIu64 " %s", rest, units[i + 1].name) : ERR_OK;
}

static enum err unit_size(struct slice unit, uint64_t *ret)
{
    static const char letters[] = "kmgt";
    bool binary = unit.len == 1 || slice_eq_nocase(slice_sub(unit, 1, unit.len), SLICE("iB"));
    bool decimal = slice_eq_nocase(slice_sub(unit, 1, unit.len), SLICE("B"));
    uint64_t size = 1;
    if (unit.len == 0 || slice_eq_nocase(unit, SLICE("B"))) {
        *ret = 1;
        return ERR_OK;
    }
    if (!binary && !decimal) return ERR_INVALID;
    for (size_t i = 0; i < sizeof letters - 1; i++) {
        size *= binary ? 1024 : 1000;
        if (!slice_eq_nocase(slice_sub(unit, 0, 1), slice_of(letters + i, 1))) continue;
        *ret = size;
        return ERR_OK;
    }
    return ERR_INVALID;
}

/* The digits behind the point, as thousandths. */
static enum err take_thousandths(struct slice *s, uint64_t *ret)
{
    size_t digits = count_digits(*s);
    if (digits > 3) return ERR_INVALID;
    TRY(slice_u64(slice_sub(*s, 0, digits), 999, ret));
    for (size_t i = digits; i < 3; i++) *ret *= 10;
    *s = slice_sub(*s, digits, s->len);
    return ERR_OK;
}

enum err size_parse(struct slice s, uint64_t *ret)
{
    size_t digits = count_digits(s);
    uint64_t whole = 0, thousandths = 0, unit = 0, size = 0;
    TRY(slice_u64(slice_sub(s, 0, digits), UINT64_MAX, &whole));
    s = slice_sub(s, digits, s.len);
    bool point = slice_starts(s, SLICE("."));
    if (point) {
        s = slice_sub(s, 1, s.len);
        TRY(take_thousandths(&s, &thousandths));
    }
    if (s.len > 1 && s.ptr[0] == ' ') s = slice_sub(s, 1, s.len);
    TRY(unit_size(s, &unit));
    if (point && unit == 1) return ERR_INVALID;
    TRY(u64_mul(whole, unit, &size));
    return u64_add(size, unit * thousandths / 1000, ret);
}

enum err size_print(struct buf *out, uint64_t bytes)
{
    static const char *const names[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    uint64_t unit = 1000;
    size_t i = 0;
    if (bytes < 1000) return buf_printf(out, "%" PRIu64 " B", bytes);
    /* A number that rounds to 1000 is shown in the next unit. */
    while (i + 1 < ARRAY_LEN(names) && bytes >= unit * 1000 - unit / 20) {
        unit *= 1000;
        i++;
    }
    uint64_t tenth = unit / 10;
    uint64_t tenths = bytes / tenth + (bytes % tenth >= tenth / 2);
    if (tenths % 10 == 0) return buf_printf(out, "%" PRIu64 " %s", tenths / 10, names[i]);
    return buf_printf(out, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10, tenths % 10, names[i]);
}

/* Spaces of all kinds, and the marks that have a meaning in a header field. */
static bool fits_address(uint32_t cp)
{
    static const uint32_t blanks[] = {0xa0, 0x1680, 0x202f, 0x205f, 0x3000, 0xfeff};
    if (utf8_is_deceptive(cp) || (cp >= 0x2000 && cp <= 0x200f)) return false;
    for (size_t i = 0; i < ARRAY_LEN(blanks); i++)
        if (blanks[i] == cp) return false;
    return cp >= 0x80 || !strchr(" ()<>,;:\\\"[]@", (int)cp);
}

static bool all_fit(struct slice s)
{
    while (s.len) {
        uint32_t cp = 0;
        size_t n = utf8_step(s, &cp);
        if (n == 0 || !fits_address(cp)) return false;
        s = slice_sub(s, n, s.len);
    }
    return true;
}

static bool plausible_domain(struct slice domain)
{
    if (slice_eq_nocase(domain, SLICE("localhost"))) return true;
    size_t labels = 0;
    if (domain.len == 0 || domain.ptr[domain.len - 1] == '.') return false;
    while (domain.len) {
        struct slice label = slice_cut(&domain, '.');
        if (label.len == 0 || label.len > 63 || label.ptr[0] == '-' ||
            label.ptr[label.len - 1] == '-')
            return false;
        for (size_t i = 0; i < label.len; i++) {
            char c = label.ptr[i];
            bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
            if (!alnum && c != '-' && (unsigned char)c < 0x80) return false;
        }
        labels++;
    }
    return labels > 1;
}

bool email_plausible(struct slice s)
{
    if (s.len > LIMIT_EMAIL_BYTES) return false;
    struct slice domain = s, local = slice_cut(&domain, '@');
    return local.len >= 1 && local.len <= 64 && all_fit(local) && all_fit(domain) &&
           plausible_domain(domain);
}

enum err ip_canonical(struct slice s, char ret[IP_TEXT_BYTES])
{
    char text[IP_TEXT_BYTES];
    struct in6_addr address; /* room for both families */
    if (s.len >= sizeof text || slice_find(s, 0) < s.len) return ERR_INVALID;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    int family = slice_find(s, ':') < s.len ? AF_INET6 : AF_INET;
    if (inet_pton(family, text, &address) != 1) return ERR_INVALID;
    return inet_ntop(family, &address, ret, IP_TEXT_BYTES) ? ERR_OK : ERR_INTERNAL;
}
