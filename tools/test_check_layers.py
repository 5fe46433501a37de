#!/usr/bin/env python3
"""Each rule of check-layers is shown to fail on a bad sample and to pass on a good one."""
import unittest

from testlib import load, run

layers = load("check-layers")


class Layers(unittest.TestCase):
    def problems(self, **files):
        """Names are written with __ for / and a last _ for the dot: base__a_h."""
        named = {n.replace("__", "/").rsplit("_", 1)[0] + "." + n[-1]: t for n, t in files.items()}
        return ["%s:%d %s" % p for p in layers.check(named)]

    def assert_problem(self, fragment, **files):
        found = self.problems(**files)
        self.assertEqual(len(found), 1, found)
        self.assertIn(fragment, found[0])

    def test_downward_is_allowed(self):
        self.assertEqual(self.problems(base__buf_h="", net__http_h='#include "base/buf.h"\n',
                                       core__file_c='#include "base/buf.h"\n'), [])

    def test_upward_is_refused(self):
        self.assert_problem('os/ may not include "net/http.h"', net__http_h="",
                            os__file_c='\n#include "net/http.h"\n')

    def test_core_knows_no_http(self):
        self.assert_problem("core/ may not", net__http_h="", core__link__link_c='#include "net/http.h"\n')

    def test_line_number(self):
        self.assertIn(":3 ", self.problems(net__http_h="", os__f_c='/*\n*/\n#include "net/http.h"\n')[0])

    def test_commented_include_is_ignored(self):
        self.assertEqual(self.problems(os__f_c='/* #include "net/http.h" */\n'), [])

    def test_client_takes_only_the_http_client(self):
        good = {"net__client_h": "", "net__http_h": "", "core__x_h": ""}
        self.assertEqual(self.problems(cmd__cli__main_c='#include "net/client.h"\n', **good), [])
        self.assert_problem("cmd/cli/ may not", cmd__cli__main_c='#include "net/http.h"\n', **good)
        self.assert_problem("cmd/cli/ may not", cmd__cli__main_c='#include "core/x.h"\n', **good)
        self.assertEqual(self.problems(cmd__server__main_c='#include "core/x.h"\n', **good), [])

    def test_other_program_is_not_borrowed_from(self):
        self.assert_problem("cmd/ may not", cmd__cli__a_h="", cmd__server__m_c='#include "cmd/cli/a.h"\n')

    def test_tests_may_use_the_harness(self):
        self.assertEqual(self.problems(codec__x_test_c='#include "lib/test.h"\n'), [])
        self.assert_problem("may not include", codec__x_c='#include "lib/test.h"\n')

    def test_libraries_have_owners(self):
        self.assert_problem("<openssl/ssl.h> belongs to", core__key_c="#include <openssl/ssl.h>\n")
        self.assert_problem("<sqlite3.h> belongs to", core__key_c="#include <sqlite3.h>\n")
        self.assert_problem("<jansson.h> belongs to", api__files_c="#include <jansson.h>\n")
        self.assertEqual(self.problems(crypto__seal_c="#include <openssl/evp.h>\n", db__sqlite_c="#include <sqlite3.h>\n",
                                       net__tls_c="#include <openssl/ssl.h>\n", api__a_c="#include <stdio.h>\n"), [])

    def test_impl_headers_stay_home(self):
        self.assert_problem("own folder only", blob__blob_impl_h="", core__f_c='#include "blob/blob_impl.h"\n')
        self.assertEqual(self.problems(blob__blob_impl_h="", blob__fs_c='#include "blob/blob_impl.h"\n'), [])

    def test_relative_include_is_refused(self):
        self.assertEqual(len(self.problems(base__buf_h="", base__buf_c='#include "buf.h"\n')), 1)

    def test_missing_header(self):
        self.assert_problem("not under src/", base__buf_c='#include "base/gone.h"\n')

    def test_cycle(self):
        self.assert_problem("header cycle: base/a.h -> base/b.h -> base/a.h",
                            base__a_h='#include "base/b.h"\n', base__b_h='#include "base/a.h"\n')

    def test_diamond_is_no_cycle(self):
        self.assertEqual(self.problems(base__a_h='#include "base/b.h"\n#include "base/c.h"\n',
                                       base__b_h='#include "base/c.h"\n', base__c_h=""), [])

    def test_sql_only_in_stores(self):
        text = 'static const char *q = "SELECT id FROM files";\n'
        self.assert_problem("SQL belongs", core__file_c=text)
        self.assert_problem("SQL belongs", api__file_c='x("UPDATE files SET a = 1");\n')
        self.assertEqual(self.problems(core__file_store_c=text, db__sqlite_c=text, core__schema_c=text), [])

    def test_unknown_folder(self):
        self.assert_problem("in no layer", misc__a_c="")


if __name__ == "__main__":
    run()
