/* qr: a QR code for terminals, two modules a character (half blocks), with its quiet zone. */
#ifndef SEALDROP_CMD_CLI_QR_H
#define SEALDROP_CMD_CLI_QR_H

#include "base/buf.h"

/* With `colour`, black on white whatever the terminal's colours are. */
MUST_USE enum err qr_print(struct buf *out, const char *text, bool colour);

#endif
