/* The SVG draws exactly the modules of the code: painted again from its path and compared. */
#include "codec/qr_svg.h"

#include <qrencode.h>
#include <string.h>

#include "base/limits.h"
#include "lib/test.h"

/* The number after `before`, which must stand at *p; -1 when it does not. */
static int number(const char **p, const char *before)
{
    int v = 0;
    if (strncmp(*p, before, strlen(before)) != 0) return -1;
    for (*p += strlen(before); **p >= '0' && **p <= '9'; (*p)++) v = v * 10 + (**p - '0');
    return v;
}

TEST(qr_svg_draws_the_code)
{
    static unsigned char painted[256][256];
    static const char text[] = "otpauth://totp/Sealdrop:a@example.com?secret=JBSWY3DPEHPK3PXP";
    CLEANUP(buf_done) struct buf b = BUF_INIT(64 * KIB);
    const char *svg = NULL;
    QRcode *q = QRcode_encodeString(text, 0, QR_ECLEVEL_M, QR_MODE_8, 1);
    CHECK(q != NULL);
    CHECK_OK(qr_svg(&b, text));
    CHECK_OK(buf_cstr(&b, &svg));
    memset(painted, 0, sizeof painted);
    const char *p = strstr(svg, "fill=\"#000\"");
    CHECK(p != NULL);
    for (p = strchr(p, 'M'); *p == 'M'; p++) {
        int x = number(&p, "M"), y = number(&p, " "), run = number(&p, "h"), back = number(&p, "v1h-");
        CHECK(x > 0 && y > 0 && run > 0 && run == back && *p == 'z');
        for (int i = 0; i < run; i++) painted[y][x + i] = 1;
    }
    for (int y = 0; y < q->width; y++)
        for (int x = 0; x < q->width; x++) CHECK(painted[y + 4][x + 4] == (q->data[y * q->width + x] & 1));
    QRcode_free(q);
    CHECK(slice_ends(buf_view(&b), SLICE("\"/></svg>")));
}

TEST(qr_svg_limits)
{
    static char big[4096];
    CLEANUP(buf_done) struct buf b = BUF_INIT(64 * KIB);
    memset(big, 'a', sizeof big - 1);
    CHECK_ERR(qr_svg(&b, big), ERR_INVALID);
    CHECK_ERR(qr_svg(&b, ""), ERR_INVALID);
    CHECK_U64(b.len, 0);
}
