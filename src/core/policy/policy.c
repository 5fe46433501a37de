/* Rights by role and ownership. Everything not allowed here is denied. */
#include "core/policy/policy.h"

#include "base/intmath.h"
#include "core/audit/audit.h"

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

static const char *const scope_names[SCOPE_COUNT] = {"files:read",  "files:write", "transfers:read", "transfers:write",
                                                     "admin:read", "admin:write", "audit:read"};

const char *scope_name(enum scope bit)
{
    for (unsigned i = 0; i < SCOPE_COUNT; i++)
        if ((unsigned)bit == 1u << i) return scope_names[i];
    return "";
}

enum err scope_parse(struct slice s, enum scope *ret)
{
    for (unsigned i = 0; i < SCOPE_COUNT; i++) {
        if (!slice_eq(s, slice_cstr(scope_names[i]))) continue;
        *ret = (enum scope)(1u << i);
        return ERR_OK;
    }
    return ERR_INVALID;
}

#define ALLOWED 1
#define GLASS 2 /* allowed, and recorded as break-glass */

/* A column a relation: owner, shared for download, shared for looking, none. */
static const uint8_t table[3][ACTION_COUNT][RELATION_COUNT] = {
    [ROLE_GUEST] =
        {
            [ACTION_READ] = {ALLOWED, ALLOWED, ALLOWED, 0},
            [ACTION_DOWNLOAD] = {ALLOWED, ALLOWED, 0, 0},
            [ACTION_CHANGE] = {0, 0, 0, 0},
            [ACTION_SHARE] = {0, 0, 0, 0},
            [ACTION_CREATE] = {0, 0, 0, 0},
        },
    [ROLE_USER] =
        {
            [ACTION_READ] = {ALLOWED, ALLOWED, ALLOWED, 0},
            [ACTION_DOWNLOAD] = {ALLOWED, ALLOWED, 0, 0},
            [ACTION_CHANGE] = {ALLOWED, 0, 0, 0},
            [ACTION_SHARE] = {ALLOWED, 0, 0, 0},
            [ACTION_CREATE] = {ALLOWED, 0, 0, 0},
        },
    [ROLE_ADMIN] =
        {
            [ACTION_READ] = {ALLOWED, ALLOWED, ALLOWED, GLASS},
            [ACTION_DOWNLOAD] = {ALLOWED, ALLOWED, GLASS, GLASS},
            [ACTION_CHANGE] = {ALLOWED, GLASS, GLASS, GLASS},
            [ACTION_SHARE] = {ALLOWED, GLASS, GLASS, GLASS},
            [ACTION_CREATE] = {ALLOWED, 0, 0, 0},
        },
};
static const char *const action_names[ACTION_COUNT] = {"read", "download", "change", "share", "create"};

static uint8_t cell(enum role role, enum action action, enum relation relation)
{
    bool known = (unsigned)role <= ROLE_ADMIN && (unsigned)action < ACTION_COUNT && (unsigned)relation < RELATION_COUNT;
    return known ? table[role][action][relation] : 0;
}

bool policy_allows(enum role role, enum action action, enum relation relation) { return cell(role, action, relation) != 0; }

bool policy_breaks_glass(enum role role, enum action action, enum relation relation)
{
    return cell(role, action, relation) == GLASS;
}

enum err policy_absent(struct ctx *c)
{
    return refuse(c, ERR_NOT_FOUND, "not_found", "There is nothing here, or it is not yours.");
}

enum err policy_check(struct ctx *c, struct app *app, const struct principal *who, enum action action,
                      const struct policy_object *o)
{
    if (!who->signed_in) return refuse(c, ERR_UNAUTH, "unauthorized", "Sign in first.");
    enum relation relation = !o || id_eq(*o->owner, who->user_id) ? RELATION_OWNER : RELATION_NONE;
    if (!policy_allows(who->role, action, relation)) {
        if (relation == RELATION_NONE)
            return policy_absent(c);
        return refuse(c, ERR_DENIED, "denied", "Guests cannot upload, change or share files.");
    }
    if (!policy_breaks_glass(who->role, action, relation)) return ERR_OK;
    return audit_record(c, app, &(struct audit_event){.event = "admin.access", .who = who, .object_type = o->type,
                                                      .object_id = o->id, .detail = slice_cstr(action_names[action]),
                                                      .break_glass = true});
}
