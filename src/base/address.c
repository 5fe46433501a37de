/* Network addresses: keys of limits, networks, who stands behind a proxy. */
#include "base/address.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#define PREFIX_BYTES 8

static void copy(char ret[ADDRESS_KEY_BYTES], const char *text)
{
    size_t n = strnlen(text, ADDRESS_KEY_BYTES - 1);
    memcpy(ret, text, n);
    ret[n] = '\0';
}

void address_key(const char *peer, char ret[ADDRESS_KEY_BYTES])
{
    static const char suffix[] = "/64";
    struct in6_addr a;
    char text[ADDRESS_KEY_BYTES]; /* an address needs INET6_ADDRSTRLEN, which is less */
    copy(ret, peer);
    if (inet_pton(AF_INET6, peer, &a) != 1) return;
    bool mapped = IN6_IS_ADDR_V4MAPPED(&a);
    if (!mapped) memset(a.s6_addr + PREFIX_BYTES, 0, sizeof a.s6_addr - PREFIX_BYTES);
    const void *from = mapped ? a.s6_addr + 12 : a.s6_addr;
    if (!inet_ntop(mapped ? AF_INET : AF_INET6, from, text, sizeof text)) return;
    copy(ret, text);
    /* The lower half is zero, so the text is short. */
    if (!mapped) memcpy(ret + strlen(ret), suffix, sizeof suffix);
}

static bool parse(const char *text, uint8_t ret[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (inet_pton(AF_INET6, text, ret) == 1) return true;
    memcpy(ret, mapped, sizeof mapped);
    return inet_pton(AF_INET, text, ret + sizeof mapped) == 1;
}

static bool parse_slice(struct slice text, uint8_t ret[16])
{
    char copy_of[ADDRESS_TEXT_BYTES] = "";
    if (text.len >= sizeof copy_of || (text.len && memchr(text.ptr, 0, text.len))) return false;
    if (text.len) memcpy(copy_of, text.ptr, text.len);
    return parse(copy_of, ret);
}

static bool within(const uint8_t a[16], const struct address_net *net)
{
    size_t whole = net->bits / 8;
    uint8_t mask = (uint8_t)(0xff00 >> net->bits % 8);
    if (memcmp(a, net->b, whole) != 0) return false;
    return whole == sizeof net->b || ((a[whole] ^ net->b[whole]) & mask) == 0;
}

static bool in_any(const uint8_t a[16], const struct address_net *nets, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (within(a, &nets[i])) return true;
    return false;
}

enum err address_net_parse(struct slice text, struct address_net *ret)
{
    struct address_net net = {.bits = 128};
    struct slice rest = text, address = slice_cut(&rest, '/');
    uint64_t bits = 0;
    if (!parse_slice(address, net.b)) return ERR_INVALID;
    unsigned shift = slice_find(address, ':') < address.len ? 0 : 96;
    if (address.len < text.len) {
        if (slice_u64(rest, 128 - shift, &bits) != ERR_OK) return ERR_INVALID;
        net.bits = (unsigned)bits + shift;
    }
    struct address_net first = net;
    for (unsigned i = net.bits; i < 128; i++) first.b[i / 8] = (uint8_t)(first.b[i / 8] & ~(0x80u >> i % 8));
    if (memcmp(first.b, net.b, sizeof net.b) != 0) return ERR_INVALID;
    *ret = net;
    return ERR_OK;
}

bool address_in(const char *peer, const struct address_net *nets, size_t n)
{
    uint8_t a[16];
    return parse(peer, a) && in_any(a, nets, n);
}

void address_behind(struct slice forwarded, const struct address_net *nets, size_t n, char peer[ADDRESS_TEXT_BYTES])
{
    while (forwarded.len && address_in(peer, nets, n)) {
        size_t at = forwarded.len;
        struct in6_addr a;
        while (at && forwarded.ptr[at - 1] != ',') at--;
        if (!parse_slice(slice_trim(slice_sub(forwarded, at, forwarded.len)), a.s6_addr)) return;
        bool v4 = IN6_IS_ADDR_V4MAPPED(&a);
        if (!inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? a.s6_addr + 12 : a.s6_addr, peer, ADDRESS_TEXT_BYTES)) return;
        forwarded = slice_sub(forwarded, 0, at ? at - 1 : 0);
    }
}
