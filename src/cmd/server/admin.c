/* sealdropd admin, keys, config, openapi: short commands on the database, beside a running server if there is one. */
#include "api/api.h"
#include "base/limits.h"
#include "base/time.h"
#include "cmd/server/users.h"
#include "codec/text.h"
#include "core/key/key.h"
#include "core/user/user.h"
#include "os/proc.h"

enum err read_password(struct ctx *c, struct args *a, struct buf *ret)
{
    if (!args_flag(a, "--password-stdin"))
        return refuse(c, ERR_INVALID, "usage", "Give the password on standard input, with --password-stdin.");
    TRY(proc_read_stdin(ret));
    while (ret->len && (ret->ptr[ret->len - 1] == '\n' || ret->ptr[ret->len - 1] == '\r')) ret->len--;
    return ERR_OK;
}

static enum err admin_create(struct ctx *c, struct args *a, const struct config *cfg, struct wiring *w)
{
    CLEANUP(buf_done) struct buf password = {.max = LIMIT_PASSWORD_BYTES + 2, .sensitive = true};
    const char *role = NULL, *name = NULL;
    struct user_new n = {.role = ROLE_USER, .vouched = true};
    struct user u;
    TRY(args_option(c, a, "--role", &role));
    TRY(args_option(c, a, "--name", &name));
    TRY(read_password(c, a, &password));
    if (a->n != 1) return refuse(c, ERR_INVALID, "usage", "admin create needs one e-mail address.");
    if (role && role_parse(slice_cstr(role), &n.role) != ERR_OK)
        return refuse(c, ERR_INVALID, "usage", "--role is admin, user or guest.");
    n.email = slice_cstr(a->v[0]);
    n.password = buf_view(&password);
    if (name) n.display_name = slice_cstr(name);
    TRY(wiring_open(c, cfg, WITHOUT_STORAGE, w));
    TRY(user_create(c, w->app, &n, &u));
    printf("created %s " SLICE_FMT "\n", role_name(u.role), SLICE_ARG(u.email));
    return ERR_OK;
}

static enum err admin_list(struct ctx *c, struct args *a, const struct config *cfg, struct wiring *w)
{
    struct user *users = NULL;
    size_t n = 0;
    TRY(args_end(c, a));
    TRY(wiring_open(c, cfg, WITHOUT_STORAGE, w));
    TRY(user_list(c, w->app, &users, &n));
    for (size_t i = 0; i < n; i++) {
        CLEANUP(buf_done) struct buf used = BUF_INIT(64);
        TRY(size_print(&used, users[i].used_bytes));
        printf("%-6s %-10s %10.*s  " SLICE_FMT "\n", role_name(users[i].role), users[i].active ? "active" : "suspended",
               SLICE_ARG(buf_view(&used)), SLICE_ARG(users[i].email));
    }
    return ERR_OK;
}

static const struct {
    const char *name;
    admin_fn *fn;
} subcommands[] = {
    {"create", admin_create},       {"list", admin_list},         {"role", admin_role},
    {"email", admin_email},         {"password", admin_password}, {"suspend", admin_suspend},
    {"unsuspend", admin_unsuspend}, {"invite", admin_invite},     {"reset-mfa", admin_reset_mfa},
    {"import-users", admin_import},
};

enum err command_admin(struct ctx *c, struct args *a)
{
    struct config cfg;
    struct wiring w = {.app = NULL};
    TRY(args_config(c, a, &cfg));
    if (a->n == 0) return refuse(c, ERR_INVALID, "usage", "admin needs a subcommand, such as \"create\". See: sealdropd help");
    struct args rest = {a->n - 1, a->v + 1};
    admin_fn *fn = NULL;
    for (size_t i = 0; i < sizeof subcommands / sizeof subcommands[0]; i++)
        if (strcmp(a->v[0], subcommands[i].name) == 0) fn = subcommands[i].fn;
    if (!fn) return refuse(c, ERR_INVALID, "usage", "There is no \"admin %s\".", a->v[0]);
    enum err e = fn(c, &rest, &cfg, &w);
    wiring_close(&w);
    return e;
}

static enum err show_keys(struct ctx *c, struct wiring *w)
{
    struct kek_row *rows = NULL;
    size_t n = 0;
    uint8_t fp[8];
    TRY(keyring_fingerprint(w->be.keys, fp));
    printf("root key   fingerprint %02x%02x%02x%02x%02x%02x%02x%02x\n", fp[0], fp[1], fp[2], fp[3], fp[4], fp[5], fp[6], fp[7]);
    TRY(key_list(c, w->app, &rows, &n));
    for (size_t i = 0; i < n; i++) {
        char id[ID_TEXT_LEN + 1], made[TIME_RFC3339_LEN + 1];
        id_text(rows[i].id, id);
        time_rfc3339(rows[i].created_at, made);
        printf("generation %lld  " SLICE_FMT "  %s  made %s\n", (long long)rows[i].generation, SLICE_ARG(rows[i].state), id, made);
    }
    return ERR_OK;
}

static enum err new_key(struct ctx *c, struct wiring *w)
{
    struct id id;
    char text[ID_TEXT_LEN + 1];
    TRY(key_rotate(c, w->app, &id));
    id_text(id, text);
    printf("new generation %s is active; a running server wraps all file keys under it now\n", text);
    return ERR_OK;
}

enum err command_keys(struct ctx *c, struct args *a)
{
    struct config cfg;
    struct wiring w = {.app = NULL};
    TRY(args_config(c, a, &cfg));
    bool show = args_flag(a, "show"), make = args_flag(a, "new");
    TRY(args_end(c, a));
    if (show == make) return refuse(c, ERR_INVALID, "usage", "keys needs \"show\" or \"new\".");
    enum err e = wiring_open(c, &cfg, WITHOUT_STORAGE, &w);
    if (e == ERR_OK) e = show ? show_keys(c, &w) : new_key(c, &w);
    wiring_close(&w);
    return e;
}

static enum err print_buf(const struct buf *b)
{
    return fwrite(b->ptr, 1, b->len, stdout) == b->len && fflush(stdout) == 0 ? ERR_OK : ERR_IO;
}

enum err command_config(struct ctx *c, struct args *a)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(64 * KIB);
    if (!args_flag(a, "--example")) return refuse(c, ERR_INVALID, "usage", "config needs --example.");
    TRY(args_end(c, a));
    TRY(config_example(&b));
    return print_buf(&b);
}

enum err command_openapi(struct ctx *c, struct args *a)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(1 * MIB);
    TRY(args_end(c, a));
    TRY(openapi_write(&b));
    return print_buf(&b);
}
