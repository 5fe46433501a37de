/* Countries out of tests/vectors/geoip/countries.mmdb; what is no such file; a file that changes. */
#include "net/geoip.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "lib/test.h"
#include "os/file.h"

#define COUNTRIES TEST_SOURCE_DIR "/tests/vectors/geoip/countries.mmdb"

static const char *country_of(struct geoip *g, const char *ip)
{
    static char country[GEOIP_COUNTRY_BYTES];
    memcpy(country, "??", sizeof country);
    geoip_country(g, ip, country);
    return country;
}

TEST(countries_of_addresses)
{
    static const char *const want[][2] = {
        {"192.0.2.0", "DE"},    {"192.0.2.255", "DE"}, {"198.51.100.7", "FR"}, {"2001:db8::1", "SE"}, {"192.0.3.0", ""},
        {"203.0.113.1", ""},    {"203.0.113.200", ""}, {"127.0.0.1", "NL"},      {"::1", ""},           {"2001:db9::1", ""},
        {"not an address", ""}, {"", ""},              {"::ffff:192.0.2.1", ""}};
    CLEANUP(ctx_done) struct ctx c;
    struct geoip *g = NULL;
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    CHECK_OK(geoip_open(&c, COUNTRIES, &g));
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
        if (strcmp(country_of(g, want[i][0]), want[i][1]) != 0)
            test_fail(__FILE__, __LINE__, "%s: %s", want[i][0], country_of(g, want[i][0]));
    geoip_close(g);
}

TEST(what_is_no_such_file_is_told)
{
    CLEANUP(ctx_done) struct ctx c;
    struct geoip *g = NULL;
    char path[256];
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    snprintf(path, sizeof path, "%s/text.mmdb", test_dir());
    CHECK_ERR(geoip_open(&c, path, &g), ERR_IO);
    CHECK(strstr(c.err_detail, path) != NULL);
    CHECK_OK(file_replace(path, SLICE("just a text"), 0600));
    CHECK_ERR(geoip_open(&c, path, &g), ERR_INVALID);
    CHECK(strstr(c.err_detail, path) != NULL);
    CHECK_OK(file_replace(path, SLICE(""), 0600));
    CHECK(geoip_open(&c, path, &g) != ERR_OK);
    CHECK(g == NULL);
}

TEST(memory_runs_out)
{
    struct geoip *g = NULL;
    bool fired = true;
    for (uint64_t n = 0; fired; n++) {
        CLEANUP(ctx_done) struct ctx c;
        ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
        test_fail_alloc(n, false);
        enum err e = geoip_open(&c, COUNTRIES, &g);
        fired = test_alloc_fired();
        test_fail_alloc(UINT64_MAX, false);
        CHECK_ERR(e, fired ? ERR_NOMEM : ERR_OK);
    }
    geoip_close(g);
}

TEST(file_is_read_again)
{
    CLEANUP(ctx_done) struct ctx c;
    CLEANUP(buf_done) struct buf good = BUF_INIT(64 * KIB);
    struct geoip *g = NULL;
    char path[256];
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    snprintf(path, sizeof path, "%s/countries.mmdb", test_dir());
    CHECK_OK(file_read_all(COUNTRIES, &good));
    CHECK_OK(file_replace(path, buf_view(&good), 0600));
    CHECK_OK(geoip_open(&c, path, &g));
    /* A bad one leaves the old in use. */
    CHECK_OK(file_replace(path, SLICE("just a text"), 0600));
    CHECK_ERR(geoip_reload(&c, g), ERR_INVALID);
    CHECK_SLICE(slice_cstr(country_of(g, "192.0.2.1")), SLICE("DE"));
    char *at = memmem(good.ptr, good.len, "DE", 2);
    CHECK(at != NULL);
    at[1] = 'K';
    CHECK_OK(file_replace(path, buf_view(&good), 0600));
    CHECK_OK(geoip_reload(&c, g));
    CHECK_SLICE(slice_cstr(country_of(g, "192.0.2.1")), SLICE("DK"));
    geoip_close(g);
}
