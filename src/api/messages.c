/* The tables of messages.h: names, types, bounds and one line of documentation for every member. Data only. */
#include "api/messages.h"

#include "base/limits.h"

#define F(strct, member, type, ...) JSON_FIELD(struct strct, member, type, __VA_ARGS__)
#define REQUIRED .flags = JSON_REQUIRED
#define NULLABLE .flags = JSON_NULLABLE
#define PASSWORD .flags = JSON_SECRET

static const char *const locales[] = {"en", "de", NULL}; /* core/mail has them */
static const char *const sessions[] = {"token", "cookie", NULL};
static const char *const modes[] = {"managed", NULL};
static const char *const permissions[] = {"view", "download", NULL};

JSON_TABLE(msg_user_table, "User", struct msg_user,
    F(msg_user, id, JSON_ID, REQUIRED),
    F(msg_user, email, JSON_STRING, REQUIRED),
    F(msg_user, display_name, JSON_STRING, REQUIRED),
    F(msg_user, role, JSON_STRING, REQUIRED, .doc = "admin, user or guest"),
    F(msg_user, quota_bytes, JSON_OPT_U64, NULLABLE, .doc = "null: no quota"),
    F(msg_user, quota_files, JSON_OPT_U64, NULLABLE, .doc = "null: no limit"),
    F(msg_user, file_bytes_max, JSON_OPT_U64, NULLABLE, .doc = "of one file; null: only the server's limit"),
    F(msg_user, transfer_bytes_max, JSON_OPT_U64, NULLABLE, .doc = "of one transfer; null: no limit"),
    F(msg_user, used_bytes, JSON_U64, REQUIRED, .doc = "stored and reserved by running uploads"),
    F(msg_user, used_files, JSON_U64, REQUIRED, .doc = "files and running uploads"),
    F(msg_user, locale, JSON_STRING, NULLABLE, .doc = "of mails to it; null: the server's"),
    F(msg_user, created_at, JSON_TIME, REQUIRED));
JSON_TABLE(msg_user_out_table, "UserAnswer", struct msg_user_out,
    F(msg_user_out, user, JSON_OBJECT, REQUIRED, .table = &msg_user_table));
JSON_TABLE(msg_setup_table, "Setup", struct msg_setup,
    F(msg_setup, setup_token, JSON_STRING, .flags = JSON_REQUIRED | JSON_SECRET, .max = 128,
      .doc = "printed to the log and to <data>/setup-token at the first start"),
    F(msg_setup, email, JSON_STRING, REQUIRED, .max = LIMIT_EMAIL_BYTES),
    F(msg_setup, password, JSON_STRING, .flags = JSON_REQUIRED | JSON_SECRET, .max = LIMIT_PASSWORD_BYTES),
    F(msg_setup, display_name, JSON_STRING, .max = LIMIT_TITLE_BYTES));
JSON_TABLE(msg_login_table, "Login", struct msg_login,
    F(msg_login, email, JSON_STRING, REQUIRED, .max = LIMIT_EMAIL_BYTES),
    F(msg_login, password, JSON_STRING, .flags = JSON_REQUIRED | JSON_SECRET, .max = LIMIT_PASSWORD_BYTES),
    F(msg_login, device_name, JSON_STRING, .max = LIMIT_DEVICE_NAME_BYTES, .doc = "shown in the list of sessions"),
    F(msg_login, session, JSON_STRING, .words = sessions, .doc = "cookie: for the web app; token (default): for programs"));
JSON_TABLE(msg_tokens_table, "Tokens", struct msg_tokens,
    F(msg_tokens, access_token, JSON_STRING, PASSWORD, .doc = "not in cookie sessions"),
    F(msg_tokens, token_type, JSON_STRING, .doc = "Bearer"),
    F(msg_tokens, expires_in, JSON_OPT_U64, .doc = "seconds until the access token ends"),
    F(msg_tokens, refresh_token, JSON_STRING, PASSWORD, .doc = "good for one use; not in cookie sessions"),
    F(msg_tokens, csrf_token, JSON_STRING, .doc = "cookie sessions: send as X-CSRF-Token with every change"),
    F(msg_tokens, user, JSON_OBJECT, .table = &msg_user_table),
    F(msg_tokens, mfa_required, JSON_OPT_BOOL, .doc = "true: not signed in yet, a second factor is wanted"),
    F(msg_tokens, mfa_token, JSON_STRING, PASSWORD, .doc = "five minutes, for the one thing that is required"),
    F(msg_tokens, methods, JSON_STRINGS, .doc = "totp, recovery, passkey"),
    F(msg_tokens, mfa_enrolment_required, JSON_OPT_BOOL,
      .doc = "true: not signed in yet; the account must have a second factor: POST /auth/2fa/enable, then verify, with mfa_token"),
    F(msg_tokens, password_change_required, JSON_OPT_BOOL,
      .doc = "true: not signed in yet; POST /auth/password with mfa_token and a new password"),
    F(msg_tokens, recovery_codes, JSON_STRINGS, .doc = "when a second factor was confirmed: shown once, each good for one use"));
JSON_TABLE(msg_refresh_table, "Refresh", struct msg_refresh,
    F(msg_refresh, refresh_token, JSON_STRING, PASSWORD, .max = 128, .doc = "browsers leave it out: it is in their cookie"));
JSON_TABLE(msg_me_patch_table, "MePatch", struct msg_me_patch,
    F(msg_me_patch, display_name, JSON_STRING, .max = LIMIT_TITLE_BYTES),
    F(msg_me_patch, locale, JSON_STRING, .words = locales, .doc = "of mails"));

JSON_TABLE(msg_upload_new_table, "UploadNew", struct msg_upload_new,
    F(msg_upload_new, version_of, JSON_OPT_ID, .doc = "a file that gets a new version and keeps its name; left out for a new file"),
    F(msg_upload_new, name, JSON_STRING, .max = LIMIT_PATH_BYTES,
      .doc = "of a new file: a name, or a relative path that keeps a folder's structure"),
    F(msg_upload_new, folder, JSON_STRING, .max = LIMIT_PATH_BYTES,
      .doc = "a folder's id, or a path beginning with / that is made when it is not there; folders in the name are made in it"),
    F(msg_upload_new, size, JSON_OPT_U64, .max = LIMIT_FILE_BYTES, .doc = "left out when not known yet"),
    F(msg_upload_new, type, JSON_STRING, .max = LIMIT_MIME_BYTES, .doc = "media type; guessed from the name when left out"),
    F(msg_upload_new, mode, JSON_STRING, .words = modes),
    F(msg_upload_new, part_size, JSON_OPT_U64, .max = 512 * MIB, .doc = "a power of two; chosen by the server when left out"),
    F(msg_upload_new, mtime, JSON_OPT_TIME, .doc = "when the source was changed last"));
JSON_TABLE(msg_upload_table, "Upload", struct msg_upload,
    F(msg_upload, upload_id, JSON_ID, REQUIRED),
    F(msg_upload, file_id, JSON_ID, REQUIRED, .doc = "of the file this will become, or get a version more"),
    F(msg_upload, name, JSON_STRING, REQUIRED),
    F(msg_upload, state, JSON_STRING, REQUIRED, .doc = "open, completing or complete"),
    F(msg_upload, size, JSON_OPT_U64, NULLABLE),
    F(msg_upload, part_size, JSON_U64, REQUIRED, .doc = "every part but the last has exactly this many bytes"),
    F(msg_upload, part_count, JSON_OPT_U64, NULLABLE, .doc = "null while the size is not known; an empty last part need not be sent"),
    F(msg_upload, received, JSON_PAIRS, .doc = "durable parts as [first, last] ranges of numbers"),
    F(msg_upload, created_at, JSON_TIME, REQUIRED),
    F(msg_upload, expires_at, JSON_TIME, REQUIRED, .doc = "moves on with every part"));
JSON_TABLE(msg_upload_page_table, "UploadPage", struct msg_page,
    F(msg_page, items, JSON_OBJECTS, REQUIRED, .table = &msg_upload_table),
    F(msg_page, next_cursor, JSON_STRING, NULLABLE));
JSON_TABLE(msg_upload_complete_table, "UploadComplete", struct msg_upload_complete,
    F(msg_upload_complete, size, JSON_OPT_U64, .max = LIMIT_FILE_BYTES, .doc = "checked against what arrived"),
    F(msg_upload_complete, sha256, JSON_BYTES, .max = 32, .doc = "of the whole content; the stored bytes are read back and compared"));
JSON_TABLE(msg_processing_table, "Processing", struct msg_processing,
    F(msg_processing, kind, JSON_STRING, REQUIRED, .doc = "sealing: it is being sealed anew, or waits for it"),
    F(msg_processing, done_bytes, JSON_U64, REQUIRED),
    F(msg_processing, total_bytes, JSON_U64, REQUIRED));
JSON_TABLE(msg_file_table, "File", struct msg_file,
    F(msg_file, id, JSON_ID, REQUIRED),
    F(msg_file, name, JSON_STRING, REQUIRED),
    F(msg_file, size, JSON_U64, REQUIRED),
    F(msg_file, type, JSON_STRING, REQUIRED, .doc = "as it was sent, or by the name"),
    F(msg_file, detected_type, JSON_STRING, NULLABLE, .doc = "what the content is; null while not known"),
    F(msg_file, state, JSON_STRING, REQUIRED, .doc = "ready; scanning: not given out yet; quarantined: not allowed here, not given out"),
    F(msg_file, state_why, JSON_STRING, NULLABLE, .doc = "of quarantined: type_denied, type_mismatch, type_unknown"),
    F(msg_file, mode, JSON_STRING, REQUIRED),
    F(msg_file, sha256, JSON_BYTES, NULLABLE, .doc = "of the plaintext, when known"),
    F(msg_file, version, JSON_U64, REQUIRED),
    F(msg_file, content_id, JSON_ID, REQUIRED, .doc = "of what is stored: in every context of the sealed format"),
    F(msg_file, processing, JSON_OBJECT, NULLABLE, .table = &msg_processing_table, .doc = "in the background: the file can be used"),
    F(msg_file, description, JSON_STRING, REQUIRED),
    F(msg_file, category, JSON_STRING, REQUIRED, .doc = "empty: none"),
    F(msg_file, folder, JSON_STRING, NULLABLE,
      .doc = "path of the folder it lies in; in the trash also of one that is gone; / is the root; null: somebody else's"),
    F(msg_file, tags, JSON_STRINGS, REQUIRED),
    F(msg_file, folder_id, JSON_OPT_ID, NULLABLE, .doc = "null: the root, or a folder that is gone"),
    F(msg_file, owner, JSON_ID, REQUIRED),
    F(msg_file, owner_name, JSON_STRING, .doc = "when it is somebody else's"),
    F(msg_file, permission, JSON_STRING, .doc = "what the caller may: owner, edit, download or view; not where only an administrator may"),
    F(msg_file, modified_at, JSON_TIME, REQUIRED),
    F(msg_file, created_at, JSON_TIME, REQUIRED),
    F(msg_file, updated_at, JSON_TIME, REQUIRED),
    F(msg_file, trashed_at, JSON_OPT_TIME, .doc = "when it is in the trash: since when; state is then trashed"));
JSON_TABLE(msg_version_table, "FileVersion", struct msg_version,
    F(msg_version, version, JSON_U64, REQUIRED),
    F(msg_version, size, JSON_U64, REQUIRED),
    F(msg_version, type, JSON_STRING, REQUIRED),
    F(msg_version, state, JSON_STRING, REQUIRED),
    F(msg_version, sha256, JSON_BYTES, NULLABLE, .doc = "of the plaintext, when known"),
    F(msg_version, content_id, JSON_ID, REQUIRED, .doc = "the same in versions that share their content"),
    F(msg_version, created_by, JSON_ID, REQUIRED),
    F(msg_version, modified_at, JSON_TIME, REQUIRED, .doc = "of the source file"),
    F(msg_version, created_at, JSON_TIME, REQUIRED),
    F(msg_version, replaced_at, JSON_OPT_TIME, NULLABLE, .doc = "null: this is what the file is now"));
JSON_TABLE(msg_version_page_table, "FileVersionPage", struct msg_page,
    F(msg_page, items, JSON_OBJECTS, REQUIRED, .table = &msg_version_table),
    F(msg_page, next_cursor, JSON_STRING, NULLABLE));
JSON_TABLE(msg_file_out_table, "FileAnswer", struct msg_file_out,
    F(msg_file_out, file, JSON_OBJECT, REQUIRED, .table = &msg_file_table));
JSON_TABLE(msg_file_error_table, "FileError", struct msg_file_error,
    F(msg_file_error, index, JSON_U64, REQUIRED, .doc = "of the file in the form, from 0"),
    F(msg_file_error, name, JSON_STRING, REQUIRED),
    F(msg_file_error, status, JSON_U64, REQUIRED, .doc = "had it come alone"),
    F(msg_file_error, code, JSON_STRING, REQUIRED),
    F(msg_file_error, detail, JSON_STRING, REQUIRED));
JSON_TABLE(msg_files_out_table, "FilesAnswer", struct msg_files_out,
    F(msg_files_out, file, JSON_OBJECT, .table = &msg_file_table, .doc = "for a raw body"),
    F(msg_files_out, files, JSON_OBJECTS, .table = &msg_file_table, .doc = "for a form: those that were stored, in their order"),
    F(msg_files_out, errors, JSON_OBJECTS, .table = &msg_file_error_table, .doc = "for a form: those that were not; absent: none"));
JSON_TABLE(msg_file_patch_table, "FilePatch", struct msg_file_patch,
    F(msg_file_patch, name, JSON_STRING, .max = LIMIT_PATH_BYTES),
    F(msg_file_patch, description, JSON_STRING, .max = LIMIT_MESSAGE_BYTES),
    F(msg_file_patch, category, JSON_STRING, .max = LIMIT_TAG_BYTES, .doc = "empty: none"),
    F(msg_file_patch, folder, JSON_STRING, .max = LIMIT_PATH_BYTES, .doc = "a folder's id or path"),
    F(msg_file_patch, tags, JSON_STRINGS, .max = LIMIT_FILE_TAGS, .doc = "all it shall have"));
JSON_TABLE(msg_file_page_table, "FilePage", struct msg_page,
    F(msg_page, items, JSON_OBJECTS, REQUIRED, .table = &msg_file_table),
    F(msg_page, next_cursor, JSON_STRING, NULLABLE));
JSON_TABLE(msg_key_request_table, "KeyRequest", struct msg_key_request,
    F(msg_key_request, public_key, JSON_BYTES, REQUIRED, .max = 32, .doc = "a one-time X25519 key of the caller"),
    F(msg_key_request, file_id, JSON_OPT_ID, .doc = "of a link with several files: which"),
    F(msg_key_request, grant, JSON_OPT_ID, .doc = "of an earlier answer: the same download goes on"));
JSON_TABLE(msg_codec_table, "Codec", struct msg_codec,
    F(msg_codec, name, JSON_STRING, REQUIRED, .doc = "zstd-1m: frames of 1 MiB; see docs/FORMAT.md"),
    F(msg_codec, stored_size, JSON_U64, REQUIRED, .doc = "of what is sealed; parts are cut from it"),
    F(msg_codec, frames, JSON_BYTES, REQUIRED, .doc = "the seek table"));
JSON_TABLE(msg_key_table, "Key", struct msg_key,
    F(msg_key, enc, JSON_BYTES, REQUIRED, .doc = "HPKE encapsulated key"),
    F(msg_key, ct, JSON_BYTES, REQUIRED, .doc = "HPKE ciphertext of the 32-byte file key; see docs/FORMAT.md"),
    F(msg_key, content_id, JSON_ID, REQUIRED, .doc = "in every context of the sealed format, this answer's too"),
    F(msg_key, part_size, JSON_U64, REQUIRED),
    F(msg_key, headers_hash, JSON_BYTES, REQUIRED),
    F(msg_key, size, JSON_U64, REQUIRED, .doc = "of the plaintext"),
    F(msg_key, codec, JSON_OBJECT, .table = &msg_codec_table, .doc = "only when the content was compressed before it was sealed"),
    F(msg_key, session_id, JSON_OPT_ID, .doc = "own files only: in the context of the key; zero for API keys"),
    F(msg_key, grant, JSON_OPT_ID, .doc = "links only: names this download"));

JSON_TABLE(msg_transfer_new_table, "TransferNew", struct msg_transfer_new,
    F(msg_transfer_new, title, JSON_STRING, .max = LIMIT_TITLE_BYTES),
    F(msg_transfer_new, message, JSON_STRING, .max = LIMIT_MESSAGE_BYTES),
    F(msg_transfer_new, file_ids, JSON_IDS, REQUIRED, .max = LIMIT_TRANSFER_FILES),
    F(msg_transfer_new, mode, JSON_STRING, .words = modes),
    F(msg_transfer_new, expires_in, JSON_OPT_U64, .doc = "seconds; then the transfer and its links end"),
    F(msg_transfer_new, expires_at, JSON_OPT_TIME, .doc = "the same as a moment; give one of the two"),
    F(msg_transfer_new, password, JSON_STRING, PASSWORD, .max = LIMIT_PASSWORD_BYTES, .doc = "for its links, unless they have their own"),
    F(msg_transfer_new, max_downloads, JSON_OPT_U64, .max = 1000000000, .doc = "for each of its links, unless they have their own"),
    F(msg_transfer_new, delete_files, JSON_OPT_BOOL, .doc = "when it ends, its files are deleted unless another transfer holds them"));
JSON_TABLE(msg_transfer_table, "Transfer", struct msg_transfer,
    F(msg_transfer, id, JSON_ID, REQUIRED),
    F(msg_transfer, title, JSON_STRING, REQUIRED),
    F(msg_transfer, message, JSON_STRING, REQUIRED),
    F(msg_transfer, mode, JSON_STRING, REQUIRED),
    F(msg_transfer, has_password, JSON_BOOL, REQUIRED),
    F(msg_transfer, max_downloads, JSON_OPT_U64, NULLABLE),
    F(msg_transfer, delete_files, JSON_BOOL, REQUIRED),
    F(msg_transfer, file_count, JSON_U64, REQUIRED),
    F(msg_transfer, total_size, JSON_U64, REQUIRED),
    F(msg_transfer, expires_at, JSON_OPT_TIME, NULLABLE),
    F(msg_transfer, created_at, JSON_TIME, REQUIRED),
    F(msg_transfer, updated_at, JSON_TIME, REQUIRED),
    F(msg_transfer, files, JSON_OBJECTS, .table = &msg_file_table, .doc = "not in lists"));
JSON_TABLE(msg_transfer_out_table, "TransferAnswer", struct msg_transfer_out,
    F(msg_transfer_out, transfer, JSON_OBJECT, REQUIRED, .table = &msg_transfer_table));
JSON_TABLE(msg_transfer_page_table, "TransferPage", struct msg_page,
    F(msg_page, items, JSON_OBJECTS, REQUIRED, .table = &msg_transfer_table),
    F(msg_page, next_cursor, JSON_STRING, NULLABLE));
JSON_TABLE(msg_share_new_table, "ShareNew", struct msg_share_new,
    F(msg_share_new, permission, JSON_STRING, .words = permissions),
    F(msg_share_new, label, JSON_STRING, .max = LIMIT_TITLE_BYTES, .doc = "for the sender's eyes"),
    F(msg_share_new, password, JSON_STRING, PASSWORD, .max = LIMIT_PASSWORD_BYTES),
    F(msg_share_new, expires_in, JSON_OPT_U64, .doc = "seconds; never later than the transfer"),
    F(msg_share_new, expires_at, JSON_OPT_TIME, .doc = "the same as a moment; give one of the two"),
    F(msg_share_new, max_downloads, JSON_OPT_U64, .max = 1000000000));
JSON_TABLE(msg_link_table, "Link", struct msg_link,
    F(msg_link, id, JSON_ID, REQUIRED),
    F(msg_link, url, JSON_STRING, .doc = "only in the answer that made the link"),
    F(msg_link, token, JSON_STRING, PASSWORD, .doc = "only in the answer that made the link: it is not stored"),
    F(msg_link, permission, JSON_STRING, REQUIRED),
    F(msg_link, label, JSON_STRING, REQUIRED),
    F(msg_link, has_password, JSON_BOOL, REQUIRED),
    F(msg_link, max_downloads, JSON_OPT_U64, NULLABLE),
    F(msg_link, downloads, JSON_U64, REQUIRED, .doc = "finished and running"),
    F(msg_link, expires_at, JSON_OPT_TIME, NULLABLE),
    F(msg_link, revoked_at, JSON_OPT_TIME, NULLABLE),
    F(msg_link, created_at, JSON_TIME, REQUIRED));
JSON_TABLE(msg_link_out_table, "LinkAnswer", struct msg_link_out,
    F(msg_link_out, link, JSON_OBJECT, REQUIRED, .table = &msg_link_table));
JSON_TABLE(msg_link_page_table, "LinkPage", struct msg_page,
    F(msg_page, items, JSON_OBJECTS, REQUIRED, .table = &msg_link_table),
    F(msg_page, next_cursor, JSON_STRING, NULLABLE));

JSON_TABLE(msg_shared_file_table, "SharedFile", struct msg_shared_file,
    F(msg_shared_file, id, JSON_ID, REQUIRED),
    F(msg_shared_file, name, JSON_STRING, REQUIRED),
    F(msg_shared_file, size, JSON_U64, REQUIRED),
    F(msg_shared_file, type, JSON_STRING, REQUIRED));
JSON_TABLE(msg_share_table, "Share", struct msg_share,
    F(msg_share, title, JSON_STRING, REQUIRED),
    F(msg_share, message, JSON_STRING, REQUIRED),
    F(msg_share, sender, JSON_STRING, REQUIRED),
    F(msg_share, permission, JSON_STRING, REQUIRED),
    F(msg_share, mode, JSON_STRING, REQUIRED),
    F(msg_share, needs, JSON_STRINGS, REQUIRED, .doc = "what must be verified first: password"),
    F(msg_share, expires_at, JSON_OPT_TIME, NULLABLE),
    F(msg_share, downloads_left, JSON_OPT_U64, NULLABLE, .doc = "null: no limit"),
    F(msg_share, total_size, JSON_OPT_U64, .doc = "once nothing is needed"),
    F(msg_share, files, JSON_OBJECTS, .table = &msg_shared_file_table, .doc = "once nothing is needed"));
JSON_TABLE(msg_verify_table, "Verify", struct msg_verify,
    F(msg_verify, password, JSON_STRING, PASSWORD, .max = LIMIT_PASSWORD_BYTES));
JSON_TABLE(msg_ticket_table, "Ticket", struct msg_ticket,
    F(msg_ticket, ticket, JSON_STRING, .flags = JSON_REQUIRED | JSON_SECRET, .doc = "send as: Authorization: Link <ticket>"),
    F(msg_ticket, expires_in, JSON_U64, REQUIRED));
JSON_TABLE(msg_done_table, "Done", struct msg_done, F(msg_done, grant, JSON_ID, REQUIRED));

JSON_TABLE(msg_health_table, "Health", struct msg_health,
    F(msg_health, status, JSON_STRING, REQUIRED),
    F(msg_health, version, JSON_STRING, REQUIRED));
JSON_TABLE(msg_check_table, "Check", struct msg_check,
    F(msg_check, name, JSON_STRING, REQUIRED),
    F(msg_check, status, JSON_STRING, REQUIRED));
JSON_TABLE(msg_ready_table, "Ready", struct msg_ready,
    F(msg_ready, status, JSON_STRING, REQUIRED),
    F(msg_ready, version, JSON_STRING, REQUIRED),
    F(msg_ready, checks, JSON_OBJECTS, REQUIRED, .table = &msg_check_table));
