/* Queueing mail: rendering, sealing, the job. And what happens where no mail is configured. */
#include "core/mail/mail.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/time.h"
#include "codec/json.h"
#include "codec/uri.h"
#include "core/app/sealed.h"
#include "core/job/job.h"
#include "core/mail/render.h"
#include "core/mail/templates.h"
#include "os/clock.h"

#define LABEL "sft/1/mail"
#define PARAMS_MAX 8
#define BODY_BYTES (32 * KIB)

JSON_TABLE(mail_table, "Mail", struct mail,
           JSON_FIELD(struct mail, to, JSON_STRING, .flags = JSON_REQUIRED),
           JSON_FIELD(struct mail, locale, JSON_STRING, .flags = JSON_REQUIRED),
           JSON_FIELD(struct mail, subject, JSON_STRING, .flags = JSON_REQUIRED),
           JSON_FIELD(struct mail, text, JSON_STRING, .flags = JSON_REQUIRED),
           JSON_FIELD(struct mail, html, JSON_STRING, .flags = JSON_REQUIRED),
           JSON_FIELD(struct mail, expires_at, JSON_TIME, .flags = JSON_REQUIRED));

enum err mail_link(struct ctx *c, const struct app *app, const char *page, struct slice token, struct slice *ret)
{
    return arena_printf(&c->arena, ret, SLICE_FMT "/%s%s" SLICE_FMT, SLICE_ARG(app->cfg.public_url), page,
                        token.len ? "#" : "", SLICE_ARG(token));
}

void mail_show_link(const struct app *app, const char *what, struct slice link)
{
    if (mail_configured(app)) return;
    log_warn("link_to_hand_over", LOG_TEXT("what", slice_cstr(what)), LOG_TEXT("link", link),
             LOG_TEXT("hint", SLICE("no mail is configured ([mail] url): give this link to the person it is for")));
}

/* People know a server by its host name. */
static struct slice server_name(const struct app *app)
{
    struct uri u;
    return uri_parse(app->cfg.public_url, &u) == ERR_OK ? u.host : app->cfg.public_url;
}

static enum err render(struct ctx *c, const struct app *app, const struct mail_new *m, struct mail *ret)
{
    struct mail_param params[PARAMS_MAX + 1] = {{"server", server_name(app)}};
    struct mail_values values = {params, m->param_count + 1};
    CLEANUP(buf_done) struct buf subject = BUF_INIT(KIB), text = {.max = BODY_BYTES, .sensitive = true};
    CLEANUP(buf_done) struct buf html = {.max = BODY_BYTES, .sensitive = true};
    struct slice locale = m->locale.len ? m->locale : slice_cstr(app->cfg.mail.locale);
    const struct mail_text *source = mail_text_of(m->template, locale);
    if (m->param_count > PARAMS_MAX) return ERR_INTERNAL;
    for (size_t i = 0; i < m->param_count; i++) params[i + 1] = m->params[i];
    TRY(mail_render_line(&subject, source->subject, &values));
    TRY(mail_render_text(&text, source->body, &values));
    TRY(mail_render_html(&html, source->body, locale, mail_button_of(m->template, locale), &values));
    *ret = (struct mail){.to = m->to, .locale = locale, .expires_at = m->expires_at};
    TRY(arena_slice(&c->arena, buf_view(&subject), &ret->subject));
    TRY(arena_slice(&c->arena, buf_view(&text), &ret->text));
    return arena_slice(&c->arena, buf_view(&html), &ret->html);
}

enum err mail_queue(struct ctx *c, struct db_conn *conn, const struct app *app, const struct mail_new *m)
{
    CLEANUP(buf_done) struct buf json = {.max = SEALED_PLAIN_MAX, .sensitive = true};
    struct mail mail;
    struct slice payload;
    if (!mail_configured(app)) return ERR_OK;
    enum err e = render(c, app, m, &mail);
    if (e == ERR_OK) e = json_encode(&json, &mail_table, &mail);
    if (e != ERR_OK) return fail(c, e, "mail template %d", (int)m->template);
    TRY(sealed_text(c, app, LABEL, buf_view(&json), &payload));
    return job_add(c, conn, &(struct job_new){.kind = "mail", .payload = payload});
}

enum err mail_notice(struct ctx *c, struct db_conn *conn, const struct app *app, enum mail_template template,
                     const struct mail_to *to, struct slice ip)
{
    char when[TIME_RFC3339_LEN + 1];
    struct slice text;
    time_rfc3339(clock_wall_ms(), when);
    TRY(arena_printf(&c->arena, &text, "%.10s %.5s UTC", when, when + 11));
    struct mail_param params[] = {{"when", text}, {"ip", ip.len ? ip : SLICE("localhost")}};
    return mail_queue(c, conn, app, &(struct mail_new){.template = template, .to = to->address, .locale = to->locale,
                                                       .params = params, .param_count = 2});
}

enum err mail_open(struct ctx *c, const struct app *app, struct slice payload, struct mail *ret)
{
    struct slice json;
    TRY(sealed_text_open(c, app, LABEL, payload, &json));
    if (json_decode(c, json, &mail_table, JSON_STRICT, ret) != ERR_OK) return fail(c, ERR_CORRUPT, "mail payload");
    return ERR_OK;
}
