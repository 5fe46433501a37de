/* Made from the route table: every route, every kind of caller, on real objects of somebody else; and every way to ask wrongly. A new
 * row is tested by being in the table; only a body for a new message has to be added to body_for(). */
#include "base/limits.h"
#include "integration/loopback.h"

#define ABSENT "01890a5d-ac96-774b-bcce-b302099a8057"
#define SECRET_OF_LINK "open sesame"
#define KEY43 "dGhpcyBpcyBub3QgYSBzZWNyZXQga2V5LCByZWFsbHk"

enum kind {
    ANONYMOUS, /* the first four are nobody */
    GARBAGE,
    EXPIRED,
    REVOKED,
    GUEST,
    STRANGER,
    OWNER,
    ADMIN,
    KINDS
};
static const char *const kind_names[KINDS] = {"anonymous", "garbage", "expired", "revoked", "guest", "stranger", "owner", "admin"};

struct world {
    struct loop l;
    const char *bearer[KINDS];
    const char *upload, *empty_upload, *file, *transfer, *link, *token; /* all the owner's */
};

/* Objects that nobody has touched yet. */
static void make_objects(struct world *w)
{
    struct loop *l = &w->l;
    const char *owner = w->bearer[OWNER];
    ANSWER a = {0};
    LOOP(l, &a, .target = "/api/v1/uploads", .bearer = owner, .json = "{\"name\":\"begun.txt\",\"size\":5}");
    w->upload = loop_str(&a, "upload_id");
    LOOP(l, &a, .target = "/api/v1/uploads", .bearer = owner, .json = "{\"name\":\"empty.txt\",\"size\":0}");
    w->empty_upload = loop_str(&a, "upload_id");
    w->file = loop_file(l, owner, "secret.txt", SLICE("for nobody else"));
    w->transfer = loop_transfer(l, owner, w->file, ",\"password\":\"" SECRET_OF_LINK "\"");
    LOOP(l, &a, .target = loop_text("/api/v1/transfers/%s/share", w->transfer), .bearer = owner, .json = "{}");
    w->link = loop_str(&a, "link.id");
    w->token = loop_str(&a, "link.token");
    if (!w->token[0]) test_fail(__FILE__, __LINE__, "no link");
}

static void open_world(struct world *w)
{
    struct loop *l = &w->l;
    ANSWER a = {0};
    loop_open(l);
    if (test_failed()) return;
    w->bearer[ANONYMOUS] = NULL;
    w->bearer[GARBAGE] = "eyJhbGciOiJub25lIn0.e30.";
    w->bearer[EXPIRED] = loop_user(l, "old@example.com", ROLE_ADMIN);
    loop_advance(LIMIT_ACCESS_TOKEN_MS);
    w->bearer[REVOKED] = loop_user(l, "gone@example.com", ROLE_ADMIN);
    LOOP(l, &a, .method = "POST", .target = "/api/v1/auth/logout", .bearer = w->bearer[REVOKED]);
    w->bearer[GUEST] = loop_user(l, "guest@example.com", ROLE_GUEST);
    w->bearer[STRANGER] = loop_user(l, "stranger@example.com", ROLE_USER);
    w->bearer[OWNER] = loop_user(l, "owner@example.com", ROLE_USER);
    w->bearer[ADMIN] = loop_user(l, "admin@example.com", ROLE_ADMIN);
    make_objects(w);
}

/* A body this route accepts; `more` goes into the object. NULL: it takes none. */
static const char *body_for(struct world *w, const struct route *r, const char *more)
{
    const char *refresh = "";
    if (!r->in) return NULL;
    if (r->in == &msg_setup_table)
        return loop_text("{\"setup_token\":\"" LOOP_SETUP_TOKEN "\",\"email\":\"x@example.com\",\"password\":\"" LOOP_PASSWORD
                         "\"%s}", more);
    if (r->in == &msg_login_table)
        return loop_text("{\"email\":\"owner@example.com\",\"password\":\"" LOOP_PASSWORD "\"%s}", more);
    if (r->in == &msg_refresh_table) {
        loop_sign_in(&w->l, "owner@example.com", LOOP_PASSWORD, &refresh);
        return loop_text("{\"refresh_token\":\"%s\"%s}", refresh, more);
    }
    if (r->in == &msg_me_patch_table) return loop_text("{\"display_name\":\"N\"%s}", more);
    if (r->in == &msg_upload_new_table) return loop_text("{\"name\":\"n.txt\"%s}", more);
    if (r->in == &msg_key_request_table) return loop_text("{\"public_key\":\"" KEY43 "\"%s}", more);
    if (r->in == &msg_transfer_new_table) return loop_text("{\"file_ids\":[\"%s\"]%s}", w->file, more);
    if (r->in == &msg_verify_table) return loop_text("{\"password\":\"" SECRET_OF_LINK "\"%s}", more);
    if (r->in == &msg_done_table) return loop_text("{\"grant\":\"" ABSENT "\"%s}", more);
    return loop_text("{%s}", more[0] ? more + 1 : "");
}

static struct slice raw_for(const struct route *r)
{
    if (!r->open) return SLICE("");
    return r->method == HTTP_PUT && strstr(r->pattern, "/parts/") ? SLICE("5byte") : SLICE("raw body");
}

/* The pattern with real names in it; `absent`: ids that never were. */
static const char *path_for(const struct world *w, const struct route *r, bool absent)
{
    bool completing = strstr(r->pattern, "/complete") != NULL, transfers = strstr(r->pattern, "/transfers/") != NULL;
    const char *upload = completing ? w->empty_upload : w->upload;
    const char *id = strstr(r->pattern, "/uploads/") ? upload : transfers ? w->transfer : w->file;
    const struct {
        const char *name, *value;
    } names[] = {{"{id}", absent ? ABSENT : id},
                 {"{link_id}", absent ? ABSENT : w->link},
                 {"{token}", absent ? KEY43 : w->token},
                 {"{n}", "0"},
                 {"{asset}", "style.css"}};
    const char *path = r->pattern;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *at = strstr(path, names[i].name);
        if (at) path = loop_text("%.*s%s%s", (int)(at - path), path, names[i].value, at + strlen(names[i].name));
    }
    return r->open && r->query ? loop_text("%s?name=raw.txt", path) : path;
}

static bool names_object(const struct route *r) { return strstr(r->pattern, "{id}") != NULL; }

static void ask(struct world *w, const struct route *r, enum kind k, bool absent, struct loop_answer *a)
{
    LOOP(&w->l, a, .method = http_method_name(r->method), .target = path_for(w, r, absent), .bearer = w->bearer[k],
         .json = body_for(w, r, ""), .body = raw_for(r));
}

/* What the table promises this kind of caller; 0: success. */
static int promised(const struct route *r, enum kind k)
{
    bool makes = !names_object(r) && (r->creates || r->open);
    if (r->call == auth_setup) return 404;
    if (r->caller == CALLER_ANYONE) return 0;
    if (r->caller == CALLER_LINK) {
        bool proven = r->call == share_download_call || r->call == share_content_call || r->call == share_key_call ||
                      r->call == share_done_call;
        return proven ? 401 : 0;
    }
    if (k <= REVOKED) return 401;
    if (r->caller == CALLER_ADMIN && k != ADMIN) return 403;
    if (k == GUEST && makes) return 403;
    if (k <= STRANGER && names_object(r)) return 404;
    /* A transfer of somebody else's file: named as a bad field. */
    if (k == STRANGER && r->call == transfers_new_call) return 400;
    return 0;
}

static void check_caller(struct world *w, const struct route *r, enum kind k)
{
    ANSWER a = {0};
    int want = promised(r, k);
    ask(w, r, k, false, &a);
    if (a.status != (want ? want : r->status))
        test_fail(__FILE__, __LINE__, "%s %s as %s: %d, wanted %d: %s", http_method_name(r->method), r->pattern,
                  kind_names[k], a.status, want ? want : r->status, loop_shown(&a));
}

TEST(routes_every_caller)
{
    struct world w;
    if (loop_missing()) return;
    open_world(&w);
    for (size_t i = 0; i < api_route_count && !test_failed(); i++) {
        const struct route *r = &api_routes[i];
        if (r->call == auth_logout) continue; /* it would end the caller; see auth_test.c */
        for (int k = 0; k < KINDS && !test_failed(); k++) {
            /* What a caller with rights has done is done: fresh objects for the next. */
            check_caller(&w, r, (enum kind)k);
            if (k >= OWNER && names_object(r)) make_objects(&w);
            loop_advance(1000);
        }
    }
    loop_close(&w.l);
}

/* The two bodies without their request ids. */
static bool same_but_id(struct loop_answer *a, struct loop_answer *b)
{
    const char *ia = loop_str(a, "request_id"), *ib = loop_str(b, "request_id");
    if (a->len != b->len || !ia[0]) return false;
    char *pa = strstr(a->body, ia), *pb = strstr(b->body, ib);
    memset(pa, '#', strlen(ia));
    memset(pb, '#', strlen(ib));
    return memcmp(a->body, b->body, a->len) == 0 && a->header_count == b->header_count;
}

TEST(routes_foreign_is_absent)
{
    struct world w;
    size_t compared = 0;
    if (loop_missing()) return;
    open_world(&w);
    for (size_t i = 0; i < api_route_count && !test_failed(); i++) {
        const struct route *r = &api_routes[i];
        ANSWER foreign = {0};
        ANSWER absent = {0};
        if (r->caller != CALLER_USER || !names_object(r)) continue;
        for (int k = GUEST; k <= STRANGER; k++) {
            ask(&w, r, (enum kind)k, false, &foreign);
            ask(&w, r, (enum kind)k, true, &absent);
            if (foreign.status != absent.status || !same_but_id(&foreign, &absent))
                test_fail(__FILE__, __LINE__, "%s %s: %s against %s", http_method_name(r->method), r->pattern, foreign.body,
                          absent.body);
            compared++;
        }
    }
    CHECK(compared == 2 * 15);
    loop_close(&w.l);
}

TEST(routes_absent_and_malformed_ids)
{
    struct world w;
    ANSWER a = {0};
    if (loop_missing()) return;
    open_world(&w);
    for (size_t i = 0; i < api_route_count && !test_failed(); i++) {
        const struct route *r = &api_routes[i];
        if (!strchr(r->pattern, '{') || r->call == share_page_call) continue;
        ask(&w, r, ADMIN, true, &a);
        bool asset = r->call == system_asset;
        if (a.status != (asset ? 200 : 404)) test_fail(__FILE__, __LINE__, "%s absent: %d", r->pattern, a.status);
        if (asset) continue;
        const char *at = strchr(r->pattern, '{'), *end = strchr(at, '}');
        const char *path = loop_text("%.*snot-an-id%s", (int)(at - r->pattern), r->pattern, end + 1);
        LOOP(&w.l, &a, .method = http_method_name(r->method), .target = path, .bearer = w.bearer[ADMIN],
             .json = body_for(&w, r, ""), .body = raw_for(r));
        if (a.status != 404) test_fail(__FILE__, __LINE__, "%s malformed: %d", path, a.status);
        loop_advance(1000);
    }
    loop_close(&w.l);
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
    open_world(&w);
    const char *ticket = ticket_for(&w);
    for (size_t i = 0; i < api_route_count && !test_failed(); i++) {
        const struct route *r = &api_routes[i];
        bool link = r->caller == CALLER_LINK;
        const char *path = path_for(&w, r, false), *bearer = link ? NULL : w.bearer[OWNER];
        if (!slice_starts(slice_cstr(path), SLICE("/api/"))) continue;
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
    loop_close(&w.l);
}

TEST(routes_bad_bodies)
{
    struct world w;
    ANSWER a = {0};
    if (loop_missing()) return;
    open_world(&w);
    for (size_t i = 0; i < api_route_count && !test_failed(); i++) {
        const struct route *r = &api_routes[i];
        const char *method = http_method_name(r->method), *path = path_for(&w, r, false), *bearer = w.bearer[OWNER];
        if (r->open || r->caller == CALLER_LINK || r->call == auth_logout) continue;
        if (!r->in) {
            LOOP(&w.l, &a, .method = method, .target = path, .bearer = bearer, .json = "{}");
            CHECK_PROBLEM(&a, 400, "no_body");
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
    LOOP(&w.l, &a, .method = "POST", .target = "/api/v1/transfers", .bearer = w.bearer[OWNER], .type = "application/json",
         .body = slice_of(big, MIB + 2));
    CHECK_STATUS(&a, 413);
    free(big);
    loop_close(&w.l);
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
    open_world(&w);
    for (size_t i = 0; i < api_route_count && !test_failed(); i++) {
        const struct route *r = &api_routes[i];
        for (unsigned m = 0; m < HTTP_METHOD_COUNT; m++) {
            const char *name = http_method_name((enum http_method)m), *path = path_for(&w, r, false);
            if (has_row(r->pattern, m) || (m == HTTP_HEAD && has_row(r->pattern, HTTP_GET))) continue;
            LOOP(&w.l, &a, .method = name, .target = path, .bearer = w.bearer[ADMIN]);
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
    LOOP(&w.l, &a, .target = "/api/v1/files/%2e%2e%2fetc", .bearer = w.bearer[OWNER]);
    CHECK(a.status == 404 || a.status == 400);
    LOOP(&w.l, &a, .target = "/api/v1/files/%zz", .bearer = w.bearer[OWNER]);
    CHECK(a.status == 404 || a.status == 400);
    loop_close(&w.l);
}

TEST(routes_head)
{
    struct world w;
    ANSWER get = {0};
    ANSWER head = {0};
    if (loop_missing()) return;
    open_world(&w);
    const char *ticket = ticket_for(&w);
    for (size_t i = 0; i < api_route_count && !test_failed(); i++) {
        const struct route *r = &api_routes[i];
        bool link = r->caller == CALLER_LINK, metrics = r->call == system_metrics;
        if (r->method != HTTP_GET) continue;
        struct loop_request q = {.target = path_for(&w, r, false), .bearer = link ? NULL : w.bearer[OWNER],
                                 .ticket = link ? ticket : NULL};
        loop_next(&w.l, &q, &get);
        q.method = "HEAD";
        loop_next(&w.l, &q, &head);
        if (head.status != get.status || head.len || head.header_count != get.header_count || (head.length != get.length && !metrics))
            test_fail(__FILE__, __LINE__, "%s: HEAD %d (%zu), GET %d (%zu)", r->pattern, head.status, (size_t)head.length,
                      get.status, (size_t)get.length);
    }
    /* As the standard writes it, with a parameter. */
    LOOP(&w.l, &get, .method = "PATCH", .target = "/api/v1/me", .bearer = w.bearer[OWNER], .type = "Application/JSON; charset=utf-8",
         .body = SLICE("{\"display_name\":\"x\"}"));
    CHECK_STATUS(&get, 200);
    loop_close(&w.l);
}
