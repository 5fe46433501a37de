/* The tables of messages_mfa.h. Data only. */
#include "api/messages_mfa.h"

#include "api/messages.h"
#include "base/limits.h"

#define F(strct, member, type, ...) JSON_FIELD(struct strct, member, type, __VA_ARGS__)
#define REQUIRED .flags = JSON_REQUIRED
#define NULLABLE .flags = JSON_NULLABLE
#define SECRET .flags = JSON_SECRET
#define CODE_MAX 64

static const char *const sessions[] = {"token", "cookie", NULL};

JSON_TABLE(msg_mfa_enable_table, "MfaEnable", struct msg_mfa_enable,
    F(msg_mfa_enable, password, JSON_STRING, SECRET, .max = LIMIT_PASSWORD_BYTES),
    F(msg_mfa_enable, code, JSON_STRING, SECRET, .max = CODE_MAX, .doc = "of the factor in force, when there is one"),
    F(msg_mfa_enable, mfa_token, JSON_STRING, SECRET, .max = 128, .doc = "instead of the password: of a sign-in that must enrol"));
JSON_TABLE(msg_mfa_enrolment_table, "MfaEnrolment", struct msg_mfa_enrolment,
    F(msg_mfa_enrolment, secret, JSON_STRING, .flags = JSON_REQUIRED | JSON_SECRET, .doc = "base 32; never shown again"),
    F(msg_mfa_enrolment, otpauth_uri, JSON_STRING, .flags = JSON_REQUIRED | JSON_SECRET),
    F(msg_mfa_enrolment, qr_svg, JSON_STRING, .flags = JSON_REQUIRED | JSON_SECRET, .doc = "the URI as a QR code"));
JSON_TABLE(msg_mfa_verify_table, "MfaVerify", struct msg_mfa_verify,
    F(msg_mfa_verify, code, JSON_STRING, .flags = JSON_REQUIRED | JSON_SECRET, .max = CODE_MAX,
      .doc = "six digits, or a recovery code"),
    F(msg_mfa_verify, mfa_token, JSON_STRING, SECRET, .max = 128,
      .doc = "finishes a sign-in; left out by a signed-in caller who confirms an enrolment"),
    F(msg_mfa_verify, device_name, JSON_STRING, .max = LIMIT_DEVICE_NAME_BYTES, .doc = "as in POST /auth/login"),
    F(msg_mfa_verify, session, JSON_STRING, .words = sessions, .doc = "as in POST /auth/login"));
JSON_TABLE(msg_mfa_change_table, "MfaChange", struct msg_mfa_change,
    F(msg_mfa_change, password, JSON_STRING, .flags = JSON_REQUIRED | JSON_SECRET, .max = LIMIT_PASSWORD_BYTES),
    F(msg_mfa_change, code, JSON_STRING, .flags = JSON_REQUIRED | JSON_SECRET, .max = CODE_MAX));
JSON_TABLE(msg_reauthenticate_table, "Reauthenticate", struct msg_mfa_change,
    F(msg_mfa_change, password, JSON_STRING, .flags = JSON_REQUIRED | JSON_SECRET, .max = LIMIT_PASSWORD_BYTES),
    F(msg_mfa_change, code, JSON_STRING, SECRET, .max = CODE_MAX, .doc = "when the account has a second factor"));
JSON_TABLE(msg_recovery_codes_table, "RecoveryCodes", struct msg_recovery_codes,
    F(msg_recovery_codes, recovery_codes, JSON_STRINGS, .flags = JSON_REQUIRED | JSON_SECRET,
      .doc = "shown once; each good for one use; the old ones are void"));
JSON_TABLE(msg_password_change_table, "PasswordChange", struct msg_password_change,
    F(msg_password_change, current_password, JSON_STRING, SECRET, .max = LIMIT_PASSWORD_BYTES),
    F(msg_password_change, new_password, JSON_STRING, .flags = JSON_REQUIRED | JSON_SECRET, .max = LIMIT_PASSWORD_BYTES),
    F(msg_password_change, mfa_token, JSON_STRING, SECRET, .max = 128,
      .doc = "instead of the current one: of a sign-in that must change it; finishes that sign-in"),
    F(msg_password_change, device_name, JSON_STRING, .max = LIMIT_DEVICE_NAME_BYTES, .doc = "with mfa_token"),
    F(msg_password_change, session, JSON_STRING, .words = sessions, .doc = "with mfa_token"));
JSON_TABLE(msg_session_table, "Session", struct msg_session,
    F(msg_session, id, JSON_ID, REQUIRED),
    F(msg_session, current, JSON_BOOL, REQUIRED, .doc = "the one that asks"),
    F(msg_session, device_name, JSON_STRING, REQUIRED),
    F(msg_session, user_agent, JSON_STRING, REQUIRED),
    F(msg_session, ip, JSON_STRING, REQUIRED, .doc = "where it was begun"),
    F(msg_session, country, JSON_STRING, .doc = "of that address (ISO 3166-1), when the server knows"),
    F(msg_session, methods, JSON_STRINGS, REQUIRED, .doc = "how it was signed in: pwd, otp, passkey, oidc, device"),
    F(msg_session, created_at, JSON_TIME, REQUIRED),
    F(msg_session, last_used_at, JSON_TIME, REQUIRED),
    F(msg_session, expires_at, JSON_TIME, REQUIRED, .doc = "at the latest"));
JSON_TABLE(msg_session_page_table, "SessionPage", struct msg_page,
    F(msg_page, items, JSON_OBJECTS, REQUIRED, .table = &msg_session_table),
    F(msg_page, next_cursor, JSON_STRING, NULLABLE));
JSON_TABLE(msg_apikey_new_table, "ApiKeyNew", struct msg_apikey_new,
    F(msg_apikey_new, name, JSON_STRING, REQUIRED, .max = LIMIT_TITLE_BYTES),
    F(msg_apikey_new, scopes, JSON_STRINGS, REQUIRED, .max = 16,
      .doc = "files:read, files:write, transfers:read, transfers:write, admin:read, admin:write, audit:read"),
    F(msg_apikey_new, expires_in, JSON_OPT_U64, .max = LIMIT_EXPIRES_S, .doc = "seconds; left out: it does not end"));
JSON_TABLE(msg_apikey_table, "ApiKey", struct msg_apikey,
    F(msg_apikey, id, JSON_STRING, REQUIRED),
    F(msg_apikey, name, JSON_STRING, REQUIRED),
    F(msg_apikey, key, JSON_STRING, SECRET, .doc = "only in the answer that makes it"),
    F(msg_apikey, scopes, JSON_STRINGS, REQUIRED),
    F(msg_apikey, created_at, JSON_TIME, REQUIRED),
    F(msg_apikey, expires_at, JSON_OPT_TIME, NULLABLE),
    F(msg_apikey, last_used_at, JSON_OPT_TIME, NULLABLE, .doc = "to the minute"));
JSON_TABLE(msg_apikey_out_table, "ApiKeyAnswer", struct msg_apikey_out,
    F(msg_apikey_out, api_key, JSON_OBJECT, REQUIRED, .table = &msg_apikey_table));
JSON_TABLE(msg_apikey_page_table, "ApiKeyPage", struct msg_page,
    F(msg_page, items, JSON_OBJECTS, REQUIRED, .table = &msg_apikey_table),
    F(msg_page, next_cursor, JSON_STRING, NULLABLE));
