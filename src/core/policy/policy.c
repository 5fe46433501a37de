/* Rights by role and relation. Everything not allowed here is denied. */
#include "core/policy/policy.h"

#include "base/intmath.h"
#include "core/audit/audit.h"
#include "core/share/share_store.h"
#include "os/clock.h"

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

/* A column a relation: owner, shared for editing, for download, for looking, none. */
static const uint8_t table[3][ACTION_COUNT][RELATION_COUNT] = {
    [ROLE_GUEST] =
        {
            [ACTION_READ] = {ALLOWED, ALLOWED, ALLOWED, ALLOWED, 0},
            [ACTION_COMMENT] = {ALLOWED, ALLOWED, ALLOWED, ALLOWED, 0},
            [ACTION_DOWNLOAD] = {ALLOWED, ALLOWED, ALLOWED, 0, 0},
            [ACTION_CHANGE] = {0, 0, 0, 0, 0},
            [ACTION_DELETE] = {0, 0, 0, 0, 0},
            [ACTION_SHARE] = {0, 0, 0, 0, 0},
            [ACTION_CREATE] = {0, 0, 0, 0, 0},
        },
    [ROLE_USER] =
        {
            [ACTION_READ] = {ALLOWED, ALLOWED, ALLOWED, ALLOWED, 0},
            [ACTION_COMMENT] = {ALLOWED, ALLOWED, ALLOWED, ALLOWED, 0},
            [ACTION_DOWNLOAD] = {ALLOWED, ALLOWED, ALLOWED, 0, 0},
            [ACTION_CHANGE] = {ALLOWED, ALLOWED, 0, 0, 0},
            [ACTION_DELETE] = {ALLOWED, 0, 0, 0, 0},
            [ACTION_SHARE] = {ALLOWED, 0, 0, 0, 0},
            [ACTION_CREATE] = {ALLOWED, 0, 0, 0, 0},
        },
    [ROLE_ADMIN] =
        {
            [ACTION_READ] = {ALLOWED, ALLOWED, ALLOWED, ALLOWED, GLASS},
            [ACTION_COMMENT] = {ALLOWED, ALLOWED, ALLOWED, ALLOWED, GLASS},
            [ACTION_DOWNLOAD] = {ALLOWED, ALLOWED, ALLOWED, GLASS, GLASS},
            [ACTION_CHANGE] = {ALLOWED, ALLOWED, GLASS, GLASS, GLASS},
            [ACTION_DELETE] = {ALLOWED, GLASS, GLASS, GLASS, GLASS},
            [ACTION_SHARE] = {ALLOWED, GLASS, GLASS, GLASS, GLASS},
            [ACTION_CREATE] = {ALLOWED, 0, 0, 0, 0},
        },
};
static const char *const action_names[ACTION_COUNT] = {"read", "comment", "download", "change", "delete", "share", "create"};
static const char *const relation_names[RELATION_COUNT] = {"owner", "edit", "download", "view", ""};

const char *relation_name(enum relation r) { return (unsigned)r < RELATION_COUNT ? relation_names[r] : ""; }

enum relation relation_parse(struct slice permission)
{
    for (unsigned i = RELATION_EDIT; i < RELATION_NONE; i++)
        if (slice_eq(permission, slice_cstr(relation_names[i]))) return (enum relation)i;
    return RELATION_NONE;
}

static uint8_t cell(enum role role, enum action action, enum relation relation)
{
    bool known = (unsigned)role <= ROLE_ADMIN && (unsigned)action < ACTION_COUNT && (unsigned)relation < RELATION_COUNT;
    return known ? table[role][action][relation] : 0;
}

bool policy_allows(enum role role, enum action action, enum relation relation) { return cell(role, action, relation) != 0; }

bool policy_allows_owner(enum role role, const struct id *user, enum action action, const struct id *owner)
{
    return policy_allows(role, action, id_eq(*user, *owner) ? RELATION_OWNER : RELATION_NONE);
}

bool policy_breaks_glass(enum role role, enum action action, enum relation relation)
{
    return cell(role, action, relation) == GLASS;
}

enum err policy_absent(struct ctx *c)
{
    return refuse(c, ERR_NOT_FOUND, "not_found", "There is nothing here, or it is not yours.");
}

static bool own(const struct principal *who, const struct policy_object *o) { return !o || id_eq(*o->owner, who->user_id); }

/* Only files are shared with people. */
static bool may_be_shared(const struct policy_object *o) { return !o->trashed && slice_eq(slice_cstr(o->type), SLICE("file")); }

static enum err find_relation(struct ctx *c, struct db_conn *conn, const struct principal *who, const struct policy_object *o,
                              enum relation *ret)
{
    struct slice permission;
    *ret = RELATION_NONE;
    if (own(who, o)) *ret = RELATION_OWNER;
    if (*ret == RELATION_OWNER || !may_be_shared(o)) return ERR_OK;
    enum err e = share_store_permission(c, conn, o->id, &who->user_id, clock_wall_ms(), &permission);
    if (e == ERR_NOT_FOUND) return ERR_OK;
    TRY(e);
    *ret = relation_parse(permission);
    return ERR_OK;
}

static enum err decide(struct ctx *c, const struct principal *who, enum action action, enum relation relation)
{
    if (policy_allows(who->role, action, relation)) return ERR_OK;
    if (relation == RELATION_NONE) return policy_absent(c);
    if (!policy_allows(who->role, action, RELATION_OWNER))
        return refuse(c, ERR_DENIED, "denied", "Guests cannot upload, change or share files.");
    return refuse(c, ERR_DENIED, "denied", action == ACTION_DOWNLOAD ? "This file is shared with you for looking, not for downloading."
                                           : action == ACTION_CHANGE ? "This file is shared with you, but not for changing it."
                                                                     : "Only its owner may do this.");
}

static struct audit_event broken_glass(const struct principal *who, enum action action, const struct policy_object *o)
{
    return (struct audit_event){.event = "admin.access", .who = who, .object_type = o->type, .object_id = o->id,
                                .detail = slice_cstr(action_names[action]), .break_glass = true};
}

struct relation_arg {
    const struct principal *who;
    const struct policy_object *o;
    enum relation relation;
};

static enum err relation_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct relation_arg *a = arg;
    return find_relation(c, conn, a->who, a->o, &a->relation);
}

static enum err signed_in(struct ctx *c, const struct principal *who)
{
    return who->signed_in ? ERR_OK : refuse(c, ERR_UNAUTH, "unauthorized", "Sign in first.");
}

enum err policy_check_as(struct ctx *c, struct app *app, const struct principal *who, enum action action,
                         const struct policy_object *o, enum relation *ret)
{
    struct relation_arg a = {who, o, RELATION_OWNER};
    TRY(signed_in(c, who));
    if (!own(who, o)) TRY(db_tx(c, app->be.db, DB_READ, relation_tx, &a));
    TRY(decide(c, who, action, a.relation));
    *ret = a.relation;
    if (!policy_breaks_glass(who->role, action, a.relation)) return ERR_OK;
    struct audit_event e = broken_glass(who, action, o);
    return audit_record(c, app, &e);
}

enum err policy_check(struct ctx *c, struct app *app, const struct principal *who, enum action action,
                      const struct policy_object *o)
{
    enum relation relation;
    return policy_check_as(c, app, who, action, o, &relation);
}

enum err policy_check_tx(struct ctx *c, struct db_conn *conn, const struct principal *who, enum action action,
                         const struct policy_object *o)
{
    enum relation relation;
    TRY(signed_in(c, who));
    TRY(find_relation(c, conn, who, o, &relation));
    TRY(decide(c, who, action, relation));
    if (!policy_breaks_glass(who->role, action, relation)) return ERR_OK;
    struct audit_event e = broken_glass(who, action, o);
    return audit_write(c, conn, &e);
}
