/* What all flows have in common: what was there before them, and the client that goes through them. */
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "fault/kill.h"
#include "fault/sys_fault.h"
#include "jobs/jobs.h"

void need(struct loop *l, struct loop_answer *a, int status, const struct loop_request *r)
{
    bool before = sys_fault_fired();
    loop_answer_done(a);
    loop_send(l, r, a);
    if (sys_fault_fired() && !before && a->status == 500) {
        loop_answer_done(a);
        loop_send(l, r, a);
    }
    if (a->status == status && a->read_err == ERR_OK && !test_failed()) return;
    printf("  %s: %d, wanted %d\n", r->target, a->status, status);
    _exit(3);
}
void keep(char *to, size_t cap, const char *text) { snprintf(to, cap, "%s", text); }

void need_jobs(struct loop *l)
{
    CLEANUP(ctx_done) struct ctx c;
    bool before = sys_fault_fired();
    size_t n = 0;
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    enum err e = jobs_run_due(&c, l->app, &n);
    if (e != ERR_OK && sys_fault_fired() && !before) e = jobs_run_due(&c, l->app, &n);
    if (e != ERR_OK) _exit(3);
}

void run_on(struct loop *l, const struct template *t)
{
    ANSWER a = {0};
    NEED(l, &a, 201, .method = "PUT", .target = "/api/v1/files/upload?name=s", .bearer = t->bearer, .body = content_small());
}

void check_file(struct loop *l, const struct template *t, const char *id, struct slice want)
{
    ANSWER a = {0};
    if (!id[0]) return;
    LOOP(l, &a, .target = loop_text("/api/v1/files/%s/download", id), .bearer = t->bearer);
    CHECK_STATUS(&a, 200);
    CHECK(a.read_err == ERR_OK && slice_eq(loop_body(&a), want));
}

/* ---- content ---- */

struct slice content_text(void)
{
    static char text[TEXT_BYTES];
    static const char words[] = "what is said again and again shrinks; ";
    if (!text[0])
        for (size_t i = 0; i < sizeof text; i++) text[i] = words[(i + i / 311) % (sizeof words - 1)];
    return slice_of(text, sizeof text);
}

struct slice content_sized(uint64_t size)
{
    if (size == BIG_BYTES) return content_big();
    if (size == SMALL_BYTES) return content_small();
    if (size == ONE_SHOT_BYTES) return content_one_shot();
    return size == TEXT_BYTES ? content_text() : (struct slice){0};
}

/* ---- template ---- */

void template_make(struct template *t)
{
    struct loop l;
    ANSWER a = {0};
    setenv("SEALDROP_LOOP", "files", 1);
    loop_open(&l);
    CHECK_FINE();
    loop_user(&l, STORY_EMAIL, ROLE_USER);
    t->bearer = loop_sign_in(&l, STORY_EMAIL, LOOP_PASSWORD, &t->refresh);
    t->file = loop_file(&l, t->bearer, "s.kept", content_small());
    t->lone = loop_file(&l, t->bearer, "s.lone", content_small());
    LOOP(&l, &a, .target = loop_text("/api/v1/files/%s", t->file), .bearer = t->bearer);
    t->file_content = loop_str(&a, "file.content_id");
    t->transfer = loop_transfer(&l, t->bearer, t->file, "");
    LOOP(&l, &a, .target = loop_text("/api/v1/transfers/%s/share", t->transfer), .bearer = t->bearer,
         .json = loop_text("{\"max_downloads\":%d,\"password\":\"" KILL_PASSWORD "\"}", KILL_DOWNLOADS_MAX));
    t->link_id = loop_str(&a, "link.id");
    t->link = loop_str(&a, "link.token");
    LOOP(&l, &a, .target = loop_text("/api/v1/share/%s/verify", t->link), .json = "{\"password\":\"" KILL_PASSWORD "\"}");
    t->ticket = loop_str(&a, "ticket");
    t->dir = l.dir;
    t->cfg = l.cfg;
    t->now_ms = loop_now_ms();
    loop_close(&l);
}

void kill_open(struct loop *l, const struct template *t, const char *dir)
{
    *l = (struct loop){.backend = LOOP_FILES, .dir = dir, .cfg = t->cfg};
    loop_reopen(l);
}
