/* QR codes as half blocks; libqrencode does the code itself. */
#include "cmd/cli/qr.h"

#include <qrencode.h>

#define QUIET 2

static void qr_cleanup(QRcode **q)
{
    if (*q) QRcode_free(*q);
}

static bool dark(const QRcode *q, int x, int y)
{
    if (x < 0 || y < 0 || x >= q->width || y >= q->width) return false;
    return q->data[y * q->width + x] & 1;
}

enum err qr_print(struct buf *out, const char *text, bool colour)
{
    /* Drawn are the light modules: on a dark terminal without colour they are what shines. */
    static const char *const cells[2][2] = {{"█", "▀"}, {"▄", " "}};
    CLEANUP(qr_cleanup) QRcode *q = QRcode_encodeString(text, 0, QR_ECLEVEL_L, QR_MODE_8, 1);
    if (!q) return ERR_NOMEM;
    for (int y = -QUIET; y < q->width + QUIET; y += 2) {
        if (colour) TRY(buf_put_cstr(out, "\x1b[97;40m"));
        for (int x = -QUIET; x < q->width + QUIET; x++) TRY(buf_put_cstr(out, cells[dark(q, x, y)][dark(q, x, y + 1)]));
        TRY(buf_put_cstr(out, colour ? "\x1b[0m\n" : "\n"));
    }
    return ERR_OK;
}
