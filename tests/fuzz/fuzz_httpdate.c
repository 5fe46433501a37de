/* httpdate: what parses prints to a date that parses to the same; any number prints to a date that parses. */
#include "codec/httpdate.h"
#include "fuzz.h"

static void print_and_parse(int64_t ms, int64_t *ret)
{
    char text[HTTPDATE_LEN + 1];
    httpdate_format(ms, text);
    ASSERT(text[HTTPDATE_LEN] == '\0' && strlen(text) == HTTPDATE_LEN);
    ASSERT(httpdate_parse(slice_of(text, HTTPDATE_LEN), ret) == ERR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t ms = 0, again = 0;
    if (httpdate_parse(slice_of(data, size), &ms) == ERR_OK) {
        print_and_parse(ms, &again);
        /* The leap second at the end of year 9999 is one that no text can hold. */
        ASSERT(again == ms || ms == 253402300800000);
    }
    if (size < sizeof ms) return 0;
    memcpy(&ms, data, sizeof ms);
    print_and_parse(ms, &again);
    ASSERT(ms < -62167219200000 || ms > 253402300799999 || (again <= ms && ms - again < 1000));
    return 0;
}
