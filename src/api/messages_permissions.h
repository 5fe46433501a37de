/* messages_permissions: files shared with named users. */
#ifndef SEALDROP_API_MESSAGES_PERMISSIONS_H
#define SEALDROP_API_MESSAGES_PERMISSIONS_H

#include "codec/json.h"

struct msg_permission_put {
    struct opt_id user;
    struct slice email, permission;
    struct opt_u64 expires_in;
    struct opt_i64 expires_at;
};
struct msg_permission {
    struct id user_id;
    struct slice display_name, email, permission;
    struct id granted_by;
    struct opt_i64 expires_at;
    int64_t created_at;
};
struct msg_permission_out {
    struct msg_permission *permission;
};

extern const struct json_table msg_permission_put_table, msg_permission_set_table, msg_permission_out_table, msg_permission_page_table;

#endif
