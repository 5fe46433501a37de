/* THE table: every route of the server, who may call it, what it takes and gives. The dispatcher enforces it; the OpenAPI
 * document and the test "every route, every kind of caller" are made from it. To add an endpoint, add a row and its handler. */
#include "api/api.h"

#include "api/messages_account.h"
#include "api/messages_admin.h"
#include "base/limits.h"

#define API "/api/v1"
#define RAW_BODY_MAX (LIMIT_FILE_BYTES + 1 * GIB)

static const char *const page_query[] = {"limit", "cursor", NULL};
static const char *const files_query[] = {"limit", "cursor", "q", "state", NULL};
static const char *const search_query[] = {"limit", "cursor", "q", NULL};
static const char *const delete_query[] = {"delete_files", NULL};
static const char *const audit_query[] = {"limit", "cursor", "event", "actor", "object", "from", "to", NULL};
static const char *const upload_query[] = {"name", NULL};
static const char *const download_query[] = {"file_id", NULL};
static const char *const content_query[] = {"file_id", "grant", NULL};

const struct route api_routes[] = {
    /* Set-up and accounts */
    {HTTP_POST, API "/setup", CALLER_ANYONE, RATE_GUESS, "Make the first account of a fresh server", .call = auth_setup,
     .in = &msg_setup_table, .out = &msg_user_out_table, .status = 201},
    {HTTP_POST, API "/auth/login", CALLER_ANYONE, RATE_GUESS, "Sign in", .call = auth_login, .in = &msg_login_table,
     .out = &msg_tokens_table, .status = 200},
    {HTTP_POST, API "/auth/refresh", CALLER_ANYONE, RATE_GUESS, "Trade a refresh token for a new pair",
     .call = auth_refresh, .in = &msg_refresh_table, .out = &msg_tokens_table, .status = 200},
    {HTTP_POST, API "/auth/logout", CALLER_USER, RATE_NONE, "End this session, everywhere at once", .call = auth_logout,
     .status = 204},
    {HTTP_POST, API "/auth/2fa/enable", CALLER_EITHER, RATE_GUESS, "A new TOTP secret, in force once a code confirms it",
     .call = mfa_enable_call, .in = &msg_mfa_enable_table, .out = &msg_mfa_enrolment_table, .status = 200},
    {HTTP_POST, API "/auth/2fa/verify", CALLER_EITHER, RATE_GUESS, "Finish a sign-in, or confirm a new TOTP secret",
     .call = mfa_verify_call, .in = &msg_mfa_verify_table, .out = &msg_tokens_table, .status = 200},
    {HTTP_POST, API "/auth/2fa/disable", CALLER_USER, RATE_GUESS, "Give TOTP and its recovery codes up; ends all other sessions",
     .call = mfa_disable_call, .in = &msg_mfa_change_table, .status = 204},
    {HTTP_POST, API "/auth/2fa/recovery", CALLER_USER, RATE_GUESS, "New recovery codes; the old ones are void",
     .call = mfa_recovery_call, .in = &msg_mfa_change_table, .out = &msg_recovery_codes_table, .status = 200},
    {HTTP_POST, API "/auth/reauthenticate", CALLER_USER, RATE_GUESS, "Prove the secret again, for dangerous acts",
     .call = reauthenticate_call, .in = &msg_reauthenticate_table, .out = &msg_tokens_table, .status = 200},
    {HTTP_POST, API "/auth/password", CALLER_EITHER, RATE_GUESS, "A new password; ends all other sessions",
     .call = password_change_call, .in = &msg_password_change_table, .out = &msg_tokens_table, .fresh = true, .status = 200},
    {HTTP_GET, API "/auth/sessions", CALLER_USER, RATE_NONE, "Where the caller is signed in", .call = sessions_list_call,
     .out = &msg_session_page_table, .status = 200},
    {HTTP_DELETE, API "/auth/sessions", CALLER_USER, RATE_NONE, "End all sessions but this one", .call = sessions_end_others_call,
     .fresh = true, .status = 204},
    {HTTP_DELETE, API "/auth/sessions/{id}", CALLER_USER, RATE_NONE, "End one session", .call = sessions_end_one_call,
     .fresh = true, .status = 204},
    {HTTP_GET, API "/api-keys", CALLER_USER, RATE_NONE, "API keys of the caller", .call = apikeys_list_call,
     .out = &msg_apikey_page_table, .status = 200},
    {HTTP_POST, API "/api-keys", CALLER_USER, RATE_NONE, "Make an API key; it is shown once", .call = apikeys_new_call,
     .in = &msg_apikey_new_table, .out = &msg_apikey_out_table, .fresh = true, .status = 201},
    {HTTP_DELETE, API "/api-keys/{id}", CALLER_USER, RATE_NONE, "Revoke an API key, at once", .call = apikeys_revoke_call,
     .status = 204},
    {HTTP_POST, API "/auth/register", CALLER_ANYONE, RATE_GUESS, "Make an account, as far as the policy of the server allows",
     .call = account_register_call, .in = &msg_register_table, .out = &msg_user_out_table, .status = 201},
    {HTTP_POST, API "/auth/email/verify", CALLER_ANYONE, RATE_GUESS, "Confirm an address with the token of its mail: the account is made",
     .call = account_verify_call, .in = &msg_mailed_token_table, .out = &msg_user_out_table, .status = 200},
    {HTTP_POST, API "/auth/password/forgot", CALLER_ANYONE, RATE_GUESS, "Ask for a mail to choose a new password with; tells nothing",
     .call = account_forgot_call, .in = &msg_forgot_table, .status = 202},
    {HTTP_POST, API "/auth/password/reset", CALLER_ANYONE, RATE_GUESS, "A new password by the token of a mail; ends every session",
     .call = account_reset_call, .in = &msg_reset_table, .status = 204},
    {HTTP_POST, API "/auth/device", CALLER_ANYONE, RATE_GUESS, "Ask for codes to sign a device in with",
     .call = device_new_call, .in = &msg_device_new_table, .out = &msg_device_codes_table, .status = 200},
    {HTTP_GET, API "/auth/device/{user_code}", CALLER_USER, RATE_GUESS, "Which device asks, from where",
     .call = device_get_call, .out = &msg_device_request_table, .status = 200},
    {HTTP_POST, API "/auth/device/approve", CALLER_USER, RATE_GUESS, "Sign the device in, or refuse it",
     .call = device_approve_call, .in = &msg_device_decision_table, .status = 204},
    {HTTP_POST, API "/auth/device/token", CALLER_ANYONE, RATE_GUESS,
     "The device asks for its tokens: authorization_pending, slow_down, access_denied, expired", .call = device_token_call,
     .in = &msg_device_poll_table, .out = &msg_tokens_table, .status = 200},
    {HTTP_GET, API "/me", CALLER_USER, RATE_NONE, "The caller's account", .call = auth_me, .out = &msg_user_out_table,
     .scope = SCOPE_ANY, .status = 200},
    {HTTP_PATCH, API "/me", CALLER_USER, RATE_NONE, "Change the caller's account", .call = auth_me_change,
     .in = &msg_me_patch_table, .out = &msg_user_out_table, .status = 200},

    /* Uploads */
    {HTTP_POST, API "/uploads", CALLER_USER, RATE_NONE, "Begin an upload in parts", .call = upload_new_call,
     .creates = true, .in = &msg_upload_new_table, .out = &msg_upload_table, .scope = SCOPE_FILES_WRITE, .status = 201},
    {HTTP_GET, API "/uploads", CALLER_USER, RATE_NONE, "Unfinished uploads of the caller", .call = upload_list_call,
     .out = &msg_upload_page_table, .scope = SCOPE_FILES_READ, .status = 200, .query = page_query},
    {HTTP_GET, API "/uploads/{id}", CALLER_USER, RATE_NONE, "State of an upload: which parts are durable",
     .call = upload_get_call, .out = &msg_upload_table, .scope = SCOPE_FILES_READ, .status = 200},
    {HTTP_PUT, API "/uploads/{id}/parts/{n}", CALLER_USER, RATE_NONE, "Send one part", .open = upload_part_open,
     .scope = SCOPE_FILES_WRITE, .status = 204, .body_max = 512 * MIB},
    {HTTP_POST, API "/uploads/{id}/complete", CALLER_USER, RATE_NONE, "All parts are there: make the file",
     .call = upload_complete_call, .in = &msg_upload_complete_table, .out = &msg_file_out_table, .scope = SCOPE_FILES_WRITE, .status = 200},
    {HTTP_DELETE, API "/uploads/{id}", CALLER_USER, RATE_NONE, "Give an upload up", .call = upload_delete_call,
     .scope = SCOPE_FILES_WRITE, .status = 204},

    /* Files */
    {HTTP_POST, API "/files/upload", CALLER_USER, RATE_NONE, "Upload in one request: a raw body or a form",
     .open = files_upload_open, .out = &msg_files_out_table, .scope = SCOPE_FILES_WRITE, .status = 201, .query = upload_query,
     .body_max = RAW_BODY_MAX},
    {HTTP_PUT, API "/files/upload", CALLER_USER, RATE_NONE, "The same for clients that send PUT (curl -T)",
     .open = files_upload_open, .out = &msg_files_out_table, .scope = SCOPE_FILES_WRITE, .status = 201, .query = upload_query,
     .body_max = RAW_BODY_MAX},
    {HTTP_GET, API "/files", CALLER_USER, RATE_NONE, "Files of the caller, newest first", .call = files_list_call,
     .out = &msg_file_page_table, .scope = SCOPE_FILES_READ, .status = 200, .query = files_query},
    {HTTP_GET, API "/files/{id}", CALLER_USER, RATE_NONE, "One file", .call = files_get_call,
     .out = &msg_file_out_table, .scope = SCOPE_FILES_READ, .status = 200},
    {HTTP_PATCH, API "/files/{id}", CALLER_USER, RATE_NONE, "Rename or describe a file", .call = files_change_call,
     .in = &msg_file_patch_table, .out = &msg_file_out_table, .scope = SCOPE_FILES_WRITE, .status = 200},
    {HTTP_DELETE, API "/files/{id}", CALLER_USER, RATE_NONE, "Delete a file: its key is destroyed at once",
     .call = files_delete_call, .scope = SCOPE_FILES_WRITE, .status = 204},
    {HTTP_GET, API "/files/{id}/download", CALLER_USER, RATE_NONE, "Plain bytes; ranges", .call = files_download_call,
     .scope = SCOPE_FILES_READ, .status = 200, .out_type = "application/octet-stream"},
    {HTTP_GET, API "/files/{id}/content", CALLER_USER, RATE_NONE, "Sealed bytes as stored; ranges",
     .call = files_content_call, .scope = SCOPE_FILES_READ, .status = 200, .out_type = "application/octet-stream"},
    {HTTP_POST, API "/files/{id}/key", CALLER_USER, RATE_NONE, "The file key, sealed to a one-time key of the caller",
     .call = files_key_call, .in = &msg_key_request_table, .out = &msg_key_table, .scope = SCOPE_FILES_READ, .status = 200},

    /* Transfers and links */
    {HTTP_POST, API "/transfers", CALLER_USER, RATE_NONE, "Put files together to be shared", .call = transfers_new_call,
     .creates = true, .in = &msg_transfer_new_table, .out = &msg_transfer_out_table, .scope = SCOPE_TRANSFERS_WRITE, .status = 201},
    {HTTP_GET, API "/transfers", CALLER_USER, RATE_NONE, "Transfers of the caller, newest first",
     .call = transfers_list_call, .out = &msg_transfer_page_table, .scope = SCOPE_TRANSFERS_READ, .status = 200, .query = page_query},
    {HTTP_GET, API "/transfers/{id}", CALLER_USER, RATE_NONE, "One transfer with its files", .call = transfers_get_call,
     .out = &msg_transfer_out_table, .scope = SCOPE_TRANSFERS_READ, .status = 200},
    {HTTP_DELETE, API "/transfers/{id}", CALLER_USER, RATE_NONE, "End a transfer and all its links",
     .call = transfers_delete_call, .scope = SCOPE_TRANSFERS_WRITE, .status = 204},
    {HTTP_POST, API "/transfers/{id}/share", CALLER_USER, RATE_NONE, "Make a link", .call = transfers_share_call,
     .creates = true, .in = &msg_share_new_table, .out = &msg_link_out_table, .scope = SCOPE_TRANSFERS_WRITE, .status = 201},
    {HTTP_GET, API "/transfers/{id}/links", CALLER_USER, RATE_NONE, "Links of a transfer", .call = transfers_links_call,
     .out = &msg_link_page_table, .scope = SCOPE_TRANSFERS_READ, .status = 200},
    {HTTP_DELETE, API "/transfers/{id}/links/{link_id}", CALLER_USER, RATE_NONE, "Revoke a link, at once",
     .call = transfers_revoke_call, .scope = SCOPE_TRANSFERS_WRITE, .status = 204},

    /* For the holders of links */
    {HTTP_GET, API "/share/{token}", CALLER_LINK, RATE_NONE, "What a link offers; never counts", .call = share_get_call,
     .out = &msg_share_table, .status = 200},
    {HTTP_POST, API "/share/{token}/verify", CALLER_LINK, RATE_GUESS, "Prove the password, get a ticket",
     .call = share_verify_call, .in = &msg_verify_table, .out = &msg_ticket_table, .status = 200},
    {HTTP_GET, API "/share/{token}/download", CALLER_LINK, RATE_NONE, "One file, or all as a ZIP; ranges",
     .call = share_download_call, .status = 200, .out_type = "application/octet-stream", .query = download_query},
    {HTTP_GET, API "/share/{token}/content", CALLER_LINK, RATE_NONE, "Sealed bytes of a file, under a grant; ranges",
     .call = share_content_call, .status = 200, .out_type = "application/octet-stream", .query = content_query},
    {HTTP_POST, API "/share/{token}/key", CALLER_LINK, RATE_NONE, "A file key, sealed to a one-time key; takes a grant",
     .call = share_key_call, .in = &msg_key_request_table, .out = &msg_key_table, .status = 200},
    {HTTP_POST, API "/share/{token}/done", CALLER_LINK, RATE_NONE, "Everything arrived and verified: the download counts",
     .call = share_done_call, .in = &msg_done_table, .status = 204},
    {HTTP_GET, "/s/{token}", CALLER_LINK, RATE_NONE, "The page of a link", .call = share_page_call, .status = 200,
     .out_type = "text/html"},

    /* Administration */
    {HTTP_GET, API "/admin/users", CALLER_ADMIN, RATE_NONE, "Accounts, newest first; q searches address and name",
     .call = admin_users_call, .out = &msg_account_page_table, .scope = SCOPE_ADMIN_READ, .status = 200, .query = search_query},
    {HTTP_POST, API "/admin/users", CALLER_ADMIN, RATE_NONE, "Make an account", .call = admin_user_new_call, .creates = true,
     .in = &msg_account_new_table, .out = &msg_account_out_table, .scope = SCOPE_ADMIN_WRITE, .fresh = true, .status = 201},
    {HTTP_GET, API "/admin/users/{id}", CALLER_ADMIN, RATE_NONE, "One account", .call = admin_user_call,
     .out = &msg_account_out_table, .scope = SCOPE_ADMIN_READ, .status = 200},
    {HTTP_PATCH, API "/admin/users/{id}", CALLER_ADMIN, RATE_NONE, "Change role, quota, name, or what its next sign-in asks for",
     .call = admin_user_change_call, .in = &msg_account_patch_table, .out = &msg_account_out_table, .scope = SCOPE_ADMIN_WRITE,
     .fresh = true, .status = 200},
    {HTTP_POST, API "/admin/users/{id}/suspend", CALLER_ADMIN, RATE_NONE, "No sign-in, no keys, no links of this account, at once",
     .call = admin_user_suspend_call, .out = &msg_account_out_table, .scope = SCOPE_ADMIN_WRITE, .fresh = true, .status = 200},
    {HTTP_POST, API "/admin/users/{id}/unsuspend", CALLER_ADMIN, RATE_NONE, "Active again", .call = admin_user_unsuspend_call,
     .out = &msg_account_out_table, .scope = SCOPE_ADMIN_WRITE, .fresh = true, .status = 200},
    {HTTP_POST, API "/admin/users/{id}/reset-mfa", CALLER_ADMIN, RATE_NONE, "Take its second factors away; ends its sessions",
     .call = admin_user_reset_mfa_call, .out = &msg_account_out_table, .scope = SCOPE_ADMIN_WRITE, .fresh = true, .status = 200},
    {HTTP_DELETE, API "/admin/users/{id}", CALLER_ADMIN, RATE_NONE, "Delete an account; with delete_files=true all it owns",
     .call = admin_user_delete_call, .scope = SCOPE_ADMIN_WRITE, .fresh = true, .status = 204, .query = delete_query},
    {HTTP_POST, API "/admin/invites", CALLER_ADMIN, RATE_NONE, "Invite somebody to make an account", .call = admin_invite_call,
     .creates = true, .in = &msg_invite_new_table, .out = &msg_invite_out_table, .scope = SCOPE_ADMIN_WRITE, .fresh = true, .status = 201},
    {HTTP_GET, API "/admin/audit-logs", CALLER_ADMIN, RATE_NONE, "Audit records, newest first; event may be a group such as auth.",
     .call = audit_logs_call, .out = &msg_audit_page_table, .scope = SCOPE_AUDIT_READ, .status = 200, .query = audit_query},

    /* The server itself */
    {HTTP_GET, "/health", CALLER_ANYONE, RATE_NONE, "The process is up", .call = system_health, .nonblocking = true,
     .out = &msg_health_table, .status = 200},
    {HTTP_GET, "/health/ready", CALLER_ANYONE, RATE_NONE, "It and all it needs work", .call = system_ready,
     .out = &msg_ready_table, .status = 200},
    {HTTP_GET, "/metrics", CALLER_ANYONE, RATE_NONE, "Prometheus text; from this machine, or with the metrics token",
     .call = system_metrics, .status = 200, .out_type = "text/plain"},
    {HTTP_GET, "/.well-known/jwks.json", CALLER_ANYONE, RATE_NONE, "Public keys of access tokens", .call = system_jwks,
     .nonblocking = true, .status = 200, .out_type = "application/jwk-set+json"},
    {HTTP_GET, API "/openapi.json", CALLER_ANYONE, RATE_NONE, "This table as OpenAPI 3.1", .call = system_openapi,
     .status = 200, .out_type = "application/json"},
    {HTTP_GET, "/", CALLER_ANYONE, RATE_NONE, "The first page", .call = system_asset, .nonblocking = true, .status = 200,
     .out_type = "text/html"},
    {HTTP_GET, "/{asset}", CALLER_ANYONE, RATE_NONE, "Its assets", .call = system_asset, .nonblocking = true,
     .status = 200, .out_type = "text/html"},
};
const size_t api_route_count = sizeof api_routes / sizeof api_routes[0];
