/* Every route that names a file, as every role, in every relation to it, with real share rows: what happens is what the table of rights
 * says of the action that the route stands for. A new route of files fails here until its action is declared. */
#include "core/policy/policy.h"
#include "integration/routes_world.h"

#define FILES "/api/v1/files"

static const struct {
    call_fn *call;
    enum action action;
} actions[] = {{files_get_call, ACTION_READ},          {files_download_call, ACTION_DOWNLOAD}, {files_content_call, ACTION_DOWNLOAD},
               {files_key_call, ACTION_DOWNLOAD},      {files_change_call, ACTION_CHANGE},     {files_delete_call, ACTION_DELETE},
               {permissions_list_call, ACTION_SHARE},  {permissions_put_call, ACTION_SHARE},   {permissions_set_call, ACTION_SHARE},
               {permissions_delete_call, ACTION_SHARE}, {files_restore_call, ACTION_DELETE},
               {comments_list_call, ACTION_READ},      {comments_new_call, ACTION_COMMENT},    {comments_change_call, ACTION_READ},
               {comments_delete_call, ACTION_DELETE},  {versions_list_call, ACTION_CHANGE},    {versions_restore_call, ACTION_CHANGE},
               {versions_delete_call, ACTION_DELETE},  {files_encrypt_call, ACTION_CHANGE}};

static bool action_of(const struct route *r, enum action *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (r->call != actions[i].call) continue;
        *ret = actions[i].action;
        return true;
    }
    return false;
}

static const struct {
    enum kind kind;
    enum role role;
} roles[] = {{GUEST, ROLE_GUEST}, {STRANGER, ROLE_USER}, {ADMIN, ROLE_ADMIN}};

static const char *id_of(struct world *w, enum kind k)
{
    ANSWER a = {0};
    LOOP(&w->l, &a, .target = "/api/v1/me", .bearer = session_of(w, k));
    return loop_str(&a, "user.id");
}

/* A guest that owns files: it was a user once. */
static const char *guests_file(struct world *w)
{
    ANSWER a = {0};
    w->email[GUEST] = "once.a.user@example.com";
    const char *file = loop_file(&w->l, loop_user(&w->l, w->email[GUEST], ROLE_USER), "mine.txt", SLICE("a guest's own"));
    loop_version(&w->l, session_of(w, GUEST), file, SLICE("a guest's own, later"));
    w->session[GUEST] = (struct credential){0};
    LOOP(&w->l, &a, .method = "PATCH", .target = loop_text("/api/v1/admin/users/%s", id_of(w, GUEST)), .bearer = session_of(w, ADMIN),
         .json = "{\"role\":\"guest\"}");
    if (a.status != 200) test_fail(__FILE__, __LINE__, "demotion: %d", a.status);
    w->session[GUEST] = (struct credential){0};
    return file;
}

/* w->file becomes one to which the kind has this relation; somebody else sees it too. */
static void make_file(struct world *w, enum kind k, enum relation relation, const char *guests)
{
    ANSWER a = {0};
    bool own = relation == RELATION_OWNER;
    const char *owner = session_of(w, own ? k : OWNER);
    if (own && k == GUEST) {
        w->file = guests;
        w->comment = world_comment(w, owner);
        return;
    }
    w->file = loop_file(&w->l, owner, "it.txt", SLICE("content of it"));
    loop_version(&w->l, owner, w->file, SLICE("content of it, later"));
    LOOP(&w->l, &a, .method = "PUT", .target = loop_text(FILES "/%s/permissions/%s", w->file, w->victim), .bearer = owner,
         .json = "{\"permission\":\"view\"}");
    w->comment = world_comment(w, owner);
    if (!own && relation != RELATION_NONE) world_share(w, id_of(w, k), relation_name(relation));
}

static size_t broken_glass(struct world *w)
{
    ANSWER a = {0};
    LOOP(&w->l, &a, .target = loop_text("/api/v1/admin/audit-logs?event=admin.access&object=%s", w->file), .bearer = session_of(w, ADMIN));
    return loop_count(&a, "items");
}

static void check_cell(struct world *w, const struct route *r, size_t role, enum relation relation)
{
    ANSWER a = {0};
    enum action action = ACTION_COUNT;
    enum kind k = roles[role].kind;
    if (!action_of(r, &action)) test_fail(__FILE__, __LINE__, "%s %s: no action declared here", http_method_name(r->method), r->pattern);
    /* The comment is the owner's, who may take it back as its author. */
    if (relation == RELATION_OWNER && r->call == comments_delete_call) action = ACTION_COMMENT;
    bool foreign_words = r->call == comments_change_call && relation != RELATION_OWNER;
    bool may = policy_allows(roles[role].role, action, relation);
    bool glass = policy_breaks_glass(roles[role].role, action, relation);
    int want = may && !foreign_words ? r->status : relation == RELATION_NONE && !may ? 404 : 403;
    size_t before = broken_glass(w);
    struct credential c = {.bearer = session_of(w, k)};
    ask_as(w, r, &c, path_for(w, r, false), body_for(w, r, ""), &a);
    const char *code = want < 400 ? "" : want == 404 ? "not_found" : "denied";
    if (a.status != want || (code[0] && strcmp(loop_str(&a, "code"), code) != 0) || broken_glass(w) != before + glass)
        test_fail(__FILE__, __LINE__, "%s %s as %s, %s: %d, wanted %d, %zu records: %s", http_method_name(r->method), r->pattern,
                  kind_names[k], relation_name(relation), a.status, want, broken_glass(w) - before, loop_shown(&a));
}

TEST(routes_every_relation)
{
    struct world w;
    size_t cells = 0;
    if (loop_missing()) return;
    world_open(&w);
    const char *guests = guests_file(&w);
    for (size_t i = 0; i < api_route_count && !test_failed(); i++) {
        const struct route *r = &api_routes[i];
        if (!strstr(r->pattern, FILES "/{id}")) continue;
        for (size_t role = 0; role < ARRAY_LEN(roles); role++) {
            for (unsigned relation = 0; relation < RELATION_COUNT && !test_failed(); relation++, cells++) {
                make_file(&w, roles[role].kind, (enum relation)relation, guests);
                check_cell(&w, r, role, (enum relation)relation);
                loop_advance(500);
            }
        }
    }
    CHECK(test_failed() || cells == ARRAY_LEN(actions) * ARRAY_LEN(roles) * RELATION_COUNT);
    world_close(&w);
}
