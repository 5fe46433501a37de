#!/usr/bin/env python3
"""embed-assets: what the C compiler would read back is the file, byte for byte, in all three forms."""
import ast
import gzip
import pathlib
import re
import subprocess
import tempfile
import unittest

from testlib import load, run

embed = load("embed-assets.py")


def read_back(literal):
    """The bytes of a run of C string literals."""
    return b"".join(ast.literal_eval("b" + s) for s in re.findall(r'"(?:\\.|[^"\\])*"', literal))


class Embed(unittest.TestCase):
    def test_every_byte_survives(self):
        data = bytes(range(256)) * 3 + b'12\\"??/\n0'
        self.assertEqual(read_back(embed.literal(data)), data)
        self.assertEqual(read_back(embed.literal(b"")), b"")

    def test_row(self):
        with tempfile.TemporaryDirectory() as d:
            root = pathlib.Path(d)
            data = b"<p>hello hello hello hello hello</p>\n" * 20
            (root / "index.html").write_bytes(data)
            (root / "assets").mkdir()
            (root / "assets/app.js").write_bytes(data)
            row = embed.row(root, "index.html", "brotli")
            self.assertIn('.path = "/",', row)
            self.assertIn(".immutable = false", row)
            gz = read_back(row[row.index(".gzip = {") + 9:row.index(".br =")])
            self.assertEqual(gzip.decompress(gz), data)
            br = read_back(row[row.index(".br = {") + 7:])
            self.assertEqual(subprocess.run(["brotli", "-dc"], input=br, stdout=subprocess.PIPE).stdout, data)
            hashed = embed.row(root, "assets/app.js", "brotli")
            self.assertIn('.path = "/assets/app.js",', hashed)
            self.assertIn(".immutable = true", hashed)

    def test_compression_that_saves_nothing_is_left_out(self):
        self.assertEqual(embed.compress(b"x", "brotli"), [b"", b""])

    def test_unknown_type_is_refused(self):
        with tempfile.TemporaryDirectory() as d:
            (pathlib.Path(d) / "a.exe").write_bytes(b"x")
            with self.assertRaises(SystemExit):
                embed.row(pathlib.Path(d), "a.exe", "brotli")


if __name__ == "__main__":
    run()
