/* principal: who calls. Made in one place (session_authenticate), carried to every decision. */
#ifndef SEALDROP_CORE_PRINCIPAL_H
#define SEALDROP_CORE_PRINCIPAL_H

#include "base/id.h"

enum role { ROLE_GUEST, ROLE_USER, ROLE_ADMIN };

struct principal {
    bool signed_in; /* false: everything below is meaningless */
    struct id user_id;
    struct id session_id;
    enum role role;
    char ip[48];
};

const char *role_name(enum role r);
/* ERR_INVALID for an unknown word. */
MUST_USE enum err role_parse(struct slice s, enum role *ret);

#endif
