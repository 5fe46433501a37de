/* address: what counts as one party among network addresses. */
#ifndef SEALDROP_BASE_ADDRESS_H
#define SEALDROP_BASE_ADDRESS_H

#define ADDRESS_KEY_BYTES 48
/* What limits per address are counted by: of IPv6 the /64 ("2001:db8:1:2::/64"), which one subscriber has all of; IPv4, also mapped into
 * IPv6, as it is ("192.0.2.7"). Text that is no address is its own key, cut to fit. Records keep the whole address. */
void address_key(const char *peer, char ret[ADDRESS_KEY_BYTES]);

#endif
