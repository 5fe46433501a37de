/* What many integration tests begin with: accounts, sign-in, uploads, transfers, links, threads, text that lives long. */
#include <dirent.h>
#include <stdarg.h>

#include "base/limits.h"
#include "codec/json.h"
#include "core/user/user.h"
#include "integration/loopback.h"
#include "os/thread.h"

/* ---- text ---- */

struct text {
    struct text *next;
    char s[];
};
static struct mutex text_lock = MUTEX_INIT; /* guards `texts`, which keeps all reachable */
static struct text *texts;

const char *loop_text(const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    struct text *t = reallocarray(NULL, 1, sizeof *t + (size_t)n + 1);
    vsnprintf(t->s, (size_t)n + 1, fmt, again);
    va_end(again);
    va_end(args);
    GUARD(&text_lock);
    t->next = texts;
    texts = t;
    return t->s;
}

const char *loop_quote(struct slice s)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(1 * MIB);
    if (json_put_string(&b, s) != ERR_OK) return "\"\"";
    return loop_text(SLICE_FMT, SLICE_ARG(buf_view(&b)));
}

void loop_pattern(void *p, size_t n, uint64_t seed)
{
    uint8_t *b = p;
    uint64_t x = seed * 2654435761u + 88172645463325252u;
    for (size_t i = 0; i < n; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        b[i] = (uint8_t)(x >> 32);
    }
}

/* ---- accounts ---- */

static enum err make_user(struct ctx *c, struct loop *l, const char *email, enum role role)
{
    struct user user;
    return user_create(c, l->app, &(struct user_new){.email = slice_cstr(email), .password = SLICE(LOOP_PASSWORD), .role = role},
                       &user);
}

const char *loop_user(struct loop *l, const char *email, enum role role)
{
    CLEANUP(ctx_done) struct ctx c;
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    enum err e = make_user(&c, l, email, role);
    if (e != ERR_OK) test_fail(__FILE__, __LINE__, "user %s: %s: %s", email, err_name(e), c.err_detail);
    return loop_sign_in(l, email, LOOP_PASSWORD, NULL);
}

/* The answer must have this status. */
static void want(const struct loop_answer *a, int status, const char *what)
{
    if (a->status != status)
        test_fail(__FILE__, __LINE__, "%s: %d, wanted %d: %s", what, a->status, status, loop_shown(a));
}

const char *loop_sign_in(struct loop *l, const char *email, const char *password, const char **ret_refresh)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = "/api/v1/auth/login",
         .json = loop_text("{\"email\":%s,\"password\":%s}", loop_quote(slice_cstr(email)), loop_quote(slice_cstr(password))));
    want(&a, 200, "sign-in");
    if (ret_refresh) *ret_refresh = loop_str(&a, "refresh_token");
    return loop_str(&a, "access_token");
}

/* ---- files and links ---- */

const char *loop_upload(struct loop *l, const char *bearer, const char *name, struct slice content, uint64_t part_size)
{
    ANSWER a = {0};
    const char *more = part_size ? loop_text(",\"part_size\":%llu", (unsigned long long)part_size) : "";
    LOOP(l, &a, .target = "/api/v1/uploads", .bearer = bearer,
         .json = loop_text("{\"name\":%s,\"size\":%zu%s}", loop_quote(slice_cstr(name)), content.len, more));
    want(&a, 201, "upload");
    const char *id = loop_str(&a, "upload_id");
    uint64_t size = (uint64_t)loop_num(&a, "part_size");
    for (uint64_t n = 0; a.status < 300 && n * size < content.len; n++) {
        LOOP(l, &a, .method = "PUT", .target = loop_text("/api/v1/uploads/%s/parts/%llu", id, (unsigned long long)n),
             .bearer = bearer, .body = slice_sub(content, n * size, (n + 1) * size));
        want(&a, 204, "part");
    }
    LOOP(l, &a, .target = loop_text("/api/v1/uploads/%s/complete", id), .bearer = bearer, .json = "{}");
    want(&a, 200, "complete");
    return loop_str(&a, "file.id");
}

const char *loop_file(struct loop *l, const char *bearer, const char *name, struct slice content)
{
    ANSWER a = {0};
    LOOP(l, &a, .method = "PUT", .target = loop_text("/api/v1/files/upload?name=%s", name), .bearer = bearer, .body = content);
    want(&a, 201, "file");
    return loop_str(&a, "file.id");
}

int64_t loop_version(struct loop *l, const char *bearer, const char *file, struct slice content)
{
    ANSWER a = {0};
    LOOP(l, &a, .method = "PUT", .target = loop_text("/api/v1/files/upload?version_of=%s", file), .bearer = bearer, .body = content);
    want(&a, 201, "version");
    return loop_num(&a, "file.version");
}

const char *loop_transfer(struct loop *l, const char *bearer, const char *file_ids, const char *more)
{
    ANSWER a = {0};
    struct slice rest = slice_cstr(file_ids);
    const char *ids = "", *comma = "";
    while (rest.len) {
        struct slice id = slice_cut(&rest, ' ');
        ids = loop_text("%s%s\"" SLICE_FMT "\"", ids, comma, SLICE_ARG(id));
        comma = ",";
    }
    LOOP(l, &a, .target = "/api/v1/transfers", .bearer = bearer, .json = loop_text("{\"file_ids\":[%s]%s}", ids, more));
    want(&a, 201, "transfer");
    return loop_str(&a, "transfer.id");
}

const char *loop_share(struct loop *l, const char *bearer, const char *transfer, const char *json)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = loop_text("/api/v1/transfers/%s/share", transfer), .bearer = bearer, .json = json);
    want(&a, 201, "share");
    return loop_str(&a, "link.token");
}

const char *loop_link(struct loop *l, const char *bearer, struct slice content, const char *json)
{
    const char *file = loop_file(l, bearer, "shared.bin", content);
    return loop_share(l, bearer, loop_transfer(l, bearer, file, ""), json);
}

/* ---- the disk ---- */

static enum err count_blob(struct ctx *c, struct blob_key key, bool committed, int64_t modified_ms, void *arg)
{
    size_t *n = arg;
    (void)c;
    (void)key;
    (void)committed;
    (void)modified_ms;
    (*n)++;
    return ERR_OK;
}

size_t loop_blobs(struct loop *l)
{
    CLEANUP(ctx_done) struct ctx c;
    size_t n = 0;
    ctx_init(&c, MIB);
    if (blob_list(&c, l->be.blobs, count_blob, &n) != ERR_OK) test_fail(__FILE__, __LINE__, "blob_list");
    return n;
}

bool loop_disk_has(const char *dir, struct slice needle)
{
    bool found = false;
    DIR *d = opendir(dir);
    struct dirent *entry;
    if (!d) return false;
    while (!found && (entry = readdir(d))) {
        const char *path = loop_text("%s/%s", dir, entry->d_name);
        if (entry->d_name[0] == '.' && (!entry->d_name[1] || entry->d_name[1] == '.')) continue;
        FILE *f = entry->d_type == DT_REG ? fopen(path, "rb") : NULL;
        if (entry->d_type == DT_DIR) found = loop_disk_has(path, needle);
        if (!f) continue;
        char *text = reallocarray(NULL, 2 * MIB, 1);
        size_t n = fread(text, 1, 2 * MIB, f);
        found = memmem(text, n, needle.ptr, needle.len) != NULL;
        free(text);
        fclose(f);
    }
    closedir(d);
    return found;
}

/* ---- what many tests begin with ---- */

const char *loop_folder(struct loop *l, const char *bearer, const char *path)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = "/api/v1/folders", .bearer = bearer, .json = loop_text("{\"path\":%s}", loop_quote(slice_cstr(path))));
    if (a.status != 201) test_fail(__FILE__, __LINE__, "%s: %d %s", path, a.status, loop_shown(&a));
    return loop_str(&a, "folder.id");
}

const char *loop_file_in(struct loop *l, const char *bearer, const char *folder, const char *name, const char *content)
{
    ANSWER a = {0};
    LOOP(l, &a, .method = "PUT", .target = loop_text("/api/v1/files/upload?name=%s&folder=%s", name, folder), .bearer = bearer,
         .body = slice_cstr(content));
    if (a.status != 201) test_fail(__FILE__, __LINE__, "%s: %d %s", name, a.status, loop_shown(&a));
    return loop_str(&a, "file.id");
}

int loop_status(struct loop *l, const char *bearer, const char *method, const char *target, const char *json)
{
    ANSWER a = {0};
    LOOP(l, &a, .method = method, .target = target, .bearer = bearer, .json = json);
    return a.status;
}

/* ---- faults ---- */

void loop_faulty(struct loop *l)
{
    CLEANUP(ctx_done) struct ctx c;
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    api_free(l->api);
    app_close(l->app);
    l->api = NULL;
    l->app = NULL;
    CHECK_OK(db_fault_open(l->be.db, &l->be.db));
    CHECK_OK(blob_fault_open(&c, l->be.blobs, &l->be.blobs));
    CHECK_OK(app_open(&c, &l->be, &l->cfg, &l->app));
    CHECK_OK(api_new(&c, l->app, &(struct api_config){.setup_token = SLICE(LOOP_SETUP_TOKEN)}, &l->api));
    l->http = api_http_app(l->api);
}

/* ---- threads ---- */

struct runner {
    struct thread thread;
    void (*fn)(void *arg, unsigned i);
    void *arg;
    unsigned i;
};

static void run(void *arg)
{
    struct runner *r = arg;
    r->fn(r->arg, r->i);
}

void loop_parallel(unsigned n, void (*fn)(void *arg, unsigned i), void *arg)
{
    struct runner runners[128] = {0};
    if (n > ARRAY_LEN(runners)) n = ARRAY_LEN(runners);
    for (unsigned i = 0; i < n; i++) {
        runners[i] = (struct runner){.fn = fn, .arg = arg, .i = i};
        if (thread_start(&runners[i].thread, "taker", run, &runners[i]) != ERR_OK)
            test_fail(__FILE__, __LINE__, "no thread");
    }
    for (unsigned i = 0; i < n; i++) thread_join(&runners[i].thread);
}
