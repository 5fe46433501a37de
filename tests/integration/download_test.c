/* Downloads: ranges and conditions, sealed bytes opened by a client's own hands, stored bytes that were damaged, whole transfers. */
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "codec/base64.h"
#include "crypto/hpke.h"
#include "crypto/seal.h"
#include "crypto/sft.h"
#include "integration/loopback.h"

#define FILES "/api/v1/files"

static char bytes[2 * MIB + 5000];
static const struct slice content = {bytes, sizeof bytes};

static const char *begin(struct loop *l)
{
    loop_pattern(bytes, sizeof bytes, 11);
    loop_open(l);
    return loop_user(l, "anna@example.com", ROLE_USER);
}

/* ---- ranges and conditions ---- */

static void get_range(struct loop *l, const char *bearer, const char *target, const char *range, struct loop_answer *a)
{
    LOOP(l, a, .target = target, .bearer = bearer, .headers = {{SLICE("range"), slice_cstr(range)}});
}

/* Whatever is asked for of `whole` is exactly that. */
static void check_ranges(struct loop *l, const char *bearer, const char *target, struct slice whole)
{
    ANSWER a = {0};
    size_t n = whole.len;
    const struct {
        const char *range;
        size_t from, to;
    } good[] = {{"bytes=0-0", 0, 1},
                {loop_text("bytes=0-%zu", n - 1), 0, n},
                {"bytes=16383-16384", 16383, 16385},
                {"bytes=16384-", 16384, n},
                {loop_text("bytes=%zu-%zu", n / 2, n / 2 + 70000), n / 2, n / 2 + 70001},
                {"bytes=-1", n - 1, n},
                {"bytes=-20000", n - 20000, n},
                {loop_text("bytes=-%zu", n + 5), 0, n},
                {loop_text("bytes=%zu-%zu", n - 10, n + 100), n - 10, n},
                {loop_text("bytes=%zu-", n - 1), n - 1, n},
                {"bytes=1048570-1048580", 1048570, 1048581}};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        get_range(l, bearer, target, good[i].range, &a);
        CHECK_STATUS(&a, 206);
        CHECK_SLICE(loop_body(&a), slice_sub(whole, good[i].from, good[i].to));
        CHECK_SLICE(loop_header(&a, "content-range"), slice_cstr(loop_text("bytes %zu-%zu/%zu", good[i].from, good[i].to - 1, n)));
        LOOP(l, &a, .target = target, .bearer = bearer, .workers_only = true, .read_cap = 10000,
             .headers = {{SLICE("range"), slice_cstr(good[i].range)}});
        CHECK_SLICE(loop_body(&a), slice_sub(whole, good[i].from, good[i].to));
    }
    static const char *const ignored[] = {"bytes=0-1,4-5", "items=0-1", "bytes=5-1", "bytes=", "bytes=a-b", "bytes=--1", "nonsense"};
    for (size_t i = 0; i < ARRAY_LEN(ignored); i++) {
        get_range(l, bearer, target, ignored[i], &a);
        CHECK_STATUS(&a, 200);
        CHECK_SLICE(loop_body(&a), whole);
    }
    const char *const beyond[] = {loop_text("bytes=%zu-", n), loop_text("bytes=%zu-%zu", n + 5, n + 9), "bytes=-0"};
    for (size_t i = 0; i < ARRAY_LEN(beyond); i++) {
        get_range(l, bearer, target, beyond[i], &a);
        CHECK_PROBLEM(&a, 416, "range_not_satisfiable");
        CHECK_SLICE(loop_header(&a, "content-range"), slice_cstr(loop_text("bytes */%zu", n)));
    }
}

static void check_conditions(struct loop *l, const char *bearer, const char *target, struct slice whole)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = target, .bearer = bearer, .read_cap = 1000);
    CHECK_STATUS(&a, 200);
    CHECK_SLICE(loop_body(&a), whole);
    const char *etag = loop_text(SLICE_FMT, SLICE_ARG(loop_header(&a, "etag"))), *other = "\"other\"";
    CHECK(etag[0] == '"');
    CHECK_SLICE(loop_header(&a, "accept-ranges"), SLICE("bytes"));
    const struct {
        const char *name, *value;
        int status;
    } cases[] = {{"if-none-match", etag, 304},
                 {"if-none-match", loop_text("%s, W/%s", other, etag), 304},
                 {"if-none-match", "*", 304},
                 {"if-none-match", other, 200},
                 {"if-match", etag, 200},
                 {"if-match", "*", 200},
                 {"if-match", other, 412},
                 {"if-match", loop_text("W/%s", etag), 412}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        LOOP(l, &a, .target = target, .bearer = bearer, .headers = {{slice_cstr(cases[i].name), slice_cstr(cases[i].value)}});
        if (a.status != cases[i].status)
            test_fail(__FILE__, __LINE__, "%s: %s gave %d", cases[i].name, cases[i].value, a.status);
        if (a.status == 304) CHECK_SLICE(loop_header(&a, "etag"), slice_cstr(etag));
    }
    LOOP(l, &a, .target = target, .bearer = bearer,
         .headers = {{SLICE("range"), SLICE("bytes=1-2")}, {SLICE("if-range"), slice_cstr(etag)}});
    CHECK_STATUS(&a, 206);
    LOOP(l, &a, .target = target, .bearer = bearer,
         .headers = {{SLICE("range"), SLICE("bytes=1-2")}, {SLICE("if-range"), slice_cstr(other)}});
    CHECK_STATUS(&a, 200);
    LOOP(l, &a, .method = "HEAD", .target = target, .bearer = bearer);
    CHECK(a.status == 200 && a.len == 0 && a.length == whole.len);
    LOOP(l, &a, .method = "HEAD", .target = target, .bearer = bearer, .headers = {{SLICE("range"), SLICE("bytes=0-9")}});
    CHECK(a.status == 206 && a.len == 0 && a.length == 10);
}

TEST(download_ranges_and_conditions)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l), *file = loop_upload(&l, bearer, "dir/a \"b\".bin", content, MIB);
    const char *plain = loop_text(FILES "/%s/download", file), *sealed = loop_text(FILES "/%s/content", file);
    check_ranges(&l, bearer, plain, content);
    check_conditions(&l, bearer, plain, content);
    LOOP(&l, &a, .target = plain, .bearer = bearer);
    CHECK(slice_starts(loop_header(&a, "content-disposition"), SLICE("attachment; filename=")));
    CHECK(!memmem(loop_header(&a, "content-disposition").ptr, loop_header(&a, "content-disposition").len, "dir/", 4));
    LOOP(&l, &a, .target = sealed, .bearer = bearer);
    CHECK_U64(a.len, sft_sealed_size(content.len, MIB));
    check_ranges(&l, bearer, sealed, loop_body(&a));
    check_conditions(&l, bearer, sealed, loop_body(&a));
    /* Nothing of an empty file can be asked for. */
    file = loop_file(&l, bearer, "empty", SLICE(""));
    get_range(&l, bearer, loop_text(FILES "/%s/download", file), "bytes=0-0", &a);
    CHECK_STATUS(&a, 416);
    loop_close(&l);
}

/* ---- opening sealed bytes as a client does ---- */

struct released {
    struct key key;
    struct id content_id;
    uint64_t part_size;
};

/* Gets the file key, sealed to a one-time key. */
static bool get_key(struct loop *l, const char *bearer, const char *file, struct released *ret)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(64);
    CLEANUP(buf_done) struct buf enc = BUF_INIT(64);
    CLEANUP(buf_done) struct buf ct = BUF_INIT(128);
    CLEANUP(buf_done) struct buf key = BUF_INIT(64);
    CLEANUP(key_done) struct key secret;
    uint8_t public_key[HPKE_PUBLIC_BYTES];
    struct sft_context info;
    struct id session;
    ANSWER a = {0};
    if (hpke_keypair(&secret, public_key) != ERR_OK || base64url_encode(&text, slice_of(public_key, sizeof public_key)) != ERR_OK)
        return false;
    LOOP(l, &a, .target = loop_text(FILES "/%s/key", file), .bearer = bearer,
         .json = loop_text("{\"public_key\":\"" SLICE_FMT "\"}", SLICE_ARG(buf_view(&text))));
    if (a.status != 200) return false;
    /* The context of an owner's release is the session, which the access token names. */
    CLEANUP(buf_done) struct buf claims = BUF_INIT(4096);
    struct slice rest = slice_cstr(bearer);
    slice_cut(&rest, '.');
    if (base64url_decode(&claims, slice_cut(&rest, '.')) != ERR_OK) return false;
    const char *sid = memmem(claims.ptr, claims.len, "\"sid\":\"", 7);
    if (!sid || id_parse(slice_of(sid + 7, ID_TEXT_LEN), &session) != ERR_OK) return false;
    if (id_parse(slice_cstr(loop_str(&a, "content_id")), &ret->content_id) != ERR_OK) return false;
    sft_context(&info, "sft/1/fkrelease", id_bytes(&ret->content_id), id_bytes(&session));
    if (base64url_decode(&enc, slice_cstr(loop_str(&a, "enc"))) != ERR_OK) return false;
    if (base64url_decode(&ct, slice_cstr(loop_str(&a, "ct"))) != ERR_OK) return false;
    if (hpke_open(&secret, (const uint8_t *)enc.ptr, sft_context_view(&info), SLICE(""), buf_view(&ct), &key) != ERR_OK) return false;
    memcpy(ret->key.b, key.ptr, KEY_BYTES);
    ret->part_size = (uint64_t)loop_num(&a, "part_size");
    return key.len == KEY_BYTES && (uint64_t)loop_num(&a, "size") == content.len;
}

static enum err unseal(const struct released *r, struct slice sealed, struct buf *out)
{
    uint64_t part = sft_sealed_part((uint32_t)r->part_size);
    for (uint32_t n = 0; n * part < sealed.len; n++) {
        struct sft_context context;
        sft_part_context(&context, &r->content_id, (uint32_t)r->part_size, n);
        TRY(seal_open_message(&r->key, sft_context_view(&context), slice_sub(sealed, n * part, (n + 1) * part), out));
    }
    return ERR_OK;
}

TEST(download_sealed_and_open_it)
{
    struct loop l;
    struct released r, foreign;
    ANSWER a = {0};
    CLEANUP(buf_done) struct buf plain = BUF_INIT(4 * MIB);
    CLEANUP(buf_done) struct buf other = BUF_INIT(4 * MIB);
    if (loop_missing()) return;
    const char *bearer = begin(&l), *file = loop_upload(&l, bearer, "a", content, MIB);
    const char *twin = loop_upload(&l, bearer, "a", content, MIB);
    CHECK(get_key(&l, bearer, file, &r));
    LOOP(&l, &a, .target = loop_text(FILES "/%s/content", file), .bearer = bearer);
    CHECK_OK(unseal(&r, loop_body(&a), &plain));
    CHECK_SLICE(buf_view(&plain), content);
    /* Every file has a key of its own: this one opens no other, not even of the same bytes. */
    CHECK(get_key(&l, bearer, twin, &foreign));
    foreign.key = r.key;
    LOOP(&l, &a, .target = loop_text(FILES "/%s/content", file), .bearer = bearer);
    CHECK_ERR(unseal(&foreign, loop_body(&a), &other), ERR_CORRUPT);
    LOOP(&l, &a, .target = loop_text(FILES "/%s/content", twin), .bearer = bearer);
    CHECK_ERR(unseal(&foreign, loop_body(&a), &other), ERR_CORRUPT);
    static const char *const bad[] = {"AAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "!", ""};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        LOOP(&l, &a, .target = loop_text(FILES "/%s/key", file), .bearer = bearer, .json = loop_text("{\"public_key\":\"%s\"}", bad[i]));
        CHECK_STATUS(&a, 400);
        CHECK_STR(&a, "errors.0.field", "public_key");
    }
    loop_close(&l);
}

/* ---- damaged bytes ---- */

static char blob_path[512];

static int note_blob(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)ftw;
    if (flag == FTW_F && (uint64_t)st->st_size == sft_sealed_size(content.len, MIB)) snprintf(blob_path, sizeof blob_path, "%s", path);
    return 0;
}

/* The file on the disk that holds the newest blob of `content`'s size. */
static int open_blob(const struct loop *l)
{
    blob_path[0] = '\0';
    nftw(loop_text("%s/blobs", l->dir), note_blob, 8, FTW_PHYS);
    return open(blob_path, O_RDWR | O_CLOEXEC);
}

static void flip(int fd, off_t at)
{
    char b = 0;
    if (pread(fd, &b, 1, at) != 1) test_fail(__FILE__, __LINE__, "read");
    b = (char)(b ^ 1);
    if (pwrite(fd, &b, 1, at) != 1) test_fail(__FILE__, __LINE__, "write");
}

/* Every byte that comes is right, and the end (if it `must`) is an error the client sees. */
static void check_damaged(struct loop *l, const char *bearer, const char *file, const char *range, bool must)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = loop_text(FILES "/%s/download", file), .bearer = bearer,
         .headers = {{SLICE("range"), slice_cstr(range)}});
    ANSWER slow = {0};
    LOOP(l, &slow, .target = loop_text(FILES "/%s/download", file), .bearer = bearer, .workers_only = true,
         .headers = {{SLICE("range"), slice_cstr(range)}});
    CHECK(slow.status == a.status && slow.read_err == a.read_err);
    if (a.status == 500) {
        CHECK_STR(&a, "code", "corrupt");
        return;
    }
    if (must && (a.read_err == ERR_OK || a.len >= a.length)) test_fail(__FILE__, __LINE__, "%s: damage was not noticed", range);
    if (a.read_err == ERR_OK) CHECK_U64(a.len, a.length);
    struct slice first = slice_sub(loop_header(&a, "content-range"), 6, 20);
    uint64_t from = 0;
    if (a.status == 206) CHECK_OK(slice_u64(slice_cut(&first, '-'), UINT64_MAX, &from));
    CHECK_SLICE(loop_body(&a), slice_sub(content, from, from + a.len));
}

TEST(download_damaged_bytes)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing() || loop_chosen() == LOOP_MEMORY) return;
    const char *bearer = begin(&l), *file = loop_upload(&l, bearer, "a", content, MIB);
    const char *sound = loop_file(&l, bearer, "b", slice_sub(content, 0, 5000));
    int fd = open_blob(&l);
    CHECK(fd >= 0);
    off_t part = (off_t)sft_sealed_part(MIB);
    off_t size = (off_t)sft_sealed_size(content.len, MIB);
    /* Headers are kept in the database too, and the empty chunk that ends a full part has no bytes to serve: damage there does a
     * plain download no harm. */
    const struct {
        off_t at;
        bool must;
    } places[] = {{0, false}, {30, false}, {60, true}, {100, true}, {56 + 16400 * 3, true}, {part - 1, false}, {part, false},
                  {part + 56 + 5, true}, {2 * part + 10, false}, {2 * part + 60, true}, {size - 1, true}};
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        flip(fd, places[i].at);
        check_damaged(&l, bearer, file, "bytes=0-", places[i].must);
        flip(fd, places[i].at);
    }
    /* A chunk in the place of another one. */
    static char chunk[2][16400];
    CHECK(pread(fd, chunk[0], 16400, 56) == 16400 && pread(fd, chunk[1], 16400, 56 + 16400) == 16400);
    CHECK(pwrite(fd, chunk[1], 16400, 56) == 16400 && pwrite(fd, chunk[0], 16400, 56 + 16400) == 16400);
    check_damaged(&l, bearer, file, "bytes=0-", true);
    check_damaged(&l, bearer, file, "bytes=100-200", true);
    /* What is not damaged is served still. */
    get_range(&l, bearer, loop_text(FILES "/%s/download", file), "bytes=40000-50000", &a);
    CHECK_STATUS(&a, 206);
    CHECK_SLICE(loop_body(&a), slice_sub(content, 40000, 50001));
    CHECK(pwrite(fd, chunk[0], 16400, 56) == 16400 && pwrite(fd, chunk[1], 16400, 56 + 16400) == 16400);
    CHECK(ftruncate(fd, size - 1000) == 0);
    check_damaged(&l, bearer, file, "bytes=0-", true);
    CHECK(ftruncate(fd, size + 1) == 0);
    check_damaged(&l, bearer, file, "bytes=0-", true);
    close(fd);
    CHECK(unlink(blob_path) == 0);
    LOOP(&l, &a, .target = loop_text(FILES "/%s/download", file), .bearer = bearer);
    CHECK_STATUS(&a, 500);
    LOOP(&l, &a, .target = loop_text(FILES "/%s/content", file), .bearer = bearer);
    CHECK_STATUS(&a, 500);
    LOOP(&l, &a, .target = loop_text(FILES "/%s/download", sound), .bearer = bearer);
    CHECK_SLICE(loop_body(&a), slice_sub(content, 0, 5000));
    LOOP(&l, &a, .method = "DELETE", .target = loop_text(FILES "/%s", file), .bearer = bearer);
    CHECK_STATUS(&a, 204);
    loop_jobs(&l);
    loop_close(&l);
}

TEST(download_of_swapped_blobs)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing() || loop_chosen() == LOOP_MEMORY) return;
    const char *bearer = begin(&l), *one = loop_upload(&l, bearer, "a", content, MIB);
    int fd = open_blob(&l);
    off_t size = (off_t)sft_sealed_size(content.len, MIB);
    char *kept = reallocarray(NULL, (size_t)size, 1);
    CHECK(pread(fd, kept, (size_t)size, 0) == (ssize_t)size);
    CHECK(unlink(blob_path) == 0);
    const char *gone = blob_path[0] ? loop_text("%s", blob_path) : "";
    close(fd);
    const char *two = loop_upload(&l, bearer, "b", content, MIB);
    fd = open_blob(&l);
    CHECK(pwrite(fd, kept, (size_t)size, 0) == (ssize_t)size);
    close(fd);
    free(kept);
    /* Sealed by us, whole, of the same size and content: but of another file. */
    check_damaged(&l, bearer, two, "bytes=0-", true);
    LOOP(&l, &a, .target = loop_text(FILES "/%s/download", two), .bearer = bearer);
    CHECK_U64(a.status == 200 ? a.len : 0, 0);
    CHECK(rename(blob_path, gone) == 0);
    LOOP(&l, &a, .target = loop_text(FILES "/%s/download", one), .bearer = bearer);
    CHECK_STATUS(&a, 200);
    CHECK_SLICE(loop_body(&a), content);
    loop_close(&l);
}

/* ---- whole transfers ---- */

/* Python is the other pair of eyes: names and sizes as it sees them, contents by their CRC. */
static const char *python_reads(const char *path)
{
    char line[4096];
    const char *script = "import sys,zipfile;z=zipfile.ZipFile(sys.argv[1]);assert z.testzip() is None;"
                         "print(';'.join('%s=%d'%(i.filename,i.file_size) for i in z.infolist()))";
    FILE *p = popen(loop_text("python3 -c \"%s\" %s", script, path), "r");
    if (!p) return "";
    size_t n = fread(line, 1, sizeof line - 1, p);
    line[n] = '\0';
    return pclose(p) == 0 ? loop_text("%s", line) : "failed\n";
}

TEST(download_whole_transfer)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l);
    const char *ids = loop_text("%s %s %s %s", loop_upload(&l, bearer, "big.bin", content, MIB),
                                loop_upload(&l, bearer, "dir/small.txt", SLICE("small"), 0), loop_file(&l, bearer, "empty", SLICE("")),
                                loop_upload(&l, bearer, "dir/small.txt", SLICE("the second of this name"), 0));
    const char *token = loop_share(&l, bearer, loop_transfer(&l, bearer, ids, ",\"title\":\"My files\""), "{}");
    const char *target = loop_text("/api/v1/share/%s/download", token);
    LOOP(&l, &a, .target = target);
    CHECK_STATUS(&a, 200);
    CHECK_U64(a.length, a.len);
    CHECK_SLICE(loop_header(&a, "content-type"), SLICE("application/zip"));
    CHECK(slice_starts(loop_header(&a, "content-disposition"), SLICE("attachment; filename=\"My files.zip\"")));
    check_ranges(&l, NULL, target, loop_body(&a));
    check_conditions(&l, NULL, target, loop_body(&a));
    const char *path = loop_text("%s/whole.zip", l.dir);
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(a.body, 1, a.len, f) == a.len);
    fclose(f);
    CHECK_SLICE(slice_cstr(python_reads(path)),
                slice_cstr(loop_text("big.bin=%zu;dir/small.txt=5;empty=0;dir/small (2).txt=23\n", content.len)));
    /* The same at another time, on a server that was restarted: a broken download goes on where it was. */
    ANSWER later = {0};
    loop_advance(3600 * 1000);
    loop_reopen(&l);
    get_range(&l, NULL, target, "bytes=100000-", &later);
    CHECK_STATUS(&later, 206);
    CHECK_SLICE(loop_header(&later, "etag"), loop_header(&a, "etag"));
    CHECK_SLICE(loop_body(&later), slice_sub(loop_body(&a), 100000, a.len));
    loop_close(&l);
}
