/* The PostgreSQL driver. */
#include "db/db_impl.h"

enum err db_postgres_open(struct ctx *c, const struct db_config *cfg, struct db **ret)
{
    (void)cfg;
    (void)ret;
    return fail(c, ERR_UNSUPPORTED, "PostgreSQL comes with the next step");
}
