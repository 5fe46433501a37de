/* mailbox: the mail that would go out, for tests. */
#ifndef SEALDROP_TESTS_INTEGRATION_MAILBOX_H
#define SEALDROP_TESTS_INTEGRATION_MAILBOX_H

#include "integration/loopback.h"

/* The last mail that catch_mail found, and how many it found. */
extern struct mailbox {
    const char *to, *text, *subject;
    unsigned count;
} mail;
/* Runs all jobs, but keeps mail here. */
void catch_mail(struct loop *l);
/* What stands after # in the link of the text; "" when there is none. */
const char *token_in(const char *text);
/* With a mail server that is never asked, or without one. */
void open_with(struct loop *l, enum registration registration, bool with_mail);

#endif
