#!/usr/bin/env python3
"""make-geoip-test.py OUTPUT: writes tests/vectors/geoip/countries.mmdb, a small country file in the MaxMind DB format 2.0.

Addresses are those kept for documentation (RFC 5737, RFC 3849), and this machine's own for tests of the whole program. Two networks have an answer that is not a country.
"""
import ipaddress
import pathlib
import struct
import sys

NETWORKS = {
    "127.0.0.0/8": {"country": {"iso_code": "NL"}},
    "192.0.2.0/24": {"country": {"iso_code": "DE"}},
    "198.51.100.0/24": {"country": {"iso_code": "FR"}},
    "203.0.113.0/25": {"continent": {"code": "EU"}},
    "203.0.113.128/25": {"country": {"iso_code": "nowhere"}},
    "2001:db8::/32": {"country": {"iso_code": "SE"}},
}
UTF8, UINT16, UINT32, MAP, UINT64, ARRAY = 2, 5, 6, 7, 9, 11


def control(kind, size):
    if size > 28:
        raise ValueError("only short values are wanted here")
    return bytes([kind << 5 | size]) if kind < 8 else bytes([size, kind - 7])


def encode(value, kind=UINT32):
    if isinstance(value, str):
        return control(UTF8, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return control(ARRAY, len(value)) + b"".join(encode(v) for v in value)
    if isinstance(value, dict):
        return control(MAP, len(value)) + b"".join(encode(k) + encode(v) for k, v in value.items())
    if isinstance(value, tuple):  # a number of a given kind
        value, kind = value
    raw = value.to_bytes(8, "big").lstrip(b"\0")
    return control(kind, len(raw)) + raw


def build():
    nodes, data, leaves = [[None, None]], b"", {}
    for text, record in NETWORKS.items():
        net = ipaddress.ip_network(text)
        bits = "{:0{}b}".format(int(net.network_address), net.max_prefixlen)[:net.prefixlen]
        bits = bits if net.version == 6 else "0" * 96 + bits  # IPv4 stands at ::/96
        node = 0
        for bit in map(int, bits[:-1]):
            if nodes[node][bit] is None:
                nodes.append([None, None])
                nodes[node][bit] = len(nodes) - 1
            node = nodes[node][bit]
        leaves[node, int(bits[-1])] = len(data)
        data += encode(record)

    def pointer(node, bit):
        if (node, bit) in leaves:
            return len(nodes) + 16 + leaves[node, bit]
        return len(nodes) if nodes[node][bit] is None else nodes[node][bit]

    tree = b"".join(struct.pack(">I", pointer(n, bit))[1:] for n in range(len(nodes)) for bit in (0, 1))
    metadata = {"binary_format_major_version": (2, UINT16), "binary_format_minor_version": (0, UINT16),
                "build_epoch": (1700000000, UINT64), "database_type": "Test-Country", "description": {"en": "for tests"},
                "ip_version": (6, UINT16), "languages": ["en"], "node_count": (len(nodes), UINT32),
                "record_size": (24, UINT16)}
    return tree + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + encode(metadata)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    pathlib.Path(sys.argv[1]).write_bytes(build())
