/* The scene of the tests of links (scene.h). */
#include "integration/scene.h"

static char bytes[200000];

void scene_open(struct scene *s, const char *more, const char *link)
{
    loop_pattern(bytes, sizeof bytes, 5);
    *s = (struct scene){.content = slice_of(bytes, sizeof bytes), .token = ""};
    loop_open(&s->l);
    if (test_failed()) return;
    s->bearer = loop_user(&s->l, "anna@example.com", ROLE_USER);
    s->file = loop_file(&s->l, s->bearer, "shared.bin", s->content);
    s->transfer = loop_transfer(&s->l, s->bearer, s->file, more);
    if (link) s->token = loop_share(&s->l, s->bearer, s->transfer, link);
}

void scene_sign_in(struct scene *s) { s->bearer = loop_sign_in(&s->l, "anna@example.com", LOOP_PASSWORD, NULL); }

int64_t scene_downloads(struct scene *s)
{
    ANSWER a = {0};
    LOOP(&s->l, &a, .target = loop_text("/api/v1/transfers/%s/links", s->transfer), .bearer = s->bearer);
    return loop_num(&a, "items.0.downloads");
}

const char *share_at(const char *token, const char *rest) { return loop_text("/api/v1/share/%s%s", token, rest); }

void scene_verify(struct scene *s, const char *password, struct loop_answer *a)
{
    LOOP(&s->l, a, .target = share_at(s->token, "/verify"), .json = loop_text("{\"password\":%s}", loop_quote(slice_cstr(password))));
}

const char *scene_ticket(struct scene *s)
{
    ANSWER a = {0};
    scene_verify(s, SCENE_PASSWORD, &a);
    return loop_str(&a, "ticket");
}
