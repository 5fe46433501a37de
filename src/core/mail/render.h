/* Filling templates. Internal to core/mail. */
#ifndef SEALDROP_CORE_MAIL_RENDER_H
#define SEALDROP_CORE_MAIL_RENDER_H

#include "base/buf.h"
#include "core/mail/mail.h"

struct mail_values {
    const struct mail_param *v;
    size_t n;
};
/* All append. A placeholder without a value is ERR_INTERNAL: a test renders every text. Values become one line each: control and
 * other deceptive characters turn into blanks. */
MUST_USE enum err mail_render_line(struct buf *out, const char *source, const struct mail_values *values);
MUST_USE enum err mail_render_text(struct buf *out, const char *source, const struct mail_values *values);
/* The same paragraphs as a small HTML page; values and text are escaped. */
MUST_USE enum err mail_render_html(struct buf *out, const char *source, struct slice locale, const char *button,
                                   const struct mail_values *values);

#endif
