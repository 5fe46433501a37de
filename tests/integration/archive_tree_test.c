/* Archives of folders: which paths they have, what is in them, what is refused and how it is told. */
#include <string.h>

#include "base/limits.h"
#include "integration/loopback.h"

#define FILES "/api/v1/files"
#define FOLDERS "/api/v1/folders"

/* "id id", to JSON. */
static const char *list(const char *ids)
{
    const char *out = "";
    struct slice rest = slice_cstr(ids);
    while (rest.len) {
        struct slice id = slice_cut(&rest, ' ');
        out = loop_text("%s%s\"" SLICE_FMT "\"", out, out[0] ? "," : "", SLICE_ARG(id));
    }
    return out;
}

static void archive(struct loop *l, struct loop_answer *a, const char *bearer, const char *ids, const char *folder_ids)
{
    LOOP(l, a, .target = FILES "/archive", .bearer = bearer,
         .json = loop_text("{\"ids\":[%s],\"folder_ids\":[%s]}", list(ids), list(folder_ids)));
}

static const char *place_of(const struct loop_answer *a)
{
    struct slice at = loop_header(a, "content-location");
    return loop_text(SLICE_FMT, SLICE_ARG(at));
}

static uint32_t le32(const uint8_t *p) { return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24; }

/* "path=content path=content", from the local headers. */
static const char *shown(const struct loop_answer *a)
{
    const char *out = "";
    const uint8_t *p = (const uint8_t *)a->body;
    for (size_t at = 0; at + 30 < a->len && le32(p + at) == 0x04034b50;) {
        size_t size = le32(p + at + 22), name = p[at + 26] | (size_t)p[at + 27] << 8, extra = p[at + 28] | (size_t)p[at + 29] << 8;
        const char *path = a->body + at + 30;
        out = loop_text("%s%s%.*s%s%.*s", out, out[0] ? " " : "", (int)name, path, size ? "=" : "", (int)size, path + name + extra);
        at += 30 + name + extra + size;
    }
    return out;
}

#define CHECK_SHOWN(a, want)                                                                                           \
    do {                                                                                                               \
        CHECK_STATUS(a, 200);                                                                                          \
        CHECK_SLICE(slice_cstr(shown(a)), slice_cstr(want));                                                           \
    } while (0)

TEST(archive_paths_of_folders)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    const char *anna = loop_user(&l, "anna@example.com", ROLE_USER);
    const char *work = loop_folder(&l, anna, "/Work");
    const char *inner = loop_folder(&l, anna, "/Work/M\xc3\xa4rz/tief");
    const char *hollow = loop_folder(&l, anna, "/Work/leer");
    loop_folder(&l, anna, "/Workshop");
    const char *one = loop_file_in(&l, anna, "/Work", "one.txt", "1");
    const char *deep = loop_file_in(&l, anna, loop_text("%s", inner), "\xe2\x82\xac", "2");
    const char *shop = loop_file_in(&l, anna, "/Workshop", "s", "3"), *top = loop_file_in(&l, anna, "/", "top", "4");
    const char *gone = loop_file_in(&l, anna, "/Work/leer", "gone", "5");
    CHECK(loop_status(&l, anna, "DELETE", loop_text(FILES "/%s?purge=false", gone), NULL) == 204);
    /* A folder has its own name in front; what holds nothing (but trash) is there all the same. */
    archive(&l, &a, anna, "", work);
    CHECK_SHOWN(&a, "Work/one.txt=1 Work/M\xc3\xa4rz/tief/\xe2\x82\xac=2 Work/leer/");
    CHECK(memmem(loop_header(&a, "content-disposition").ptr, loop_header(&a, "content-disposition").len, "Work.zip", 8) != NULL);
    archive(&l, &a, anna, "", inner);
    CHECK_SHOWN(&a, "tief/\xe2\x82\xac=2");
    archive(&l, &a, anna, "", hollow);
    CHECK_SHOWN(&a, "leer/");
    /* What lies in what was picked as well is there once. */
    archive(&l, &a, anna, one, loop_text("%s %s", inner, work));
    CHECK_SHOWN(&a, "Work/one.txt=1 Work/M\xc3\xa4rz/tief/\xe2\x82\xac=2 Work/leer/");
    /* Paths begin where all lies: siblings, files of one folder, of several. */
    archive(&l, &a, anna, "", loop_text("%s %s", hollow, inner));
    CHECK_SHOWN(&a, "M\xc3\xa4rz/tief/\xe2\x82\xac=2 leer/");
    archive(&l, &a, anna, loop_text("%s %s", deep, one), "");
    CHECK_SHOWN(&a, "M\xc3\xa4rz/tief/\xe2\x82\xac=2 one.txt=1");
    archive(&l, &a, anna, deep, "");
    CHECK_SHOWN(&a, "\xe2\x82\xac=2");
    archive(&l, &a, anna, loop_text("%s %s", one, shop), "");
    CHECK_SHOWN(&a, "Work/one.txt=1 Workshop/s=3");
    archive(&l, &a, anna, top, inner);
    CHECK_SHOWN(&a, "top=4 Work/M\xc3\xa4rz/tief/\xe2\x82\xac=2");
    loop_close(&l);
}

TEST(archive_of_folders_continues)
{
    struct loop l;
    ANSWER whole = {0};
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    const char *anna = loop_user(&l, "anna@example.com", ROLE_USER);
    const char *outer = loop_folder(&l, anna, "/outer"), *work = loop_folder(&l, anna, "/outer/work");
    const char *empty = loop_folder(&l, anna, "/outer/work/empty");
    const char *one = loop_file_in(&l, anna, "/outer/work", "same.txt", "the first");
    loop_file_in(&l, anna, "/outer/work", "same.txt", "the second");
    archive(&l, &whole, anna, "", work);
    CHECK_STATUS(&whole, 200);
    const char *at = place_of(&whole);
    struct slice etag = loop_header(&whole, "etag");
    CHECK(strstr(shown(&whole), "work/same.txt=the ") && strstr(shown(&whole), " work/same (2).txt=the "));
    CHECK(strstr(shown(&whole), " work/empty/"));
    /* What comes later, and where all of it lies, change nothing. */
    loop_file_in(&l, anna, "/outer/work", "later", "later");
    CHECK(loop_status(&l, anna, "PATCH", loop_text(FOLDERS "/%s", outer), "{\"name\":\"renamed\"}") == 200);
    LOOP(&l, &a, .target = at, .bearer = anna, .headers = {{SLICE("range"), SLICE("bytes=60-")}, {SLICE("if-range"), etag}});
    CHECK_STATUS(&a, 206);
    CHECK_SLICE(loop_body(&a), slice_sub(loop_body(&whole), 60, whole.len));
    /* A new name inside does. */
    CHECK(loop_status(&l, anna, "PATCH", loop_text(FOLDERS "/%s", work), "{\"name\":\"play\"}") == 200);
    LOOP(&l, &a, .target = at, .bearer = anna, .headers = {{SLICE("range"), SLICE("bytes=60-")}, {SLICE("if-range"), etag}});
    CHECK(strstr(shown(&a), "play/empty/"));
    CHECK_STATUS(&a, 200);
    /* What has left the base stands at the top. */
    CHECK(loop_status(&l, anna, "PATCH", loop_text(FILES "/%s", one), "{\"folder\":\"/\"}") == 200);
    CHECK(loop_status(&l, anna, "PATCH", loop_text(FOLDERS "/%s", empty), "{\"parent\":\"/\"}") == 200);
    LOOP(&l, &a, .target = at, .bearer = anna);
    CHECK_STATUS(&a, 200);
    CHECK(strstr(shown(&a), "same.txt=the first") && strstr(shown(&a), "play/same.txt=the second") && strstr(shown(&a), " empty/"));
    CHECK(strstr(shown(&a), "play/empty/") == NULL);
    /* What is gone is missed, and named. */
    CHECK(loop_status(&l, anna, "DELETE", loop_text(FOLDERS "/%s", empty), NULL) == 204);
    LOOP(&l, &a, .target = at, .bearer = anna);
    CHECK_PROBLEM(&a, 404, "not_found");
    CHECK(strstr(loop_str(&a, "detail"), empty));
    loop_close(&l);
}

static int share(struct loop *l, const char *bearer, const char *file, const char *permission)
{
    return loop_status(l, bearer, "PUT", loop_text(FILES "/%s/permissions", file),
               loop_text("{\"email\":\"berta@example.com\",\"permission\":\"%s\"}", permission));
}

static const char *detail_of(struct loop_answer *a) { return loop_str(a, "detail"); }

TEST(archive_of_folders_refused)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    const char *anna = loop_user(&l, "anna@example.com", ROLE_USER), *berta = loop_user(&l, "berta@example.com", ROLE_USER);
    const char *admin = loop_user(&l, "root@example.com", ROLE_ADMIN), *logs = "/api/v1/admin/audit-logs?event=";
    const char *work = loop_folder(&l, anna, "/work");
    const char *one = loop_file_in(&l, anna, "/work", "one.txt", "1");
    const char *own = loop_file_in(&l, berta, "/b", "own", "b");
    const char *own_folder = loop_folder(&l, berta, "/b"), *absent = "01900000-0000-7000-8000-000000000000";
    archive(&l, &a, anna, "", "");
    CHECK_PROBLEM(&a, 400, "invalid");
    archive(&l, &a, anna, "", loop_text("%s %s", work, work));
    CHECK_PROBLEM(&a, 400, "invalid");
    CHECK_STR(&a, "errors.0.field", "folder_ids");
    archive(&l, &a, anna, one, loop_text("%s %s", work, absent));
    CHECK_PROBLEM(&a, 404, "not_found");
    CHECK(strstr(detail_of(&a), absent));
    archive(&l, &a, berta, own, work);
    CHECK_PROBLEM(&a, 404, "not_found");
    CHECK(strstr(detail_of(&a), work) && !strstr(detail_of(&a), "\"work"));
    archive(&l, &a, berta, loop_text("%s %s", own, one), "");
    CHECK_PROBLEM(&a, 404, "not_found");
    CHECK(strstr(detail_of(&a), one));
    /* A file that is shared has no folder for others, and its folder is not shared with it. */
    CHECK(share(&l, anna, one, "view") == 200);
    archive(&l, &a, berta, loop_text("%s %s", own, one), "");
    CHECK_PROBLEM(&a, 403, "denied");
    CHECK(strstr(detail_of(&a), "one.txt"));
    CHECK(share(&l, anna, one, "edit") == 200);
    archive(&l, &a, berta, one, own_folder);
    CHECK_SHOWN(&a, "one.txt=1 b/own=b");
    archive(&l, &a, berta, one, work);
    CHECK_PROBLEM(&a, 404, "not_found");
    /* An administrator breaks the glass for the folder and for each file; folders of several people make no tree. */
    archive(&l, &a, admin, "", work);
    CHECK_SHOWN(&a, "work/one.txt=1");
    LOOP(&l, &a, .target = loop_text("%sadmin.access&object=%s", logs, work), .bearer = admin);
    CHECK_U64(loop_count(&a, "items"), 1);
    LOOP(&l, &a, .target = loop_text("%sadmin.access&object=%s", logs, one), .bearer = admin);
    CHECK_U64(loop_count(&a, "items"), 1);
    LOOP(&l, &a, .target = loop_text("%sdownload.archive&object=%s", logs, one), .bearer = admin);
    CHECK_U64(loop_count(&a, "items"), 2);
    archive(&l, &a, admin, "", loop_text("%s %s", work, own_folder));
    CHECK_PROBLEM(&a, 400, "invalid");
    CHECK_STR(&a, "errors.0.field", "folder_ids");
    loop_close(&l);
}

/* Paths of 2,049 bytes, and more entries than one batch. */
TEST(archive_of_large_trees)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    const char *anna = loop_user(&l, "anna@example.com", ROLE_USER), *path = "", *name = "";
    for (unsigned i = 0; i < 4; i++) path = loop_text("%s/%0255u", path, i);
    for (unsigned i = 0; i < 4; i++) name = loop_text("%s%s%0255u", name, i ? "/" : "", i);
    loop_folder(&l, anna, path);
    const char *top = loop_folder(&l, anna, loop_text("/%0255u", 0)), *flat = loop_folder(&l, anna, "/flat");
    LOOP(&l, &a, .method = "PUT", .target = loop_text(FILES "/upload?name=x&folder=%s", path), .bearer = anna, .body = SLICE("x"));
    CHECK_STATUS(&a, 201);
    CHECK(loop_status(&l, anna, "PATCH", loop_text(FILES "/%s", loop_str(&a, "file.id")), loop_text("{\"name\":\"%s\"}", name)) == 200);
    archive(&l, &a, anna, "", top);
    CHECK_SHOWN(&a, loop_text("%s/%s=x", path + 1, name));
    for (unsigned i = 0; i < 510; i++) loop_folder(&l, anna, loop_text("/flat/%u", i));
    for (unsigned i = 0; i < 510; i++) loop_file_in(&l, anna, loop_text("/flat/%u", i % 7), loop_text("%u", i), "y");
    archive(&l, &a, anna, "", flat);
    CHECK_STATUS(&a, 200);
    size_t files = 0, folders = 0;
    for (const char *p = shown(&a); *p; p++) {
        files += strncmp(p, "=y", 2) == 0;
        folders += strncmp(p, "/ ", 2) == 0 || strcmp(p, "/") == 0;
    }
    CHECK(files == 510 && folders == 503);
    size_t n = a.len;
    LOOP(&l, &a, .target = place_of(&a), .bearer = anna);
    CHECK_U64(a.len, n);
    loop_close(&l);
}
