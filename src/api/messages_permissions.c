/* The tables of messages_permissions.h. Data only. */
#include "api/messages_permissions.h"

#include "api/messages.h"
#include "base/limits.h"

#define F(strct, member, type, ...) JSON_FIELD(struct strct, member, type, __VA_ARGS__)
#define REQUIRED .flags = JSON_REQUIRED

static const char *const permissions[] = {"view", "download", "edit", NULL};

JSON_TABLE(msg_permission_put_table, "PermissionPut", struct msg_permission_put,
    F(msg_permission_put, user, JSON_OPT_ID, .doc = "with whom; or email"),
    F(msg_permission_put, email, JSON_STRING, .max = LIMIT_EMAIL_BYTES, .doc = "the address of an account, exactly"),
    F(msg_permission_put, permission, JSON_STRING, REQUIRED, .words = permissions,
      .doc = "view: names, previews, comments; download: content as well; edit: change it as well"),
    F(msg_permission_put, expires_in, JSON_OPT_U64, .max = LIMIT_EXPIRES_S, .doc = "seconds; left out: until it is taken back"),
    F(msg_permission_put, expires_at, JSON_OPT_TIME, .doc = "the same as a moment; give one of the two"));
JSON_TABLE(msg_permission_set_table, "PermissionSet", struct msg_permission_put,
    F(msg_permission_put, permission, JSON_STRING, REQUIRED, .words = permissions),
    F(msg_permission_put, expires_in, JSON_OPT_U64, .max = LIMIT_EXPIRES_S),
    F(msg_permission_put, expires_at, JSON_OPT_TIME));
JSON_TABLE(msg_permission_table, "Permission", struct msg_permission,
    F(msg_permission, user_id, JSON_ID, REQUIRED),
    F(msg_permission, display_name, JSON_STRING, REQUIRED),
    F(msg_permission, email, JSON_STRING, .doc = "only where it was shared by it"),
    F(msg_permission, permission, JSON_STRING, REQUIRED),
    F(msg_permission, granted_by, JSON_ID, REQUIRED),
    F(msg_permission, expires_at, JSON_OPT_TIME, .flags = JSON_NULLABLE),
    F(msg_permission, created_at, JSON_TIME, REQUIRED));
JSON_TABLE(msg_permission_out_table, "PermissionAnswer", struct msg_permission_out,
    F(msg_permission_out, permission, JSON_OBJECT, REQUIRED, .table = &msg_permission_table));
JSON_TABLE(msg_permission_page_table, "PermissionPage", struct msg_page,
    F(msg_page, items, JSON_OBJECTS, REQUIRED, .table = &msg_permission_table),
    F(msg_page, next_cursor, JSON_STRING, .flags = JSON_NULLABLE));
