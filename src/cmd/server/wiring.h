/* wiring: which backends this process runs on. The one place where implementations are chosen. */
#ifndef SEALDROP_CMD_SERVER_WIRING_H
#define SEALDROP_CMD_SERVER_WIRING_H

#include "cmd/server/config.h"
#include "core/app/app.h"
#include "net/geoip.h"

struct wiring {
    struct app_backends be;
    struct app *app;
    struct geoip *geoip; /* NULL: not set */
    struct slice public_url;
    bool made_root_key; /* by this start: say so, loudly */
};
enum wiring_storage { WITH_STORAGE, WITHOUT_STORAGE /* admin commands beside a running server */ };
/* Makes the data directory and root key when they are missing; opens everything. Close with wiring_close whatever came back. */
MUST_USE enum err wiring_open(struct ctx *c, const struct config *cfg, enum wiring_storage storage, struct wiring *ret);
void wiring_close(struct wiring *w);

/* Paths below the data directory, unless set otherwise; in the arena. */
MUST_USE enum err path_of(struct ctx *c, const struct config *cfg, struct slice set, const char *name, const char **ret);

#endif
