/* Taking the mail jobs out of the queue and reading them. */
#include "integration/mailbox.h"

#include <string.h>

#include "base/limits.h"
#include "core/account/account.h"
#include "core/job/job.h"
#include "core/mail/mail.h"

struct mailbox mail;

static enum err take_job(struct ctx *c, struct loop *l)
{
    struct job job;
    struct mail m;
    TRY(job_claim(c, l->app, JOB_LANE_SHORT, &job));
    if (slice_eq(job.kind, SLICE("account"))) TRY(account_job(c, l->app, job.payload));
    if (slice_eq(job.kind, SLICE("mail"))) {
        TRY(mail_open(c, l->app, job.payload, &m));
        mail.to = loop_text(SLICE_FMT, SLICE_ARG(m.to));
        mail.text = loop_text(SLICE_FMT, SLICE_ARG(m.text));
        mail.subject = loop_text(SLICE_FMT, SLICE_ARG(m.subject));
        mail.count++;
    }
    return job_finish(c, l->app, &job, 0);
}

void catch_mail(struct loop *l)
{
    mail.to = mail.text = mail.subject = "";
    mail.count = 0;
    for (enum err e = ERR_OK; e == ERR_OK;) {
        CLEANUP(ctx_done) struct ctx c;
        ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
        e = take_job(&c, l);
        if (e != ERR_OK && e != ERR_NOT_FOUND) test_fail(__FILE__, __LINE__, "job: %s: %s", err_name(e), c.err_detail);
    }
}

const char *token_in(const char *text)
{
    const char *at = strstr(text, LOOP_URL "/"), *hash = at ? strchr(at, '#') : NULL;
    return hash ? loop_text("%.*s", (int)strcspn(hash + 1, "\r\n \""), hash + 1) : "";
}

void open_with(struct loop *l, enum registration registration, bool with_mail)
{
    loop_open(l);
    l->cfg.registration = registration;
    if (with_mail) l->cfg.mail = (struct app_mail){.url = "smtp://127.0.0.1:1", .from = "drop@example.com", .locale = "en"};
    loop_reopen(l);
}
