/* The main job in one go: an account, a file in, a link out, the file back; a restart in between. */
#include "base/limits.h"
#include "integration/loopback.h"

TEST(main_job)
{
    static char content[3 * MIB + 17];
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_pattern(content, sizeof content, 1);
    loop_open(&l);
    const char *bearer = loop_user(&l, "anna@example.com", ROLE_USER);
    const char *file = loop_upload(&l, bearer, "report.pdf", slice_of(content, sizeof content), MIB);
    const char *token = loop_share(&l, bearer, loop_transfer(&l, bearer, file, ",\"title\":\"Figures\""), "{}");
    LOOP(&l, &a, .target = loop_text("/api/v1/share/%s", token));
    CHECK_STATUS(&a, 200);
    CHECK_STR(&a, "title", "Figures");
    CHECK_STR(&a, "files.0.name", "report.pdf");
    loop_reopen(&l);
    LOOP(&l, &a, .target = loop_text("/api/v1/share/%s/download", token));
    CHECK_STATUS(&a, 200);
    CHECK_SLICE(loop_body(&a), slice_of(content, sizeof content));
    loop_close(&l);
}
