/* Names, contents, and what the lists make of them. */
#include "core/type/type.h"

#include "lib/test.h"

static enum type_verdict check(const char *allow, const char *deny, bool mismatch, const char *name, const char *detected)
{
    struct type_policy p = {slice_cstr(allow), slice_cstr(deny), mismatch};
    return type_check(&p, slice_cstr(name), slice_cstr(detected));
}

TEST(type_no_policy_lets_everything_through)
{
    CHECK(check("", "", false, "a.pdf", "application/x-dosexec") == TYPE_ALLOWED);
    CHECK(check("", "", false, "a.pdf", "") == TYPE_ALLOWED);
    CHECK(!type_policy_set(&(struct type_policy){{0}, {0}, false}));
    CHECK(type_policy_set(&(struct type_policy){{0}, {0}, true}));
}

TEST(type_deny_by_extension_type_and_content)
{
    CHECK(check("", ".exe", false, "a.EXE", "text/plain") == TYPE_DENIED);
    CHECK(check("", ".exe", false, "invoice.pdf.exe", "text/plain") == TYPE_DENIED);
    CHECK(check("", ".exe", false, "a.exe.txt", "text/plain") == TYPE_ALLOWED);
    CHECK(check("", "application/x-dosexec", false, "a.pdf", "application/x-dosexec") == TYPE_DENIED);
    CHECK(check("", "video/*", false, "a.mp4", "text/plain") == TYPE_DENIED);
    CHECK(check("", "video/*", false, "a.bin", "video/mp4") == TYPE_DENIED);
    CHECK(check("", " .bat , .cmd ", false, "x.cmd", "text/plain") == TYPE_DENIED);
    CHECK(check("", ".exe", false, "exe", "text/plain") == TYPE_ALLOWED);
    CHECK(check("", ".exe", false, "a.exe/readme", "text/plain") == TYPE_ALLOWED);
}

TEST(type_allow_wants_name_and_content)
{
    const char *list = ".pdf, image/*";
    CHECK(check(list, "", false, "a.pdf", "application/pdf") == TYPE_ALLOWED);
    CHECK(check(list, "", false, "a.pdf", "application/x-dosexec") == TYPE_DENIED);
    CHECK(check(list, "", false, "a.png", "image/png") == TYPE_ALLOWED);
    CHECK(check(list, "", false, "a.png", "text/html") == TYPE_DENIED);
    CHECK(check(list, "", false, "a.txt", "image/png") == TYPE_DENIED);
    CHECK(check(list, "", false, "README", "image/png") == TYPE_DENIED);
    CHECK(check(list, "", false, ".pdf", "application/pdf") == TYPE_DENIED);
    CHECK(check(list, "image/svg+xml", false, "a.svg", "image/svg+xml") == TYPE_DENIED);
    CHECK(check(".xyz", "", false, "a.xyz", "application/octet-stream") == TYPE_ALLOWED);
    CHECK(check(".docx", "", false, "a.docx", "application/zip") == TYPE_ALLOWED);
}

TEST(type_mismatch)
{
    CHECK(check("", "", true, "a.jpg", "image/png") == TYPE_MISMATCH);
    CHECK(check("", "", true, "a.jpg", "application/x-dosexec") == TYPE_MISMATCH);
    CHECK(check("", "", true, "a.jpg", "image/jpeg") == TYPE_ALLOWED);
    CHECK(check("", "", true, "a.csv", "text/plain") == TYPE_ALLOWED);
    CHECK(check("", "", true, "a.xlsx", "application/zip") == TYPE_ALLOWED);
    CHECK(check("", "", true, "a.jpg", "inode/x-empty") == TYPE_ALLOWED);
    CHECK(check("", "", true, "unknown.qqq", "image/png") == TYPE_ALLOWED);
}

TEST(type_untold_is_not_let_through)
{
    CHECK(check("", "", true, "a.jpg", "") == TYPE_UNKNOWN);
    CHECK(check("", ".exe", false, "a.jpg", "") == TYPE_UNKNOWN);
    CHECK_SLICE(type_verdict_word(TYPE_UNKNOWN), SLICE("type_unknown"));
    CHECK_SLICE(type_verdict_word(TYPE_ALLOWED), SLICE(""));
}

TEST(type_by_name_before_anything_is_stored)
{
    struct type_policy p = {SLICE(".pdf,text/*"), SLICE(".html"), true};
    CHECK(type_check_name(&p, SLICE("a.pdf")) == TYPE_ALLOWED);
    CHECK(type_check_name(&p, SLICE("a.txt")) == TYPE_ALLOWED);
    CHECK(type_check_name(&p, SLICE("a.html")) == TYPE_DENIED);
    CHECK(type_check_name(&p, SLICE("a.exe")) == TYPE_DENIED);
}

TEST(type_lists)
{
    CHECK(type_list_valid(SLICE("")));
    CHECK(type_list_valid(SLICE(".pdf, image/*, application/zip")));
    CHECK(!type_list_valid(SLICE("pdf")));
    CHECK(!type_list_valid(SLICE(".pdf,,.exe")));
    CHECK(!type_list_valid(SLICE("/x")));
    CHECK(!type_list_valid(SLICE(".")));
    CHECK(!type_list_valid(SLICE("image/")));
}
