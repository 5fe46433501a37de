/* Made from the route table: every route, every kind of caller, on real objects of somebody else; and every way to ask wrongly. A new
 * row is tested by being in the table; only a body for a new message has to be added (routes_world.c). */
#include "base/limits.h"
#include "integration/routes_world.h"

/* The two bodies without their request ids. */
static bool same_but_id(struct loop_answer *a, struct loop_answer *b)
{
    if (a->len == 0 && b->len == 0) return a->header_count == b->header_count; /* of HEAD */
    const char *ia = loop_str(a, "request_id"), *ib = loop_str(b, "request_id");
    if (a->len != b->len || !ia[0]) return false;
    char *pa = strstr(a->body, ia), *pb = strstr(b->body, ib);
    memset(pa, '#', strlen(ia));
    memset(pb, '#', strlen(ib));
    return memcmp(a->body, b->body, a->len) == 0 && a->header_count == b->header_count;
}

static void ask(struct world *w, const struct route *r, enum kind k, bool absent, struct loop_answer *a)
{
    struct credential c = caller_of(w, r, k);
    ask_as(w, r, &c, path_for(w, r, absent), body_for(w, r, ""), a);
}

/* Others' objects look like none; personal ones do so to administrators as well. */
TEST(routes_foreign_is_absent)
{
    struct world w;
    size_t compared = 0, wanted = 0;
    if (loop_missing()) return;
    world_open(&w);
    for (size_t i = 0; i < api_route_count && !test_failed(); i++) {
        const struct route *r = &api_routes[i];
        ANSWER foreign = {0};
        ANSWER absent = {0};
        if (r->caller != CALLER_USER || !names_object(r)) continue;
        for (int k = GUEST; k <= ADMIN; k++) {
            if (k == OWNER || (k == ADMIN && !names_personal(r))) continue;
            ask(&w, r, (enum kind)k, false, &foreign);
            ask(&w, r, (enum kind)k, true, &absent);
            if (foreign.status != 404 || absent.status != 404 || !same_but_id(&foreign, &absent))
                test_fail(__FILE__, __LINE__, "%s %s: %s against %s", http_method_name(r->method), r->pattern, foreign.body,
                          absent.body);
            compared++;
        }
        wanted += names_personal(r) ? 3 : 2;
    }
    CHECK(compared == wanted && compared == 2 * 36 + 3 * 4);
    world_close(&w);
}

TEST(routes_absent_and_malformed_ids)
{
    struct world w;
    ANSWER a = {0};
    if (loop_missing()) return;
    world_open(&w);
    for (size_t i = 0; i < api_route_count && !test_failed(); i++) {
        const struct route *r = &api_routes[i];
        if (!strchr(r->pattern, '{') || r->call == share_page_call) continue;
        ask(&w, r, ADMIN, true, &a);
        bool asset = r->call == system_asset;
        if (a.status != (asset ? 200 : 404)) test_fail(__FILE__, __LINE__, "%s absent: %d", r->pattern, a.status);
        if (asset) continue;
        const char *at = strchr(r->pattern, '{'), *end = strchr(at, '}');
        const char *path = loop_text("%.*snot-an-id%s", (int)(at - r->pattern), r->pattern, end + 1);
        struct credential admin = caller_of(&w, r, ADMIN);
        ask_as(&w, r, &admin, path, body_for(&w, r, ""), &a);
        if (a.status != 404) test_fail(__FILE__, __LINE__, "%s malformed: %d", path, a.status);
        loop_advance(1000);
    }
    world_close(&w);
}

/* Asks as a caller with every right, wrongly; the answer must be 400 and name the field. */
#define CHECK_FIELD(r, a, name)                                                                                        \
    do {                                                                                                               \
        if ((a)->status != 400 || strcmp(loop_str((a), "errors.0.field"), (name)) != 0)                                \
            test_fail(__FILE__, __LINE__, "%s %s: %d %.*s", http_method_name((r)->method), (r)->pattern, (a)->status,   \
                      (int)(a)->len, (a)->body ? (a)->body : "");                                                      \
    } while (0)

static const char *ticket_for(struct world *w)
{
    ANSWER a = {0};
    LOOP(&w->l, &a, .target = loop_text("/api/v1/share/%s/verify", w->token), .json = "{\"password\":\"" SECRET_OF_LINK "\"}");
    return loop_str(&a, "ticket");
}

TEST(routes_unknown_parameters_and_members)
{
    struct world w;
    ANSWER a = {0};
    if (loop_missing()) return;
    world_open(&w);
    const char *ticket = ticket_for(&w);
    for (size_t i = 0; i < api_route_count && !test_failed(); i++) {
        const struct route *r = &api_routes[i];
        bool link = r->caller == CALLER_LINK;
        const char *path = path_for(&w, r, false), *bearer = link ? NULL : session_of(&w, who_may(r));
        if (!slice_starts(slice_cstr(path), SLICE("/api/")) || any_query(r)) continue;
        LOOP(&w.l, &a, .method = http_method_name(r->method), .bearer = bearer, .ticket = link ? ticket : NULL,
             .target = loop_text("%s%cbogus=1", path, strchr(path, '?') ? '&' : '?'), .json = body_for(&w, r, ""),
             .body = raw_for(r));
        CHECK_FIELD(r, &a, "bogus");
        if (!r->in) continue;
        LOOP(&w.l, &a, .method = http_method_name(r->method), .bearer = bearer, .ticket = link ? ticket : NULL, .target = path,
             .json = body_for(&w, r, ",\"bogus\":1"));
        CHECK_FIELD(r, &a, "bogus");
        loop_advance(1000);
    }
    world_close(&w);
}

TEST(routes_bad_bodies)
{
    struct world w;
    ANSWER a = {0};
    if (loop_missing()) return;
    world_open(&w);
    for (size_t i = 0; i < api_route_count && !test_failed(); i++) {
        const struct route *r = &api_routes[i];
        const char *method = http_method_name(r->method), *path = path_for(&w, r, false), *bearer = session_of(&w, who_may(r));
        if (r->open || r->caller == CALLER_LINK || r->call == auth_logout) continue;
        if (!r->in) {
            LOOP(&w.l, &a, .method = method, .target = path, .bearer = bearer, .json = "{}");
            CHECK_STATUS(&a, 400);
            CHECK(r->method == HTTP_HEAD || strcmp(loop_str(&a, "code"), "no_body") == 0);
            continue;
        }
        LOOP(&w.l, &a, .method = method, .target = path, .bearer = bearer, .type = "text/plain", .body = SLICE("{}"));
        CHECK_PROBLEM(&a, 400, "unsupported_media_type");
        LOOP(&w.l, &a, .method = method, .target = path, .bearer = bearer, .body = SLICE("{}"));
        CHECK_PROBLEM(&a, 400, "unsupported_media_type");
        static const char *const malformed[] = {"{\"a\":", "[]", "null", "{\"\xff\":1}", "{} {}", "{\"a\":1,\"a\":1}", "\"text\""};
        for (size_t m = 0; m < ARRAY_LEN(malformed); m++) {
            LOOP(&w.l, &a, .method = method, .target = path, .bearer = bearer, .json = malformed[m]);
            CHECK_STATUS(&a, 400);
        }
        const struct json_field *first = NULL;
        for (size_t f = 0; f < r->in->count && !first; f++)
            if (r->in->fields[f].flags & JSON_REQUIRED) first = &r->in->fields[f];
        if (!first) continue;
        LOOP(&w.l, &a, .method = method, .target = path, .bearer = bearer);
        CHECK_FIELD(r, &a, first->name);
        loop_advance(10000);
    }
    char *big = reallocarray(NULL, MIB + 2, 1);
    memset(big, ' ', MIB + 2);
    LOOP(&w.l, &a, .method = "POST", .target = "/api/v1/transfers", .bearer = session_of(&w, OWNER), .type = "application/json",
         .body = slice_of(big, MIB + 2));
    CHECK_STATUS(&a, 413);
    free(big);
    world_close(&w);
}

static bool has_row(const char *pattern, unsigned method)
{
    for (size_t i = 0; i < api_route_count; i++)
        if (strcmp(api_routes[i].pattern, pattern) == 0 && api_routes[i].method == method) return true;
    return false;
}

TEST(routes_wrong_method)
{
    struct world w;
    ANSWER a = {0};
    if (loop_missing()) return;
    world_open(&w);
    for (size_t i = 0; i < api_route_count && !test_failed(); i++) {
        const struct route *r = &api_routes[i];
        for (unsigned m = 0; m < HTTP_METHOD_COUNT; m++) {
            const char *name = http_method_name((enum http_method)m), *path = path_for(&w, r, false);
            if (has_row(r->pattern, m) || (m == HTTP_HEAD && has_row(r->pattern, HTTP_GET))) continue;
            LOOP(&w.l, &a, .method = name, .target = path, .bearer = session_of(&w, ADMIN));
            if (m == HTTP_HEAD) {
                CHECK_STATUS(&a, 405);
                continue;
            }
            CHECK_PROBLEM(&a, 405, "method_not_allowed");
            struct slice rest = loop_header(&a, "allow");
            bool own = false;
            while (rest.len) {
                struct slice one = slice_trim(slice_cut(&rest, ','));
                CHECK(!slice_eq(one, slice_cstr(name)));
                own = own || slice_eq(one, slice_cstr(http_method_name(r->method)));
            }
            CHECK(own);
        }
    }
    LOOP(&w.l, &a, .target = "/api/v1/nothing/here");
    CHECK_PROBLEM(&a, 404, "not_found");
    LOOP(&w.l, &a, .target = "/api/v1/files/%2e%2e%2fetc", .bearer = session_of(&w, OWNER));
    CHECK(a.status == 404 || a.status == 400);
    LOOP(&w.l, &a, .target = "/api/v1/files/%zz", .bearer = session_of(&w, OWNER));
    CHECK(a.status == 404 || a.status == 400);
    world_close(&w);
}

TEST(routes_head)
{
    struct world w;
    ANSWER get = {0};
    ANSWER head = {0};
    if (loop_missing()) return;
    world_open(&w);
    const char *ticket = ticket_for(&w);
    for (size_t i = 0; i < api_route_count && !test_failed(); i++) {
        const struct route *r = &api_routes[i];
        bool link = r->caller == CALLER_LINK, metrics = r->call == system_metrics;
        if (r->method != HTTP_GET) continue;
        struct loop_request q = {.target = path_for(&w, r, false), .bearer = link ? NULL : session_of(&w, who_may(r)),
                                 .ticket = link ? ticket : NULL};
        loop_next(&w.l, &q, &get);
        q.method = "HEAD";
        loop_next(&w.l, &q, &head);
        if (head.status != get.status || head.len || head.header_count != get.header_count || (head.length != get.length && !metrics))
            test_fail(__FILE__, __LINE__, "%s: HEAD %d (%zu), GET %d (%zu)", r->pattern, head.status, (size_t)head.length,
                      get.status, (size_t)get.length);
    }
    /* As the standard writes it, with a parameter. */
    LOOP(&w.l, &get, .method = "PATCH", .target = "/api/v1/me", .bearer = session_of(&w, OWNER), .type = "Application/JSON; charset=utf-8",
         .body = SLICE("{\"display_name\":\"x\"}"));
    CHECK_STATUS(&get, 200);
    world_close(&w);
}
