/* Keys of limits per network address. */
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
