/* messages: what administrators see and say: accounts, invitations, audit records. */
#ifndef SEALDROP_API_MESSAGES_ADMIN_H
#define SEALDROP_API_MESSAGES_ADMIN_H

#include "api/messages.h"

struct msg_account {
    struct id id;
    struct slice email, display_name, role, state;
    struct opt_u64 quota_bytes, quota_files, file_bytes_max, transfer_bytes_max;
    uint64_t used_bytes, used_files;
    bool email_verified, has_password, must_change_password, mfa_required, mfa_enabled;
    int64_t created_at;
    struct opt_i64 last_used_at;
};
struct msg_invite {
    struct slice email, role;
    bool mailed;
    struct slice link;
    int64_t expires_at;
};
struct msg_account_out {
    struct msg_account *user;
    struct msg_invite *invite;
};
struct msg_account_new {
    struct slice email, role, display_name, password;
    struct opt_bool send_invite;
    struct opt_u64 quota_bytes, quota_files, file_bytes_max, transfer_bytes_max;
};
struct msg_account_patch {
    struct slice role, display_name, email;
    struct opt_u64 quota_bytes, quota_files, file_bytes_max, transfer_bytes_max;
    struct opt_bool must_change_password, mfa_required;
};
struct msg_invite_new {
    struct slice email, role;
    struct opt_u64 quota_bytes, expires_in;
};
struct msg_audit_record {
    struct id id;
    int64_t at;
    struct slice event, result;
    struct opt_id actor;
    struct slice api_key, object_type;
    struct opt_id object;
    struct slice detail, ip, email;
    bool break_glass;
};
struct msg_invite_out {
    struct msg_invite *invite;
};

extern const struct json_table msg_account_out_table, msg_account_page_table, msg_account_new_table, msg_account_patch_table,
    msg_invite_new_table, msg_invite_out_table, msg_audit_page_table;

#endif
