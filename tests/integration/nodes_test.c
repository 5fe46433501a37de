/* Several nodes, and uploads whose end comes from elsewhere: what was begun on one node goes on at another by every door; what one node
 * or job has ended costs nothing any more, and what goes on is not ended. */
#include "core/app/app.h"
#include "core/session/session.h"
#include "core/upload/append.h"
#include "integration/tus_kit.h"
#include "os/clock.h"

#define UPLOADS "/api/v1/uploads"
#define PART (1 * MIB)

static char bytes[3 * MIB + 4321];
static const struct slice content = {bytes, sizeof bytes};

/* Two nodes, where the data lets them be two. */
struct pair {
    struct loop here, there;
    const char *bearer;
};

static bool pair_open(struct pair *p)
{
    *p = (struct pair){.bearer = NULL};
    if (loop_missing()) return false;
    loop_pattern(bytes, sizeof bytes, 12);
    loop_open(&p->here);
    if (!loop_durable(&p->here)) {
        loop_close(&p->here);
        return false;
    }
    p->bearer = loop_user(&p->here, "anna@example.com", ROLE_USER);
    if (!test_failed()) loop_open_beside(&p->there, &p->here);
    return !test_failed();
}

static void pair_close(struct pair *p)
{
    loop_close(&p->there);
    loop_close(&p->here);
}

static void check_file(struct loop *l, const char *bearer, const char *file)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = loop_text("/api/v1/files/%s/download", file), .bearer = bearer);
    CHECK_STATUS(&a, 200);
    CHECK_SLICE(loop_body(&a), content);
}

/* Every charge is for something that is there. */
static void check_used(struct pair *p, int64_t want)
{
    ANSWER a = {0};
    LOOP(&p->here, &a, .target = "/api/v1/me", .bearer = p->bearer);
    CHECK_STATUS(&a, 200);
    CHECK_U64(loop_num(&a, "user.used_bytes"), want);
}

TEST(nodes_parts_go_on_elsewhere)
{
    struct pair p;
    ANSWER a = {0};
    if (!pair_open(&p)) return;
    LOOP(&p.here, &a, .target = UPLOADS, .bearer = p.bearer,
         .json = loop_text("{\"name\":\"a\",\"size\":%zu,\"part_size\":%llu}", content.len, PART));
    CHECK_STATUS(&a, 201);
    const char *id = loop_str(&a, "upload_id");
    for (unsigned n = 0; n < 4; n++) {
        struct loop *node = n % 2 ? &p.there : &p.here;
        const char *part = loop_text(UPLOADS "/%s/parts/%u", id, n);
        struct slice body = slice_sub(content, n * PART, MIN((n + 1) * PART, content.len));
        /* The first try of each is cut. */
        LOOP(node, &a, .method = "PUT", .target = part, .bearer = p.bearer, .body = body, .cut = true, .cut_after = 3000);
        LOOP(n % 2 ? &p.here : &p.there, &a, .method = "PUT", .target = part, .bearer = p.bearer, .body = body);
        CHECK_STATUS(&a, 204);
        LOOP(node, &a, .target = loop_text(UPLOADS "/%s", id), .bearer = p.bearer);
        CHECK_U64(loop_num(&a, "received.0.1"), n);
        /* Acknowledged there, compared here. */
        LOOP(node, &a, .method = "PUT", .target = part, .bearer = p.bearer, .body = body);
        CHECK_STATUS(&a, 204);
    }
    LOOP(&p.there, &a, .target = loop_text(UPLOADS "/%s/complete", id), .bearer = p.bearer, .json = "{}");
    CHECK_STATUS(&a, 200);
    check_file(&p.here, p.bearer, loop_str(&a, "file.id"));
    check_used(&p, (int64_t)content.len);
    pair_close(&p);
}

TEST(nodes_tus_goes_on_elsewhere)
{
    struct pair p;
    ANSWER a = {0};
    if (!pair_open(&p)) return;
    const char *place = tus_create(&p.here, p.bearer, loop_text("%zu", content.len), NULL);
    uint64_t at = 0;
    for (unsigned i = 0; at < content.len; i++) {
        struct loop *node = i % 2 ? &p.there : &p.here;
        const char *offset = loop_text("%llu", (unsigned long long)at);
        size_t end = MIN((size_t)at + 700001, content.len), cut = i % 3 == 2 ? 0 : (end - (size_t)at) / 2;
        LOOP(node, &a, .method = "PATCH", .target = place, .bearer = p.bearer, .type = BODY_TYPE,
             .body = slice_sub(content, (size_t)at, end), .cut = cut != 0, .cut_after = cut, .headers = {TUS, H("upload-offset", offset)});
        if (!cut) CHECK_STATUS(&a, 204);
        tus_head(i % 2 ? &p.here : &p.there, p.bearer, place, &a);
        CHECK_STATUS(&a, 200);
        uint64_t now = 0;
        CHECK_OK(slice_u64(loop_header(&a, "upload-offset"), UINT64_MAX, &now));
        CHECK_U64(now, cut ? at + cut : end);
        at = now;
    }
    check_file(&p.here, p.bearer, tus_header(&a, "sealdrop-file-id"));
    check_used(&p, (int64_t)content.len);
    pair_close(&p);
}

TEST(nodes_draft_goes_on_elsewhere)
{
    struct pair p;
    ANSWER a = {0};
    if (!pair_open(&p)) return;
    LOOP(&p.here, &a, .method = "POST", .target = "/api/v1/files/upload?name=a", .bearer = p.bearer, .body = slice_sub(content, 0, 400001),
         .headers = {H("upload-complete", "?0"), H("upload-draft-interop-version", "8")});
    CHECK_STATUS(&a, 201);
    const char *place = tus_header(&a, "location");
    for (uint64_t at = 400001, i = 0; at < content.len; i++) {
        struct loop *node = i % 2 ? &p.here : &p.there;
        size_t end = MIN((size_t)at + 900000, content.len);
        bool cut = i == 1, last = end == content.len;
        LOOP(node, &a, .method = "PATCH", .target = place, .bearer = p.bearer, .type = "application/partial-upload",
             .body = slice_sub(content, (size_t)at, end), .cut = cut, .cut_after = 5000,
             .headers = {H("upload-offset", loop_text("%llu", (unsigned long long)at)), H("upload-complete", last ? "?1" : "?0"),
                         H("upload-draft-interop-version", "8")}, .piece = 1000);
        if (!cut) CHECK_STATUS(&a, last ? 201 : 204);
        at = cut ? at + 5000 : end;
    }
    check_file(&p.here, p.bearer, loop_str(&a, "file.id"));
    check_used(&p, (int64_t)content.len);
    pair_close(&p);
}

/* One node has a body of an unknown length on its way while the other ends the upload: what still arrives is charged to nobody. */
TEST(nodes_a_writer_takes_no_quota_after_the_end)
{
    struct pair p;
    CLEANUP(ctx_done) struct ctx c = {0}, other = {0};
    struct principal who;
    struct upload u;
    struct append_in *in = NULL;
    struct append_state s;
    struct file f;
    uint64_t told = 0;
    if (!pair_open(&p)) return;
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    ctx_init(&other, LIMIT_REQUEST_ARENA_BYTES);
    CHECK_OK(session_authenticate(&c, p.here.app, slice_cstr(p.bearer), &who));
    struct append_new n = {.file = {.name = SLICE("a.bin"), .size = UPLOAD_SIZE_UNKNOWN}};
    CHECK_OK(append_create(&c, p.here.app, &who, &n, &u));
    struct append_request r = {.id = u.id, .length = UPLOAD_SIZE_UNKNOWN};
    CHECK_OK(append_open(&c, p.here.app, &who, &r, &s, &in));
    CHECK_OK(append_write(&c, in, bytes, 1000));
    CHECK_OK(append_sync(&c, in, &told));
    CHECK_OK(upload_complete(&other, p.there.app, &who, &u.id, UPLOAD_SIZE_UNKNOWN, NULL, &f));
    check_used(&p, 1000);
    CHECK_ERR(append_write(&c, in, bytes + 1000, 2 * MIB), ERR_CANCELLED);
    append_abort(&c, in);
    check_used(&p, 1000);
    pair_close(&p);
}

/* ---- expiry ---- */

#define OVERDUE 150

struct rush {
    struct loop *l;
    struct principal who;
    struct id first, last;
    struct part_in *part;
    enum err kept;
};

static void expirer(struct rush *r)
{
    CLEANUP(ctx_done) struct ctx c;
    size_t n = 0;
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    CHECK_OK(upload_expire(&c, r->l->app, OVERDUE, &n));
}

/* The last bytes of a part arrive when the first of those that are overdue has just gone. */
static void sender(struct rush *r)
{
    CLEANUP(ctx_done) struct ctx c;
    enum err e = ERR_OK;
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    for (int tries = 0; tries < 100000 && e == ERR_OK; tries++) {
        struct upload u;
        arena_reset(&c.arena);
        e = upload_get(&c, r->l->app, &r->who, &r->first, &u);
    }
    r->kept = part_finish(&c, r->part);
}

static void rusher(void *arg, unsigned i) { i ? sender(arg) : expirer(arg); }

TEST(nodes_an_upload_that_goes_on_is_not_expired)
{
    CLEANUP(ctx_done) struct ctx c = {0};
    struct loop l;
    struct rush r = {.l = &l};
    struct upload u;
    if (loop_missing()) return;
    loop_open(&l);
    const char *bearer = loop_user(&l, "anna@example.com", ROLE_USER);
    ctx_init(&c, 16 * MIB);
    CHECK_OK(session_authenticate(&c, l.app, slice_cstr(bearer), &r.who));
    unsigned met = 0;
    for (int round = 0; round < 5 && met == 0; round++) {
        struct upload_new n = {.name = SLICE("a"), .size = 1000};
        for (int i = 0; i < OVERDUE; i++) {
            CHECK_OK(upload_create(&c, l.app, &r.who, &n, &u));
            if (i == 0) r.first = u.id;
        }
        r.last = u.id;
        struct part_request q = {.upload_id = u.id, .length = 1000};
        CHECK_OK(part_open(&c, l.app, &r.who, &q, &r.part));
        CHECK_OK(part_write(&c, r.part, bytes, 1000));
        loop_advance(l.cfg.upload_ttl_ms + 1000);
        loop_parallel(2, rusher, &r);
        CHECK_FINE();
        if (r.kept != ERR_OK) continue;
        met++;
        CHECK_OK(upload_get(&c, l.app, &r.who, &r.last, &u));
    }
    CHECK(met > 0);
    loop_close(&l);
}
