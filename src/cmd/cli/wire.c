/* The tables of wire.h: names, types and bounds of what goes over the wire. Data only. */
#include "cmd/cli/wire.h"

#include "base/limits.h"

#define REQUIRED .flags = JSON_REQUIRED

JSON_TABLE(wire_login_table, "Login", struct wire_login, JSON_FIELD(struct wire_login, email, JSON_STRING),
           JSON_FIELD(struct wire_login, password, JSON_STRING, .flags = JSON_SECRET),
           JSON_FIELD(struct wire_login, device_name, JSON_STRING));
JSON_TABLE(wire_refresh_table, "Refresh", struct wire_refresh,
           JSON_FIELD(struct wire_refresh, refresh_token, JSON_STRING, .flags = JSON_SECRET));
JSON_TABLE(wire_user_table, "User", struct wire_user, JSON_FIELD(struct wire_user, id, JSON_ID),
           JSON_FIELD(struct wire_user, email, JSON_STRING, REQUIRED),
           JSON_FIELD(struct wire_user, display_name, JSON_STRING), JSON_FIELD(struct wire_user, role, JSON_STRING));
JSON_TABLE(wire_tokens_table, "Tokens", struct wire_tokens,
           JSON_FIELD(struct wire_tokens, access_token, JSON_STRING, .max = LIMIT_TOKEN_BYTES),
           JSON_FIELD(struct wire_tokens, refresh_token, JSON_STRING, .max = LIMIT_TOKEN_BYTES),
           JSON_FIELD(struct wire_tokens, expires_in, JSON_U64),
           JSON_FIELD(struct wire_tokens, user, JSON_OBJECT, .table = &wire_user_table),
           JSON_FIELD(struct wire_tokens, mfa_required, JSON_BOOL),
           JSON_FIELD(struct wire_tokens, mfa_enrolment_required, JSON_BOOL),
           JSON_FIELD(struct wire_tokens, password_change_required, JSON_BOOL),
           JSON_FIELD(struct wire_tokens, mfa_token, JSON_STRING, .max = LIMIT_TOKEN_BYTES),
           JSON_FIELD(struct wire_tokens, methods, JSON_STRINGS));
JSON_TABLE(wire_second_table, "Second", struct wire_second,
           JSON_FIELD(struct wire_second, mfa_token, JSON_STRING, .flags = JSON_SECRET),
           JSON_FIELD(struct wire_second, code, JSON_STRING, .flags = JSON_SECRET));
JSON_TABLE(wire_me_table, "Me", struct wire_me,
           JSON_FIELD(struct wire_me, user, JSON_OBJECT, REQUIRED, .table = &wire_user_table));

JSON_TABLE(wire_device_new_table, "DeviceNew", struct wire_device_new,
           JSON_FIELD(struct wire_device_new, device_name, JSON_STRING));
JSON_TABLE(wire_device_codes_table, "DeviceCodes", struct wire_device_codes,
           JSON_FIELD(struct wire_device_codes, device_code, JSON_STRING, REQUIRED),
           JSON_FIELD(struct wire_device_codes, user_code, JSON_STRING, REQUIRED),
           JSON_FIELD(struct wire_device_codes, verification_uri, JSON_STRING, REQUIRED),
           JSON_FIELD(struct wire_device_codes, verification_uri_complete, JSON_STRING),
           JSON_FIELD(struct wire_device_codes, expires_in, JSON_U64, REQUIRED),
           JSON_FIELD(struct wire_device_codes, interval, JSON_U64));
JSON_TABLE(wire_device_poll_table, "DevicePoll", struct wire_device_poll,
           JSON_FIELD(struct wire_device_poll, device_code, JSON_STRING, .flags = JSON_SECRET));
JSON_TABLE(wire_device_request_table, "DeviceRequest", struct wire_device_request,
           JSON_FIELD(struct wire_device_request, device_name, JSON_STRING, REQUIRED),
           JSON_FIELD(struct wire_device_request, ip, JSON_STRING, REQUIRED));
JSON_TABLE(wire_device_decision_table, "DeviceDecision", struct wire_device_decision,
           JSON_FIELD(struct wire_device_decision, user_code, JSON_STRING),
           JSON_FIELD(struct wire_device_decision, approve, JSON_BOOL));

JSON_TABLE(wire_upload_create_table, "UploadCreate", struct wire_upload_create,
           JSON_FIELD(struct wire_upload_create, name, JSON_STRING), JSON_FIELD(struct wire_upload_create, folder, JSON_STRING),
           JSON_FIELD(struct wire_upload_create, version_of, JSON_OPT_ID),
           JSON_FIELD(struct wire_upload_create, size, JSON_OPT_U64),
           JSON_FIELD(struct wire_upload_create, type, JSON_STRING),
           JSON_FIELD(struct wire_upload_create, mtime, JSON_OPT_TIME));
JSON_TABLE(wire_upload_table, "Upload", struct wire_upload,
           JSON_FIELD(struct wire_upload, upload_id, JSON_ID, REQUIRED),
           JSON_FIELD(struct wire_upload, file_id, JSON_ID, REQUIRED),
           JSON_FIELD(struct wire_upload, part_size, JSON_U64, REQUIRED));
JSON_TABLE(wire_upload_state_table, "UploadState", struct wire_upload_state,
           JSON_FIELD(struct wire_upload_state, state, JSON_STRING, REQUIRED),
           JSON_FIELD(struct wire_upload_state, received, JSON_PAIRS),
           JSON_FIELD(struct wire_upload_state, part_size, JSON_U64, REQUIRED));
JSON_TABLE(wire_complete_table, "UploadComplete", struct wire_complete,
           JSON_FIELD(struct wire_complete, size, JSON_OPT_U64));
JSON_TABLE(wire_file_table, "File", struct wire_file, JSON_FIELD(struct wire_file, id, JSON_ID, REQUIRED),
           JSON_FIELD(struct wire_file, name, JSON_STRING, REQUIRED), JSON_FIELD(struct wire_file, size, JSON_U64),
           JSON_FIELD(struct wire_file, type, JSON_STRING));
JSON_TABLE(wire_completed_table, "Completed", struct wire_completed,
           JSON_FIELD(struct wire_completed, file, JSON_OBJECT, .table = &wire_file_table));
JSON_TABLE(wire_form_error_table, "FormError", struct wire_form_error,
           JSON_FIELD(struct wire_form_error, index, JSON_U64, REQUIRED), JSON_FIELD(struct wire_form_error, status, JSON_U64, REQUIRED),
           JSON_FIELD(struct wire_form_error, name, JSON_STRING, REQUIRED),
           JSON_FIELD(struct wire_form_error, code, JSON_STRING, REQUIRED),
           JSON_FIELD(struct wire_form_error, detail, JSON_STRING, REQUIRED));
JSON_TABLE(wire_form_out_table, "FormOut", struct wire_form_out,
           JSON_FIELD(struct wire_form_out, files, JSON_OBJECTS, .max = LIMIT_MULTIPART_PARTS, .table = &wire_file_table),
           JSON_FIELD(struct wire_form_out, errors, JSON_OBJECTS, .max = LIMIT_MULTIPART_PARTS, .table = &wire_form_error_table));

JSON_TABLE(wire_transfer_create_table, "TransferCreate", struct wire_transfer_create,
           JSON_FIELD(struct wire_transfer_create, title, JSON_STRING),
           JSON_FIELD(struct wire_transfer_create, message, JSON_STRING),
           JSON_FIELD(struct wire_transfer_create, file_ids, JSON_IDS, .max = LIMIT_TRANSFER_FILES),
           JSON_FIELD(struct wire_transfer_create, expires_in, JSON_OPT_U64),
           JSON_FIELD(struct wire_transfer_create, delete_files, JSON_BOOL));
JSON_TABLE(wire_transfer_table, "Transfer", struct wire_transfer,
           JSON_FIELD(struct wire_transfer, id, JSON_ID, REQUIRED), JSON_FIELD(struct wire_transfer, title, JSON_STRING),
           JSON_FIELD(struct wire_transfer, state, JSON_STRING),
           JSON_FIELD(struct wire_transfer, created_at, JSON_OPT_TIME),
           JSON_FIELD(struct wire_transfer, expires_at, JSON_OPT_TIME),
           JSON_FIELD(struct wire_transfer, file_count, JSON_OPT_U64),
           JSON_FIELD(struct wire_transfer, total_size, JSON_OPT_U64));
JSON_TABLE(wire_transfer_made_table, "TransferMade", struct wire_transfer_made,
           JSON_FIELD(struct wire_transfer_made, transfer, JSON_OBJECT, REQUIRED, .table = &wire_transfer_table));
JSON_TABLE(wire_link_table, "Link", struct wire_link, JSON_FIELD(struct wire_link, id, JSON_ID, REQUIRED),
           JSON_FIELD(struct wire_link, url, JSON_STRING), JSON_FIELD(struct wire_link, token, JSON_STRING),
           JSON_FIELD(struct wire_link, expires_at, JSON_OPT_TIME), JSON_FIELD(struct wire_link, revoked_at, JSON_OPT_TIME),
           JSON_FIELD(struct wire_link, max_downloads, JSON_OPT_U64),
           JSON_FIELD(struct wire_link, downloads, JSON_OPT_U64));
JSON_TABLE(wire_share_create_table, "ShareCreate", struct wire_share_create,
           JSON_FIELD(struct wire_share_create, permission, JSON_STRING),
           JSON_FIELD(struct wire_share_create, expires_in, JSON_OPT_U64),
           JSON_FIELD(struct wire_share_create, password, JSON_STRING, .flags = JSON_SECRET),
           JSON_FIELD(struct wire_share_create, max_downloads, JSON_OPT_U64));
JSON_TABLE(wire_share_made_table, "ShareMade", struct wire_share_made,
           JSON_FIELD(struct wire_share_made, link, JSON_OBJECT, REQUIRED, .table = &wire_link_table));
JSON_TABLE(wire_transfer_page_table, "TransferPage", struct wire_transfer_page,
           JSON_FIELD(struct wire_transfer_page, items, JSON_OBJECTS, REQUIRED, .max = LIMIT_PAGE_ITEMS,
                      .table = &wire_transfer_table),
           JSON_FIELD(struct wire_transfer_page, next_cursor, JSON_STRING));
JSON_TABLE(wire_link_page_table, "LinkPage", struct wire_link_page,
           JSON_FIELD(struct wire_link_page, items, JSON_OBJECTS, REQUIRED, .table = &wire_link_table));

JSON_TABLE(wire_share_table, "Share", struct wire_share, JSON_FIELD(struct wire_share, title, JSON_STRING),
           JSON_FIELD(struct wire_share, message, JSON_STRING), JSON_FIELD(struct wire_share, sender, JSON_STRING),
           JSON_FIELD(struct wire_share, permission, JSON_STRING), JSON_FIELD(struct wire_share, mode, JSON_STRING),
           JSON_FIELD(struct wire_share, needs, JSON_STRINGS),
           JSON_FIELD(struct wire_share, files, JSON_OBJECTS, .max = LIMIT_TRANSFER_FILES, .table = &wire_file_table),
           JSON_FIELD(struct wire_share, expires_at, JSON_OPT_TIME),
           JSON_FIELD(struct wire_share, downloads_left, JSON_OPT_U64));
JSON_TABLE(wire_verify_table, "Verify", struct wire_verify,
           JSON_FIELD(struct wire_verify, password, JSON_STRING, .flags = JSON_SECRET));
JSON_TABLE(wire_ticket_table, "Ticket", struct wire_ticket,
           JSON_FIELD(struct wire_ticket, ticket, JSON_STRING, REQUIRED, .max = LIMIT_TOKEN_BYTES),
           JSON_FIELD(struct wire_ticket, expires_in, JSON_U64));
JSON_TABLE(wire_key_request_table, "KeyRequest", struct wire_key_request,
           JSON_FIELD(struct wire_key_request, public_key, JSON_BYTES),
           JSON_FIELD(struct wire_key_request, file_id, JSON_ID), JSON_FIELD(struct wire_key_request, grant, JSON_STRING));
JSON_TABLE(wire_codec_table, "Codec", struct wire_codec, JSON_FIELD(struct wire_codec, name, JSON_STRING, REQUIRED),
           JSON_FIELD(struct wire_codec, stored_size, JSON_U64, REQUIRED),
           JSON_FIELD(struct wire_codec, frames, JSON_BYTES, REQUIRED));
JSON_TABLE(wire_key_table, "Key", struct wire_key, JSON_FIELD(struct wire_key, enc, JSON_BYTES, REQUIRED),
           JSON_FIELD(struct wire_key, ct, JSON_BYTES, REQUIRED),
           JSON_FIELD(struct wire_key, headers_hash, JSON_BYTES, REQUIRED),
           JSON_FIELD(struct wire_key, content_id, JSON_ID, REQUIRED),
           JSON_FIELD(struct wire_key, part_size, JSON_U64, REQUIRED), JSON_FIELD(struct wire_key, size, JSON_U64, REQUIRED),
           JSON_FIELD(struct wire_key, codec, JSON_OBJECT, .table = &wire_codec_table),
           JSON_FIELD(struct wire_key, grant, JSON_STRING, .max = LIMIT_TOKEN_BYTES),
           JSON_FIELD(struct wire_key, session_id, JSON_OPT_ID));
JSON_TABLE(wire_done_table, "Done", struct wire_done, JSON_FIELD(struct wire_done, grant, JSON_STRING));

JSON_TABLE(wire_item_table, "File", struct wire_item, JSON_FIELD(struct wire_item, id, JSON_ID, REQUIRED),
           JSON_FIELD(struct wire_item, name, JSON_STRING, REQUIRED), JSON_FIELD(struct wire_item, size, JSON_U64),
           JSON_FIELD(struct wire_item, type, JSON_STRING), JSON_FIELD(struct wire_item, state, JSON_STRING),
           JSON_FIELD(struct wire_item, folder, JSON_STRING), JSON_FIELD(struct wire_item, category, JSON_STRING),
           JSON_FIELD(struct wire_item, description, JSON_STRING), JSON_FIELD(struct wire_item, owner_name, JSON_STRING),
           JSON_FIELD(struct wire_item, permission, JSON_STRING), JSON_FIELD(struct wire_item, tags, JSON_STRINGS),
           JSON_FIELD(struct wire_item, version, JSON_U64), JSON_FIELD(struct wire_item, created_at, JSON_OPT_TIME));
JSON_TABLE(wire_item_page_table, "FilePage", struct wire_item_page,
           JSON_FIELD(struct wire_item_page, items, JSON_OBJECTS, REQUIRED, .max = LIMIT_PAGE_ITEMS, .table = &wire_item_table),
           JSON_FIELD(struct wire_item_page, next_cursor, JSON_STRING));
JSON_TABLE(wire_item_out_table, "FileAnswer", struct wire_item_out,
           JSON_FIELD(struct wire_item_out, file, JSON_OBJECT, REQUIRED, .table = &wire_item_table));
JSON_TABLE(wire_folder_table, "Folder", struct wire_folder, JSON_FIELD(struct wire_folder, id, JSON_ID, REQUIRED),
           JSON_FIELD(struct wire_folder, name, JSON_STRING, REQUIRED), JSON_FIELD(struct wire_folder, path, JSON_STRING, REQUIRED),
           JSON_FIELD(struct wire_folder, folder_count, JSON_U64), JSON_FIELD(struct wire_folder, file_count, JSON_U64),
           JSON_FIELD(struct wire_folder, total_size, JSON_U64));
JSON_TABLE(wire_folder_page_table, "FolderPage", struct wire_folder_page,
           JSON_FIELD(struct wire_folder_page, items, JSON_OBJECTS, REQUIRED, .max = LIMIT_PAGE_ITEMS, .table = &wire_folder_table),
           JSON_FIELD(struct wire_folder_page, next_cursor, JSON_STRING));
JSON_TABLE(wire_item_patch_table, "FilePatch", struct wire_item_patch, JSON_FIELD(struct wire_item_patch, name, JSON_STRING),
           JSON_FIELD(struct wire_item_patch, folder, JSON_STRING), JSON_FIELD(struct wire_item_patch, tags, JSON_STRINGS));
JSON_TABLE(wire_version_table, "Version", struct wire_version, JSON_FIELD(struct wire_version, version, JSON_U64, REQUIRED),
           JSON_FIELD(struct wire_version, size, JSON_U64), JSON_FIELD(struct wire_version, type, JSON_STRING),
           JSON_FIELD(struct wire_version, state, JSON_STRING), JSON_FIELD(struct wire_version, created_at, JSON_OPT_TIME));
JSON_TABLE(wire_version_page_table, "VersionPage", struct wire_version_page,
           JSON_FIELD(struct wire_version_page, items, JSON_OBJECTS, REQUIRED, .max = LIMIT_FILE_VERSIONS, .table = &wire_version_table),
           JSON_FIELD(struct wire_version_page, next_cursor, JSON_STRING));
JSON_TABLE(wire_permission_put_table, "PermissionPut", struct wire_permission_put,
           JSON_FIELD(struct wire_permission_put, email, JSON_STRING), JSON_FIELD(struct wire_permission_put, permission, JSON_STRING),
           JSON_FIELD(struct wire_permission_put, expires_in, JSON_OPT_U64));
JSON_TABLE(wire_permission_table, "Permission", struct wire_permission, JSON_FIELD(struct wire_permission, user_id, JSON_ID, REQUIRED),
           JSON_FIELD(struct wire_permission, display_name, JSON_STRING), JSON_FIELD(struct wire_permission, email, JSON_STRING),
           JSON_FIELD(struct wire_permission, permission, JSON_STRING, REQUIRED),
           JSON_FIELD(struct wire_permission, expires_at, JSON_OPT_TIME));
JSON_TABLE(wire_permission_page_table, "PermissionPage", struct wire_permission_page,
           JSON_FIELD(struct wire_permission_page, items, JSON_OBJECTS, REQUIRED, .max = LIMIT_PAGE_ITEMS, .table = &wire_permission_table),
           JSON_FIELD(struct wire_permission_page, next_cursor, JSON_STRING));
JSON_TABLE(wire_own_key_request_table, "OwnKeyRequest", struct wire_own_key_request,
           JSON_FIELD(struct wire_own_key_request, public_key, JSON_BYTES));
