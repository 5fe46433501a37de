/* The generated table: every asset is whole, typed, findable, and smaller when compressed. */
#include "web/web.h"

#include "lib/test.h"

TEST(table_is_complete)
{
    CHECK(web_asset_count >= 3);
    for (size_t i = 0; i < web_asset_count; i++) {
        const struct static_asset *a = &web_assets[i];
        CHECK(a->path[0] == '/');
        CHECK(a->content_type[0] != 0);
        CHECK(a->etag[0] == '"' && strlen(a->etag) == 34);
        CHECK(a->plain.len > 0);
        CHECK(a->gzip.len < a->plain.len);
        CHECK(a->br.len < a->plain.len);
    }
}

static const struct static_asset *find(const char *path)
{
    for (size_t i = 0; i < web_asset_count; i++)
        if (strcmp(web_assets[i].path, path) == 0) return &web_assets[i];
    return NULL;
}

static bool holds(struct slice text, const char *what)
{
    return memmem(text.ptr, text.len, what, strlen(what)) != NULL;
}

TEST(pages_that_links_lead_to_are_there_and_hold_to_the_policy)
{
    static const char *const links[] = {"/verify", "/join", "/reset", "/device"};
    /* What reply.c's CSP_PAGE would block. */
    static const char *const banned[] = {"<script>",    "<style",      " style=",     " onclick=",
                                         " onsubmit=", "javascript:", "src=\"http", "href=\"http"};
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) CHECK(find(links[i]) != NULL);
    for (size_t i = 0; i < web_asset_count; i++)
        for (size_t j = 0; j < sizeof banned / sizeof banned[0]; j++) CHECK(!holds(web_assets[i].plain, banned[j]));
}

TEST(paths_and_etags_are_unique)
{
    for (size_t i = 0; i < web_asset_count; i++) {
        for (size_t j = 0; j < i; j++) {
            CHECK(strcmp(web_assets[i].path, web_assets[j].path) != 0);
            CHECK(strcmp(web_assets[i].etag, web_assets[j].etag) != 0);
        }
    }
}

TEST(the_front_page_is_there_byte_for_byte)
{
    const struct static_asset *page = find("/");
    CHECK(page != NULL);
    CHECK(strcmp(page->content_type, "text/html; charset=utf-8") == 0);
    CHECK(page->plain.len > 8 && memcmp(page->plain.ptr, "<!doctype html>", 15) == 0);
    CHECK(memcmp(page->plain.ptr + page->plain.len - 8, "</html>\n", 8) == 0);
    /* gzip's trailer names the length of what it unpacks to. */
    const uint8_t *tail = (const uint8_t *)page->gzip.ptr + page->gzip.len - 4;
    CHECK_U64((uint64_t)tail[0] | (uint64_t)tail[1] << 8, page->plain.len);
}
