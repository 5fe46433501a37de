/* messages: the bodies of requests and answers as structs, with the tables that decode, encode and document them. */
#ifndef SEALDROP_API_MESSAGES_H
#define SEALDROP_API_MESSAGES_H

#include "codec/json.h"

struct msg_user {
    struct id id;
    struct slice email, display_name, role, locale;
    struct opt_u64 quota_bytes, quota_files, file_bytes_max, transfer_bytes_max;
    uint64_t used_bytes, used_files;
    int64_t created_at;
};
struct msg_user_out {
    struct msg_user *user;
};
struct msg_setup {
    struct slice setup_token, email, password, display_name;
};
struct msg_login {
    struct slice email, password, device_name;
    struct slice session; /* "token" or "cookie" */
};
struct msg_tokens {
    struct slice access_token, token_type;
    struct opt_u64 expires_in;
    struct slice refresh_token, csrf_token;
    struct msg_user *user;
    struct opt_bool mfa_required, mfa_enrolment_required, password_change_required;
    struct slice mfa_token;
    struct json_list methods, recovery_codes;
};
struct msg_refresh {
    struct slice refresh_token;
};
struct msg_me_patch {
    struct slice display_name, locale;
};

struct msg_upload_new {
    struct opt_id version_of;
    struct slice name, folder;
    struct opt_u64 size;
    struct slice type, mode;
    struct opt_u64 part_size;
    struct opt_i64 mtime;
};
struct msg_upload {
    struct id upload_id, file_id;
    struct slice name, state;
    struct opt_u64 size;
    uint64_t part_size;
    struct opt_u64 part_count;
    struct json_list received;
    int64_t created_at, expires_at;
};
struct msg_upload_complete {
    struct opt_u64 size;
    struct slice sha256;
};
struct msg_processing {
    struct slice kind;
    uint64_t done_bytes, total_bytes;
};
struct msg_file {
    struct id id;
    struct slice name;
    uint64_t size;
    struct slice type, detected_type, state, state_why, mode;
    struct slice sha256;
    uint64_t version;
    struct id content_id;
    struct slice description, category, folder;
    struct json_list tags;
    struct opt_id folder_id;
    struct id owner;
    struct slice owner_name, permission;
    int64_t modified_at, created_at, updated_at;
    struct opt_i64 trashed_at;
    const struct msg_processing *processing;
    struct msg_processing processing_now; /* what it points to */
};
struct msg_version {
    uint64_t version, size;
    struct slice type, state, sha256;
    struct id content_id, created_by;
    int64_t modified_at, created_at;
    struct opt_i64 replaced_at;
};
struct msg_file_out {
    struct msg_file *file;
};
struct msg_files_out {
    struct msg_file *file;
    struct json_list files, errors;
};
struct msg_file_error {
    uint64_t index;
    struct slice name;
    uint64_t status;
    struct slice code, detail;
};
struct msg_file_patch {
    struct slice name, description, category, folder;
    struct json_list tags;
};
struct msg_page {
    struct json_list items;
    struct slice next_cursor;
};
struct msg_key_request {
    struct slice public_key;
    struct opt_id file_id, grant;
};
struct msg_codec {
    struct slice name, frames;
    uint64_t stored_size;
};
struct msg_key {
    struct slice enc, ct;
    struct id content_id;
    uint64_t part_size;
    struct slice headers_hash;
    uint64_t size;
    const struct msg_codec *codec;
    struct msg_codec codec_is; /* what it points to */
    struct opt_id grant;
    struct opt_id session_id;
};

struct msg_transfer_new {
    struct slice title, message;
    struct json_list file_ids;
    struct slice mode;
    struct opt_u64 expires_in;
    struct opt_i64 expires_at;
    struct slice password;
    struct opt_u64 max_downloads;
    struct opt_bool delete_files;
};
struct msg_transfer {
    struct id id;
    struct slice title, message, mode;
    bool has_password;
    struct opt_u64 max_downloads;
    bool delete_files;
    uint64_t file_count, total_size;
    struct opt_i64 expires_at;
    int64_t created_at, updated_at;
    struct json_list files;
};
struct msg_transfer_out {
    struct msg_transfer *transfer;
};
struct msg_share_new {
    struct slice permission, label, password;
    struct opt_u64 expires_in;
    struct opt_i64 expires_at;
    struct opt_u64 max_downloads;
};
struct msg_link {
    struct id id;
    struct slice url, token;
    struct slice permission, label;
    bool has_password;
    struct opt_u64 max_downloads;
    uint64_t downloads;
    struct opt_i64 expires_at, revoked_at;
    int64_t created_at;
};
struct msg_link_out {
    struct msg_link *link;
};

struct msg_shared_file {
    struct id id;
    struct slice name;
    uint64_t size;
    struct slice type;
};
struct msg_share {
    struct slice title, message, sender, permission, mode;
    struct json_list needs;
    struct opt_i64 expires_at;
    struct opt_u64 downloads_left;
    struct opt_u64 total_size;
    struct json_list files;
};
struct msg_verify {
    struct slice password;
};
struct msg_ticket {
    struct slice ticket;
    uint64_t expires_in;
};
struct msg_done {
    struct id grant;
};
struct msg_health {
    struct slice status, version;
};
struct msg_check {
    struct slice name, status;
};
struct msg_ready {
    struct slice status, version;
    struct json_list checks;
};

extern const struct json_table msg_user_table, msg_user_out_table, msg_setup_table, msg_login_table, msg_tokens_table,
    msg_refresh_table, msg_me_patch_table, msg_upload_new_table, msg_upload_table, msg_upload_complete_table,
    msg_upload_page_table, msg_file_table, msg_version_page_table, msg_file_out_table, msg_files_out_table, msg_file_patch_table,
    msg_file_page_table, msg_key_request_table, msg_key_table, msg_transfer_new_table, msg_transfer_table,
    msg_transfer_out_table, msg_transfer_page_table, msg_share_new_table, msg_link_table, msg_link_out_table,
    msg_link_page_table, msg_share_table, msg_verify_table, msg_ticket_table, msg_done_table, msg_health_table,
    msg_ready_table;

#endif
