/* Resumable uploads that are cut, and rivals for one: what was told is never taken back, and what arrived is not lost. */
#include <stdatomic.h>

#include "base/limits.h"
#include "integration/resumable_kit.h"

static void head(struct loop_answer *a, const char *place) { LOOP(&l, a, .method = "HEAD", .target = place, .bearer = bearer); }

static struct loop_exchange *begin(const char *place, uint64_t offset, const char *complete, size_t length)
{
    static char zeros[64 * MIB];
    struct slice at = slice_cstr(loop_text("%llu", (unsigned long long)offset));
    return loop_begin(&l, &(struct loop_request){.method = "PATCH", .target = place, .bearer = bearer, .type = PARTIAL,
                                                 .body = slice_of(zeros, length),
                                                 .headers = {{SLICE("upload-offset"), at}, {SLICE("upload-complete"), slice_cstr(complete)},
                                                             {SLICE("upload-draft-interop-version"), SLICE("8")}}});
}

TEST(resumable_cut_and_go_on)
{
    static const size_t cuts[] = {0, 1, 16383, 16384, 16385, 100000, 299999, 300000};
    ANSWER a = {0};
    if (!kit_open()) return;
    for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
        /* A one-shot upload, cut; all that arrived is there, also after a restart. */
        struct loop_exchange *x = loop_begin(&l, &(struct loop_request){.method = "PUT", .target = UPLOAD "?name=cut.bin", .bearer = bearer,
            .body = content, .headers = {{SLICE("upload-draft-interop-version"), i % 2 ? SLICE("8") : SLICE("6")}}});
        CHECK(loop_waiting(x));
        for (size_t at = 0; at < cuts[i]; at += 50000) CHECK_OK(loop_put(x, content.ptr + at, MIN(cuts[i] - at, 50000u)));
        loop_abort(x);
        loop_end(x, &a, false);
        const char *place = place_told(&a);
        if (i % 3 == 0 && loop_durable(&l)) {
            loop_reopen(&l);
            bearer = loop_sign_in(&l, "owner@example.com", LOOP_PASSWORD, NULL);
        }
        check_state(place, cuts[i], false, (int64_t)content.len);
        append(&a, place, cuts[i], "?1", slice_sub(content, cuts[i], content.len));
        CHECK_STATUS(&a, 201);
        check_content(loop_str(&a, "file.id"));
        CHECK_FINE();
    }
    loop_close(&l);
}

/* The last offset of "104;upload-offset=8388608;…|…"; 0: none. Checks that they grow. */
static uint64_t last_told(const char *told)
{
    uint64_t last = 0, offset = 0;
    for (const char *at = told; (at = strstr(at, "104;upload-offset=")); at++) {
        struct slice rest = slice_cstr(at + strlen("104;upload-offset="));
        struct slice number = slice_cut(&rest, ';');
        if (slice_u64(number, UINT64_MAX, &offset) != ERR_OK || offset <= last) test_fail(__FILE__, __LINE__, "%s", told);
        if (!slice_starts(rest, SLICE("upload-draft-interop-version=8|"))) test_fail(__FILE__, __LINE__, "%s", told);
        last = offset;
    }
    return last;
}

TEST(resumable_progress_is_durable)
{
    ANSWER a = {0};
    static char piece[256 * 1024];
    if (!kit_open()) return;
    const char *place = create("?0", -1);
    struct loop_exchange *x = begin(place, 0, "?0", 40 * MIB);
    CHECK(loop_waiting(x));
    for (size_t sent = 0; sent < 36 * MIB; sent += sizeof piece) CHECK_OK(loop_put(x, piece, sizeof piece));
    /* A slow one is told between parts, too. */
    loop_advance(LIMIT_UPLOAD_TELL_MS + 1);
    CHECK_OK(loop_put(x, piece, sizeof piece));
    if (loop_durable(&l)) {
        /* As when the process is killed: nobody ends the request in an orderly way. What was told is there. */
        struct loop second;
        loop_open_beside(&second, &l);
        LOOP(&second, &a, .method = "HEAD", .target = place, .bearer = bearer);
        CHECK_STATUS(&a, 204);
        loop_close(&second);
    }
    uint64_t seen = offset_told(&a);
    loop_abort(x);
    ANSWER cut = {0};
    loop_end(x, &cut, false);
    uint64_t told = last_told(cut.told);
    CHECK(told == 36 * MIB + sizeof piece && !strstr(cut.told, "location"));
    if (loop_durable(&l)) CHECK(seen >= told);
    head(&a, place);
    CHECK(offset_told(&a) >= told);
    loop_close(&l);
}

TEST(resumable_newer_request_wins)
{
    ANSWER a = {0};
    static const char *const rivals[] = {"HEAD", "PATCH", "DELETE"};
    if (!kit_open()) return;
    for (size_t i = 0; i < ARRAY_LEN(rivals); i++) {
        const char *place = create("?0", (int64_t)content.len);
        struct loop_exchange *old = begin(place, 0, "?0", 200000);
        CHECK(loop_waiting(old));
        CHECK_OK(loop_put(old, content.ptr, 150000));
        /* What the older request has received counts, and it counts for the newer one. */
        if (i == 0) check_state(place, 150000, false, (int64_t)content.len);
        if (i == 1) {
            append(&a, place, 150000, "?1", slice_sub(content, 150000, content.len));
            CHECK_STATUS(&a, 201);
            check_content(loop_str(&a, "file.id"));
        }
        if (i == 2) {
            LOOP(&l, &a, .method = "DELETE", .target = place, .bearer = bearer);
            CHECK_STATUS(&a, 204);
        }
        CHECK_ERR(loop_put(old, content.ptr, 10), ERR_CANCELLED);
        ANSWER late = {0};
        loop_finish(old, &late);
        CHECK_STATUS(&late, 499);
        CHECK(!loop_header(&late, "upload-offset").ptr);
        loop_end(old, &late, true);
        if (i == 0) {
            append(&a, place, 150000, "?1", slice_sub(content, 150000, content.len));
            CHECK_STATUS(&a, 201);
            check_content(loop_str(&a, "file.id"));
        }
        CHECK_FINE();
    }
    loop_close(&l);
}

/* Two at once with the same offset: one of them is taken, whole, or each its turn; never a mixture. */
struct race {
    const char *place;
    atomic_uint created, refused;
};
static void race(void *arg, unsigned i)
{
    struct race *r = arg;
    ANSWER a = {0};
    (void)i;
    append(&a, r->place, 0, "?1", content);
    if (a.status == 201) atomic_fetch_add(&r->created, 1);
    else if (a.status == 409 || a.status == 400 || a.status == 499) atomic_fetch_add(&r->refused, 1);
    else test_fail(__FILE__, __LINE__, "%d %s", a.status, loop_shown(&a));
}

TEST(resumable_many_at_once)
{
    ANSWER a = {0};
    if (!kit_open()) return;
    for (int round = 0; round < 5; round++) {
        struct race r = {.place = create("?0", (int64_t)content.len)};
        loop_parallel(4, race, &r);
        CHECK(atomic_load(&r.created) <= 1 && atomic_load(&r.created) + atomic_load(&r.refused) == 4);
        head(&a, r.place);
        CHECK_STATUS(&a, 204);
        uint64_t at = offset_told(&a);
        append(&a, r.place, at, "?1", slice_sub(content, at, content.len));
        CHECK_STATUS(&a, 201);
        check_content(loop_str(&a, "file.id"));
        CHECK_FINE();
    }
    loop_close(&l);
}
