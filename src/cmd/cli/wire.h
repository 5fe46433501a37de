/* wire: the JSON bodies this client sends and reads, as structs and tables. Read leniently: a newer server may say more. */
#ifndef SEALDROP_CMD_CLI_WIRE_H
#define SEALDROP_CMD_CLI_WIRE_H

#include "codec/json.h"

/* POST /auth/login, /auth/refresh, /auth/logout; GET /me */
struct wire_login {
    struct slice email, password, device_name;
};
struct wire_refresh {
    struct slice refresh_token;
};
struct wire_user {
    struct id id;
    struct slice email, display_name, role;
};
struct wire_tokens {
    struct slice access_token, refresh_token;
    uint64_t expires_in;
    const struct wire_user *user;
    /* Signed in only once that is settled: */
    bool mfa_required, mfa_enrolment_required, password_change_required;
    struct slice mfa_token;
    struct json_list methods; /* of the second factor: slices, "totp", "recovery", "passkey" */
};
/* POST /auth/2fa/verify, the end of a sign-in with a second factor */
struct wire_second {
    struct slice mfa_token, code;
};
struct wire_me {
    const struct wire_user *user;
};
extern const struct json_table wire_login_table, wire_refresh_table, wire_user_table, wire_tokens_table, wire_me_table,
    wire_second_table;

/* Signing a device in */
struct wire_device_new {
    struct slice device_name;
};
struct wire_device_codes {
    struct slice device_code, user_code, verification_uri, verification_uri_complete;
    uint64_t expires_in, interval;
};
struct wire_device_poll {
    struct slice device_code;
};
struct wire_device_request {
    struct slice device_name, ip;
};
struct wire_device_decision {
    struct slice user_code;
    bool approve;
};
extern const struct json_table wire_device_new_table, wire_device_codes_table, wire_device_poll_table, wire_device_request_table,
    wire_device_decision_table;

/* Uploads */
struct wire_upload_create {
    struct slice name;
    struct slice folder; /* ptr NULL: none */
    struct opt_id version_of;
    struct opt_u64 size;
    struct slice type;
    struct opt_i64 mtime;
};
struct wire_upload {
    struct id upload_id, file_id;
    uint64_t part_size;
};
struct wire_upload_state {
    struct slice state;
    struct json_list received; /* uint64_t[2] */
    uint64_t part_size;
};
struct wire_complete {
    struct opt_u64 size;
};
struct wire_file {
    struct id id;
    struct slice name;
    uint64_t size;
    struct slice type;
};
struct wire_completed {
    const struct wire_file *file;
};
struct wire_form_error {
    uint64_t index, status;
    struct slice name, code, detail;
};
struct wire_form_out {
    struct json_list files;  /* struct wire_file */
    struct json_list errors; /* struct wire_form_error, by index */
};
extern const struct json_table wire_upload_create_table, wire_upload_table, wire_upload_state_table, wire_complete_table,
    wire_file_table, wire_completed_table, wire_form_out_table;

/* Transfers and their links */
struct wire_transfer_create {
    struct slice title, message;
    struct json_list file_ids;
    struct opt_u64 expires_in;
    bool delete_files; /* with the transfer */
};
struct wire_link {
    struct id id;
    struct slice url, token;
    struct opt_i64 expires_at, revoked_at;
    struct opt_u64 max_downloads, downloads;
};
struct wire_transfer {
    struct id id;
    struct slice title, state;
    struct opt_i64 created_at, expires_at;
    struct opt_u64 file_count, total_size;
};
struct wire_transfer_made {
    const struct wire_transfer *transfer;
};
struct wire_share_create {
    struct slice permission;
    struct opt_u64 expires_in;
    struct slice password;
    struct opt_u64 max_downloads;
};
struct wire_share_made {
    const struct wire_link *link;
};
struct wire_transfer_page {
    struct json_list items;
    struct slice next_cursor;
};
struct wire_link_page {
    struct json_list items;
};
extern const struct json_table wire_transfer_create_table, wire_transfer_table, wire_transfer_made_table, wire_link_table,
    wire_share_create_table, wire_share_made_table, wire_transfer_page_table, wire_link_page_table;

/* Public: what a recipient sees */
struct wire_share {
    struct slice title, message, sender, permission, mode;
    struct json_list needs, files;
    struct opt_i64 expires_at;
    struct opt_u64 downloads_left;
};
struct wire_verify {
    struct slice password;
};
struct wire_ticket {
    struct slice ticket;
    uint64_t expires_in;
};
struct wire_key_request {
    struct slice public_key;
    struct id file_id;
    struct slice grant;
};
struct wire_codec {
    struct slice name, frames;
    uint64_t stored_size;
};
struct wire_key {
    struct slice enc, ct, headers_hash;
    struct id content_id;
    uint64_t part_size, size;
    struct wire_codec *codec; /* NULL: not compressed */
    struct slice grant;
    struct opt_id session_id; /* of own files: in the context of the key */
};
struct wire_done {
    struct slice grant;
};

/* The account's own library */
struct wire_item {
    struct id id;
    struct slice name;
    uint64_t size;
    struct slice type, state, folder, category, description, owner_name, permission;
    struct json_list tags; /* slices */
    uint64_t version;
    struct opt_i64 created_at;
};
struct wire_item_page {
    struct json_list items;
    struct slice next_cursor;
};
struct wire_item_out {
    const struct wire_item *file;
};
struct wire_folder {
    struct id id;
    struct slice name, path;
    uint64_t folder_count, file_count, total_size;
};
struct wire_folder_page {
    struct json_list items;
    struct slice next_cursor;
};
struct wire_item_patch {
    struct slice name, folder; /* ptr NULL: as it is */
    struct json_list tags;     /* set: all it shall have */
};
struct wire_version {
    uint64_t version, size;
    struct slice type, state;
    struct opt_i64 created_at;
};
struct wire_version_page {
    struct json_list items;
    struct slice next_cursor;
};
struct wire_permission_put {
    struct slice email, permission;
    struct opt_u64 expires_in;
};
struct wire_permission {
    struct id user_id;
    struct slice display_name, email, permission;
    struct opt_i64 expires_at;
};
struct wire_permission_page {
    struct json_list items;
    struct slice next_cursor;
};
struct wire_own_key_request {
    struct slice public_key;
};
extern const struct json_table wire_item_table, wire_item_page_table, wire_item_out_table, wire_folder_table, wire_folder_page_table,
    wire_item_patch_table, wire_version_table, wire_version_page_table, wire_permission_put_table, wire_permission_table,
    wire_permission_page_table, wire_own_key_request_table;
extern const struct json_table wire_share_table, wire_verify_table, wire_ticket_table, wire_key_request_table, wire_key_table,
    wire_done_table;

#endif
