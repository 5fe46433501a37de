/* Rights by role and ownership. Everything not allowed here is denied. */
#include "core/policy/policy.h"

#include "base/intmath.h"

static const char *const names[] = {[ROLE_GUEST] = "guest", [ROLE_USER] = "user", [ROLE_ADMIN] = "admin"};

const char *role_name(enum role r)
{
    return (size_t)r < ARRAY_LEN(names) ? names[r] : "guest";
}

enum err role_parse(struct slice s, enum role *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (!slice_eq(s, slice_cstr(names[i]))) continue;
        *ret = (enum role)i;
        return ERR_OK;
    }
    return ERR_INVALID;
}

enum err policy_absent(struct ctx *c)
{
    return refuse(c, ERR_NOT_FOUND, "not_found", "There is nothing here, or it is not yours.");
}

enum err policy_check(struct ctx *c, const struct principal *who, enum action action, const struct id *owner)
{
    if (!who->signed_in) return refuse(c, ERR_UNAUTH, "unauthorized", "Sign in first.");
    if (who->role == ROLE_ADMIN) return ERR_OK;
    if (action == ACTION_CREATE) {
        if (who->role == ROLE_USER) return ERR_OK;
        return refuse(c, ERR_DENIED, "denied", "Guests cannot upload or share files.");
    }
    if (owner && id_eq(*owner, who->user_id)) return ERR_OK;
    return policy_absent(c);
}
