/* smtp: hands one message to a mail server (libcurl): SMTP, SMTP with STARTTLS, or SMTPS; with or without signing in.
 *
 * Blocking, one connection a message: mail is rare and goes out from a background job. The certificate of the server is checked
 * against the system store or a CA file. A password never travels over a connection without TLS. Thread-safe. */
#ifndef SEALDROP_NET_SMTP_H
#define SEALDROP_NET_SMTP_H

#include "base/ctx.h"

/* Before other threads run; and at the end. */
MUST_USE enum err smtp_setup(void);
void smtp_teardown(void);

struct smtp_config {
    const char *url;      /* smtp://host:port or smtps://host:port */
    const char *user;     /* NULL: does not sign in */
    const char *password;
    const char *ca_file;  /* PEM; NULL: the system store */
    bool starttls;        /* smtp://: TLS or nothing */
    int64_t timeout_ms;   /* for everything; 0: one minute */
};
/* `from` and `to` are bare addresses; `message` has its headers and CRLF lines. ERR_OK: the server has taken it. ERR_CLOSED and
 * ERR_TIMEOUT: not reached; ERR_DENIED: certificate or password refused, or no TLS; ERR_PEER: it refused the message. */
MUST_USE enum err smtp_send(struct ctx *c, const struct smtp_config *cfg, const char *from, const char *to, struct slice message);

#endif
