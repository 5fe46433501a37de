/* sealdropd admin suspend, unsuspend, role, email, password, reset-mfa: one account each, by its address. */
#include "cmd/server/users.h"

#include "base/limits.h"
#include "core/admin/admin.h"
#include "core/mfa/mfa.h"
#include "core/user/password.h"

/* Opens the database and finds the account that the only argument left names. */
static enum err open_account(struct ctx *c, struct args *a, const struct config *cfg, struct wiring *w, struct user *ret)
{
    if (a->n != 1) return refuse(c, ERR_INVALID, "usage", "This needs one e-mail address.");
    TRY(wiring_open(c, cfg, WITHOUT_STORAGE, w));
    enum err e = user_by_email(c, w->app, slice_cstr(a->v[0]), ret);
    if (e == ERR_NOT_FOUND) return refuse(c, e, "not_found", "There is no account \"%s\".", a->v[0]);
    return e;
}

static enum err done(const char *what, const struct user *u)
{
    printf("%s " SLICE_FMT "\n", what, SLICE_ARG(u->email));
    return ERR_OK;
}

static enum err suspend(struct ctx *c, struct args *a, const struct config *cfg, struct wiring *w, bool on)
{
    struct user u;
    struct account now;
    TRY(open_account(c, a, cfg, w, &u));
    TRY(admin_user_suspend(c, w->app, NULL, &u.id, on, &now));
    return done(on ? "suspended" : "active again:", &u);
}

enum err admin_suspend(struct ctx *c, struct args *a, const struct config *cfg, struct wiring *w)
{
    return suspend(c, a, cfg, w, true);
}

enum err admin_unsuspend(struct ctx *c, struct args *a, const struct config *cfg, struct wiring *w)
{
    return suspend(c, a, cfg, w, false);
}

enum err admin_role(struct ctx *c, struct args *a, const struct config *cfg, struct wiring *w)
{
    struct account_patch p = {.set_role = true};
    struct account now;
    struct user u;
    if (a->n != 2 || role_parse(slice_cstr(a->v[1]), &p.role) != ERR_OK)
        return refuse(c, ERR_INVALID, "usage", "admin role needs an e-mail address and admin, user or guest.");
    a->n = 1;
    TRY(open_account(c, a, cfg, w, &u));
    TRY(admin_user_change(c, w->app, NULL, &u.id, &p, &now));
    printf("%s is %s now\n", a->v[0], role_name(p.role));
    return ERR_OK;
}

enum err admin_email(struct ctx *c, struct args *a, const struct config *cfg, struct wiring *w)
{
    struct account_patch p = {.email = SLICE("")};
    struct account now;
    struct user u;
    if (a->n != 2) return refuse(c, ERR_INVALID, "usage", "admin email needs the address of the account and the new one.");
    p.email = slice_cstr(a->v[1]);
    a->n = 1;
    TRY(open_account(c, a, cfg, w, &u));
    TRY(admin_user_change(c, w->app, NULL, &u.id, &p, &now));
    printf("%s is %s now\n", a->v[0], a->v[1]);
    return ERR_OK;
}

enum err admin_password(struct ctx *c, struct args *a, const struct config *cfg, struct wiring *w)
{
    CLEANUP(buf_done) struct buf password = {.max = LIMIT_PASSWORD_BYTES + 2, .sensitive = true};
    struct user u;
    TRY(read_password(c, a, &password));
    TRY(open_account(c, a, cfg, w, &u));
    TRY(password_change(c, w->app, &(struct password_change){&u, NULL, NULL, buf_view(&password), "password"}));
    return done("new password for", &u);
}

enum err admin_reset_mfa(struct ctx *c, struct args *a, const struct config *cfg, struct wiring *w)
{
    struct user u;
    TRY(open_account(c, a, cfg, w, &u));
    TRY(mfa_reset(c, w->app, NULL, &u));
    return done("no second factor any more:", &u);
}
