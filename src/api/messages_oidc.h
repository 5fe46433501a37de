/* messages_oidc: the external sign-in providers. */
#ifndef SEALDROP_API_MESSAGES_OIDC_H
#define SEALDROP_API_MESSAGES_OIDC_H

#include "codec/json.h"

struct msg_oidc_provider {
    struct slice name, start;
};
struct msg_oidc_providers {
    struct json_list items;
};

extern const struct json_table msg_oidc_providers_table;

#endif
