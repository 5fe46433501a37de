/* mail: what the server writes to people. A message is rendered from a template in the reader's language, as text and as HTML, and
 * enqueued in the transaction of the fact it tells; the job "mail" sends it. The payload is sealed: it may hold a link that opens
 * an account.
 *
 * Without a mail server ([mail] url is empty) nothing is sent: links are then shown to the administrator (mail_show_link), and
 * notices are left out. */
#ifndef SEALDROP_CORE_MAIL_MAIL_H
#define SEALDROP_CORE_MAIL_MAIL_H

#include "base/buf.h"
#include "core/app/app.h"

enum mail_template {
    MAIL_VERIFY,           /* link, hours */
    MAIL_EXISTS,           /* link */
    MAIL_RESET,            /* link, minutes, ip */
    MAIL_INVITE,           /* link, days */
    MAIL_CHOOSE_PASSWORD,  /* link, days */
    MAIL_PASSWORD_CHANGED, /* when, ip */
    MAIL_FACTOR_CHANGED,   /* when, ip */
    MAIL_EMAIL_CONFIRM,    /* link, hours */
    MAIL_EMAIL_ASKED,      /* when, ip */
    MAIL_EMAIL_CHANGED,    /* when, ip */
    MAIL_SHARED,           /* name, link */
    MAIL_TEMPLATE_COUNT
};

struct mail_param {
    const char *name; /* as in the template: {name} */
    struct slice value;
};
struct mail_new {
    enum mail_template template;
    struct slice to;
    struct slice locale; /* "en", "de"; empty: the configured one */
    const struct mail_param *params; /* besides {server}, which every template has */
    size_t param_count;
    int64_t expires_at; /* not worth sending later than this; 0: always */
};
static inline bool mail_configured(const struct app *app) { return app->cfg.mail.url != NULL; }
/* In a transaction. Nothing happens when no mail is configured. */
MUST_USE enum err mail_queue(struct ctx *c, struct db_conn *conn, const struct app *app, const struct mail_new *m);
struct mail_to {
    struct slice address, locale; /* of the account; locale may be empty */
};
/* Tells an account that its password, address or second factors were changed, in the transaction of the change. `ip` empty: at
 * the server itself. */
MUST_USE enum err mail_notice(struct ctx *c, struct db_conn *conn, const struct app *app, enum mail_template template,
                              const struct mail_to *to, struct slice ip);
/* After the transaction: when no mail is configured, the log tells the administrator the link. */
void mail_show_link(const struct app *app, const char *what, struct slice link);
/* "<public_url>/<page>#<token>": the token is in the fragment, which browsers do not send. In the arena. */
MUST_USE enum err mail_link(struct ctx *c, const struct app *app, const char *page, struct slice token, struct slice *ret);

struct mail {
    struct slice to, locale, subject, text, html;
    int64_t expires_at;
};
/* The job's payload back. */
MUST_USE enum err mail_open(struct ctx *c, const struct app *app, struct slice payload, struct mail *ret);
/* The whole message (RFC 5322, multipart/alternative); `id` makes its Message-ID, the same at every try. */
MUST_USE enum err mail_message(const struct app *app, const struct mail *m, const struct id *id, int64_t at_ms, struct buf *ret);
/* "Name <a@b>" or "a@b" taken apart. ERR_INVALID. */
MUST_USE enum err mail_split_from(struct slice from, struct slice *ret_name, struct slice *ret_address);
/* Whether there are templates in this language. */
bool mail_has_locale(struct slice locale);

#endif
