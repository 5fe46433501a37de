/* ini, text and addresses: lines come from the text they were found in; numbers survive being printed, to the digits that are shown. */
#include "base/address.h"
#include "codec/ini.h"
#include "codec/text.h"
#include "codec/utf8.h"
#include "fuzz.h"

static void check_ini(struct slice in)
{
    struct ini p;
    struct ini_line l;
    unsigned last = 0;
    enum err e = ERR_OK;
    ini_init(&p, in);
    while ((e = ini_next(&p, &l)) == ERR_OK) {
        ASSERT(l.line > last && l.line == p.line && l.key.len && utf8_valid(l.value));
        ASSERT(l.key.ptr >= in.ptr && l.value.ptr + l.value.len <= in.ptr + in.len);
        ASSERT(slice_find(l.value, '\n') == l.value.len &&
               slice_find(l.value, '\0') == l.value.len);
        last = l.line;
    }
    ASSERT(e == ERR_INVALID || (e == ERR_NOT_FOUND && p.rest.len == 0));
}

static void check_size(uint64_t v)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(32);
    uint64_t again = 0;
    ASSERT(size_print(&text, v) == ERR_OK && text.len <= 8);
    /* Beyond terabytes nobody types. */
    if (v > 999000000000000) return;
    ASSERT(size_parse(buf_view(&text), &again) == ERR_OK);
    uint64_t off = v > again ? v - again : again - v;
    ASSERT(off <= v / 20);
}

/* Who asks stays an address, and one that is no proxy of ours where there is one. */
static void check_address(struct slice in)
{
    static const struct address_net loopback = {.b = {[10] = 0xff, 0xff, 127}, .bits = 104};
    char peer[ADDRESS_TEXT_BYTES] = "127.0.0.1";
    struct address_net net, again;
    address_behind(in, &loopback, 1, peer);
    ASSERT(address_net_parse(slice_cstr(peer), &net) == ERR_OK && net.bits == 128);
    if (address_net_parse(in, &net) != ERR_OK) return;
    ASSERT(net.bits <= 128 && address_net_parse(in, &again) == ERR_OK && memcmp(&net, &again, sizeof net) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = slice_of(data, size);
    CLEANUP(buf_done) struct buf text = BUF_INIT(64);
    uint64_t v = 0;
    check_ini(in);
    check_address(in);
    if (size_parse(in, &v) == ERR_OK) check_size(v);
    if (duration_parse(in, &v) == ERR_OK) ASSERT(duration_print(&text, v) == ERR_OK);
    if (size >= sizeof v) {
        memcpy(&v, data, sizeof v);
        check_size(v);
    }
    if (email_plausible(in))
        ASSERT(utf8_valid(in) && slice_find(in, '@') < in.len && slice_find(in, '\n') == in.len);
    return 0;
}
