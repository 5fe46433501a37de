/* The table of rights, cell by cell against the rules as people say them, and unknown values. */
#include "core/policy/policy.h"

#include "base/intmath.h"
#include "lib/test.h"

/* Administrators: everything but making objects that are somebody else's. Guests: look at, talk about and fetch what is theirs or
 * shared with them. Users: that, work on what is shared for it, and everything with their own. */
static bool expected(enum role role, enum action action, enum relation relation)
{
    bool own = relation == RELATION_OWNER, edit = relation == RELATION_EDIT;
    if (action == ACTION_CREATE) return own && role != ROLE_GUEST;
    if (role == ROLE_ADMIN) return true;
    if (action == ACTION_READ || action == ACTION_COMMENT) return relation != RELATION_NONE;
    if (action == ACTION_DOWNLOAD) return own || edit || relation == RELATION_DOWNLOAD;
    if (action == ACTION_CHANGE) return (own || edit) && role == ROLE_USER;
    return own && role == ROLE_USER;
}

TEST(every_cell)
{
    static const enum role roles[] = {ROLE_GUEST, ROLE_USER, ROLE_ADMIN};
    for (size_t r = 0; r < ARRAY_LEN(roles); r++) {
        for (unsigned a = 0; a < ACTION_COUNT; a++) {
            for (unsigned n = 0; n < RELATION_COUNT; n++) {
                enum action action = (enum action)a;
                enum relation relation = (enum relation)n;
                bool want = expected(roles[r], action, relation);
                if (policy_allows(roles[r], action, relation) != want)
                    test_fail(__FILE__, __LINE__, "%s, action %u, relation %u", role_name(roles[r]), a, n);
                /* The glass is broken exactly where a user in the same place could not. */
                bool glass = roles[r] == ROLE_ADMIN && want && !expected(ROLE_USER, action, relation);
                if (policy_breaks_glass(roles[r], action, relation) != glass)
                    test_fail(__FILE__, __LINE__, "glass: %s, action %u, relation %u", role_name(roles[r]), a, n);
            }
        }
    }
}

TEST(what_is_not_in_the_table)
{
    CHECK(!policy_allows((enum role)3, ACTION_READ, RELATION_OWNER));
    CHECK(!policy_allows(ROLE_ADMIN, ACTION_COUNT, RELATION_OWNER));
    CHECK(!policy_allows(ROLE_ADMIN, ACTION_READ, RELATION_COUNT));
}

TEST(words_of_relations)
{
    for (unsigned n = RELATION_EDIT; n < RELATION_NONE; n++)
        CHECK(relation_parse(slice_cstr(relation_name((enum relation)n))) == (enum relation)n);
    /* No share row makes an owner. */
    CHECK(relation_parse(SLICE("owner")) == RELATION_NONE);
    CHECK(relation_parse(SLICE("")) == RELATION_NONE);
    CHECK(relation_parse(SLICE("EDIT")) == RELATION_NONE);
}
