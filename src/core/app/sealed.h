/* sealed: text for places that keep what they should not be able to read (payloads of jobs): base64url of a message sealed under
 * the server key and a label. */
#ifndef SEALDROP_CORE_APP_SEALED_H
#define SEALDROP_CORE_APP_SEALED_H

#include "core/app/app.h"

#define SEALED_PLAIN_MAX (256 * 1024u)

/* Result in the arena. */
MUST_USE enum err sealed_text(struct ctx *c, const struct app *app, const char *label, struct slice plain, struct slice *ret);
/* ERR_CORRUPT when it is not a text that sealed_text made with this label. */
MUST_USE enum err sealed_text_open(struct ctx *c, const struct app *app, const char *label, struct slice text,
                                   struct slice *ret);

#endif
