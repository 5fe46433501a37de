/* messages_device: device sign-in. */
#ifndef SEALDROP_API_MESSAGES_DEVICE_H
#define SEALDROP_API_MESSAGES_DEVICE_H

#include "codec/json.h"

struct msg_device_new {
    struct slice device_name;
};
struct msg_device_codes {
    struct slice device_code, user_code, verification_uri, verification_uri_complete;
    uint64_t expires_in, interval;
};
struct msg_device_request {
    struct slice device_name, ip;
    int64_t created_at, expires_at;
};
struct msg_device_decision {
    struct slice user_code;
    bool approve;
};
struct msg_device_poll {
    struct slice device_code;
};

extern const struct json_table msg_device_new_table, msg_device_codes_table, msg_device_request_table,
    msg_device_decision_table, msg_device_poll_table;

#endif
