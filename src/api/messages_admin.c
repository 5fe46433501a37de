/* The tables of messages_admin.h. */
#include "api/messages_admin.h"

#include "base/limits.h"

#define F(strct, member, type, ...) JSON_FIELD(struct strct, member, type, __VA_ARGS__)
#define REQUIRED .flags = JSON_REQUIRED
#define NULLABLE .flags = JSON_NULLABLE

static const char *const roles[] = {"admin", "user", "guest", NULL};

JSON_TABLE(msg_account_table, "Account", struct msg_account,
    F(msg_account, id, JSON_ID, REQUIRED),
    F(msg_account, email, JSON_STRING, REQUIRED),
    F(msg_account, display_name, JSON_STRING, REQUIRED),
    F(msg_account, role, JSON_STRING, REQUIRED, .doc = "admin, user or guest"),
    F(msg_account, state, JSON_STRING, REQUIRED, .doc = "active or suspended"),
    F(msg_account, quota_bytes, JSON_OPT_U64, NULLABLE, .doc = "in force; null: no quota"),
    F(msg_account, quota_files, JSON_OPT_U64, NULLABLE, .doc = "in force; null: no limit"),
    F(msg_account, file_bytes_max, JSON_OPT_U64, NULLABLE, .doc = "of one file, in force; null: only the server's limit"),
    F(msg_account, transfer_bytes_max, JSON_OPT_U64, NULLABLE, .doc = "of one transfer, in force; null: no limit"),
    F(msg_account, used_bytes, JSON_U64, REQUIRED),
    F(msg_account, used_files, JSON_U64, REQUIRED),
    F(msg_account, email_verified, JSON_BOOL, REQUIRED, .doc = "by a mailed link, or by the administrator who made the account"),
    F(msg_account, has_password, JSON_BOOL, REQUIRED, .doc = "false until its holder has chosen one"),
    F(msg_account, must_change_password, JSON_BOOL, REQUIRED, .doc = "at the next sign-in"),
    F(msg_account, mfa_required, JSON_BOOL, REQUIRED, .doc = "of this account, beyond what its role requires"),
    F(msg_account, mfa_enabled, JSON_BOOL, REQUIRED, .doc = "it has a second factor"),
    F(msg_account, created_at, JSON_TIME, REQUIRED),
    F(msg_account, last_used_at, JSON_OPT_TIME, NULLABLE, .doc = "of its sessions"));
JSON_TABLE(msg_invite_table, "Invite", struct msg_invite,
    F(msg_invite, email, JSON_STRING, REQUIRED),
    F(msg_invite, role, JSON_STRING, REQUIRED),
    F(msg_invite, mailed, JSON_BOOL, REQUIRED, .doc = "false: no mail is configured, hand the link over"),
    F(msg_invite, link, JSON_STRING, .flags = JSON_SECRET, .doc = "only when it was not mailed, and only in this answer"),
    F(msg_invite, expires_at, JSON_TIME, REQUIRED));
JSON_TABLE(msg_account_out_table, "AccountAnswer", struct msg_account_out,
    F(msg_account_out, user, JSON_OBJECT, REQUIRED, .table = &msg_account_table),
    F(msg_account_out, invite, JSON_OBJECT, .table = &msg_invite_table, .doc = "when one was asked for"));
JSON_TABLE(msg_account_page_table, "AccountPage", struct msg_page,
    F(msg_page, items, JSON_OBJECTS, REQUIRED, .table = &msg_account_table),
    F(msg_page, next_cursor, JSON_STRING, NULLABLE));
JSON_TABLE(msg_account_new_table, "AccountNew", struct msg_account_new,
    F(msg_account_new, email, JSON_STRING, REQUIRED, .max = LIMIT_EMAIL_BYTES),
    F(msg_account_new, role, JSON_STRING, .words = roles, .doc = "user when left out"),
    F(msg_account_new, display_name, JSON_STRING, .max = LIMIT_TITLE_BYTES),
    F(msg_account_new, password, JSON_STRING, .flags = JSON_SECRET, .max = LIMIT_PASSWORD_BYTES, .doc = "left out: none"),
    F(msg_account_new, send_invite, JSON_OPT_BOOL, .doc = "a link for its holder to choose the first password with"),
    F(msg_account_new, quota_bytes, JSON_OPT_U64, .max = INT64_MAX, .doc = "0: no limit; left out: that of the role"),
    F(msg_account_new, quota_files, JSON_OPT_U64, .max = INT64_MAX, .doc = "0: no limit; left out: that of the role"),
    F(msg_account_new, file_bytes_max, JSON_OPT_U64, .max = INT64_MAX, .doc = "of one file; 0: no limit; left out: that of the role"),
    F(msg_account_new, transfer_bytes_max, JSON_OPT_U64, .max = INT64_MAX,
      .doc = "of one transfer; 0: no limit; left out: that of the role"));
JSON_TABLE(msg_account_patch_table, "AccountPatch", struct msg_account_patch,
    F(msg_account_patch, role, JSON_STRING, .words = roles, .doc = "another role ends its sessions"),
    F(msg_account_patch, display_name, JSON_STRING, .max = LIMIT_TITLE_BYTES),
    F(msg_account_patch, email, JSON_STRING, .max = LIMIT_EMAIL_BYTES, .doc = "counts as confirmed; another one ends its sessions"),
    F(msg_account_patch, quota_bytes, JSON_OPT_U64, .max = INT64_MAX, .doc = "0: no limit"),
    F(msg_account_patch, quota_files, JSON_OPT_U64, .max = INT64_MAX, .doc = "0: no limit"),
    F(msg_account_patch, file_bytes_max, JSON_OPT_U64, .max = INT64_MAX, .doc = "of one file; 0: no limit"),
    F(msg_account_patch, transfer_bytes_max, JSON_OPT_U64, .max = INT64_MAX, .doc = "of one transfer; 0: no limit"),
    F(msg_account_patch, must_change_password, JSON_OPT_BOOL, .doc = "true ends its sessions"),
    F(msg_account_patch, mfa_required, JSON_OPT_BOOL, .doc = "true ends its sessions"));
JSON_TABLE(msg_invite_new_table, "InviteNew", struct msg_invite_new,
    F(msg_invite_new, email, JSON_STRING, REQUIRED, .max = LIMIT_EMAIL_BYTES),
    F(msg_invite_new, role, JSON_STRING, .words = roles, .doc = "user when left out"),
    F(msg_invite_new, quota_bytes, JSON_OPT_U64, .max = INT64_MAX),
    F(msg_invite_new, expires_in, JSON_OPT_U64, .max = 90ull * 86400, .doc = "seconds; 7 days when left out"));
JSON_TABLE(msg_invite_out_table, "InviteAnswer", struct msg_invite_out,
    F(msg_invite_out, invite, JSON_OBJECT, REQUIRED, .table = &msg_invite_table));
JSON_TABLE(msg_audit_record_table, "AuditRecord", struct msg_audit_record,
    F(msg_audit_record, id, JSON_ID, REQUIRED),
    F(msg_audit_record, at, JSON_TIME, REQUIRED),
    F(msg_audit_record, event, JSON_STRING, REQUIRED),
    F(msg_audit_record, result, JSON_STRING, REQUIRED, .doc = "ok, denied or failed"),
    F(msg_audit_record, actor, JSON_OPT_ID, NULLABLE, .doc = "the account; null: nobody signed in, or the server itself"),
    F(msg_audit_record, api_key, JSON_STRING, NULLABLE, .doc = "id of the key that was used"),
    F(msg_audit_record, object_type, JSON_STRING, NULLABLE),
    F(msg_audit_record, object, JSON_OPT_ID, NULLABLE),
    F(msg_audit_record, detail, JSON_STRING, NULLABLE),
    F(msg_audit_record, ip, JSON_STRING, NULLABLE, .doc = "null once erased"),
    F(msg_audit_record, email, JSON_STRING, NULLABLE, .doc = "an address that was tried or invited; null once erased"),
    F(msg_audit_record, break_glass, JSON_BOOL, REQUIRED, .doc = "only an administrator could do this"));
JSON_TABLE(msg_audit_page_table, "AuditPage", struct msg_page,
    F(msg_page, items, JSON_OBJECTS, REQUIRED, .table = &msg_audit_record_table),
    F(msg_page, next_cursor, JSON_STRING, NULLABLE));
