/* What the tests of the tus door begin with. */
#include "integration/tus_kit.h"

#include "codec/base64.h"

static char bytes[9 * MIB];
const struct slice tus_large = {bytes, sizeof bytes};
const struct slice tus_content = {bytes, 300000};

const char *tus_begin(struct loop *l)
{
    loop_pattern(bytes, sizeof bytes, 5);
    loop_open(l);
    return loop_user(l, "anna@example.com", ROLE_USER);
}

const char *tus_text(struct slice s) { return loop_text(SLICE_FMT, SLICE_ARG(s)); }

const char *tus_header(const struct loop_answer *a, const char *name) { return tus_text(loop_header(a, name)); }

const char *tus_base64(struct slice s)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(1000);
    if (base64_encode(&b, s) != ERR_OK) test_fail(__FILE__, __LINE__, "base64");
    return tus_text(buf_view(&b));
}

const char *tus_create(struct loop *l, const char *bearer, const char *length, const char *concat)
{
    ANSWER a = {0};
    bool defer = strcmp(length, "defer") == 0;
    struct loop_request r = {.method = "POST", .target = "/tus", .bearer = bearer,
                             .headers = {TUS, {defer ? SLICE("upload-defer-length") : SLICE("upload-length"),
                                               slice_cstr(defer ? "1" : length)},
                                         {SLICE("upload-metadata"), SLICE("filename YS5iaW4=")}}};
    if (concat) r.headers[3] = (struct http_header)H("upload-concat", concat);
    loop_next(l, &r, &a);
    if (a.status != 201) test_fail(__FILE__, __LINE__, "create: %d %s", a.status, loop_shown(&a));
    return tus_header(&a, "location");
}

void tus_patch(struct loop *l, const char *bearer, const char *at, const char *offset, struct slice body, struct loop_answer *a)
{
    LOOP(l, a, .method = "PATCH", .target = at, .bearer = bearer, .type = BODY_TYPE, .body = body,
         .headers = {TUS, H("upload-offset", offset)});
}

void tus_head(struct loop *l, const char *bearer, const char *at, struct loop_answer *a)
{
    LOOP(l, a, .method = "HEAD", .target = at, .bearer = bearer, .headers = {TUS});
}

void tus_check_file(struct loop *l, const char *bearer, const char *id, const struct slice *parts, size_t n)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = loop_text("/api/v1/files/%s/download", id), .bearer = bearer);
    CHECK_STATUS(&a, 200);
    size_t at = 0;
    for (size_t i = 0; i < n; at += parts[i++].len)
        CHECK(a.len >= at + parts[i].len && memcmp(a.body + at, parts[i].ptr, parts[i].len) == 0);
    CHECK(at == a.len);
}
