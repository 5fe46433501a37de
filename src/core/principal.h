/* principal: who calls. Made in one place (session_authenticate), carried to every decision. */
#ifndef SEALDROP_CORE_PRINCIPAL_H
#define SEALDROP_CORE_PRINCIPAL_H

#include "base/id.h"

enum role { ROLE_GUEST, ROLE_USER, ROLE_ADMIN };

/* What an API key may do: a set of these, and never more than its owner may at the moment of the call. */
enum scope {
    SCOPE_FILES_READ = 1u << 0,
    SCOPE_FILES_WRITE = 1u << 1,
    SCOPE_TRANSFERS_READ = 1u << 2,
    SCOPE_TRANSFERS_WRITE = 1u << 3,
    SCOPE_ADMIN_READ = 1u << 4,
    SCOPE_ADMIN_WRITE = 1u << 5,
    SCOPE_AUDIT_READ = 1u << 6,
    SCOPE_COUNT = 7,
};

struct principal {
    bool signed_in; /* false: everything below but ip is meaningless */
    bool by_key;    /* an API key; otherwise a session */
    bool by_cookie; /* a browser: unsafe requests need the CSRF token */
    struct id user_id;
    struct id session_id; /* zero for API keys */
    char key_id[9];       /* of the API key */
    unsigned scopes;      /* of the API key */
    enum role role;       /* now, not when the token was made */
    int64_t auth_at_ms;   /* when the caller last proved a secret; 0 for API keys */
    char ip[48];
};

const char *role_name(enum role r);
/* ERR_INVALID for an unknown word. */
MUST_USE enum err role_parse(struct slice s, enum role *ret);
/* "files:read" and so on; bit is one of enum scope. */
const char *scope_name(enum scope bit);
MUST_USE enum err scope_parse(struct slice s, enum scope *ret);

#endif
