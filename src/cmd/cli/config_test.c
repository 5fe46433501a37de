/* config: account, hosts and links survive a round trip, are private, and damage is told in words; server addresses and links. */
#include "cmd/cli/config.h"

#include "base/intmath.h"
#include "cmd/cli/api.h"
#include "cmd/cli/journal.h"
#include "lib/test.h"
#include "os/file.h"

static struct home fresh_home(void)
{
    static char config[128], state[128];
    const char *dir = test_dir();
    snprintf(config, sizeof config, "%s/config/sealdrop", dir);
    snprintf(state, sizeof state, "%s/state/sealdrop", dir);
    return (struct home){config, state};
}

static unsigned mode_of(const char *dir, const char *name)
{
    char path[256];
    struct stat st = {0};
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return stat(path, &st) == 0 ? st.st_mode & 0777u : 0;
}

static void put_file(const char *dir, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    CHECK_OK(dir_make(dir));
    CHECK_OK(file_replace(path, slice_cstr(text), 0600));
}

TEST(config_account_round_trip)
{
    CLEANUP(ctx_done) struct ctx c;
    ctx_init(&c, 1 << 20);
    struct home h = fresh_home();
    struct account a = {SLICE("https://a"), SLICE("x@y.org"), SLICE("dev"), SLICE("acc"), SLICE("ref"), 1700000000123};
    struct account b = {0};
    CHECK_ERR(account_load(&c, &h, &b), ERR_UNAUTH);
    CHECK_OK(account_forget(&c, &h));
    CHECK_OK(account_save(&c, &h, &a));
    CHECK(mode_of(h.config, "") == 0700 && mode_of(h.config, "account.json") == 0600);
    CHECK_OK(account_load(&c, &h, &b));
    CHECK_SLICE(b.refresh_token, a.refresh_token);
    CHECK(b.access_until == a.access_until && slice_eq(b.email, a.email) && slice_eq(b.device, a.device));
    CHECK_OK(account_forget(&c, &h));
    CHECK_ERR(account_load(&c, &h, &b), ERR_UNAUTH);
    put_file(h.config, "account.json", "{\"server\":");
    CHECK_ERR(account_load(&c, &h, &b), ERR_INVALID);
    CHECK(strstr(c.err_detail, "account.json") != NULL);
}

TEST(config_hosts)
{
    CLEANUP(ctx_done) struct ctx c;
    ctx_init(&c, 1 << 20);
    struct home h = fresh_home();
    struct host_trust t = {SLICE("https://a"), SLICE("11"), {0}}, u = {SLICE("https://b"), {0}, SLICE("/ca")}, got = {0};
    CHECK_OK(trust_load(&c, &h, SLICE("https://a"), &got));
    CHECK(!got.pin.ptr && !got.ca_file.ptr);
    CHECK_OK(trust_save(&c, &h, &t));
    CHECK_OK(trust_save(&c, &h, &u));
    t.pin = SLICE("22");
    CHECK_OK(trust_save(&c, &h, &t));
    CHECK_OK(trust_load(&c, &h, SLICE("https://a"), &got));
    CHECK_SLICE(got.pin, SLICE("22"));
    CHECK_OK(trust_load(&c, &h, SLICE("https://b"), &got));
    CHECK_SLICE(got.ca_file, SLICE("/ca"));
    CHECK(mode_of(h.config, "hosts.json") == 0600);
    CLEANUP(buf_done) struct buf text = BUF_INIT(4096);
    char path[256];
    snprintf(path, sizeof path, "%s/hosts.json", h.config);
    CHECK_OK(file_read_all(path, &text));
    CHECK_SLICE(buf_view(&text),
                SLICE("{\"hosts\":[{\"origin\":\"https://b\",\"ca_file\":\"/ca\"},{\"origin\":\"https://a\",\"pin\":\"22\"}]}\n"));
}

TEST(config_links)
{
    CLEANUP(ctx_done) struct ctx c;
    ctx_init(&c, 1 << 20);
    struct home h = fresh_home();
    struct link_record r = {.server = SLICE("https://a"), .transfer_id = {{1}}, .link_id = {true, {{2}}}}, got = {0};
    CHECK_ERR(links_find(&c, &h, SLICE("token-one"), &got), ERR_NOT_FOUND);
    CHECK_OK(token_hash(&c, SLICE("token-one"), &r.link_hash));
    CHECK_OK(links_add(&c, &h, &r));
    r.transfer_id.b[0] = 9;
    CHECK_OK(token_hash(&c, SLICE("token-two"), &r.link_hash));
    CHECK_OK(links_add(&c, &h, &r));
    CHECK_OK(links_find(&c, &h, SLICE("token-one"), &got));
    CHECK(got.transfer_id.b[0] == 1 && got.link_id.v.b[0] == 2);
    CHECK_OK(links_find(&c, &h, SLICE("token-two"), &got));
    CHECK(got.transfer_id.b[0] == 9);
    CHECK_ERR(links_find(&c, &h, SLICE("token-three"), &got), ERR_NOT_FOUND);
    CHECK(mode_of(h.state, "links.jsonl") == 0600);
}

struct seen {
    unsigned lines;
    char last[64];
};
static enum err see(void *arg, struct ctx *c, struct slice line)
{
    struct seen *s = arg;
    (void)c;
    s->lines++;
    snprintf(s->last, sizeof s->last, SLICE_FMT, SLICE_ARG(line));
    return ERR_OK;
}

TEST(journal_cuts_a_torn_line_and_locks)
{
    CLEANUP(ctx_done) struct ctx c;
    ctx_init(&c, 1 << 20);
    char path[128];
    struct journal *j = NULL, *k = NULL;
    struct seen s = {0};
    snprintf(path, sizeof path, "%s/j", test_dir());
    CHECK_OK(file_create(path, SLICE("{\"a\":1}\n{\"b\":2}\n{\"torn"), 0600));
    CHECK_OK(journal_open(&c, path, false, see, &s, &j));
    CHECK(s.lines == 2 && strcmp(s.last, "{\"b\":2}") == 0);
    CHECK_ERR(journal_open(&c, path, false, see, &s, &k), ERR_BUSY);
    journal_close(j);
    s.lines = 0;
    CHECK_OK(journal_open(&c, path, false, see, &s, &j));
    CHECK(s.lines == 2);
    struct host_trust t = {SLICE("https://a"), {0}, {0}};
    CHECK_OK(journal_append(&c, j, &cli_host_table, &t, true)); /* behind the torn line, not into it */
    journal_close(j);
    s.lines = 0;
    CHECK_OK(journal_open(&c, path, false, see, &s, &j));
    CHECK(s.lines == 3 && strcmp(s.last, "{\"origin\":\"https://a\"}") == 0);
    CHECK_OK(journal_clear(&c, j));
    journal_close(j);
    s.lines = 0;
    CHECK_OK(journal_open(&c, path, false, see, &s, &j));
    CHECK(s.lines == 0);
    journal_remove(j);
    struct stat st;
    CHECK(stat(path, &st) != 0);
    journal_close(NULL);
    journal_remove(NULL);
}

TEST(config_no_memory)
{
    struct home h = fresh_home();
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        for (uint64_t n = 0;; n++) {
            CLEANUP(ctx_done) struct ctx c;
            ctx_init(&c, 1 << 20);
            struct host_trust t = {SLICE("https://a"), SLICE("11"), {0}};
            struct account a = {SLICE("https://a"), SLICE("x@y.org"), SLICE("d"), SLICE("acc"), SLICE("ref"), 17};
            test_fail_alloc(n, for_ever);
            enum err e = trust_save(&c, &h, &t);
            if (e == ERR_OK) e = account_save(&c, &h, &a);
            if (e == ERR_OK) e = account_load(&c, &h, &a);
            bool fired = test_alloc_fired();
            test_fail_alloc(UINT64_MAX, false);
            CHECK(e == ERR_OK || fired);
            CHECK(n < 500);
            if (!fired) break;
        }
    }
}

static void check_origin(const char *text, const char *want)
{
    CLEANUP(ctx_done) struct ctx c;
    const char *got = NULL;
    ctx_init(&c, 65536);
    enum err e = server_origin(&c, slice_cstr(text), &got);
    if (want) CHECK_OK(e);
    if (want) CHECK_SLICE(slice_cstr(got), slice_cstr(want));
    if (!want) CHECK_ERR(e, ERR_INVALID);
}

TEST(server_addresses)
{
    check_origin("https://Files.Example.ORG", "https://files.example.org");
    check_origin("https://h/", "https://h");
    check_origin("h.example", "https://h.example");
    check_origin("h.example:8443", "https://h.example:8443");
    check_origin("https://h:443", "https://h");
    check_origin("https://[::1]:8443", "https://[::1]:8443");
    check_origin("http://localhost:8080", "http://localhost:8080");
    check_origin("http://127.0.0.1", "http://127.0.0.1");
    check_origin("http://h.example", NULL); /* passwords in clear */
    check_origin("ftp://h.example", NULL);
    check_origin("https://u:p@h.example", NULL);
    check_origin("https://h.example/x", NULL);
    check_origin("https://h.example?x", NULL);
    check_origin("", NULL);
}

static void check_link(const char *text, enum err want)
{
    CLEANUP(ctx_done) struct ctx c;
    const char *origin = NULL;
    struct slice token = {0};
    ctx_init(&c, 65536);
    CHECK_ERR(server_link(&c, slice_cstr(text), &origin, &token), want);
    if (want == ERR_OK) CHECK_SLICE(token, SLICE("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-_9"));
}

TEST(server_links)
{
    check_link("https://h/s/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-_9", ERR_OK);
    check_link("https://h/s/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-_9#1.xyz", ERR_UNSUPPORTED);
    check_link("https://h/s/short", ERR_INVALID);
    check_link("https://h/s/AAAAAAAAAAAAAAAAAAAAAAAA/../x", ERR_INVALID);
    check_link("https://h/s/AAAAAAAAAAAAAAAAAAAAAAAA%2f", ERR_INVALID);
    check_link("https://h/t/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-_9", ERR_INVALID);
    check_link("http://h.example/s/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-_9", ERR_INVALID);
    check_link("nonsense", ERR_INVALID);
}

TEST(pins_parse)
{
    char hex[TLS_PIN_HEX + 1];
    const char *plain = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    CHECK_OK(tls_pin_parse(plain, hex));
    CHECK(strcmp(hex, plain) == 0);
    CHECK_OK(tls_pin_parse("00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF", hex));
    CHECK(strcmp(hex, plain) == 0);
    CHECK_ERR(tls_pin_parse("", hex), ERR_INVALID);
    CHECK_ERR(tls_pin_parse("00112233", hex), ERR_INVALID);
    CHECK_ERR(tls_pin_parse("0:0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", hex), ERR_INVALID);
    CHECK_ERR(tls_pin_parse("00::112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", hex), ERR_INVALID);
    CHECK_ERR(tls_pin_parse("g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", hex), ERR_INVALID);
    CHECK_ERR(tls_pin_parse("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff00", hex), ERR_INVALID);
}
