/* messages: registration, confirmed addresses, forgotten passwords. */
#ifndef SEALDROP_API_MESSAGES_ACCOUNT_H
#define SEALDROP_API_MESSAGES_ACCOUNT_H

#include "codec/json.h"

struct msg_register {
    struct slice email, password, display_name, invite;
};
struct msg_mailed_token {
    struct slice token;
};
struct msg_forgot {
    struct slice email;
};
struct msg_reset {
    struct slice token, new_password;
};

struct msg_email_change {
    struct slice email, password;
};

extern const struct json_table msg_email_change_table;
extern const struct json_table msg_register_table, msg_mailed_token_table, msg_forgot_table, msg_reset_table;

#endif
