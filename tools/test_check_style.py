#!/usr/bin/env python3
"""Each rule of check-style is shown to fail on a bad sample and to pass on a good one."""
import unittest

from testlib import load, run

style = load("check-style")
HEAD = "/* what this file is responsible for */\n"


class Style(unittest.TestCase):
    def rules(self, path, text, head=True, others=()):
        files = {name: "\n" for name in others}
        files[path] = (HEAD if head and path.endswith((".c", ".h")) else "") + text
        return [(p[0], p[2]) for p in style.check(files) if p[1] == path]

    def test_clean_file(self):
        self.assertEqual(self.rules("src/core/x.c", "int f(void)\n{\n    return 0;\n}\n"), [])

    def test_system_call_outside_os(self):
        for call in ("open(p, 0, 0)", "read (fd, b, n)", "close(fd)", "free(p)", "time(NULL)", "fork()"):
            self.assertEqual(self.rules("src/core/x.c", "x = %s;\n" % call), [("syscall", 2)], call)
        self.assertEqual(self.rules("src/os/x.c", "x = open(p, 0, 0);\n"), [])
        self.assertEqual(self.rules("src/core/x_test.c", "x = fork();\n"), [])

    def test_members_and_longer_names_are_not_calls(self):
        for text in ("sys()->open(p);", "ops.read(x);", "s->ops->close(s);", "blob_open(x);", "file_read(x);",
                     "/* open(x) */", 's = "read(x)";', "int (*open)(int);", "reopen(x);", "c = 'a'; /* close(2) */"):
            self.assertEqual(self.rules("src/core/x.c", text + "\n"), [], text)

    def test_banned(self):
        for text in ("random();", "strerror(e);", "goto out;", "alloca(9);", "strtoll(s, e, 10);"):
            self.assertEqual(self.rules("src/os/x.c", text + "\n"), [("banned", 2)], text)
        self.assertEqual(self.rules("src/os/x.c", "sys_random(p); /* goto out; */\n"), [])

    def test_compare_near_secrets(self):
        text = "if (memcmp(a, b, 32) == 0) {\n"
        self.assertEqual(self.rules("src/crypto/x.c", text), [("compare", 2)])
        self.assertEqual(self.rules("src/core/session/s.c", "if (strcmp(a, b)) {\n"), [("compare", 2)])
        self.assertEqual(self.rules("src/net/x.c", text), [])
        self.assertEqual(self.rules("src/crypto/x_test.c", text), [])

    def test_contract_comment(self):
        self.assertEqual(self.rules("src/core/x.h", "int f(void);\n", head=False), [("contract", 1)])
        self.assertEqual(self.rules("src/core/x.h", "/* x */\nint f(void);\n", head=False), [("contract", 1)])
        self.assertEqual(self.rules("src/core/x.h", "/* x: what it does,\n * in words. */\n", head=False), [])

    def test_long_file(self):
        self.assertEqual(self.rules("src/core/x.c", "int x;\n" * 600), [("long", 601)])
        self.assertEqual(self.rules("src/core/x.c", "int x;\n" * 599), [])
        self.assertEqual(self.rules("docs/x.md", "word\n" * 700), [])

    def test_width(self):
        self.assertEqual(self.rules("src/core/x.c", "/* %s */\n" % ("y" * 135)), [("width", 2)])
        self.assertEqual(self.rules("src/core/x.c", "/* %s */\n" % ("y" * 134)), [])

    def test_space(self):
        self.assertEqual(self.rules("src/core/x.c", "\tint x;\n"), [("space", 2)])
        self.assertEqual(self.rules("src/core/x.c", "int x; \n"), [("space", 2)])
        self.assertEqual(self.rules("src/core/x.c", "int x;\r\n"), [("space", 2)])
        self.assertEqual(self.rules("tools/x.sh", "echo"), [("space", 1)])

    def test_unfinished(self):
        self.assertEqual(self.rules("src/core/x.c", "/* TO" "DO: more */\n"), [("unfinished", 2)])
        self.assertEqual(self.rules("tools/x.sh", "# FIX" "ME\n"), [("unfinished", 1)])
        self.assertEqual(self.rules("src/core/x.c", "/* a hackney carriage */\n"), [])

    def test_machine_paths_and_registries(self):
        self.assertEqual(self.rules("tests/x.sh", "cd /wo" "rk/main\n"), [("path", 1)])
        self.assertEqual(self.rules("docs/x.md", "from registry.npm" "js.org\n"), [("path", 1)])
        self.assertEqual(self.rules("tests/x.sh", "cd build/wo" "rk/main\n"), [])

    def test_document_paths(self):
        self.assertEqual(self.rules("docs/A.md", "see `src/gone.c`\n"), [("path", 1)])
        self.assertEqual(self.rules("docs/A.md", "see [b](B.md)\n"), [("path", 1)])
        self.assertEqual(self.rules("README.md", "see [b](docs/B.md)\n"), [("path", 1)])
        self.assertEqual(self.rules("docs/A.md", "`src/a.c` `src/core/` [b](B.md#part) [c](https://example.com) `src/*.c`\n",
                                    others=("src/a.c", "src/core/x.c", "docs/B.md")), [])

    def test_threats_name_real_tests(self):
        files = {"docs/THREATS.md": "`a_gone_test` `a_real_test`\n", "src/x_test.c": HEAD + "TEST(a_real_test)\n"}
        self.assertEqual([p[3] for p in style.check(files)], ["no test or function is called a_gone_test"])

    def test_vectors_are_not_ours_to_style(self):
        self.assertEqual(self.rules("tests/vectors/rfc/x.txt", "a \n\tb"), [])

    def test_allow_list_is_exact(self):
        bad = {"src/crypto/x.c": HEAD + "memcmp(a, b, 1);\nmemcmp(c, d, 1);\n"}
        found = style.check(bad)
        self.assertEqual(len(found), 2)
        self.assertEqual(style.allowed(found, "# why\ncompare src/crypto/x.c 2 public values\n"), [])
        self.assertEqual(len(style.allowed(found, "compare src/crypto/x.c 1 public values\n")), 3)
        self.assertEqual(len(style.allowed([], "compare src/crypto/x.c 1 public values\n")), 1)
        self.assertEqual(len(style.allowed([], "compare src/crypto/x.c 1\n")), 1)


if __name__ == "__main__":
    run()
