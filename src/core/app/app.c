/* Putting the product together: schema, keys, signer, sets. And taking it apart. */
#include "core/app/app.h"

#include "base/limits.h"
#include "core/app/gate.h"
#include "core/key/key.h"
#include "core/oidc/oidc.h"
#include "core/schema.h"
#include "core/session/session.h"
#include "core/token/token.h"
#include "core/type/sniff.h"
#include "core/upload/append.h"
#include "core/upload/claim.h"
#include "core/user/password.h"
#include "os/thread.h"

static enum err open_parts(struct ctx *c, struct app *app)
{
    TRY(db_migrate(c, app->be.db, schema_migrations, schema_migration_count));
    TRY(key_load(c, app));
    TRY(key_secret(c, app, "pepper", &app->pepper));
    TRY(key_secret(c, app, "server", &app->server_key));
    TRY(token_signer_open(c, app, &app->signer));
    TRY(revoked_set_new(&app->revoked));
    TRY(part_claims_new(&app->claims));
    TRY(append_writers_new(&app->writers));
    TRY(gate_new(thread_cores(), &app->hash_gate));
    TRY(oidc_state_new(app->cfg.oidc, &app->oidc));
    if (app->cfg.lab_program) TRY(sniffer_new(slice_cstr(app->cfg.lab_program), &app->sniffer));
    TRY(hash_kinds_new(&app->hash_kinds));
    TRY(password_kinds_load(c, app));
    return session_watch(c, app);
}

static void default_tries(struct app_tries *t)
{
    if (!t->per_address) t->per_address = LIMIT_TRIES_PER_ADDRESS;
    if (!t->logins_per_address) t->logins_per_address = LIMIT_LOGINS_PER_ADDRESS;
    if (!t->logins) t->logins = LIMIT_LOGINS;
}

enum err app_open(struct ctx *c, const struct app_backends *be, const struct app_config *cfg, struct app **ret)
{
    struct app *app = MEM_NEW(struct app);
    if (!app) return ERR_NOMEM;
    app->be = *be;
    app->cfg = *cfg;
    default_tries(&app->cfg.tries);
    enum err e = open_parts(c, app);
    if (e != ERR_OK) {
        app_close(app);
        return e;
    }
    *ret = app;
    return ERR_OK;
}

void app_close(struct app *app)
{
    if (!app) return;
    token_signer_close(app->signer);
    revoked_set_free(app->revoked);
    part_claims_free(app->claims);
    append_writers_free(app->writers);
    gate_free(app->hash_gate);
    hash_kinds_free(app->hash_kinds);
    oidc_state_free(app->oidc);
    sniffer_free(app->sniffer);
    key_done(&app->pepper);
    key_done(&app->server_key);
    mem_free(app);
}
