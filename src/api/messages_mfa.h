/* messages_mfa: bodies of second factors, passwords, sessions and API keys. */
#ifndef SEALDROP_API_MESSAGES_MFA_H
#define SEALDROP_API_MESSAGES_MFA_H

#include "codec/json.h"

struct msg_mfa_enable {
    struct slice password, code, mfa_token;
};
struct msg_mfa_enrolment {
    struct slice secret, otpauth_uri, qr_svg;
};
struct msg_mfa_verify {
    struct slice code, mfa_token, device_name, session;
};
struct msg_mfa_change { /* disable, recovery, reauthenticate */
    struct slice password, code;
};
struct msg_recovery_codes {
    struct json_list recovery_codes;
};
struct msg_password_change {
    struct slice current_password, new_password, mfa_token, device_name, session;
};
struct msg_session {
    struct id id;
    bool current;
    struct slice device_name, user_agent, ip, country;
    struct json_list methods;
    int64_t created_at, last_used_at, expires_at;
};
struct msg_apikey_new {
    struct slice name;
    struct json_list scopes;
    struct opt_u64 expires_in;
};
struct msg_apikey {
    struct slice id, name, key;
    struct json_list scopes;
    int64_t created_at;
    struct opt_i64 expires_at, last_used_at;
};
struct msg_apikey_out {
    struct msg_apikey *api_key;
};

extern const struct json_table msg_mfa_enable_table, msg_mfa_enrolment_table, msg_mfa_verify_table, msg_mfa_change_table,
    msg_reauthenticate_table, msg_recovery_codes_table, msg_password_change_table, msg_session_page_table, msg_apikey_new_table,
    msg_apikey_out_table, msg_apikey_page_table;

#endif
