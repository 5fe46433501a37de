#!/usr/bin/env python3
"""run-ctest: counts are summed; a program that is silent, missing or dies after its count is a failure."""
import pathlib
import subprocess
import tempfile
import unittest

from testlib import run

TOOL = pathlib.Path(__file__).resolve().parent / "run-ctest"


class RunCtest(unittest.TestCase):
    def result(self, **programs):
        with tempfile.TemporaryDirectory() as d:
            lines = ['add_test(%s "/bin/sh" "-c" "%s")' % p for p in programs.items()]
            (pathlib.Path(d) / "CTestTestfile.cmake").write_text("\n".join(lines) + "\n")
            r = subprocess.run([str(TOOL), d], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            return r.returncode, r.stdout.strip().split("\n")[-1]

    def test_sum(self):
        self.assertEqual(self.result(a="echo 3 passed, 0 failed", b="echo 4 passed, 0 failed"), (0, "7 passed, 0 failed"))

    def test_only_the_last_count_of_a_program(self):
        self.assertEqual(self.result(a="echo 9 passed, 0 failed; echo 3 passed, 0 failed"), (0, "3 passed, 0 failed"))

    def test_long_output_is_not_cut(self):
        self.assertEqual(self.result(a="seq 100000; echo 3 passed, 0 failed"), (0, "3 passed, 0 failed"))

    def test_failures(self):
        status, line = self.result(a="echo 3 passed, 2 failed; exit 1", b="echo 4 passed, 0 failed")
        self.assertNotEqual(status, 0)
        self.assertEqual(line, "7 passed, 2 failed")

    def test_silence_is_a_failure(self):
        self.assertEqual(self.result(a="true", b="echo 1 passed, 0 failed")[1], "1 passed, 1 failed")

    def test_death_after_the_count_is_a_failure(self):
        status, line = self.result(a="echo 3 passed, 0 failed; kill -9 $$")
        self.assertNotEqual(status, 0)
        self.assertEqual(line, "3 passed, 1 failed")

    def test_nothing_to_run_is_a_failure(self):
        self.assertNotEqual(self.result()[0], 0)


if __name__ == "__main__":
    run()
