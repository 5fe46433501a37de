/* What is odd about a sign-in: one audit record each. */
#include "core/session/signal.h"

#include "base/limits.h"
#include "core/audit/audit.h"
#include "core/user/password.h"

static enum err record(struct ctx *c, struct db_conn *conn, const struct principal *who, const struct session_row *s, struct slice what)
{
    return audit_write(c, conn, &(struct audit_event){.event = "auth.signal", .who = who, .actor_id = &s->user_id,
                                                      .object_type = "session", .object_id = &s->id, .detail = what});
}

enum err session_signals(struct ctx *c, struct db_conn *conn, const struct principal *who, const struct session_row *s)
{
    struct session_past past;
    int64_t wrong = 0;
    TRY(session_store_past(c, conn, s, &past));
    TRY(tries_take_wrong_tx(c, conn, &s->user_id, &wrong));
    if (!past.first && !past.same_device) TRY(record(c, conn, who, s, SLICE("new_device")));
    /* Without a known place before there is nothing to differ from. */
    if (s->country.len && past.any_country && !past.same_country) TRY(record(c, conn, who, s, SLICE("new_country")));
    if (wrong >= LIMIT_SIGNAL_FAILS) TRY(record(c, conn, who, s, SLICE("many_failures")));
    return ERR_OK;
}
