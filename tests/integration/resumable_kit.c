/* The common part of the tests of resumable uploads. */
#include "integration/resumable_kit.h"

struct loop l;
const char *bearer;
struct slice content;

bool kit_open(void)
{
    static char bytes[300000];
    if (loop_missing()) return false;
    loop_pattern(bytes, sizeof bytes, 7);
    content = slice_of(bytes, sizeof bytes);
    loop_open(&l);
    bearer = loop_user(&l, "owner@example.com", ROLE_USER);
    return !test_failed();
}

const char *create(const char *complete, int64_t length)
{
    ANSWER a = {0};
    const char *said = length < 0 ? "" : loop_text("%lld", (long long)length);
    LOOP(&l, &a, .method = "POST", .target = UPLOAD "?name=a.bin", .bearer = bearer,
         .headers = {{SLICE("upload-complete"), slice_cstr(complete)}, {SLICE("upload-length"), slice_cstr(said)}});
    if (a.status != 201) test_fail(__FILE__, __LINE__, "create: %d %s", a.status, loop_shown(&a));
    return place_of(&a);
}

void append(struct loop_answer *a, const char *place, uint64_t offset, const char *complete, struct slice body)
{
    append_said(a, place, loop_text("%llu", (unsigned long long)offset), complete, "", body);
}

void append_said(struct loop_answer *a, const char *place, const char *offset, const char *complete, const char *length, struct slice body)
{
    LOOP(&l, a, .method = "PATCH", .target = place, .bearer = bearer, .type = PARTIAL, .body = body,
         .headers = {{SLICE("upload-offset"), slice_cstr(offset)}, {SLICE("upload-complete"), slice_cstr(complete)},
                     {SLICE("upload-length"), slice_cstr(length)}});
}

const char *place_of(const struct loop_answer *a)
{
    struct slice place = loop_header(a, "location");
    if (!slice_starts(place, SLICE(UPLOAD "/")) || place.len != sizeof UPLOAD + ID_TEXT_LEN) test_fail(__FILE__, __LINE__, "no location");
    return loop_text(SLICE_FMT, SLICE_ARG(place));
}

const char *place_told(const struct loop_answer *a)
{
    struct slice rest = slice_cstr(a->told);
    (void)slice_cut(&rest, '=');
    struct slice place = slice_cut(&rest, ';');
    return loop_text(SLICE_FMT, SLICE_ARG(place));
}

uint64_t offset_told(const struct loop_answer *a)
{
    uint64_t v = 0;
    return slice_u64(loop_header(a, "upload-offset"), UINT64_MAX, &v) == ERR_OK ? v : UINT64_MAX;
}

void check_state(const char *place, uint64_t offset, bool complete, int64_t length)
{
    static const char *const methods[] = {"HEAD", "GET"};
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        ANSWER a = {0};
        LOOP(&l, &a, .method = methods[i], .target = place, .bearer = bearer);
        CHECK_STATUS(&a, 204);
        CHECK_U64(offset_told(&a), offset);
        CHECK_SLICE(loop_header(&a, "upload-complete"), complete ? SLICE("?1") : SLICE("?0"));
        CHECK_SLICE(loop_header(&a, "upload-length"), slice_cstr(length < 0 ? NULL : loop_text("%lld", (long long)length)));
        CHECK_SLICE(loop_header(&a, "cache-control"), SLICE("no-store"));
        CHECK(slice_starts(loop_header(&a, "upload-limit"), SLICE("max-size=")));
        CHECK(!a.told[0] && a.len == 0);
    }
}

void check_limit(const struct loop_answer *a, const char *version, int64_t age_s)
{
    const char *age = version && strcmp(version, "6") == 0 ? "expires" : "max-age";
    CHECK_SLICE(loop_header(a, "upload-limit"), slice_cstr(loop_text("max-size=%llu, min-size=0, %s=%lld",
                                                                     (unsigned long long)l.cfg.file_bytes_max, age, (long long)age_s)));
}

void check_registered(struct loop_answer *a, int status, const char *name)
{
    CHECK_STATUS(a, status);
    CHECK_STR(a, "type", loop_text("https://iana.org/assignments/http-problem-types#%s", name));
    CHECK(loop_str(a, "title")[0]);
}

void check_content(const char *file_id)
{
    ANSWER a = {0};
    LOOP(&l, &a, .target = loop_text("/api/v1/files/%s/download", file_id), .bearer = bearer);
    CHECK_STATUS(&a, 200);
    CHECK(slice_eq(loop_body(&a), content));
}
