/* Handing queued mail to the mail server. A lease that runs out may send a message twice: both have the same Message-ID. */
#include "base/limits.h"
#include "base/log.h"
#include "core/mail/mail.h"
#include "jobs/jobs.h"
#include "net/smtp.h"
#include "os/clock.h"

enum err job_mail(struct ctx *c, struct app *app, const struct job *job, int64_t *ret_again_at)
{
    const struct app_mail *cfg = &app->cfg.mail;
    struct smtp_config smtp = {.url = cfg->url, .user = cfg->user, .password = cfg->password, .ca_file = cfg->ca_file,
                               .starttls = cfg->starttls};
    CLEANUP(buf_done) struct buf message = {.max = 1 * MIB, .sensitive = true};
    struct mail m;
    struct slice name, from;
    const char *from_text = NULL, *to = NULL;
    (void)ret_again_at;
    TRY(mail_open(c, app, job->payload, &m));
    if (!mail_configured(app) || (m.expires_at && clock_wall_ms() >= m.expires_at)) {
        log_warn("mail_dropped", LOG_TEXT("why", mail_configured(app) ? SLICE("overdue") : SLICE("no mail is configured")));
        return ERR_OK;
    }
    TRY(mail_message(app, &m, &job->id, clock_wall_ms(), &message));
    TRY(mail_split_from(slice_cstr(cfg->from), &name, &from));
    TRY(arena_cstr(&c->arena, from, &from_text));
    TRY(arena_cstr(&c->arena, m.to, &to));
    return smtp_send(c, &smtp, from_text, to, buf_view(&message));
}
