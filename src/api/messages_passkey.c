/* The tables of messages_passkey.h. Data only. */
#include "api/messages_passkey.h"

#include "base/limits.h"
#include "crypto/webauthn.h"

#define F(strct, member, type, ...) JSON_FIELD(struct strct, member, type, __VA_ARGS__)
#define REQUIRED .flags = JSON_REQUIRED

static const char *const sessions[] = {"token", "cookie", NULL};

JSON_TABLE(msg_passkey_options_table, "PasskeyOptions", struct msg_passkey_options,
    F(msg_passkey_options, public_key, JSON_RAW, REQUIRED,
      .doc = "for PublicKeyCredential.parseCreationOptionsFromJSON or parseRequestOptionsFromJSON"));
JSON_TABLE(msg_passkey_new_table, "PasskeyNew", struct msg_passkey_new,
    F(msg_passkey_new, name, JSON_STRING, REQUIRED, .max = LIMIT_TITLE_BYTES),
    F(msg_passkey_new, client_data_json, JSON_BYTES, REQUIRED, .max = 8 * KIB),
    F(msg_passkey_new, attestation_object, JSON_BYTES, REQUIRED, .max = 2 * WEBAUTHN_OBJECT_BYTES_MAX));
JSON_TABLE(msg_passkey_table, "Passkey", struct msg_passkey,
    F(msg_passkey, id, JSON_ID, REQUIRED),
    F(msg_passkey, name, JSON_STRING, REQUIRED),
    F(msg_passkey, created_at, JSON_TIME, REQUIRED),
    F(msg_passkey, last_used_at, JSON_OPT_TIME, .flags = JSON_NULLABLE));
JSON_TABLE(msg_passkey_out_table, "PasskeyAnswer", struct msg_passkey_out,
    F(msg_passkey_out, passkey, JSON_OBJECT, REQUIRED, .table = &msg_passkey_table));
JSON_TABLE(msg_passkey_list_table, "PasskeyList", struct msg_passkey_list,
    F(msg_passkey_list, items, JSON_OBJECTS, REQUIRED, .table = &msg_passkey_table));
JSON_TABLE(msg_passkey_begin_table, "PasskeyBegin", struct msg_passkey_begin,
    F(msg_passkey_begin, mfa_token, JSON_STRING, .flags = JSON_SECRET, .max = 256,
      .doc = "of a sign-in with a password, where the passkey is the second factor"));
JSON_TABLE(msg_passkey_login_table, "PasskeyLogin", struct msg_passkey_login,
    F(msg_passkey_login, credential_id, JSON_BYTES, REQUIRED, .max = 2 * WEBAUTHN_ID_BYTES_MAX),
    F(msg_passkey_login, client_data_json, JSON_BYTES, REQUIRED, .max = 8 * KIB),
    F(msg_passkey_login, authenticator_data, JSON_BYTES, REQUIRED, .max = 8 * KIB),
    F(msg_passkey_login, signature, JSON_BYTES, REQUIRED, .max = 2 * KIB),
    F(msg_passkey_login, user_handle, JSON_BYTES, .max = 128),
    F(msg_passkey_login, mfa_token, JSON_STRING, .flags = JSON_SECRET, .max = 256),
    F(msg_passkey_login, device_name, JSON_STRING, .max = LIMIT_DEVICE_NAME_BYTES),
    F(msg_passkey_login, session, JSON_STRING, .words = sessions));
