/* What people do with the file of routes_world.h: share it, talk about it, pick it for an archive. */
#include "integration/routes_world.h"

#define V1 "/api/v1"

void world_share(struct world *w, const char *user, const char *permission)
{
    ANSWER a = {0};
    LOOP(&w->l, &a, .method = "PUT", .target = loop_text(V1 "/files/%s/permissions/%s", w->file, user), .bearer = session_of(w, OWNER),
         .json = loop_text("{\"permission\":\"%s\"}", permission));
    if (a.status != 200) test_fail(__FILE__, __LINE__, "share: %d %s", a.status, loop_shown(&a));
}

const char *world_comment(struct world *w, const char *bearer)
{
    ANSWER a = {0};
    LOOP(&w->l, &a, .target = loop_text(V1 "/files/%s/comments", w->file), .bearer = bearer, .json = "{\"text\":\"well\"}");
    if (a.status != 201) test_fail(__FILE__, __LINE__, "comment: %d %s", a.status, loop_shown(&a));
    return loop_str(&a, "comment.id");
}

const char *world_archive(struct world *w, const char *bearer)
{
    ANSWER a = {0};
    LOOP(&w->l, &a, .target = V1 "/files/archive", .bearer = bearer, .json = loop_text("{\"ids\":[\"%s\"]}", w->file));
    struct slice place = loop_header(&a, "content-location");
    if (a.status != 200 || place.len < 36) test_fail(__FILE__, __LINE__, "archive: %d %s", a.status, loop_shown(&a));
    return loop_text(SLICE_FMT, SLICE_ARG(slice_sub(place, place.len - 36, place.len)));
}
