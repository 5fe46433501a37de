/* The library: tags, categories, descriptions; searching, filtering, sorting, paging; the same answers on every database. */
#include "base/limits.h"
#include "integration/loopback.h"

#define FILES "/api/v1/files"

static const char *begin(struct loop *l)
{
    loop_open(l);
    return loop_user(l, "anna@example.com", ROLE_USER);
}

static void change(struct loop *l, const char *bearer, const char *id, const char *json, struct loop_answer *a)
{
    LOOP(l, a, .method = "PATCH", .target = loop_text(FILES "/%s", id), .bearer = bearer, .json = json);
}

static const char *add(struct loop *l, const char *bearer, const char *name, const char *json)
{
    ANSWER a = {0};
    const char *id = loop_file(l, bearer, name, SLICE("x"));
    loop_advance(1);
    change(l, bearer, id, json, &a);
    if (a.status != 200) test_fail(__FILE__, __LINE__, "%s: %d %s", json, a.status, loop_shown(&a));
    return id;
}

/* The names found, joined by commas. */
static const char *found(struct loop *l, const char *bearer, const char *query)
{
    ANSWER a = {0};
    const char *all = "";
    LOOP(l, &a, .target = loop_text(FILES "?%s", query), .bearer = bearer);
    if (a.status != 200) test_fail(__FILE__, __LINE__, "%s: %d %s", query, a.status, loop_shown(&a));
    for (size_t i = 0; i < loop_count(&a, "items"); i++)
        all = loop_text("%s%s%s", all, i ? "," : "", loop_str(&a, loop_text("items.%zu.name", i)));
    return all;
}

static void check_found(struct loop *l, const char *bearer, const char *query, const char *want)
{
    const char *got = found(l, bearer, query);
    if (strcmp(got, want) != 0) test_fail(__FILE__, __LINE__, "%s: found \"%s\", wanted \"%s\"", query, got, want);
}

TEST(library_what_a_file_says_of_itself)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l), *id = loop_file(&l, bearer, "f", SLICE("x"));
    change(&l, bearer, id, "{\"tags\":[\"Red\",\" red \",\"e\\u0301t\\u00e9\"],\"category\":\"Work\",\"description\":\"two\\nlines\"}", &a);
    CHECK_STATUS(&a, 200);
    CHECK_U64(loop_count(&a, "file.tags"), 2);
    CHECK_STR(&a, "file.tags.0", "Red");
    CHECK_STR(&a, "file.tags.1", "\xc3\xa9t\xc3\xa9");
    CHECK_STR(&a, "file.category", "Work");
    /* What is not named stays. */
    change(&l, bearer, id, "{\"name\":\"g\"}", &a);
    CHECK_U64(loop_count(&a, "file.tags"), 2);
    CHECK_STR(&a, "file.description", "two\nlines");
    change(&l, bearer, id, "{\"tags\":[],\"category\":\"\",\"description\":\"\"}", &a);
    CHECK_U64(loop_count(&a, "file.tags"), 0);
    CHECK_STR(&a, "file.category", "");
    const char *many = "\"0\"";
    for (unsigned i = 1; i < LIMIT_FILE_TAGS; i++) many = loop_text("%s,\"%u\"", many, i);
    change(&l, bearer, id, loop_text("{\"tags\":[%s]}", many), &a);
    CHECK_U64(loop_count(&a, "file.tags"), LIMIT_FILE_TAGS);
    static const char *const bad[] = {"{\"tags\":[\"\"]}",          "{\"tags\":[\"  \"]}",        "{\"tags\":[\"a\\nb\"]}",
                                      "{\"tags\":[\"a\\u202eb\"]}", "{\"category\":\"a\\u0000\"}", "{\"category\":\" \"}",
                                      "{\"tags\":[1]}",             "{\"folder\":\"x\"}",         "{\"name\":\"a.\"}",
                                      "{\"name\":\"b/nul\"}",       "{\"tags\":\"a\"}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        change(&l, bearer, id, bad[i], &a);
        if (a.status != 400) test_fail(__FILE__, __LINE__, "%s gave %d", bad[i], a.status);
    }
    change(&l, bearer, id, loop_text("{\"tags\":[%s,\"one more\"]}", many), &a);
    CHECK_STATUS(&a, 400);
    change(&l, bearer, id, "{\"folder\":\"/absent\"}", &a);
    CHECK_PROBLEM(&a, 404, "folder_not_found");
    change(&l, bearer, id, "{\"name\":\"Cafe\\u0301.txt\"}", &a);
    CHECK_STR(&a, "file.name", "Caf\xc3\xa9.txt");
    loop_close(&l);
}

TEST(library_counts_tags_and_categories)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l), *other = loop_user(&l, "bert@example.com", ROLE_USER);
    LOOP(&l, &a, .target = "/api/v1/tags", .bearer = bearer);
    CHECK_U64(loop_count(&a, "items"), 0);
    const char *one = add(&l, bearer, "1", "{\"tags\":[\"red\",\"Blue\"],\"category\":\"Work\"}");
    add(&l, bearer, "2", "{\"tags\":[\"RED\"],\"category\":\"work\"}");
    add(&l, bearer, "3", "{\"tags\":[\"\xc3\xa4\"],\"category\":\"home\"}");
    add(&l, other, "4", "{\"tags\":[\"red\"],\"category\":\"Work\"}");
    LOOP(&l, &a, .target = "/api/v1/tags?limit=2", .bearer = bearer);
    CHECK_STR(&a, "items.0.name", "Blue");
    CHECK_STR(&a, "items.1.name", "RED");
    CHECK_U64(loop_num(&a, "items.1.file_count"), 2);
    LOOP(&l, &a, .target = loop_text("/api/v1/tags?cursor=%s", loop_str(&a, "next_cursor")), .bearer = bearer);
    CHECK_U64(loop_count(&a, "items"), 1);
    CHECK_STR(&a, "items.0.name", "\xc3\xa4");
    CHECK(loop_is_null(&a, "next_cursor"));
    LOOP(&l, &a, .target = "/api/v1/categories?limit=1", .bearer = bearer);
    CHECK_STR(&a, "items.0.name", "home");
    /* A cursor is for its own list. */
    const char *cursor = loop_str(&a, "next_cursor");
    LOOP(&l, &a, .target = loop_text("/api/v1/tags?cursor=%s", cursor), .bearer = bearer);
    CHECK_STATUS(&a, 400);
    LOOP(&l, &a, .target = loop_text("/api/v1/categories?cursor=%s", cursor), .bearer = bearer);
    CHECK_U64(loop_num(&a, "items.0.file_count"), 2);
    LOOP(&l, &a, .method = "DELETE", .target = loop_text(FILES "/%s", one), .bearer = bearer);
    LOOP(&l, &a, .target = "/api/v1/tags", .bearer = bearer);
    CHECK_U64(loop_count(&a, "items"), 2);
    CHECK_U64(loop_num(&a, "items.0.file_count"), 1);
    loop_close(&l);
}

TEST(library_finds_words)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l), *other = loop_user(&l, "bert@example.com", ROLE_USER);
    add(&l, bearer, "R%C3%A9sum%C3%A9%20Anna.pdf", "{\"description\":\"for the Bank\\tof Island\"}");
    const char *photo = add(&l, bearer, "photo%201.jpg", "{\"tags\":[\"summer 2026\",\"100%\"],\"category\":\"Fotos_privat\"}");
    add(&l, bearer, "dir/photo%202.jpg", "{\"tags\":[\"winter\"],\"category\":\"Fotos\"}");
    add(&l, bearer, "%E6%97%A5%E6%9C%AC%E8%AA%9E.txt", "{\"description\":\"\\u001ewinter\\u001f\"}");
    add(&l, other, "resume.pdf", "{}");
    static const struct {
        const char *query, *want;
    } cases[] = {
        {"q=resume", "R\xc3\xa9sum\xc3\xa9 Anna.pdf"},
        {"q=R%C3%89SUM%C3%89", "R\xc3\xa9sum\xc3\xa9 Anna.pdf"},
        {"q=anna+resume", "R\xc3\xa9sum\xc3\xa9 Anna.pdf"},
        {"q=anna+photo", ""},
        {"q=sland", "R\xc3\xa9sum\xc3\xa9 Anna.pdf"},
        {"q=bank%0aof", "R\xc3\xa9sum\xc3\xa9 Anna.pdf"},
        {"q=bankof", ""},
        {"q=photo&sort=name", "dir/photo 2.jpg,photo 1.jpg"},
        {"q=hot&sort=-name", "photo 1.jpg,dir/photo 2.jpg"},
        {"q=p+1", "photo 1.jpg"},
        {"q=100%25", "photo 1.jpg"},
        {"q=0%25%25", ""},
        {"q=s_p", "photo 1.jpg"},
        {"q=sXp", ""},
        {"q=fotos", "dir/photo 2.jpg,photo 1.jpg"},
        {"q=summer", "photo 1.jpg"},
        {"q=winter", "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e.txt,dir/photo 2.jpg"},
        {"q=%E6%9C%AC", "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e.txt"},
        {"q=%22photo%22", ""},
        {"q=photo%20OR%20resume", ""},
        {"q=NOT%20winter*", ""},
        {"q=%20%20", "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e.txt,dir/photo 2.jpg,photo 1.jpg,R\xc3\xa9sum\xc3\xa9 Anna.pdf"},
        {"tag=Winter", "dir/photo 2.jpg"}, /* exactly the tag, whatever a description says */
        {"tag=wint", ""},
        {"tag=SUMMER+2026", "photo 1.jpg"},
        {"tag=100%25", "photo 1.jpg"},
        {"category=fotos", "dir/photo 2.jpg"},
        {"category=winter", ""},
        {"tag=winter&category=Fotos&q=dir", "dir/photo 2.jpg"},
        {"tag=winter&q=summer", ""},
        {"type=image", "dir/photo 2.jpg,photo 1.jpg"},
        {"type=image/*&q=1", "photo 1.jpg"},
        {"type=IMAGE/JPEG&q=dir", "dir/photo 2.jpg"},
        {"type=application/pdf", "R\xc3\xa9sum\xc3\xa9 Anna.pdf"},
        {"type=%25", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) check_found(&l, bearer, cases[i].query, cases[i].want);
    /* The index follows the fact. */
    change(&l, bearer, photo, "{\"name\":\"painting\",\"tags\":[]}", &a);
    check_found(&l, bearer, "q=photo", "dir/photo 2.jpg");
    check_found(&l, bearer, "q=paint", "painting");
    check_found(&l, bearer, "tag=summer+2026", "");
    LOOP(&l, &a, .method = "DELETE", .target = loop_text(FILES "/%s", photo), .bearer = bearer);
    check_found(&l, bearer, "q=painting", "");
    check_found(&l, bearer, "q=nti", "");
    loop_close(&l);
}

TEST(library_filters)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l);
    static char bytes[300];
    for (unsigned i = 0; i < 3; i++) {
        loop_file(&l, bearer, loop_text("s%u", i), slice_of(bytes, i * 100));
        loop_advance(60000);
    }
    const char *second = loop_text("%s", found(&l, bearer, "q=s1"));
    CHECK_SLICE(slice_cstr(second), SLICE("s1"));
    LOOP(&l, &a, .target = FILES "?q=s1", .bearer = bearer);
    const char *id = loop_str(&a, "items.0.id"), *at = loop_str(&a, "items.0.created_at");
    check_found(&l, bearer, "min_size=100", "s2,s1");
    check_found(&l, bearer, "max_size=100", "s1,s0");
    check_found(&l, bearer, "min_size=1&max_size=199", "s1");
    check_found(&l, bearer, loop_text("from=%s", at), "s2,s1");
    check_found(&l, bearer, loop_text("to=%s", at), "s0");
    check_found(&l, bearer, "state=ready", "s2,s1,s0");
    check_found(&l, bearer, "state=quarantined", "");
    check_found(&l, bearer, "state=trashed", "");
    check_found(&l, bearer, "sort=size", "s0,s1,s2");
    check_found(&l, bearer, "sort=-size", "s2,s1,s0");
    check_found(&l, bearer, "sort=created_at", "s0,s1,s2");
    change(&l, bearer, id, "{\"description\":\"changed\"}", &a);
    check_found(&l, bearer, "sort=-updated_at", "s1,s2,s0");
    check_found(&l, bearer, "sort=updated_at&q=s", "s0,s2,s1");
    LOOP(&l, &a, .target = "/api/v1/folders", .bearer = bearer, .json = "{\"path\":\"/a/b\"}");
    const char *folder = loop_str(&a, "folder.id");
    change(&l, bearer, id, loop_text("{\"folder\":\"%s\"}", folder), &a);
    CHECK_STR(&a, "file.folder", "/a/b");
    check_found(&l, bearer, "folder=/", "s2,s0");
    check_found(&l, bearer, "folder=/A/B", "s1");
    check_found(&l, bearer, loop_text("folder=%s&q=s", folder), "s1");
    check_found(&l, bearer, "folder=/a", "");
    change(&l, bearer, id, "{\"folder\":\"/\"}", &a);
    check_found(&l, bearer, "folder=/", "s2,s1,s0");
    LOOP(&l, &a, .target = FILES "?folder=/absent", .bearer = bearer);
    CHECK_PROBLEM(&a, 404, "folder_not_found");
    static const struct {
        const char *query, *field;
    } bad[] = {{"sort=nonsense", "sort"},       {"sort=", "sort"},           {"sort=--name", "sort"},
               {"min_size=-1", "min_size"},     {"max_size=9223372036854775808", "max_size"},
               {"min_size=2&max_size=1", "min_size"},
               {"from=yesterday", "from"},      {"from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from"},
               {"state=%27", "state"},          {"shared=me", "shared"},     {"owner=me", "owner"},
               {"folder=x", "folder"},          {"tag=", "tag"},             {"category=%0a", "category"},
               {"type=%ff", "type"},            {"q=%ff", "q"},              {"q=1+2+3+4+5+6+7+8+9+10+11", "q"},
               {"limit=0", "limit"},            {"limit=201", "limit"},      {"cursor=!", "cursor"},
               {"cursor=AAAA", "cursor"}};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        LOOP(&l, &a, .target = loop_text(FILES "?%s", bad[i].query), .bearer = bearer);
        if (a.status != 400 || strcmp(loop_str(&a, "errors.0.field"), bad[i].field) != 0)
            test_fail(__FILE__, __LINE__, "%s gave %d %s", bad[i].query, a.status, loop_shown(&a));
    }
    loop_close(&l);
}

/* Page by page, with files coming in between; every file that was there at the start comes once, in order. */
TEST(library_pages_hold_still)
{
    struct loop l;
    if (loop_missing()) return;
    const char *bearer = begin(&l);
    static const char *const sorts[] = {"name", "-name", "size", "-size", "created_at", "-created_at", "updated_at", "-updated_at"};
    static const char *const filters[] = {"", "&q=n", "&q=nam", "&type=application&folder=/"};
    static char bytes[8];
    for (unsigned i = 0; i < 11; i++) {
        loop_file(&l, bearer, loop_text("name%%20%u", i * 7 % 11 / 2), slice_of(bytes, i * 5 % 4));
        if (i % 3 == 0) loop_advance(1000);
    }
    for (size_t s = 0; s < ARRAY_LEN(sorts); s++)
        for (size_t f = 0; f < ARRAY_LEN(filters); f++) {
            ANSWER a = {0};
            ANSWER all = {0};
            const char *cursor = "";
            size_t at = 0;
            LOOP(&l, &all, .target = loop_text(FILES "?limit=200&sort=%s%s", sorts[s], filters[f]), .bearer = bearer);
            size_t count = loop_count(&all, "items");
            CHECK(count >= 11);
            do {
                LOOP(&l, &a, .target = loop_text(FILES "?limit=3&sort=%s%s%s%s", sorts[s], filters[f], cursor[0] ? "&cursor=" : "", cursor),
                     .bearer = bearer);
                CHECK_STATUS(&a, 200);
                for (size_t i = 0; i < loop_count(&a, "items"); i++) {
                    const char *id = loop_str(&a, loop_text("items.%zu.id", i));
                    if (at < count && strcmp(id, loop_str(&all, loop_text("items.%zu.id", at))) == 0) at++;
                }
                if (at == 3) loop_file(&l, bearer, "a%20name", SLICE("")), loop_file(&l, bearer, "z%20name", slice_of(bytes, 8));
                cursor = loop_is_null(&a, "next_cursor") ? "" : loop_str(&a, "next_cursor");
            } while (cursor[0]);
            if (at != count) test_fail(__FILE__, __LINE__, "%s%s: %zu of %zu", sorts[s], filters[f], at, count);
        }
    /* Of another order it is refused. */
    ANSWER a = {0};
    LOOP(&l, &a, .target = FILES "?limit=1&sort=name", .bearer = bearer);
    LOOP(&l, &a, .target = loop_text(FILES "?sort=-name&cursor=%s", loop_str(&a, "next_cursor")), .bearer = bearer);
    CHECK_STATUS(&a, 400);
    CHECK_STR(&a, "errors.0.field", "cursor");
    loop_close(&l);
}

TEST(library_of_somebody_else)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l), *other = loop_user(&l, "bert@example.com", ROLE_USER);
    const char *admin = loop_user(&l, "root@example.com", ROLE_ADMIN);
    loop_file(&l, bearer, "private", SLICE("x"));
    LOOP(&l, &a, .target = "/api/v1/me", .bearer = bearer);
    const char *anna = loop_str(&a, "user.id");
    check_found(&l, bearer, loop_text("owner=%s", anna), "private");
    LOOP(&l, &a, .target = loop_text(FILES "?owner=%s", anna), .bearer = other);
    CHECK_STATUS(&a, 404);
    check_found(&l, admin, "q=private", "");
    check_found(&l, admin, loop_text("owner=%s", anna), "private");
    LOOP(&l, &a, .target = loop_text("/api/v1/admin/audit-logs?event=admin.access&object=%s", anna), .bearer = admin);
    CHECK_U64(loop_count(&a, "items"), 1);
    CHECK(loop_true(&a, "items.0.break_glass"));
    CHECK_STR(&a, "items.0.object_type", "library");
    loop_close(&l);
}
