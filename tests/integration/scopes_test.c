/* Every row of the route table, with every kind of caller that it must turn away. Made from the table: a new route is tested by being
 * there. */
#include <string.h>

#include "base/limits.h"
#include "integration/loopback.h"

/* The pattern with something plausible for each parameter. */
static const char *target_of(const struct route *r)
{
    struct slice rest = slice_cstr(r->pattern);
    const char *out = "";
    while (rest.len) {
        size_t open = slice_find(rest, '{');
        out = loop_text("%s%.*s", out, (int)open, rest.ptr);
        rest = slice_sub(rest, open, rest.len);
        if (!rest.len) break;
        struct slice name = slice_cut(&rest, '}');
        bool number = slice_eq(name, SLICE("{n"));
        out = loop_text("%s%s", out, number ? "0" : "00000000-0000-7000-8000-000000000000");
    }
    return out;
}

static int status_with(struct loop *l, const struct route *r, const char *bearer)
{
    ANSWER a = {0};
    bool body = r->method != HTTP_GET && r->method != HTTP_DELETE && r->method != HTTP_HEAD;
    LOOP(l, &a, .method = http_method_name(r->method), .target = target_of(r), .bearer = bearer, .json = body && r->in ? "{}" : NULL);
    return a.status;
}

static void expect(struct loop *l, const struct route *r, const char *who, const char *bearer, int want)
{
    int got = status_with(l, r, bearer);
    if (got != want)
        test_fail(__FILE__, __LINE__, "%s %s as %s: %d, wanted %d", http_method_name(r->method), r->pattern, who, got, want);
}

static const char *key_with(struct loop *l, const char *bearer, const char *scopes)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = "/api/v1/api-keys", .bearer = bearer, .json = loop_text("{\"name\":\"all\",\"scopes\":[%s]}", scopes));
    if (a.status != 201) test_fail(__FILE__, __LINE__, "key: %d", a.status);
    return loop_str(&a, "api_key.key");
}

static const char *const scope_words[] = {"files:read",  "files:write", "transfers:read", "transfers:write",
                                          "admin:read", "admin:write", "audit:read"};

static const char *all_but(unsigned scope)
{
    const char *out = "", *comma = "";
    for (unsigned i = 0; i < SCOPE_COUNT; i++) {
        if (scope == 1u << i) continue;
        out = loop_text("%s%s\"%s\"", out, comma, scope_words[i]);
        comma = ",";
    }
    return out;
}

TEST(every_route_turns_away_whom_it_must)
{
    struct loop l;
    const char *keys[SCOPE_COUNT];
    size_t tried = 0;
    if (loop_missing()) return;
    loop_open(&l);
    const char *admin = loop_user(&l, "root@example.com", ROLE_ADMIN), *user = loop_user(&l, "anna@example.com", ROLE_USER);
    const char *guest = loop_user(&l, "gast@example.com", ROLE_GUEST), *no_scope = key_with(&l, admin, all_but(SCOPE_COUNT << 8));
    for (unsigned i = 0; i < SCOPE_COUNT; i++) keys[i] = key_with(&l, admin, all_but(1u << i));
    CHECK_FINE();
    for (size_t i = 0; i < api_route_count; i++) {
        const struct route *r = &api_routes[i];
        if (r->caller != CALLER_USER && r->caller != CALLER_ADMIN) continue;
        tried++;
        expect(&l, r, "nobody", NULL, 401);
        expect(&l, r, "a made-up key", "sdk_abcdefgh_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 401);
        expect(&l, r, "a made-up token", "a.b.c", 401);
        if (r->caller == CALLER_ADMIN) expect(&l, r, "a user", user, 403);
        if (r->caller == CALLER_ADMIN) expect(&l, r, "a guest", guest, 403);
        if (r->scope == SCOPE_NEVER) expect(&l, r, "a key with all scopes", no_scope, 403);
        for (unsigned s = 0; s < SCOPE_COUNT; s++)
            if (r->scope == 1u << s) expect(&l, r, "a key without the scope", keys[s], 403);
        CHECK_FINE();
    }
    CHECK(tried > 40);
    loop_close(&l);
}
