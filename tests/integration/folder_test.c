/* Folders: paths, limits, moving with all that is below, what must be empty, and races for them. */
#include "base/limits.h"
#include "integration/loopback.h"

#define FOLDERS "/api/v1/folders"
#define FILES "/api/v1/files"

static const char *begin(struct loop *l)
{
    loop_open(l);
    return loop_user(l, "anna@example.com", ROLE_USER);
}

static void make(struct loop *l, const char *bearer, const char *json, struct loop_answer *a)
{
    LOOP(l, a, .target = FOLDERS, .bearer = bearer, .json = json);
}

static const char *path(struct loop *l, const char *bearer, const char *text)
{
    ANSWER a = {0};
    make(l, bearer, loop_text("{\"path\":%s}", loop_quote(slice_cstr(text))), &a);
    if (a.status != 201) test_fail(__FILE__, __LINE__, "%s: %d %s", text, a.status, loop_shown(&a));
    return loop_str(&a, "folder.id");
}

static void change(struct loop *l, const char *bearer, const char *id, const char *json, struct loop_answer *a)
{
    LOOP(l, a, .method = "PATCH", .target = loop_text(FOLDERS "/%s", id), .bearer = bearer, .json = json);
}

static void drop(struct loop *l, const char *bearer, const char *id, const char *query, struct loop_answer *a)
{
    LOOP(l, a, .method = "DELETE", .target = loop_text(FOLDERS "/%s%s", id, query), .bearer = bearer);
}

/* The names of a list, joined by blanks. */
static const char *names(struct loop *l, const char *bearer, const char *query)
{
    ANSWER a = {0};
    const char *all = "";
    LOOP(l, &a, .target = loop_text(FOLDERS "%s", query), .bearer = bearer);
    if (a.status != 200) test_fail(__FILE__, __LINE__, "%s: %d %s", query, a.status, loop_shown(&a));
    for (size_t i = 0; i < loop_count(&a, "items"); i++)
        all = loop_text("%s%s%s", all, i ? " " : "", loop_str(&a, loop_text("items.%zu.name", i)));
    return all;
}

/* A file by one request; its id. */
static const char *put(struct loop *l, const char *bearer, const char *query, struct loop_answer *a)
{
    LOOP(l, a, .method = "PUT", .target = loop_text(FILES "/upload?%s", query), .bearer = bearer, .body = SLICE("abc"));
    if (a->status != 201) test_fail(__FILE__, __LINE__, "%s: %d %s", query, a->status, loop_shown(a));
    return loop_str(a, "file.id");
}

TEST(folders_made_and_listed)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l), *other = loop_user(&l, "bert@example.com", ROLE_USER);
    make(&l, bearer, "{\"name\":\"Docs\"}", &a);
    CHECK_STATUS(&a, 201);
    CHECK_STR(&a, "folder.path", "/Docs");
    CHECK(loop_is_null(&a, "folder.parent_id"));
    const char *docs = loop_str(&a, "folder.id");
    make(&l, bearer, "{\"name\":\"dOCS\"}", &a);
    CHECK_PROBLEM(&a, 409, "folder_exists");
    make(&l, bearer, loop_text("{\"name\":\"Letters\",\"parent\":\"%s\"}", docs), &a);
    CHECK_STR(&a, "folder.path", "/Docs/Letters");
    CHECK_STR(&a, "folder.parent_id", docs);
    make(&l, bearer, "{\"name\":\"A\",\"parent\":\"/docs/letters\"}", &a);
    CHECK_STR(&a, "folder.path", "/Docs/Letters/A");
    /* As mkdir -p: what is there is taken, in any spelling; the rest is made. Decomposed text comes out composed. */
    make(&l, bearer, "{\"path\":\"/DOCS/letters/e\\u0301/x\"}", &a);
    CHECK_STATUS(&a, 201);
    CHECK_STR(&a, "folder.path", "/Docs/Letters/\xc3\xa9/x");
    const char *deep = loop_str(&a, "folder.id");
    make(&l, bearer, "{\"path\":\"/Docs/Letters/\xc3\x89/X/\"}", &a);
    CHECK_STR(&a, "folder.id", deep);
    CHECK_SLICE(slice_cstr(names(&l, bearer, "")), SLICE("Docs"));
    CHECK_SLICE(slice_cstr(names(&l, bearer, "?parent=%2Fdocs%2Fletters")), SLICE("A \xc3\xa9"));
    CHECK_SLICE(slice_cstr(names(&l, bearer, loop_text("?parent=%s", docs))), SLICE("Letters"));
    /* Another's tree is another's. */
    CHECK_SLICE(slice_cstr(names(&l, other, "")), SLICE(""));
    LOOP(&l, &a, .target = loop_text(FOLDERS "?parent=%s", docs), .bearer = other);
    CHECK_PROBLEM(&a, 404, "folder_not_found");
    make(&l, other, loop_text("{\"name\":\"x\",\"parent\":\"%s\"}", docs), &a);
    CHECK_PROBLEM(&a, 404, "folder_not_found");
    make(&l, other, "{\"name\":\"Docs\"}", &a);
    CHECK_STATUS(&a, 201);
    /* Counts are of what lies directly in it. */
    put(&l, bearer, "name=one&folder=/docs", &a);
    CHECK_STR(&a, "file.folder", "/Docs");
    CHECK_STR(&a, "file.folder_id", docs);
    put(&l, bearer, "name=two&folder=/docs/letters", &a);
    LOOP(&l, &a, .target = FOLDERS, .bearer = bearer);
    CHECK_U64(loop_num(&a, "items.0.file_count"), 1);
    CHECK_U64(loop_num(&a, "items.0.total_size"), 3);
    CHECK_U64(loop_num(&a, "items.0.folder_count"), 1);
    loop_close(&l);
}

TEST(folders_pages)
{
    struct loop l;
    ANSWER a = {0};
    const char *cursor = "", *all = "";
    if (loop_missing()) return;
    const char *bearer = begin(&l);
    static const char *const made[] = {"b", "\xc3\xa4", "C", "a", "aa", "Z", "1"};
    for (size_t i = 0; i < ARRAY_LEN(made); i++) path(&l, bearer, loop_text("/%s", made[i]));
    do {
        LOOP(&l, &a, .target = loop_text(FOLDERS "?limit=3%s%s", cursor[0] ? "&cursor=" : "", cursor), .bearer = bearer);
        CHECK_STATUS(&a, 200);
        for (size_t i = 0; i < loop_count(&a, "items"); i++)
            all = loop_text("%s %s", all, loop_str(&a, loop_text("items.%zu.name", i)));
        /* What is added before the place does not move it. */
        path(&l, bearer, "/0");
        cursor = loop_is_null(&a, "next_cursor") ? "" : loop_str(&a, "next_cursor");
    } while (cursor[0]);
    CHECK_SLICE(slice_cstr(all), SLICE(" 1 a aa b C Z \xc3\xa4"));
    LOOP(&l, &a, .target = FOLDERS "?cursor=AAAA", .bearer = bearer);
    CHECK_STATUS(&a, 400);
    CHECK_STR(&a, "errors.0.field", "cursor");
    loop_close(&l);
}

TEST(folders_refused_names)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l);
    static const char *const bad[] = {"{\"name\":\"\"}", "{\"name\":\"..\"}", "{\"name\":\"a/b\"}", "{\"name\":\"a\\\\b\"}",
                                      "{\"name\":\"x.\"}", "{\"name\":\" x\"}", "{\"name\":\"CON\"}", "{\"name\":\"lpt1.txt\"}",
                                      "{\"name\":\"a\\u202eb\"}", "{\"name\":\"a\\u0007\"}", "{\"path\":\"relative\"}",
                                      "{\"path\":\"/\"}", "{\"path\":\"/a//b\"}", "{\"path\":\"/a/../b\"}", "{}",
                                      "{\"name\":\"a\",\"path\":\"/b\"}", "{\"path\":\"/b\",\"parent\":\"/c\"}",
                                      "{\"name\":\"a\",\"parent\":\"b\"}", "{\"name\":\"a\",\"parent\":\"\"}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        make(&l, bearer, bad[i], &a);
        if (a.status != 400) test_fail(__FILE__, __LINE__, "%s gave %d", bad[i], a.status);
    }
    /* Folded, U+FF0F is a slash; it is a name all the same, and no place below another folder. */
    const char *outer = path(&l, bearer, "/a");
    make(&l, bearer, "{\"name\":\"a\xef\xbc\x8f" "b\"}", &a);
    CHECK_STATUS(&a, 201);
    path(&l, bearer, "/a/b");
    change(&l, bearer, outer, "{\"name\":\"moved\"}", &a);
    CHECK_STATUS(&a, 200);
    CHECK_SLICE(slice_cstr(names(&l, bearer, "")), SLICE("a\xef\xbc\x8f" "b moved"));
    const char *deep = "";
    for (unsigned i = 0; i < LIMIT_FOLDER_DEPTH; i++) deep = loop_text("%s/d", deep);
    path(&l, bearer, deep);
    make(&l, bearer, loop_text("{\"path\":\"%s/d\"}", deep), &a);
    CHECK_STATUS(&a, 400);
    CHECK_STR(&a, "errors.0.field", "path");
    loop_close(&l);
}

TEST(folders_move_with_all_below)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l);
    const char *top = path(&l, bearer, "/a"), *deep = path(&l, bearer, "/a/b/c");
    path(&l, bearer, "/ab/x");
    path(&l, bearer, "/to");
    const char *file = put(&l, bearer, "name=f&folder=/a/b/c", &a);
    change(&l, bearer, top, "{\"parent\":\"/a/b\"}", &a);
    CHECK_PROBLEM(&a, 409, "folder_cycle");
    change(&l, bearer, top, "{\"parent\":\"/a\"}", &a);
    CHECK_PROBLEM(&a, 409, "folder_cycle");
    change(&l, bearer, top, "{\"name\":\"TO\"}", &a);
    CHECK_PROBLEM(&a, 409, "folder_exists");
    change(&l, bearer, top, "{\"parent\":\"/nowhere\"}", &a);
    CHECK_PROBLEM(&a, 404, "folder_not_found");
    change(&l, bearer, top, "{\"name\":\"A\xc3\xa9\",\"parent\":\"/to\"}", &a);
    CHECK_STATUS(&a, 200);
    CHECK_STR(&a, "folder.path", "/to/A\xc3\xa9");
    LOOP(&l, &a, .target = loop_text(FILES "/%s", file), .bearer = bearer);
    CHECK_STR(&a, "file.folder", "/to/A\xc3\xa9/b/c");
    CHECK_STR(&a, "file.folder_id", deep);
    CHECK_SLICE(slice_cstr(names(&l, bearer, "")), SLICE("ab to"));
    CHECK_SLICE(slice_cstr(names(&l, bearer, "?parent=/ab")), SLICE("x"));
    change(&l, bearer, top, "{\"name\":\"a\xc3\x89\"}", &a); /* only its spelling */
    CHECK_STR(&a, "folder.path", "/to/a\xc3\x89");
    change(&l, bearer, deep, "{\"parent\":\"/\"}", &a);
    CHECK_STR(&a, "folder.path", "/c");
    LOOP(&l, &a, .target = loop_text(FILES "/%s", file), .bearer = bearer);
    CHECK_STR(&a, "file.folder", "/c");
    /* Too deep for what is below. */
    const char *chain = "";
    for (unsigned i = 1; i < LIMIT_FOLDER_DEPTH; i++) chain = loop_text("%s/d", chain);
    path(&l, bearer, chain);
    change(&l, bearer, top, loop_text("{\"parent\":\"%s\"}", chain), &a);
    CHECK_PROBLEM(&a, 409, "folder_too_deep");
    loop_close(&l);
}

TEST(folders_deleted)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l), *top = path(&l, bearer, "/a"), *below = path(&l, bearer, "/a/b");
    const char *file = put(&l, bearer, "name=f&folder=/a/b", &a), *outside = put(&l, bearer, "name=o", &a);
    drop(&l, bearer, top, "", &a);
    CHECK_PROBLEM(&a, 409, "folder_not_empty");
    drop(&l, bearer, below, "?recursive=false", &a);
    CHECK_PROBLEM(&a, 409, "folder_not_empty");
    drop(&l, bearer, below, "?recursive=yes", &a);
    CHECK_STATUS(&a, 400);
    /* An upload on its way is something in it, too. */
    LOOP(&l, &a, .target = "/api/v1/uploads", .bearer = bearer, .json = "{\"name\":\"x/up\",\"size\":0,\"folder\":\"/c\"}");
    CHECK_STATUS(&a, 201);
    const char *upload = loop_str(&a, "upload_id");
    CHECK_STR(&a, "name", "up");
    const char *inner = path(&l, bearer, "/c/x");
    drop(&l, bearer, inner, "", &a);
    CHECK_PROBLEM(&a, 409, "folder_not_empty");
    drop(&l, bearer, path(&l, bearer, "/c"), "?recursive=true", &a);
    CHECK_STATUS(&a, 204);
    LOOP(&l, &a, .method = "POST", .target = loop_text("/api/v1/uploads/%s/complete", upload), .bearer = bearer, .json = "{}");
    CHECK_STATUS(&a, 200);
    CHECK_STR(&a, "file.folder", "/");
    CHECK(loop_is_null(&a, "file.folder_id"));
    drop(&l, bearer, top, "?purge=true", &a);
    CHECK_STATUS(&a, 400);
    CHECK_STR(&a, "errors.0.field", "purge");
    drop(&l, bearer, top, "?recursive=true&purge=true", &a);
    CHECK_STATUS(&a, 204);
    LOOP(&l, &a, .target = loop_text(FILES "/%s", file), .bearer = bearer);
    CHECK_STATUS(&a, 404);
    LOOP(&l, &a, .target = loop_text(FILES "/%s", outside), .bearer = bearer);
    CHECK_STATUS(&a, 200);
    CHECK_SLICE(slice_cstr(names(&l, bearer, "")), SLICE(""));
    drop(&l, bearer, top, "", &a);
    CHECK_STATUS(&a, 404);
    loop_close(&l);
}

/* ---- at once ---- */

struct race {
    struct loop *nodes[2];
    const char *bearer, *id[2];
    _Atomic unsigned made, refused, other;
};

static void make_same(void *arg, unsigned i)
{
    struct race *r = arg;
    ANSWER a = {0};
    make(r->nodes[i % 2], r->bearer, i % 4 < 2 ? "{\"path\":\"/x/Y/z\"}" : "{\"name\":\"Same\"}", &a);
    if (a.status == 201)
        r->made++;
    else if (a.status == 409)
        r->refused++;
    else
        r->other++;
}

static void upload_there(void *arg, unsigned i)
{
    struct race *r = arg;
    ANSWER a = {0};
    put(r->nodes[i % 2], r->bearer, loop_text("name=%u&folder=/new/path", i), &a);
    if (a.status == 201) r->made++;
}

/* Each into the other: only one may. */
static void move_both(void *arg, unsigned i)
{
    struct race *r = arg;
    ANSWER a = {0};
    change(r->nodes[i], r->bearer, r->id[i], loop_text("{\"parent\":\"%s\"}", r->id[1 - i]), &a);
    if (a.status == 200)
        r->made++;
    else if (a.status == 409)
        r->refused++;
    else
        r->other++;
}

static void delete_or_fill(void *arg, unsigned i)
{
    struct race *r = arg;
    ANSWER a = {0};
    if (i == 0) drop(r->nodes[0], r->bearer, r->id[0], "", &a);
    if (i == 1)
        LOOP(r->nodes[1], &a, .method = "PATCH", .target = loop_text(FILES "/%s", r->id[1]), .bearer = r->bearer,
             .json = loop_text("{\"folder\":\"%s\"}", r->id[0]));
    if (a.status == 204 || a.status == 200)
        r->made++;
    else if (a.status == 409 || a.status == 404)
        r->refused++;
    else
        r->other++;
}

TEST(folders_raced_for)
{
    struct loop l, beside;
    ANSWER a = {0};
    if (loop_missing()) return;
    struct race r = {.bearer = begin(&l)};
    bool two = loop_durable(&l);
    if (two) loop_open_beside(&beside, &l);
    r.nodes[0] = &l;
    r.nodes[1] = two ? &beside : &l;
    loop_parallel(8, make_same, &r);
    CHECK(r.made == 5 && r.refused == 3 && r.other == 0);
    CHECK_SLICE(slice_cstr(names(&l, r.bearer, "")), SLICE("Same x"));
    CHECK_SLICE(slice_cstr(names(&l, r.bearer, "?parent=/x")), SLICE("Y"));
    r.made = r.refused = 0;
    loop_parallel(6, upload_there, &r);
    CHECK_U64(r.made, 6);
    LOOP(&l, &a, .target = FOLDERS "?parent=/new", .bearer = r.bearer);
    CHECK_U64(loop_count(&a, "items"), 1);
    CHECK_U64(loop_num(&a, "items.0.file_count"), 6);
    for (unsigned round = 0; round < 5; round++) {
        r.made = r.refused = 0;
        r.id[0] = path(&l, r.bearer, loop_text("/p%u", round));
        r.id[1] = path(&l, r.bearer, loop_text("/q%u", round));
        loop_parallel(2, move_both, &r);
        CHECK(r.made == 1 && r.refused == 1);
        r.made = r.refused = 0;
        r.id[0] = path(&l, r.bearer, loop_text("/r%u", round));
        r.id[1] = put(&l, r.bearer, "name=f", &a);
        loop_parallel(2, delete_or_fill, &r);
        CHECK(r.made == 1 && r.refused == 1 && r.other == 0);
    }
    if (two) loop_close(&beside);
    loop_close(&l);
}
