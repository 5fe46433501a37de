/* messages_passkey: passkeys. The options go to navigator.credentials as they are (camelCase, WebAuthn level 3 JSON). */
#ifndef SEALDROP_API_MESSAGES_PASSKEY_H
#define SEALDROP_API_MESSAGES_PASSKEY_H

#include "codec/json.h"

struct msg_passkey_options {
    struct slice public_key;
};
struct msg_passkey_new {
    struct slice name, client_data_json, attestation_object;
};
struct msg_passkey {
    struct id id;
    struct slice name;
    int64_t created_at;
    struct opt_i64 last_used_at;
};
struct msg_passkey_out {
    struct msg_passkey *passkey;
};
struct msg_passkey_list {
    struct json_list items;
};
struct msg_passkey_begin {
    struct slice mfa_token;
};
struct msg_passkey_login {
    struct slice credential_id, client_data_json, authenticator_data, signature, user_handle;
    struct slice mfa_token, device_name, session;
};

extern const struct json_table msg_passkey_options_table, msg_passkey_new_table, msg_passkey_out_table, msg_passkey_list_table,
    msg_passkey_begin_table, msg_passkey_login_table;

#endif
