/* The tables of messages_oidc.h. Data only. */
#include "api/messages_oidc.h"

#define F(strct, member, type, ...) JSON_FIELD(struct strct, member, type, __VA_ARGS__)
#define REQUIRED .flags = JSON_REQUIRED

JSON_TABLE(msg_oidc_provider_table, "SignInProvider", struct msg_oidc_provider,
    F(msg_oidc_provider, name, JSON_STRING, REQUIRED),
    F(msg_oidc_provider, start, JSON_STRING, REQUIRED, .doc = "where to send the browser"));
JSON_TABLE(msg_oidc_providers_table, "SignInProviders", struct msg_oidc_providers,
    F(msg_oidc_providers, items, JSON_OBJECTS, REQUIRED, .table = &msg_oidc_provider_table));
