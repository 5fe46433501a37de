/* What is done with secrets leaves none of them in the log or on the disk. */
#include "base/limits.h"
#include "base/log.h"
#include "integration/scene.h"
#include "os/clock.h"

static char text[4 * MIB];
static size_t text_len;

static void keep(const char *line, size_t n)
{
    if (n > sizeof text - text_len) return;
    memcpy(text + text_len, line, n);
    text_len += n;
}

static bool logged(const char *secret) { return memmem(text, text_len, secret, strlen(secret)) != NULL; }

TEST(log_without_secrets)
{
    struct scene s;
    ANSWER a = {0};
    const char *refresh = NULL;
    if (loop_missing()) return;
    text_len = 0;
    log_setup(LOG_DEBUG, LOG_LOGFMT, keep, clock_wall_ms);
    scene_open(&s, ",\"title\":\"Project Bluebird\"", "{\"password\":\"" SCENE_PASSWORD "\"}");
    const char *access = loop_sign_in(&s.l, "anna@example.com", LOOP_PASSWORD, &refresh);
    LOOP(&s.l, &a, .target = "/api/v1/auth/refresh", .json = loop_text("{\"refresh_token\":\"%s\"}", refresh));
    LOOP(&s.l, &a, .target = "/api/v1/auth/login", .json = "{\"email\":\"anna@example.com\",\"password\":\"mistyped password\"}");
    LOOP(&s.l, &a, .target = "/api/v1/auth/login", .json = "{\"email\":\"anna@example.com\",\"password\":\"mistyped password\",}");
    scene_verify(&s, "mistyped password", &a);
    const char *ticket = scene_ticket(&s);
    LOOP(&s.l, &a, .target = share_at(s.token, "/download"), .ticket = ticket);
    CHECK_STATUS(&a, 200);
    LOOP(&s.l, &a, .target = share_at(s.token, "/content?grant=x"), .ticket = ticket);
    loop_jobs(&s.l);
    const char *const secrets[] = {LOOP_PASSWORD, SCENE_PASSWORD, "mistyped", access, refresh, s.token, ticket, "Bluebird", "shared.bin"};
    CHECK(text_len > 500 && logged("route=/api/v1/share/{token}/download"));
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
        if (logged(secrets[i])) test_fail(__FILE__, __LINE__, "in the log: %s", secrets[i]);
    log_setup(LOG_OFF, LOG_LOGFMT, NULL, NULL);
    loop_close(&s.l);
}

TEST(disk_without_secrets)
{
    struct scene s;
    ANSWER a = {0};
    const char *refresh = NULL;
    if (loop_missing() || loop_chosen() == LOOP_MEMORY) return;
    scene_open(&s, "", "{\"password\":\"" SCENE_PASSWORD "\"}");
    const char *access = loop_sign_in(&s.l, "anna@example.com", LOOP_PASSWORD, &refresh), *ticket = scene_ticket(&s);
    /* An answer that is kept for repetition has a token in it. */
    LOOP(&s.l, &a, .target = loop_text("/api/v1/transfers/%s/share", s.transfer), .bearer = s.bearer, .json = "{}",
         .headers = {{SLICE("idempotency-key"), SLICE("k")}});
    CHECK_STATUS(&a, 201);
    const char *const secrets[] = {LOOP_PASSWORD, SCENE_PASSWORD, access,  refresh,
                                   refresh + 4,   s.token,        ticket, loop_str(&a, "link.token")};
    for (int closed = 0; closed < 2; closed++) {
        for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
            if (loop_disk_has(s.l.dir, slice_cstr(secrets[i]))) test_fail(__FILE__, __LINE__, "on the disk: %s", secrets[i]);
        CHECK(!loop_disk_has(s.l.dir, slice_sub(s.content, 40000, 40016)));
        /* This way of looking finds what is there. */
        if (s.l.backend == LOOP_FILES) CHECK(loop_disk_has(s.l.dir, SLICE("anna@example.com")));
        loop_reopen(&s.l);
    }
    loop_close(&s.l);
}
