/* UUID text and UUIDv7 layout (RFC 9562, sections 4 and 5.7). */
#include "base/id.h"

#include <string.h>

struct id id_v7(int64_t now_ms, const uint8_t random[16])
{
    struct id id;
    uint64_t ms = (uint64_t)now_ms;
    memcpy(id.b, random, sizeof id.b);
    for (int i = 0; i < 6; i++) id.b[i] = (uint8_t)(ms >> (40 - 8 * i));
    id.b[6] = (uint8_t)(0x70 | (id.b[6] & 0x0f));
    id.b[8] = (uint8_t)(0x80 | (id.b[8] & 0x3f));
    return id;
}

static bool dash_before(size_t byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void id_text(struct id id, char ret[ID_TEXT_LEN + 1])
{
    static const char hex[] = "0123456789abcdef";
    char *p = ret;
    for (size_t i = 0; i < sizeof id.b; i++) {
        if (dash_before(i)) *p++ = '-';
        *p++ = hex[id.b[i] >> 4];
        *p++ = hex[id.b[i] & 15];
    }
    *p = '\0';
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

enum err id_parse(struct slice s, struct id *ret)
{
    struct id id;
    size_t at = 0;
    if (s.len != ID_TEXT_LEN) return ERR_INVALID;
    for (size_t i = 0; i < sizeof id.b; i++) {
        if (dash_before(i) && s.ptr[at++] != '-') return ERR_INVALID;
        int hi = nibble(s.ptr[at]), lo = nibble(s.ptr[at + 1]);
        if (hi < 0 || lo < 0) return ERR_INVALID;
        id.b[i] = (uint8_t)(hi << 4 | lo);
        at += 2;
    }
    *ret = id;
    return ERR_OK;
}

bool id_eq(struct id a, struct id b) { return memcmp(a.b, b.b, sizeof a.b) == 0; }

bool id_is_zero(struct id id) { return id_eq(id, (struct id){{0}}); }

enum err id_from_bytes(struct slice s, struct id *ret)
{
    if (s.len != sizeof ret->b) return ERR_CORRUPT;
    memcpy(ret->b, s.ptr, sizeof ret->b);
    return ERR_OK;
}
