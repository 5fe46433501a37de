/* The same input in one piece, byte by byte and in every pair of pieces must give the same parts. */
#include "codec/multipart.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/intmath.h"
#include "base/mem.h"
#include "lib/test.h"
#include "os/sys.h"

/* Writes what it is told as "<name|filename|type:content>"; "-" for what is not there. */
struct recorder {
    struct buf log;
    enum err begin_err, data_err, end_err;
    bool open, empty_data;
};

static enum err put_field(struct buf *b, struct slice s, char after)
{
    TRY(buf_put(b, s.ptr ? s : SLICE("-")));
    return buf_putc(b, after);
}

static enum err on_begin(void *arg, const struct multipart_head *h)
{
    struct recorder *r = arg;
    if (r->open) return ERR_INTERNAL;
    r->open = true;
    TRY(buf_putc(&r->log, '<'));
    TRY(put_field(&r->log, h->name, '|'));
    TRY(put_field(&r->log, h->filename, '|'));
    TRY(put_field(&r->log, h->content_type, ':'));
    return r->begin_err;
}

static enum err on_data(void *arg, struct slice bytes)
{
    struct recorder *r = arg;
    if (!r->open || bytes.len == 0) return ERR_INTERNAL;
    TRY(buf_put(&r->log, bytes));
    return r->data_err;
}

static enum err on_end(void *arg)
{
    struct recorder *r = arg;
    if (!r->open) return ERR_INTERNAL;
    r->open = false;
    TRY(buf_putc(&r->log, '>'));
    return r->end_err;
}

static const struct multipart_ops recorder_ops = {on_begin, on_data, on_end};

/* Read body with boundary "b", the first `cut` bytes as one piece and the rest in pieces of `step`. */
static enum err read_cut(struct recorder *r, struct slice body, size_t cut, size_t step)
{
    struct multipart m;
    enum err e = multipart_init(&m, SLICE("b"), &recorder_ops, r);
    if (e == ERR_OK) e = multipart_push(&m, slice_sub(body, 0, cut));
    for (size_t at = cut; at < body.len && e == ERR_OK; at += step)
        e = multipart_push(&m, slice_sub(body, at, at + step));
    if (e == ERR_OK) e = multipart_end(&m);
    if (e != multipart_end(&m)) e = ERR_INTERNAL; /* the first error stays */
    multipart_done(&m);
    return e;
}

static void check_body(struct slice body, enum err want, struct slice want_log)
{
    for (size_t cut = 0; cut <= body.len; cut++) {
        struct recorder r = {.log = BUF_INIT(1 * MIB)};
        enum err e = read_cut(&r, body, cut, cut == 0 ? 1 : body.len);
        bool same = want != ERR_OK || slice_eq(buf_view(&r.log), want_log);
        if (e != want || !same)
            test_fail(__FILE__, __LINE__, "cut %zu of \"%.60s\": %s \"%.*s\", wanted %s", cut,
                      body.ptr, err_name(e), (int)r.log.len, buf_view(&r.log).ptr, err_name(want));
        buf_done(&r.log);
        if (test_failed()) return;
    }
}

#define CD "Content-Disposition: form-data; name=\"f\""
#define START "--b\r\n" CD "\r\n\r\n"

static const struct {
    const char *body, *log;
} good[] = {
    {START "hello\r\n--b--\r\n", "<f|-|-:hello>"},
    {START "hello\r\n--b--", "<f|-|-:hello>"},
    {"--b--\r\n", ""},
    {"--b--", ""},
    {START "\r\n--b--\r\n", "<f|-|-:>"},
    {START "--b--\r\n",
     "<f|-|-:>"}, /* no body: the delimiter shares the line end of the empty line */
    {START "1\r\n" START "2\r\n--b--\r\n", "<f|-|-:1><f|-|-:2>"},
    {"preamble\r\nmore\r\n" START "x\r\n--b--\r\nepilogue\r\n--b\r\n", "<f|-|-:x>"},
    {"\r\n" START "x\r\n--b--\r\n", "<f|-|-:x>"},
    {"a--b\r\n--c\r\n" START "x\r\n--b--", "<f|-|-:x>"},
    {"--b  \t\r\n" CD "\r\n\r\nx\r\n--b-- \t\r\n", "<f|-|-:x>"},
    /* near misses of the delimiter are content */
    {START "\r\r\n\r\n-\r\n--\r\n--c\n--b\r--b --b\r\r\n--b--",
     "<f|-|-:\r\r\n\r\n-\r\n--\r\n--c\n--b\r--b --b\r>"},
    {START "\n--b\r\n--b--", "<f|-|-:\n--b>"},
    {START "-\r\n--b--", "<f|-|-:->"},
    {START "--\r\n--b--", "<f|-|-:-->"},
    {START "--a\r\n--b--", "<f|-|-:--a>"},
    {START "\r\n\r\n--b--", "<f|-|-:\r\n>"},
    /* names */
    {"--b\r\ncontent-disposition:form-data;name=f\r\n\r\n\r\n--b--", "<f|-|-:>"},
    {"--b\r\nContent-Disposition: FORM-DATA ; filename=\"\" ; NAME=\"\"\r\n\r\n\r\n--b--",
     "<||-:>"},
    {"--b\r\n" CD "; filename=\"a b.txt\"\r\nContent-Type:  text/plain \r\n\r\n\r\n--b--",
     "<f|a b.txt|text/plain:>"},
    {"--b\r\n" CD "; filename=\"a%22b%0d%0Ac%20100%25%zz%2\"\r\n\r\n\r\n--b--",
     "<f|a\"b\r\nc%20100%25%zz%2|-:>"},
    {"--b\r\n" CD "; filename=\"a\\\"b\\\\c\\d;e\"\r\n\r\n\r\n--b--", "<f|a\"b\\c\\d;e|-:>"},
    {"--b\r\n" CD "; filename=\"\xc3\xa9\xe2\x82\xac\"\r\n\r\n\r\n--b--",
     "<f|\xc3\xa9\xe2\x82\xac|-:>"},
    {"--b\r\n" CD "; filename=fallback; filename*=UTF-8''%e2%82%ac%20'x\r\n\r\n\r\n--b--",
     "<f|\xe2\x82\xac 'x|-:>"},
    {"--b\r\n" CD "; filename*=utf-8'en'x%22; filename=\"other\"\r\n\r\n\r\n--b--", "<f|x\"|-:>"},
    {"--b\r\n" CD "; size=3; x-y=\"z;=\"\r\n\r\n\r\n--b--", "<f|-|-:>"},
    {"--b\r\nX-Other: 1\r\nX-Other: 2\r\n" CD
     "\r\nContent-Transfer-Encoding: Binary\r\n\r\n\r\n--b--",
     "<f|-|-:>"},
};

TEST(multipart_good)
{
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        check_body(slice_cstr(good[i].body), ERR_OK, slice_cstr(good[i].log));
        if (test_failed()) return;
    }
}

static const char *const bad[] = {
    /* truncated */
    "",
    "\r\n",
    "--b",
    "--b\r\n",
    START,
    START "x",
    START "x\r\n--b",
    START "x\r\n--b-",
    START "x\r\n--b\r\n",
    "--b--\r",
    "x--b--",
    /* delimiter lines */
    "--bb--",
    "--b-\r\n",
    "--b--x\r\n",
    "--b---",
    "--b-- x",
    "--b x\r\n",
    "--b\n" CD "\r\n\r\n\r\n--b--",
    "--b--\n",
    START "x\r\n--bx\r\n--b--",
    START "x\r\n--b-\r\n--b--",
    "--b\r" CD "\r\n\r\n\r\n--b--",
    "--b \n" CD "\r\n\r\n\r\n--b--",
    /* header fields */
    "--b\r\n" CD " \nX: y\r\n\r\nx\r\n--b--",
    "--b\r\n\r\nx\r\n--b--",
    "--b\r\nContent-Type: a/b\r\n\r\nx\r\n--b--",
    "--b\r\n" CD "\n\nx\r\n--b--",
    "--b\r\n" CD "\r\n\nx\r\n--b--",
    "--b\r\n" CD "\n\r\nx\r\n--b--",
    "--b\r\n" CD "\r\n" CD "\r\n\r\nx\r\n--b--",
    "--b\r\n" CD "\r\n folded\r\n\r\nx\r\n--b--",
    "--b\r\n" CD "\r\nno colon\r\n\r\nx\r\n--b--",
    "--b\r\n" CD "\r\n: x\r\n\r\nx\r\n--b--",
    "--b\r\n" CD "\r\nX : y\r\n\r\nx\r\n--b--",
    "--b\r\n" CD "\r\nX: \x01\r\n\r\nx\r\n--b--",
    "--b\r\n" CD "\r\nX: a\rb\r\n\r\nx\r\n--b--",
    "--b\r\n" CD "\r\nX: \x7f\r\n\r\nx\r\n--b--",
    "--b\r\n" CD "\r\nContent-Transfer-Encoding: base64\r\n\r\nx\r\n--b--",
    "--b\r\n" CD "\r\nContent-Type: a/b\r\nContent-Type: a/b\r\n\r\nx\r\n--b--",
/* Content-Disposition */
#define BAD(value) "--b\r\nContent-Disposition: " value "\r\n\r\nx\r\n--b--"
    BAD(""),
    BAD("form-data"),
    BAD("attachment; name=f"),
    BAD("form-data name=f"),
    BAD("form-data; name"),
    BAD("form-data; name="),
    BAD("form-data; name=\"f"),
    BAD("form-data; name=\"f\\\""),
    BAD("form-data; name=\"f\"x"),
    BAD("form-data; name=\"f\" size=1"),
    BAD("form-data; name=f;"),
    BAD("form-data;; name=f"),
    BAD("form-data; name=f; name=f"),
    BAD("form-data; =f; name=f"),
    BAD("form-data; name=f; filename=a; filename=b"),
    BAD("form-data; name=f g"),
    BAD("form-data; name=\"\xff\""),
    BAD("form-data; name=f; filename=\"\xc0\xaf\""),
    BAD("form-data; name=f; filename*=\"UTF-8''x\""),
    BAD("form-data; name=f; filename*=x"),
    BAD("form-data; name=f; filename*=UTF-8'x"),
    BAD("form-data; name=f; filename*=latin1''x"),
    BAD("form-data; name=f; filename*=UTF-8''%4"),
    BAD("form-data; name=f; filename*=UTF-8''%zz"),
    BAD("form-data; name=f; filename*=UTF-8''%00"),
    BAD("form-data; name=f; filename*=UTF-8''%ff"),
    BAD("form-data; name=f; filename*=UTF-8''a; filename*=UTF-8''b"),
};

TEST(multipart_bad)
{
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        check_body(slice_cstr(bad[i]), ERR_INVALID, SLICE(""));
        if (test_failed()) return;
    }
    check_body(SLICE("--b\r\n" CD "\r\nX: \0\r\n\r\nx\r\n--b--"), ERR_INVALID, SLICE(""));
}

TEST(multipart_binary_content)
{
    check_body(SLICE(START "\0\xff\r\0\n\r\n-\0\r\n--b--"), ERR_OK,
               SLICE("<f|-|-:\0\xff\r\0\n\r\n-\0>"));
}

TEST(multipart_boundary_of_content_type)
{
    static const struct {
        const char *type, *boundary; /* NULL: refused */
    } cases[] = {
        {"multipart/form-data; boundary=abc", "abc"},
        {" Multipart/Form-Data;charset=utf-8 ; BOUNDARY=\"a b:c\" ", "a b:c"},
        {"multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW",
         "----WebKitFormBoundary7MA4YWxkTrZu0gW"},
        {"multipart/"
         "form-data;boundary="
         "1234567890123456789012345678901234567890123456789012345678901234567890",
         "1234567890123456789012345678901234567890123456789012345678901234567890"},
        {"multipart/"
         "form-data;boundary="
         "12345678901234567890123456789012345678901234567890123456789012345678901",
         NULL},
        {"", NULL},
        {"multipart/form-data", NULL},
        {"multipart/form-data;", NULL},
        {"multipart/form-data; boundary", NULL},
        {"multipart/form-data; boundary=", NULL},
        {"multipart/form-data; boundary=\"\"", NULL},
        {"multipart/form-data; boundary=\"a", NULL},
        {"multipart/form-data; boundary=\"a \"", NULL},
        {"multipart/form-data; boundary=\"a\\\"\"", NULL},
        {"multipart/form-data; boundary=\"a\r\n\"", NULL},
        {"multipart/form-data; boundary=a; boundary=a", NULL},
        {"multipart/form-data; boundary=a b", NULL},
        {"multipart/form-data; boundary=a*", NULL},
        {"multipart/form-data boundary=a", NULL},
        {"multipart/mixed; boundary=a", NULL},
        {"multipart/form-data2; boundary=a", NULL},
        {"application/x-www-form-urlencoded", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct slice got = SLICE("untouched");
        enum err e = multipart_boundary(slice_cstr(cases[i].type), &got);
        CHECK_ERR(e, cases[i].boundary ? ERR_OK : ERR_INVALID);
        CHECK_SLICE(got, slice_cstr(cases[i].boundary ? cases[i].boundary : "untouched"));
    }
    struct multipart m;
    CHECK_ERR(multipart_init(&m, SLICE(""), &recorder_ops, NULL), ERR_INVALID);
    CHECK_ERR(multipart_init(&m, SLICE("a\r\nb"), &recorder_ops, NULL), ERR_INVALID);
}

static enum err read_repeated(struct slice before, struct slice unit, size_t times,
                              struct slice after, size_t step)
{
    struct recorder r = {.log = BUF_INIT(1 * MIB)};
    struct buf body = BUF_INIT(1 * MIB);
    enum err e = buf_put(&body, before);
    for (size_t i = 0; i < times && e == ERR_OK; i++) e = buf_put(&body, unit);
    if (e == ERR_OK) e = buf_put(&body, after);
    if (e == ERR_OK) e = read_cut(&r, buf_view(&body), 0, step);
    buf_done(&body);
    buf_done(&r.log);
    return e;
}

TEST(multipart_limits)
{
    const size_t head_used = sizeof CD "\r\nX: \r\n\r\n" - 1;
    const size_t head_free = LIMIT_MULTIPART_HEAD_BYTES - head_used;
    struct slice x = SLICE("x"), end = SLICE("\r\n--b--");
    for (size_t step = 1; step < 10000; step += 9998) {
        CHECK_OK(read_repeated(SLICE(""), SLICE(START "x\r\n"), LIMIT_MULTIPART_PARTS,
                               SLICE("--b--"), step));
        CHECK_ERR(read_repeated(SLICE(""), SLICE(START "x\r\n"), LIMIT_MULTIPART_PARTS + 1,
                                SLICE("--b--"), step),
                  ERR_TOO_LARGE);
        struct slice head = SLICE("--b\r\n" CD "\r\nX: "), tail = SLICE("\r\n\r\n\r\n--b--");
        CHECK_OK(read_repeated(head, x, head_free, tail, step));
        CHECK_ERR(read_repeated(head, x, head_free + 1, tail, step), ERR_TOO_LARGE);
        CHECK_OK(read_repeated(SLICE(""), x, LIMIT_MULTIPART_HEAD_BYTES, SLICE("\r\n--b--"), step));
        CHECK_ERR(
            read_repeated(SLICE(""), x, LIMIT_MULTIPART_HEAD_BYTES + 1, SLICE("\r\n--b--"), step),
            ERR_TOO_LARGE);
        CHECK_OK(read_repeated(SLICE("--b--\r\n"), x, LIMIT_MULTIPART_HEAD_BYTES, SLICE(""), step));
        CHECK_ERR(
            read_repeated(SLICE("--b--\r\n"), x, LIMIT_MULTIPART_HEAD_BYTES + 1, SLICE(""), step),
            ERR_TOO_LARGE);
        CHECK_ERR(read_repeated(SLICE("--b"), SLICE(" "), LIMIT_MULTIPART_HEAD_BYTES, end, step),
                  ERR_TOO_LARGE);
    }
}

TEST(multipart_errors_of_ops_pass)
{
    struct slice body = SLICE(START "x\r\n--b--");
    for (size_t step = 1; step <= body.len; step++) {
        struct recorder begin = {.log = BUF_INIT(KIB), .begin_err = ERR_DENIED};
        struct recorder data = {.log = BUF_INIT(KIB), .data_err = ERR_NOSPACE};
        struct recorder end = {.log = BUF_INIT(KIB), .end_err = ERR_QUOTA};
        enum err e1 = read_cut(&begin, body, 0, step), e2 = read_cut(&data, body, 0, step);
        enum err e3 = read_cut(&end, body, 0, step);
        bool stopped = slice_eq(buf_view(&begin.log), SLICE("<f|-|-:")) &&
                       slice_eq(buf_view(&data.log), SLICE("<f|-|-:x"));
        buf_done(&begin.log);
        buf_done(&data.log);
        buf_done(&end.log);
        CHECK_ERR(e1, ERR_DENIED);
        CHECK_ERR(e2, ERR_NOSPACE);
        CHECK_ERR(e3, ERR_QUOTA);
        CHECK(stopped);
    }
}

static enum err count_begin(void *arg, const struct multipart_head *h)
{
    (void)arg;
    (void)h;
    return ERR_OK;
}
static enum err count_data(void *arg, struct slice bytes)
{
    *(uint64_t *)arg += bytes.len;
    return ERR_OK;
}
static enum err count_end(void *arg)
{
    (void)arg;
    return ERR_OK;
}

/* Pushes 128 MiB in pieces of 256 KiB made of `fill` and prints the speed; the count of content bytes must be right. */
static void run_speed(const char *what, struct slice boundary, void (*fill)(char *p, size_t n))
{
    static const struct multipart_ops ops = {count_begin, count_data, count_end};
    const size_t piece = 256 * KIB, times = 512;
    CLEANUP(mem_cleanup) char *p = mem_alloc(piece, 1);
    uint64_t counted = 0;
    struct multipart m;
    CHECK(p != NULL);
    fill(p, piece);
    CHECK_OK(multipart_init(&m, boundary, &ops, &counted));
    CHECK_OK(multipart_push(&m, SLICE("--")));
    CHECK_OK(multipart_push(&m, boundary));
    CHECK_OK(multipart_push(&m, SLICE("\r\n" CD "\r\n\r\n")));
    int64_t start_ms = sys()->mono_ms();
    for (size_t i = 0; i < times; i++) CHECK_OK(multipart_push(&m, slice_of(p, piece)));
    double ms = (double)MAX(sys()->mono_ms() - start_ms, 1);
    CHECK_OK(multipart_push(&m, SLICE("\r\n--")));
    CHECK_OK(multipart_push(&m, boundary));
    CHECK_OK(multipart_push(&m, SLICE("--")));
    CHECK_OK(multipart_end(&m));
    CHECK_U64(counted, piece * times);
    printf("  multipart, %s: %.1f GB/s\n", what, (double)(piece * times) / ms / 1e6);
}

static void fill_random(char *p, size_t n)
{
    uint64_t x = 88172645463325252ull;
    for (size_t i = 0; i < n; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        p[i] = (char)x;
    }
}
static void fill_zero(char *p, size_t n) { memset(p, 0, n); }
static void fill_cr(char *p, size_t n) { memset(p, '\r', n); }
static void fill_lines(char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) p[i] = "\r\n--"[i % 4];
}

TEST(multipart_speed)
{
    struct slice usual = SLICE("----WebKitFormBoundary7MA4YWxkTrZu0gW");
    run_speed("random bytes", usual, fill_random);
    run_speed("zeroes", usual, fill_zero);
    run_speed("only CR", usual, fill_cr);
    run_speed("only CR LF - -", usual, fill_lines);
    run_speed("random bytes, boundary of one character", SLICE("b"), fill_random);
    run_speed("only CR LF - -, boundary of one character", SLICE("b"), fill_lines);
}

TEST(disposition_filenames)
{
    static const struct {
        const char *value, *name; /* NULL: none; "!": refused */
    } cases[] = {
        {"inline", NULL},
        {"attachment; size=3", NULL},
        {"inline; filename=a.txt", "a.txt"},
        {" Attachment ; filename=\"a \\\"b\\\".txt\"", "a \"b\".txt"},
        {"inline; filename=\"file name.jpg\"; filename*=UTF-8''file%20n%C3%A4me.jpg", "file n\xc3\xa4me.jpg"},
        {"inline; filename*=utf-8'de'%e2%82%ac; filename=EUR", "\xe2\x82\xac"},
        {"", "!"},
        {"; filename=a", "!"},
        {"in line; filename=a", "!"},
        {"inline; filename", "!"},
        {"inline; filename=\"a", "!"},
        {"inline; filename=a; filename=b", "!"},
        {"inline; filename*=latin1''a", "!"},
        {"inline; filename*=UTF-8''%ff", "!"},
        {"inline; filename*=UTF-8''%0", "!"},
        {"inline, filename=a", "!"},
    };
    CLEANUP(arena_done) struct arena a;
    arena_init(&a, 100000);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct slice name = SLICE("!");
        const char *want = cases[i].name;
        enum err e = disposition_filename(&a, slice_cstr(cases[i].value), &name);
        bool refused = want && strcmp(want, "!") == 0;
        if (e != (refused ? ERR_INVALID : ERR_OK) || (want ? !slice_eq(name, slice_cstr(want)) : name.ptr != NULL))
            test_fail(__FILE__, __LINE__, "%s", cases[i].value);
    }
}
