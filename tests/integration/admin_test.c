/* What administrators may do with accounts, what even they may not, and how soon it holds. */
#include <string.h>

#include "base/limits.h"
#include "integration/loopback.h"

#define USERS "/api/v1/admin/users"

static const char *id_of(struct loop *l, const char *bearer)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = "/api/v1/me", .bearer = bearer);
    if (a.status != 200) test_fail(__FILE__, __LINE__, "me: %d", a.status);
    return loop_str(&a, "user.id");
}

static const char *user_path(const char *id, const char *what) { return loop_text(USERS "/%s%s", id, what); }

static void post(struct loop *l, struct loop_answer *a, const char *bearer, const char *target, const char *json)
{
    LOOP(l, a, .method = "POST", .target = target, .bearer = bearer, .json = json);
}

static void patch(struct loop *l, struct loop_answer *a, const char *bearer, const char *id, const char *json)
{
    LOOP(l, a, .method = "PATCH", .target = user_path(id, ""), .bearer = bearer, .json = json);
}

TEST(accounts_listed_and_searched)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    const char *admin = loop_user(&l, "root@example.com", ROLE_ADMIN);
    loop_advance(1);
    const char *user = loop_user(&l, "Anna_B@example.com", ROLE_USER);
    LOOP(&l, &a, .target = USERS, .bearer = user);
    CHECK_PROBLEM(&a, 403, "denied");
    LOOP(&l, &a, .target = USERS);
    CHECK_STATUS(&a, 401);
    LOOP(&l, &a, .target = USERS "?limit=1", .bearer = admin);
    CHECK_STATUS(&a, 200);
    CHECK_U64(loop_count(&a, "items"), 1);
    CHECK_STR(&a, "items.0.email", "Anna_B@example.com");
    const char *cursor = loop_str(&a, "next_cursor");
    LOOP(&l, &a, .target = loop_text(USERS "?limit=1&cursor=%s", cursor), .bearer = admin);
    CHECK_STR(&a, "items.0.email", "root@example.com");
    CHECK(loop_is_null(&a, "next_cursor"));
    LOOP(&l, &a, .target = USERS "?q=anna_", .bearer = admin);
    CHECK_U64(loop_count(&a, "items"), 1);
    LOOP(&l, &a, .target = USERS "?q=annaX", .bearer = admin);
    CHECK_U64(loop_count(&a, "items"), 0);
    LOOP(&l, &a, .target = user_path(id_of(&l, user), ""), .bearer = admin);
    CHECK_STR(&a, "user.state", "active");
    CHECK(loop_true(&a, "user.has_password") && !loop_true(&a, "user.mfa_enabled"));
    LOOP(&l, &a, .target = USERS "/00000000-0000-7000-8000-000000000000", .bearer = admin);
    CHECK_PROBLEM(&a, 404, "not_found");
    loop_close(&l);
}

TEST(account_made_with_an_invitation)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    const char *admin = loop_user(&l, "root@example.com", ROLE_ADMIN);
    post(&l, &a, admin, USERS, "{\"email\":\"berta@example.com\",\"role\":\"guest\",\"quota_bytes\":77,\"send_invite\":true}");
    CHECK_STATUS(&a, 201);
    CHECK_STR(&a, "user.role", "guest");
    CHECK_U64(loop_num(&a, "user.quota_bytes"), 77);
    CHECK(!loop_true(&a, "user.has_password") && !loop_true(&a, "invite.mailed"));
    const char *link = loop_str(&a, "invite.link"), *hash = strchr(link, '#');
    CHECK(hash && strncmp(link, LOOP_URL "/reset#sdp_", 30) == 0);
    post(&l, &a, NULL, "/api/v1/auth/login", "{\"email\":\"berta@example.com\",\"password\":\"\"}");
    CHECK_PROBLEM(&a, 401, "invalid_credentials");
    const char *body = loop_text("{\"token\":\"%s\",\"new_password\":\"" LOOP_PASSWORD "\"}", hash + 1);
    post(&l, &a, NULL, "/api/v1/auth/password/reset", body);
    CHECK_STATUS(&a, 204);
    loop_sign_in(&l, "berta@example.com", LOOP_PASSWORD, NULL);
    CHECK_FINE();
    post(&l, &a, admin, USERS, "{\"email\":\"BERTA@example.com\"}");
    CHECK_PROBLEM(&a, 409, "email_taken");
    post(&l, &a, admin, USERS, "{\"email\":\"c@example.com\",\"password\":\"" LOOP_PASSWORD "\",\"send_invite\":true}");
    CHECK_STATUS(&a, 400);
    post(&l, &a, admin, "/api/v1/admin/invites", "{\"email\":\"dora@example.com\",\"role\":\"user\",\"expires_in\":60}");
    CHECK_STATUS(&a, 201);
    CHECK(strstr(loop_str(&a, "invite.link"), "/join#sdi_"));
    post(&l, &a, admin, "/api/v1/admin/invites", "{\"email\":\"dora@example.com\",\"role\":\"root\"}");
    CHECK_STATUS(&a, 400);
    loop_close(&l);
}

TEST(last_administrator_stays)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    const char *admin = loop_user(&l, "root@example.com", ROLE_ADMIN), *id = id_of(&l, admin);
    patch(&l, &a, admin, id, "{\"role\":\"user\"}");
    CHECK_PROBLEM(&a, 409, "last_admin");
    post(&l, &a, admin, user_path(id, "/suspend"), NULL);
    CHECK_PROBLEM(&a, 409, "last_admin");
    LOOP(&l, &a, .method = "DELETE", .target = user_path(id, ""), .bearer = admin);
    CHECK_PROBLEM(&a, 409, "last_admin");
    const char *second = id_of(&l, loop_user(&l, "second@example.com", ROLE_ADMIN));
    post(&l, &a, admin, user_path(second, "/suspend"), NULL);
    CHECK_STATUS(&a, 200);
    /* A suspended one does not count. */
    patch(&l, &a, admin, id, "{\"role\":\"user\"}");
    CHECK_PROBLEM(&a, 409, "last_admin");
    post(&l, &a, admin, user_path(second, "/unsuspend"), NULL);
    CHECK_STATUS(&a, 200);
    patch(&l, &a, admin, id, "{\"role\":\"user\"}");
    CHECK_STATUS(&a, 200);
    LOOP(&l, &a, .target = "/api/v1/me", .bearer = admin);
    CHECK_STATUS(&a, 401);
    loop_close(&l);
}

struct demotion {
    struct loop *l;
    const char *bearer[2], *id[2];
    int status[2];
};

static void demote_the_other(void *arg, unsigned i)
{
    struct demotion *d = arg;
    ANSWER a = {0};
    patch(d->l, &a, d->bearer[i], d->id[1 - i], "{\"role\":\"user\"}");
    d->status[i] = a.status;
}

TEST(two_administrators_cannot_demote_each_other)
{
    struct loop l;
    struct demotion d = {.l = &l};
    if (loop_missing()) return;
    loop_open(&l);
    for (unsigned i = 0; i < 2; i++) {
        d.bearer[i] = loop_user(&l, loop_text("root%u@example.com", i), ROLE_ADMIN);
        d.id[i] = id_of(&l, d.bearer[i]);
    }
    loop_parallel(2, demote_the_other, &d);
    CHECK((d.status[0] == 200) != (d.status[1] == 200));
    loop_close(&l);
}

TEST(suspension_holds_at_once)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    const char *admin = loop_user(&l, "root@example.com", ROLE_ADMIN);
    const char *user = loop_user(&l, "anna@example.com", ROLE_USER), *id = id_of(&l, user), *refresh = NULL;
    loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, &refresh);
    const char *token = loop_link(&l, user, SLICE("content"), "{}");
    post(&l, &a, user, "/api/v1/api-keys", "{\"name\":\"ci\",\"scopes\":[\"files:read\"]}");
    CHECK_STATUS(&a, 201);
    const char *key = loop_str(&a, "api_key.key");
    LOOP(&l, &a, .target = "/api/v1/files", .bearer = key);
    CHECK_STATUS(&a, 200);
    post(&l, &a, admin, user_path(id, "/suspend"), NULL);
    CHECK_STR(&a, "user.state", "suspended");
    LOOP(&l, &a, .target = "/api/v1/me", .bearer = user);
    CHECK_STATUS(&a, 401);
    LOOP(&l, &a, .target = "/api/v1/files", .bearer = key);
    CHECK_STATUS(&a, 401);
    post(&l, &a, NULL, "/api/v1/auth/refresh", loop_text("{\"refresh_token\":\"%s\"}", refresh));
    CHECK_STATUS(&a, 401);
    post(&l, &a, NULL, "/api/v1/auth/login", "{\"email\":\"anna@example.com\",\"password\":\"" LOOP_PASSWORD "\"}");
    CHECK_PROBLEM(&a, 401, "invalid_credentials");
    LOOP(&l, &a, .target = loop_text("/api/v1/share/%s", token));
    CHECK_PROBLEM(&a, 410, "link_revoked");
    LOOP(&l, &a, .target = loop_text("/api/v1/share/%s/download", token));
    CHECK_PROBLEM(&a, 410, "link_revoked");
    post(&l, &a, admin, user_path(id, "/unsuspend"), NULL);
    CHECK_STATUS(&a, 200);
    LOOP(&l, &a, .target = loop_text("/api/v1/share/%s/download", token));
    CHECK_STATUS(&a, 200);
    loop_close(&l);
}

TEST(deleting_an_account_takes_its_files_only_when_told)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    const char *admin = loop_user(&l, "root@example.com", ROLE_ADMIN);
    const char *user = loop_user(&l, "anna@example.com", ROLE_USER), *id = id_of(&l, user);
    const char *file = loop_file(&l, user, "a.txt", SLICE("content"));
    const char *token = loop_share(&l, user, loop_transfer(&l, user, file, ""), "{}");
    post(&l, &a, user, "/api/v1/uploads", "{\"name\":\"half\",\"size\":1000}");
    CHECK_STATUS(&a, 201);
    LOOP(&l, &a, .method = "DELETE", .target = user_path(id, ""), .bearer = admin);
    CHECK_PROBLEM(&a, 409, "user_has_files");
    LOOP(&l, &a, .target = "/api/v1/me", .bearer = user);
    CHECK_STATUS(&a, 200);
    LOOP(&l, &a, .method = "DELETE", .target = user_path(id, "?delete_files=maybe"), .bearer = admin);
    CHECK_STATUS(&a, 400);
    LOOP(&l, &a, .method = "DELETE", .target = user_path(id, "?delete_files=true"), .bearer = admin);
    CHECK_STATUS(&a, 204);
    LOOP(&l, &a, .target = "/api/v1/me", .bearer = user);
    CHECK_STATUS(&a, 401);
    LOOP(&l, &a, .target = user_path(id, ""), .bearer = admin);
    CHECK_STATUS(&a, 404);
    LOOP(&l, &a, .target = loop_text("/api/v1/files/%s", file), .bearer = admin);
    CHECK_STATUS(&a, 404);
    LOOP(&l, &a, .target = loop_text("/api/v1/share/%s", token));
    CHECK_STATUS(&a, 404);
    /* The address is free again. */
    loop_jobs(&l);
    loop_user(&l, "anna@example.com", ROLE_USER);
    loop_close(&l);
}

TEST(dangerous_changes_need_a_fresh_proof)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    const char *refresh = NULL;
    loop_user(&l, "root@example.com", ROLE_ADMIN);
    loop_sign_in(&l, "root@example.com", LOOP_PASSWORD, &refresh);
    loop_advance(11 * 60 * 1000);
    post(&l, &a, NULL, "/api/v1/auth/refresh", loop_text("{\"refresh_token\":\"%s\"}", refresh));
    CHECK_STATUS(&a, 200);
    const char *later = loop_str(&a, "access_token");
    LOOP(&l, &a, .target = USERS, .bearer = later);
    CHECK_STATUS(&a, 200);
    post(&l, &a, later, USERS, "{\"email\":\"berta@example.com\"}");
    CHECK_PROBLEM(&a, 403, "reauth_required");
    loop_close(&l);
}

TEST(keys_administer_by_their_scope)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    const char *admin = loop_user(&l, "root@example.com", ROLE_ADMIN);
    post(&l, &a, admin, "/api/v1/api-keys", "{\"name\":\"ci\",\"scopes\":[\"admin:write\"]}");
    const char *writer = loop_str(&a, "api_key.key");
    LOOP(&l, &a, .target = USERS, .bearer = writer);
    CHECK_PROBLEM(&a, 403, "scope");
    post(&l, &a, writer, USERS, "{\"email\":\"berta@example.com\"}");
    CHECK_STATUS(&a, 201);
    loop_close(&l);
}
