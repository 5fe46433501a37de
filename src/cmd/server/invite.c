/* sealdropd admin invite: a link by which somebody makes an account, mailed or printed. */
#include "base/time.h"
#include "cmd/server/users.h"
#include "core/account/account.h"
#include "core/mail/mail.h"

enum err admin_invite(struct ctx *c, struct args *a, const struct config *cfg, struct wiring *w)
{
    const char *role = NULL;
    struct invite_new n = {.role = ROLE_USER};
    struct invite invite;
    char until[TIME_RFC3339_LEN + 1];
    TRY(args_option(c, a, "--role", &role));
    if (a->n != 1) return refuse(c, ERR_INVALID, "usage", "admin invite needs one e-mail address.");
    if (role && role_parse(slice_cstr(role), &n.role) != ERR_OK)
        return refuse(c, ERR_INVALID, "usage", "--role is admin, user or guest.");
    n.email = slice_cstr(a->v[0]);
    TRY(wiring_open(c, cfg, WITHOUT_STORAGE, w));
    TRY(account_invite(c, w->app, NULL, &n, &invite));
    time_rfc3339(invite.expires_at, until);
    if (invite.link.ptr)
        printf(SLICE_FMT "\n# for " SLICE_FMT ", once, until %s; no mail is configured: hand it over yourself\n", SLICE_ARG(invite.link),
               SLICE_ARG(n.email), until);
    else
        printf("a running server mails the invitation to " SLICE_FMT "; it is good once, until %s\n", SLICE_ARG(n.email), until);
    return ERR_OK;
}
