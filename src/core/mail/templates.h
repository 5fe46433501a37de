/* The texts of mails, by template and language. Internal to core/mail. */
#ifndef SEALDROP_CORE_MAIL_TEMPLATES_H
#define SEALDROP_CORE_MAIL_TEMPLATES_H

#include "core/mail/mail.h"

struct mail_text {
    const char *subject;
    const char *body; /* paragraphs with an empty line between them; "{link}" alone in one becomes a button */
};
/* The text in this language, else in English. */
const struct mail_text *mail_text_of(enum mail_template t, struct slice locale);
/* What the button says. */
const char *mail_button_of(enum mail_template t, struct slice locale);

#endif
