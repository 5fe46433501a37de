#!/usr/bin/env python3
"""Opens the archives that tests/lib/zip_make.c writes with Python's zipfile and with Info-ZIP's unzip.

usage: zip_check.py ZIP_MAKE
"""
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile

MTIME_S = 1795291201
BIG = 1 << 20

FEW = [
    ("readme.txt", 1000, MTIME_S),
    ("README (2).TXT", 10, MTIME_S),
    ("empty", 0, MTIME_S),
    ("folder/", 0, MTIME_S),
    ("folder/deep/über € 📦.bin", 300000, MTIME_S),
    ("before 1970", 5, -86400),
    ("after 2038", 5, None),
]
HUGE = [
    ("under.bin", 0xFFFFFFFE, MTIME_S),
    ("between.txt", 700, MTIME_S),
    ("over.bin", 0x100000005, MTIME_S),
    ("after.txt", 700, MTIME_S),
    ("border.bin", 0xFFFFFFFF, MTIME_S),
]


def many(count):
    return [(f"d{i % 10}/f{i}", i % 4, MTIME_S) for i in range(count)]


def content(index, size):
    block = bytes((index * 31 + k * 7) & 255 for k in range(256))
    return (block * (size // 256 + 1))[:size]


def unix_time(extra):
    """The modification time of extra field 0x5455, or None."""
    while extra:
        field, length = struct.unpack("<HH", extra[:4])
        if field == 0x5455:
            flags, seconds = struct.unpack("<Bi", extra[4 : 4 + length])
            assert flags == 1
            return seconds
        extra = extra[4 + length :]
    return None


def check_entry(archive, index, info, want):
    name, size, mtime = want
    assert info.filename == name, info.filename
    assert info.file_size == info.compress_size == size, info
    assert info.compress_type == zipfile.ZIP_STORED and info.create_system == 3
    assert info.external_attr >> 16 == (0o40755 if name.endswith("/") else 0o100644)
    assert unix_time(info.extra) == mtime, info.extra
    if mtime == MTIME_S:
        assert info.date_time == (2026, 11, 21, 20, 0, 0), info.date_time
    with archive.open(info) as file:
        if size < BIG:
            assert file.read() == content(index, size), name
        else:
            assert file.read(BIG) == bytes(BIG), name


def check(path, wants):
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        assert len(infos) == len(wants)
        for index, (info, want) in enumerate(zip(infos, wants)):
            check_entry(archive, index, info, want)


def check_unzip(path, wants):
    """unzip tests all members, but of the huge archive only those that are quick to read."""
    small = [name for name, size, _ in wants if size < BIG]
    members = small if len(small) < len(wants) else []
    subprocess.run(["unzip", "-tqq", path, *members], check=True)


def main():
    kinds = [("few", FEW), ("huge", HUGE)]
    kinds += [(str(n), many(n)) for n in (0, 1, 10000, 65534, 65535, 65536)]
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for kind, wants in kinds:
            path = os.path.join(folder, kind + ".zip")
            try:
                subprocess.run([sys.argv[1], kind, path], check=True)
                check(path, wants)
                # unzip calls an archive without members an error.
                if wants and shutil.which("unzip"):
                    check_unzip(path, wants)
                passed += 1
                print("ok zip", kind)
            except (AssertionError, zipfile.BadZipFile, subprocess.CalledProcessError) as error:
                failed += 1
                print("not ok zip", kind, repr(error))
            if os.path.exists(path):
                os.remove(path)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
