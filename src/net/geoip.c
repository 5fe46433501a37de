/* Countries of addresses through libmaxminddb. The file is foreign data: only an answer of two capital letters counts. */
#include "net/geoip.h"

#include <maxminddb.h>
#include <string.h>

#include "base/mem.h"
#include "os/thread.h"

struct geoip {
    struct mutex m; /* guards db */
    MMDB_s db;
    char *path;
};

static enum err open_file(struct ctx *c, const char *path, MMDB_s *ret)
{
    int status = MMDB_open(path, MMDB_MODE_MMAP, ret);
    if (status == MMDB_SUCCESS) return ERR_OK;
    enum err e = status == MMDB_OUT_OF_MEMORY_ERROR                                    ? ERR_NOMEM
                 : status == MMDB_FILE_OPEN_ERROR || status == MMDB_IO_ERROR ? ERR_IO
                                                                                       : ERR_INVALID;
    return fail(c, e, "%s: %s", path, MMDB_strerror(status));
}

enum err geoip_open(struct ctx *c, const char *path, struct geoip **ret)
{
    struct geoip *g = MEM_NEW(struct geoip);
    size_t n = strlen(path) + 1;
    if (!g) return ERR_NOMEM;
    mutex_init(&g->m);
    g->path = mem_alloc(n, 1);
    if (g->path) memcpy(g->path, path, n);
    enum err e = g->path ? open_file(c, path, &g->db) : ERR_NOMEM;
    if (e != ERR_OK) {
        mutex_done(&g->m);
        mem_free(g->path);
        mem_free(g);
        return e;
    }
    *ret = g;
    return ERR_OK;
}

void geoip_close(struct geoip *g)
{
    if (!g) return;
    MMDB_close(&g->db);
    mutex_done(&g->m);
    mem_free(g->path);
    mem_free(g);
}

enum err geoip_reload(struct ctx *c, struct geoip *g)
{
    MMDB_s fresh, old;
    TRY(open_file(c, g->path, &fresh));
    mutex_lock(&g->m);
    old = g->db;
    g->db = fresh;
    mutex_unlock(&g->m);
    MMDB_close(&old);
    return ERR_OK;
}

static bool capital(char c) { return c >= 'A' && c <= 'Z'; }

void geoip_country(void *self, const char *ip, char ret[GEOIP_COUNTRY_BYTES])
{
    struct geoip *g = self;
    MMDB_entry_data_s d;
    int bad_address = 0, status = MMDB_SUCCESS;
    ret[0] = '\0';
    GUARD(&g->m);
    MMDB_lookup_result_s found = MMDB_lookup_string(&g->db, ip, &bad_address, &status);
    if (bad_address || status != MMDB_SUCCESS || !found.found_entry) return;
    if (MMDB_get_value(&found.entry, &d, "country", "iso_code", NULL) != MMDB_SUCCESS || !d.has_data) return;
    if (d.type != MMDB_DATA_TYPE_UTF8_STRING || d.data_size != 2 || !capital(d.utf8_string[0]) || !capital(d.utf8_string[1])) return;
    memcpy(ret, d.utf8_string, 2);
    ret[2] = '\0';
}
