/* address: what counts as one party among network addresses. */
#ifndef SEALDROP_BASE_ADDRESS_H
#define SEALDROP_BASE_ADDRESS_H

#include "base/err.h"
#include "base/slice.h"

#define ADDRESS_KEY_BYTES 48
#define ADDRESS_TEXT_BYTES 48
/* What limits per address are counted by: of IPv6 the /64 ("2001:db8:1:2::/64"), which one subscriber has all of; IPv4, also mapped into
 * IPv6, as it is ("192.0.2.7"). Text that is no address is its own key, cut to fit. Records keep the whole address. */
void address_key(const char *peer, char ret[ADDRESS_KEY_BYTES]);

/* An address or a network: "192.0.2.7", "10.0.0.0/8", "2001:db8::/32". IPv4 is the part ::ffff:0:0/96 of IPv6. */
struct address_net {
    uint8_t b[16];
    unsigned bits;
};
/* ERR_INVALID: it is none, or has bits beyond its length. */
MUST_USE enum err address_net_parse(struct slice text, struct address_net *ret);
/* Whether the address lies in one of n networks. Text that is no address lies in none. */
bool address_in(const char *peer, const struct address_net *nets, size_t n);
/* Who asks, where proxies of these networks passed it on and each wrote at the end of `forwarded` (X-Forwarded-For) whom it heard: the
 * last address that is not a proxy of ours; what stands before it anybody may have written. `peer` is changed to it; it stays where
 * there is nothing to be believed. */
void address_behind(struct slice forwarded, const struct address_net *nets, size_t n, char peer[ADDRESS_TEXT_BYTES]);

#endif
