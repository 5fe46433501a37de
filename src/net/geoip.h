/* geoip: the country of an IP address, from a file in the MaxMind DB format (GeoLite2-Country, DB-IP Lite and the like).
 *
 * The file is mapped, not read: replace it by renaming a new one over it, never by writing into it. Calls may come from several
 * threads. */
#ifndef SEALDROP_NET_GEOIP_H
#define SEALDROP_NET_GEOIP_H

#include "base/ctx.h"

#define GEOIP_COUNTRY_BYTES 3

struct geoip;

/* `path` is copied. ERR_INVALID when it is not such a file, ERR_IO when it cannot be read; c->err_detail then names it and says why. */
MUST_USE enum err geoip_open(struct ctx *c, const char *path, struct geoip **ret);
/* NULL is harmless. */
void geoip_close(struct geoip *g);
/* Opens the file of that name again. After an error the old one stays in use. Same errors. */
MUST_USE enum err geoip_reload(struct ctx *c, struct geoip *g);
/* Two capital letters (ISO 3166-1), or nothing when the file does not know. `self` is a struct geoip: fits app_config. */
void geoip_country(void *self, const char *ip, char ret[GEOIP_COUNTRY_BYTES]);

#endif
