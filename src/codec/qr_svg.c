/* QR codes as SVG; libqrencode does the code itself. */
#include "codec/qr_svg.h"

#include <errno.h>
#include <qrencode.h>

#define QUIET 4

static void qr_cleanup(QRcode **q)
{
    if (*q) QRcode_free(*q);
}

/* Runs of dark modules of one row. */
static enum err put_row(struct buf *out, const QRcode *q, int y)
{
    const unsigned char *row = q->data + y * q->width;
    for (int x = 0; x < q->width; x++) {
        int run = 0;
        while (x + run < q->width && (row[x + run] & 1)) run++;
        if (run) TRY(buf_printf(out, "M%d %dh%dv1h-%dz", x + QUIET, y + QUIET, run, run));
        x += run;
    }
    return ERR_OK;
}

enum err qr_svg(struct buf *out, const char *text)
{
    CLEANUP(qr_cleanup) QRcode *q = QRcode_encodeString(text, 0, QR_ECLEVEL_M, QR_MODE_8, 1);
    if (!q) return errno == ENOMEM ? ERR_NOMEM : ERR_INVALID;
    int side = q->width + 2 * QUIET;
    TRY(buf_printf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" shape-rendering=\"crispEdges\">"
                        "<path fill=\"#fff\" d=\"M0 0h%dv%dH0z\"/><path fill=\"#000\" d=\"", side, side, side, side));
    for (int y = 0; y < q->width; y++) TRY(put_row(out, q, y));
    return buf_put_cstr(out, "\"/></svg>");
}
