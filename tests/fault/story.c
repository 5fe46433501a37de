/* The stories and the one client that tells them. */
#include "core/upload/append.h"
#include "fault/story.h"

#include <stdlib.h>

#include "base/intmath.h"
#include "base/limits.h"
#include "base/log.h"
#include "codec/base64.h"
#include "crypto/hash.h"
#include "jobs/jobs.h"

#define LINK_PASSWORD "only for you two"
#define PART (1 * MIB)

bool fault_full(void) { return getenv("FAULT_FULL") != NULL; }

/* ---- asking ---- */

/* The last line the product logged: printed when a test fails. */
static char last_line[600];

static void keep_line(const char *line, size_t n)
{
    snprintf(last_line, sizeof last_line, "%.*s", (int)MIN(n, sizeof last_line - 1), line);
}

static bool asking;

bool story_asking(void) { return asking; }

static void send(struct client *c, const struct loop_request *r, struct loop_answer *a)
{
    loop_answer_done(a);
    c->l->lenient = asking = true;
    loop_send(c->l, r, a);
    c->l->lenient = asking = false;
}

static void count_failure(struct client *c, const struct loop_answer *a)
{
    if (a->status < 500)
        c->ledger->cut++;
    else if (a->status < 508)
        c->ledger->by_status[a->status - 500]++;
}

static bool body_is(const struct loop_answer *a, struct slice want)
{
    if (a->read_err != ERR_OK || a->len != a->length) return false;
    return !want.ptr || slice_eq(loop_body(a), want);
}

/* An answer that a fault may give: a problem of its kinds, or a body that ends early and lied in no byte of it. */
static bool clean(const struct client *c, struct loop_answer *a, int want, struct slice body)
{
    if (a->status == want) {
        if (a->read_err == ERR_OK || !(c->fault->statuses & STATUS_CUT)) return false;
        return !body.ptr || slice_starts(body, loop_body(a));
    }
    bool allowed = a->status >= 500 && a->status < 508 && (c->fault->statuses & STATUS(a->status));
    /* Without memory for more, the bare status. */
    return allowed && (a->len == 0 || (loop_num(a, "status") == a->status && loop_str(a, "code")[0]));
}

/* Asks until `want` comes, with `body` unless its ptr is NULL. False: the test has failed. */
static bool ask(struct client *c, struct loop_answer *a, int want, struct slice body, const struct loop_request *r)
{
    const char *what = r->target;
    for (int try = 0; try < 2 && !test_failed(); try++) {
        bool before = c->fault->fired();
        send(c, r, a);
        if (a->status == want && body_is(a, body)) return !test_failed();
        if (!c->fault->fired() || (before && !c->for_ever) || try == 1) {
            test_fail(__FILE__, __LINE__, "%s: %d (%s), wanted %d, %s", what, a->status, err_name(a->read_err), want,
                      try ? "with the fault gone" : before ? "although the fault was over" : "without a fault");
            printf("    %.*s\n    %s\n", (int)MIN(a->len, (size_t)300), a->body ? a->body : "", last_line);
            return false;
        }
        if (!clean(c, a, want, body)) {
            test_fail(__FILE__, __LINE__, "%s: %d (%s) is no clean answer", what, a->status, err_name(a->read_err));
            printf("    %.*s\n    %s\n", (int)MIN(a->len, (size_t)300), a->body ? a->body : "", last_line);
            return false;
        }
        count_failure(c, a);
        c->fault->off();
    }
    return false;
}
#define ASK(c, a, want, want_body, ...) ask((c), (a), (want), (want_body), &(struct loop_request){__VA_ARGS__})
#define ANY ((struct slice){0})

/* ---- content ---- */

static struct slice pattern(char *p, size_t n, uint64_t seed)
{
    if (!p[0] && !p[1] && !p[2] && !p[3]) loop_pattern(p, n, seed);
    return slice_of(p, n);
}

struct slice content_big(void)
{
    static char b[BIG_BYTES];
    return pattern(b, sizeof b, 1);
}

struct slice content_small(void)
{
    static char b[SMALL_BYTES];
    return pattern(b, sizeof b, 2);
}

struct slice content_one_shot(void)
{
    static char b[ONE_SHOT_BYTES];
    return pattern(b, sizeof b, 3);
}

struct slice content_of(const char *name)
{
    if (name[0] == 'b') return content_big();
    return name[0] == 's' ? content_small() : content_one_shot();
}

/* ---- stage ---- */

void stage_open(struct stage *s)
{
    *s = (struct stage){.bearer = NULL};
    setenv("SEALDROP_LOOP", "files", 1);
    log_setup(LOG_WARN, LOG_LOGFMT, keep_line, loop_now_ms);
    loop_open(&s->l);
    CHECK_FINE();
    s->bearer = loop_user(&s->l, STORY_EMAIL, ROLE_USER);
    CHECK_FINE();
    s->big = loop_upload(&s->l, s->bearer, "big.kept", content_big(), PART);
    CHECK_FINE();
    s->small = loop_file(&s->l, s->bearer, "small.kept", content_small());
    CHECK_FINE();
    s->link_transfer = loop_transfer(&s->l, s->bearer, s->big, "");
    s->both_transfer = loop_transfer(&s->l, s->bearer, loop_text("%s %s", s->big, s->small), "");
    CHECK_FINE();
    s->link = loop_share(&s->l, s->bearer, s->link_transfer, "{\"max_downloads\":100000}");
    s->both = loop_share(&s->l, s->bearer, s->both_transfer, "{\"password\":\"" LINK_PASSWORD "\"}");
}

void stage_close(struct stage *s) { loop_close(&s->l); }

/* ---- stories ---- */

void story_sign_in(struct client *c, struct stage *s)
{
    ANSWER a = {0};
    (void)s;
    if (!ASK(c, &a, 200, ANY, .target = "/api/v1/auth/login",
             .json = "{\"email\":\"" STORY_EMAIL "\",\"password\":\"" LOOP_PASSWORD "\"}"))
        return;
    const char *refresh = loop_text("{\"refresh_token\":\"%s\"}", loop_str(&a, "refresh_token"));
    if (!ASK(c, &a, 200, ANY, .target = "/api/v1/auth/refresh", .json = refresh)) return;
    const char *bearer = loop_str(&a, "access_token");
    if (!ASK(c, &a, 200, ANY, .target = "/api/v1/me", .bearer = bearer)) return;
    if (!ASK(c, &a, 204, ANY, .method = "POST", .target = "/api/v1/auth/logout", .bearer = bearer)) return;
    c->fault->off();
    LOOP(c->l, &a, .target = "/api/v1/me", .bearer = bearer);
    CHECK(a.status == 401);
    /* The limit on sign-ins is not what is tested. */
    loop_advance(60 * 1000);
}

/* The acknowledged parts are on the server's list. */
static bool listed(struct client *c, const char *upload, int64_t parts)
{
    ANSWER a = {0};
    if (!ASK(c, &a, 200, ANY, .target = loop_text("/api/v1/uploads/%s", upload), .bearer = c->bearer)) return false;
    int64_t n = 0;
    for (size_t i = 0; i < loop_count(&a, "received"); i++)
        n += loop_num(&a, loop_text("received.%zu.1", i)) - loop_num(&a, loop_text("received.%zu.0", i)) + 1;
    if (n >= parts) return true;
    test_fail(__FILE__, __LINE__, "%lld parts are listed, %lld were acknowledged", (long long)n, (long long)parts);
    return false;
}

static const char *sha256_text(struct slice content)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(64);
    struct sha256 hash;
    bool good = sha256(content, &hash) == ERR_OK && base64url_encode(&b, sha256_view(&hash)) == ERR_OK;
    return good ? loop_text(SLICE_FMT, SLICE_ARG(buf_view(&b))) : "";
}

/* Parts out of order; the list of parts is asked for after each; the digest of the whole at the end. */
void story_upload(struct client *c, struct stage *s)
{
    static const unsigned order[] = {1, 0, 2};
    static const char *digest;
    ANSWER a = {0};
    (void)s;
    struct slice content = content_big();
    if (!digest) digest = sha256_text(content);
    if (!ASK(c, &a, 201, ANY, .target = "/api/v1/uploads", .bearer = c->bearer,
             .json = loop_text("{\"name\":\"b%llu\",\"size\":%llu,\"part_size\":%llu}", (unsigned long long)c->round,
                               BIG_BYTES, PART)))
        return;
    const char *upload = loop_str(&a, "upload_id");
    for (int i = 0; i < 3; i++) {
        size_t from = order[i] * (size_t)PART;
        if (!ASK(c, &a, 204, ANY, .method = "PUT", .bearer = c->bearer, .piece = 256 * KIB,
                 .target = loop_text("/api/v1/uploads/%s/parts/%u", upload, order[i]),
                 .body = slice_sub(content, from, from + (size_t)PART)) ||
            !listed(c, upload, i + 1))
            return;
    }
    if (!ASK(c, &a, 200, ANY, .target = loop_text("/api/v1/uploads/%s/complete", upload), .bearer = c->bearer,
             .json = loop_text("{\"size\":%llu,\"sha256\":\"%s\"}", BIG_BYTES, digest)))
        return;
    const char *file = loop_str(&a, "file.id");
    c->fault->off();
    ASK(c, &a, 200, content, .target = loop_text("/api/v1/files/%s/download", file), .bearer = c->bearer);
}

/* How many of the listed files have this name. */
static size_t named(struct loop_answer *list, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < loop_count(list, "items"); i++) n += strcmp(loop_str(list, loop_text("items.%zu.name", i)), name) == 0;
    return n;
}

/* A raw body that tells its length, one that does not, and a form of two files with keys: asked again after a failure, it makes no
 * file twice. */
void story_one_shot(struct client *c, struct stage *s)
{
    static char form[SMALL_BYTES * 2 + 1000];
    ANSWER a = {0};
    struct slice small = content_small();
    unsigned long long round = c->round;
    (void)s;
    size_t len = 0;
    for (int i = 1; i <= 2; i++) {
        len += (size_t)snprintf(form + len, sizeof form - len,
                                "--xyz\r\nContent-Disposition: form-data; name=\"idempotency_key\"\r\n\r\n%llu-%d\r\n"
                                "--xyz\r\nContent-Disposition: form-data; name=\"f\"; filename=\"s%d\"\r\n\r\n", round, i, i);
        memcpy(form + len, small.ptr, SMALL_BYTES);
        len += SMALL_BYTES;
        len += (size_t)snprintf(form + len, sizeof form - len, "\r\n%s", i == 2 ? "--xyz--\r\n" : "");
    }
    if (!ASK(c, &a, 201, ANY, .method = "PUT", .target = loop_text("/api/v1/files/upload?name=o%llu", round),
             .bearer = c->bearer, .body = content_one_shot(), .piece = 256 * KIB))
        return;
    if (!ASK(c, &a, 201, ANY, .method = "PUT", .target = loop_text("/api/v1/files/upload?name=s%llu", round + 10),
             .bearer = c->bearer, .body = small, .no_length = true))
        return;
    if (!ASK(c, &a, 201, ANY, .method = "POST", .target = "/api/v1/files/upload", .bearer = c->bearer,
             .type = "multipart/form-data; boundary=xyz", .body = slice_of(form, len)))
        return;
    CHECK(loop_count(&a, "files") == 2);
    if (!ASK(c, &a, 200, ANY, .target = "/api/v1/files?limit=200", .bearer = c->bearer)) return;
    CHECK(named(&a, "s1") == 1 && named(&a, "s2") == 1);
}

static bool offset_of(const struct loop_answer *a, uint64_t *ret)
{
    return slice_u64(loop_header(a, "upload-offset"), UINT64_MAX, ret) == ERR_OK;
}

/* Where a resumable upload is after a failure; it never is behind what was told. */
static bool where(struct client *c, const char *place, uint64_t told, uint64_t *ret)
{
    ANSWER a = {0};
    if (!ASK(c, &a, 204, ANY, .method = "HEAD", .target = place, .bearer = c->bearer)) return false;
    if (offset_of(&a, ret) && *ret >= told) return true;
    test_fail(__FILE__, __LINE__, "at %llu, after %llu were told", (unsigned long long)*ret, (unsigned long long)told);
    return false;
}

/* Content up to `to`; a failure that a fault explains is followed by the question where to go on. */
static bool grow(struct client *c, const char *place, uint64_t *at, uint64_t to, bool last, struct loop_answer *a)
{
    for (int try = 0; try < 2 && !test_failed(); try++) {
        bool before = c->fault->fired();
        uint64_t told = *at;
        const char *offset = loop_text("%llu", (unsigned long long)*at);
        send(c, &(struct loop_request){.method = "PATCH", .target = place, .bearer = c->bearer, .type = "application/partial-upload",
                                       .body = slice_sub(content_big(), (size_t)*at, (size_t)to), .piece = 256 * KIB,
                                       .headers = {{SLICE("upload-offset"), slice_cstr(offset)},
                                                   {SLICE("upload-complete"), last ? SLICE("?1") : SLICE("?0")},
                                                   {SLICE("upload-draft-interop-version"), SLICE("8")}}}, a);
        if (a->status == (last ? 201 : 204)) {
            *at = to;
            return true;
        }
        bool explained = c->fault->fired() && (!before || c->for_ever) && try == 0;
        if (!explained || !clean(c, a, last ? 201 : 204, ANY)) {
            test_fail(__FILE__, __LINE__, "append: %d %.300s\n    %s", a->status, a->body ? a->body : "", last_line);
            return false;
        }
        count_failure(c, a);
        c->fault->off();
        if (offset_of(a, &told) && told < *at) test_fail(__FILE__, __LINE__, "the offset went back");
        if (!where(c, place, MAX(told, *at), at)) return false;
    }
    return false;
}

/* One that grows in three steps, asked for its offset between them. */
void story_resumable(struct client *c, struct stage *s)
{
    ANSWER a = {0};
    uint64_t at = 300001;
    (void)s;
    if (!ASK(c, &a, 201, ANY, .method = "POST", .target = loop_text("/api/v1/files/upload?name=b%llu", (unsigned long long)c->round),
             .bearer = c->bearer, .body = slice_sub(content_big(), 0, (size_t)at),
             .headers = {{SLICE("upload-complete"), SLICE("?0")}, {SLICE("upload-draft-interop-version"), SLICE("8")}}))
        return;
    const char *place = loop_text(SLICE_FMT, SLICE_ARG(loop_header(&a, "location")));
    if (!grow(c, place, &at, 1100000, false, &a) || !where(c, place, at, &at) || !grow(c, place, &at, BIG_BYTES, true, &a)) return;
    const char *file = loop_str(&a, "file.id");
    c->fault->off();
    ASK(c, &a, 200, content_big(), .target = loop_text("/api/v1/files/%s/download", file), .bearer = c->bearer);
}

static const struct http_header tus_version = {{"tus-resumable", 13}, {"1.0.0", 5}};

/* A partial upload of these bytes in two bodies; its place, or NULL. */
static const char *partial(struct client *c, struct slice body)
{
    ANSWER a = {0};
    struct slice length = slice_cstr(loop_text("%zu", body.len));
    if (!ASK(c, &a, 201, ANY, .method = "POST", .target = "/tus", .bearer = c->bearer, .type = "application/offset+octet-stream",
             .body = slice_sub(body, 0, 1000),
             .headers = {tus_version, {SLICE("upload-length"), length}, {SLICE("upload-concat"), SLICE("partial")}}))
        return NULL;
    const char *place = loop_text(SLICE_FMT, SLICE_ARG(loop_header(&a, "location")));
    struct loop_request r = {.method = "PATCH", .target = place, .bearer = c->bearer, .type = "application/offset+octet-stream",
                             .body = slice_sub(body, 1000, body.len),
                             .headers = {tus_version, {SLICE("upload-offset"), SLICE("1000")}}};
    bool before = c->fault->fired();
    send(c, &r, &a);
    if (a.status == 204) return place;
    if (!c->fault->fired() || (before && !c->for_ever) || !clean(c, &a, 204, ANY)) {
        test_fail(__FILE__, __LINE__, "partial: %d %.300s\n    %s", a.status, a.body ? a.body : "", last_line);
        return NULL;
    }
    count_failure(c, &a);
    c->fault->off();
    /* The bytes may all be there, and whoever asks makes it whole. */
    if (!ASK(c, &a, 200, ANY, .method = "HEAD", .target = place, .bearer = c->bearer, .headers = {tus_version})) return NULL;
    struct slice told = slice_cstr(loop_text(SLICE_FMT, SLICE_ARG(loop_header(&a, "upload-offset"))));
    uint64_t offset = 0;
    if (slice_u64(told, body.len, &offset) != ERR_OK || offset < 1000) test_fail(__FILE__, __LINE__, "the offset went back");
    if (offset == body.len) return place;
    r.body = slice_sub(body, (size_t)offset, body.len);
    r.headers[1].value = told;
    return ask(c, &a, 204, ANY, &r) ? place : NULL;
}

/* Two partial uploads make one file: in the request, or, when that failed, by the job. */
void story_joined(struct client *c, struct stage *s)
{
    ANSWER a = {0};
    (void)s;
    const char *one = partial(c, slice_sub(content_big(), 0, 900000));
    const char *two = one ? partial(c, slice_sub(content_big(), 900000, BIG_BYTES)) : NULL;
    const char *name = loop_text("filename %s", c->round % 2 ? "YjE=" : "YjI=");
    if (!two || !ASK(c, &a, 201, ANY, .method = "POST", .target = "/tus", .bearer = c->bearer,
                     .headers = {tus_version, {SLICE("upload-concat"), slice_cstr(loop_text("final;%s %s", one, two))},
                                 {SLICE("upload-metadata"), slice_cstr(name)}}))
        return;
    const char *place = loop_text(SLICE_FMT, SLICE_ARG(loop_header(&a, "location")));
    CLEANUP(ctx_done) struct ctx job;
    struct id id;
    c->fault->off();
    /* What the job would do some minutes later; again does no harm. */
    ctx_init(&job, LIMIT_JOB_ARENA_BYTES);
    CHECK_OK(id_parse(slice_cstr(place + 5), &id));
    CHECK_OK(append_join_run(&job, c->l->app, &id));
    LOOP(c->l, &a, .method = "HEAD", .target = place, .bearer = c->bearer, .headers = {tus_version});
    CHECK_STATUS(&a, 200);
    const char *file = loop_text(SLICE_FMT, SLICE_ARG(loop_header(&a, "sealdrop-file-id")));
    ASK(c, &a, 200, content_big(), .target = loop_text("/api/v1/files/%s/download", file), .bearer = c->bearer);
    /* They are charged until they end. */
    LOOP(c->l, &a, .method = "DELETE", .target = one, .bearer = c->bearer, .headers = {tus_version});
    LOOP(c->l, &a, .method = "DELETE", .target = two, .bearer = c->bearer, .headers = {tus_version});
}

/* The owner's doors: whole, a range, the sealed bytes, the key. */
void story_download(struct client *c, struct stage *s)
{
    ANSWER a = {0};
    struct slice content = content_big();
    const char *download = loop_text("/api/v1/files/%s/download", s->big);
    const char *sealed = loop_text("/api/v1/files/%s/content", s->big);
    static const char key[] = "{\"public_key\":\"5vMmFRO7Vv5YvMSNxZIBDJfzbFmfPGeqJ0L_BZvDrzQ\"}";
    if (!ASK(c, &a, 200, content, .target = download, .bearer = c->bearer)) return;
    if (!ASK(c, &a, 206, slice_sub(content, 1048000, 1049001), .target = download, .bearer = c->bearer,
             .headers = {{SLICE("range"), SLICE("bytes=1048000-1049000")}}))
        return;
    if (!ASK(c, &a, 200, ANY, .target = sealed, .bearer = c->bearer)) return;
    if (!ASK(c, &a, 200, ANY, .target = loop_text("/api/v1/files/%s/key", s->big), .bearer = c->bearer, .json = key)) return;
    ASK(c, &a, 200, content_small(), .target = loop_text("/api/v1/files/%s/download", s->small), .bearer = c->bearer);
}

static uint64_t downloads_of(struct client *c, const char *transfer)
{
    ANSWER a = {0};
    if (!ASK(c, &a, 200, ANY, .target = loop_text("/api/v1/transfers/%s/links", transfer), .bearer = c->bearer)) return 0;
    return (uint64_t)loop_num(&a, "items.0.downloads");
}

/* For as long as the program runs. */
static const char *keep_copy(struct slice s)
{
    static char copy[BIG_BYTES + SMALL_BYTES + 10000];
    if (s.len <= sizeof copy) memcpy(copy, s.ptr, s.len);
    return copy;
}

/* True when what was just asked for was not touched by the fault: then its count was settled, too. */
static bool untouched(const struct client *c, bool fired_before)
{
    return !c->fault->fired() || (fired_before && !c->for_ever);
}

static void check_count(struct client *c, const char *transfer, uint64_t before, bool acknowledged)
{
    uint64_t now = downloads_of(c, transfer);
    /* Two tries at most, and bytes of earlier ones that were cut may add up to one more. */
    if (now < before + acknowledged || now > before + 3)
        test_fail(__FILE__, __LINE__, "%llu downloads, %llu before", (unsigned long long)now, (unsigned long long)before);
}

/* Strangers' doors: a link that counts; one with a password, as a ZIP. */
void story_links(struct client *c, struct stage *s)
{
    static struct slice zip;
    ANSWER a = {0};
    c->fault->off();
    uint64_t link = downloads_of(c, s->link_transfer), both = downloads_of(c, s->both_transfer);
    c->fault->arm(c->n, c->for_ever);
    if (!ASK(c, &a, 200, ANY, .target = loop_text("/api/v1/share/%s", s->link))) return;
    bool before = c->fault->fired();
    if (!ASK(c, &a, 200, content_big(), .target = loop_text("/api/v1/share/%s/download", s->link))) return;
    bool link_done = untouched(c, before);
    if (!ASK(c, &a, 200, ANY, .target = loop_text("/api/v1/share/%s/verify", s->both),
             .json = "{\"password\":\"" LINK_PASSWORD "\"}"))
        return;
    const char *ticket = loop_str(&a, "ticket");
    before = c->fault->fired();
    if (!ASK(c, &a, 200, zip, .target = loop_text("/api/v1/share/%s/download", s->both), .ticket = ticket)) return;
    bool both_done = untouched(c, before);
    if (!zip.ptr) zip = slice_of(keep_copy(loop_body(&a)), a.len);
    c->fault->off();
    /* Grants that were left reserved run out. */
    loop_advance(LIMIT_GRANT_MS + 60 * 1000);
    loop_jobs(c->l);
    CHECK_FINE();
    c->bearer = s->bearer = loop_sign_in(c->l, STORY_EMAIL, LOOP_PASSWORD, NULL);
    CHECK_FINE();
    check_count(c, s->link_transfer, link, link_done);
    check_count(c, s->both_transfer, both, both_done);
}

/* What goes away: an upload is given up, a file and a link are deleted, and the jobs take their bytes. */
void story_clean(struct client *c, struct stage *s)
{
    ANSWER a = {0};
    (void)s;
    c->fault->off();
    const char *file = loop_file(c->l, c->bearer, "s-gone", content_small());
    LOOP(c->l, &a, .target = "/api/v1/uploads", .bearer = c->bearer, .json = "{\"name\":\"gone\",\"size\":5}");
    CHECK_STATUS(&a, 201);
    const char *upload = loop_str(&a, "upload_id");
    c->fault->arm(c->n, c->for_ever);
    if (!ASK(c, &a, 204, ANY, .method = "DELETE", .target = loop_text("/api/v1/uploads/%s", upload), .bearer = c->bearer))
        return;
    if (!ASK(c, &a, 204, ANY, .method = "DELETE", .target = loop_text("/api/v1/files/%s", file), .bearer = c->bearer)) return;
    CLEANUP(ctx_done) struct ctx own;
    size_t n = 0;
    ctx_init(&own, LIMIT_JOB_ARENA_BYTES);
    asking = true;
    enum err e = jobs_run_due(&own, c->l->app, &n);
    asking = false;
    CHECK(e == ERR_OK || c->fault->fired());
    c->fault->off();
    LOOP(c->l, &a, .target = loop_text("/api/v1/files/%s", file), .bearer = c->bearer);
    CHECK_STATUS(&a, 404);
}
