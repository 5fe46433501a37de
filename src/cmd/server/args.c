/* Reading the command line: options may stand anywhere. */
#include "cmd/server/commands.h"


#define OVERRIDES_MAX 2

static void drop(struct args *a, int i, int count)
{
    for (int k = i; k + count < a->n; k++) a->v[k] = a->v[k + count];
    a->n -= count;
}

enum err args_option(struct ctx *c, struct args *a, const char *name, const char **ret)
{
    *ret = NULL;
    for (int i = 0; i < a->n; i++) {
        struct slice arg = slice_cstr(a->v[i]), want = slice_cstr(name);
        if (slice_eq(arg, want)) {
            if (i + 1 >= a->n) return refuse(c, ERR_INVALID, "usage", "%s needs a value.", name);
            *ret = a->v[i + 1];
            drop(a, i, 2);
            return ERR_OK;
        }
        if (slice_starts(arg, want) && arg.ptr[want.len] == '=') {
            *ret = a->v[i] + want.len + 1;
            drop(a, i, 1);
            return ERR_OK;
        }
    }
    return ERR_OK;
}

bool args_flag(struct args *a, const char *name)
{
    for (int i = 0; i < a->n; i++) {
        if (strcmp(a->v[i], name) != 0) continue;
        drop(a, i, 1);
        return true;
    }
    return false;
}

enum err args_end(struct ctx *c, const struct args *a)
{
    if (a->n == 0) return ERR_OK;
    return refuse(c, ERR_INVALID, "usage", "\"%s\" is not understood here. See: sealdropd help", a->v[0]);
}

/* --listen may be given several times. */
static enum err take_listens(struct ctx *c, struct args *a, struct slice *ret)
{
    CLEANUP(buf_done) struct buf all = BUF_INIT(1024);
    const char *one = NULL;
    for (;;) {
        TRY(args_option(c, a, "--listen", &one));
        if (!one) break;
        if (all.len) TRY(buf_putc(&all, ','));
        TRY(buf_put_cstr(&all, one));
    }
    return all.len ? arena_slice(&c->arena, buf_view(&all), ret) : ERR_OK;
}

enum err args_config(struct ctx *c, struct args *a, struct config *ret)
{
    const char *file = NULL, *data = NULL;
    struct slice listen = {0};
    struct config_override over[OVERRIDES_MAX];
    size_t n = 0;
    TRY(args_option(c, a, "--config", &file));
    TRY(args_option(c, a, "--data", &data));
    TRY(take_listens(c, a, &listen));
    if (data) over[n++] = (struct config_override){SLICE("server"), SLICE("data"), slice_cstr(data)};
    if (listen.ptr) over[n++] = (struct config_override){SLICE("server"), SLICE("listen"), listen};
    return config_load(c, file, over, n, ret);
}
