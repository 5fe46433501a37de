#!/usr/bin/env python3
"""The OpenAPI document that the server prints: valid, and of exactly the routes of src/api/routes.c.

usage: tools/with-python tests/integration/openapi_test.py SEALDROPD
"""
import json
import pathlib
import re
import subprocess
import sys

import openapi_spec_validator

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROW = re.compile(r'\{HTTP_(\w+), (API )?"([^"]*)", CALLER_(\w+), (.*?)\},\n', re.S)
passed = failed = 0


def check(ok, what):
    global passed, failed
    if ok:
        passed += 1
    else:
        failed += 1
        print("not ok " + what)


def rows():
    """(method, path, caller, the row's text) of every route."""
    text = (ROOT / "src/api/routes.c").read_text()
    table = text[text.index("api_routes[] = {"):]
    found = [(m[1].lower(), ("/api/v1" if m[2] else "") + m[3], m[4], m[5]) for m in ROW.finditer(table)]
    assert len(found) == len(re.findall(r"\{HTTP_", table)), "a row that this test cannot read"
    return found


def check_operation(doc, method, path, caller, row):
    name = f"{method.upper()} {path}"
    op = doc["paths"].get(path, {}).get(method)
    check(op is not None, f"{name} is not in the document")
    if op is None:
        return
    params = {(p["in"], p["name"]): p for p in op.get("parameters", [])}
    for word in re.findall(r"\{(\w+)\}", path):
        check(params.get(("path", word), {}).get("required") is True, f"{name}: path parameter {word}")
    status = re.search(r"\.status = (\d+)", row)[1]
    check(status in op["responses"], f"{name}: answer {status}")
    check((".in = " in row) == ("application/json" in op.get("requestBody", {}).get("content", {})), f"{name}: JSON body")
    answer = op["responses"].get(status, {}).get("content", {})
    check((".out = " in row) == ("application/json" in answer) or ".out_type" in row, f"{name}: JSON answer")
    signed_in = any("bearer" in scheme.lower() for needs in op.get("security", []) for scheme in needs)
    check(signed_in == (caller in ("USER", "ADMIN", "EITHER")), f"{name}: who may call it")
    # Signed in, or with a secret in the body: both, and only there.
    check((signed_in and {} in op["security"]) == (caller == "EITHER"), f"{name}: whether it must be signed in")


def main():
    text = subprocess.run([sys.argv[1], "openapi"], check=True, capture_output=True, text=True).stdout
    doc = json.loads(text)
    check(doc["openapi"].startswith("3.1."), "version " + doc["openapi"])
    try:
        openapi_spec_validator.validate(doc)
        check(True, "")
    except Exception as e:  # whatever the validator says is the finding
        check(False, f"not valid OpenAPI: {type(e).__name__}: {e}")
    table = rows()
    for row in table:
        check_operation(doc, *row)
    documented = {(m, p) for p, item in doc["paths"].items() for m in item if m != "parameters"}
    check(documented == {(m, p) for m, p, _, _ in table}, "the document has routes the table has not: "
          + str(sorted(documented - {(m, p) for m, p, _, _ in table})))
    ids = [op.get("operationId") for item in doc["paths"].values() for op in item.values() if isinstance(op, dict)]
    check(len(ids) == len(set(ids)), "operation ids are not unique")
    print(f"{passed} passed, {failed} failed")
    return failed != 0


sys.exit(main())
