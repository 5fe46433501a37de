/* bench_search: lists and searches of an owner with 100,000 files (BENCH_FILES), in this process, without sockets: the time of a whole
 * request, signed in and answered in JSON. One line a query, "search <TAB> query <TAB> fastest ms <TAB> median ms <TAB> found"; then bulk
 * operations, "bulk <TAB> what <TAB> ms". The database is that of SEALDROP_LOOP (loopback.h). tests/bench/run.py runs it for its table. */
#include <stdlib.h>
#include <time.h>

#include "base/limits.h"
#include "integration/library_kit.h"
#include "integration/loopback.h"
#include "os/clock.h"

#define FILES "/api/v1/files"
#define AT_ONCE 500
#define RUNS 15

static const char *const words[] = {
    "invoice",  "report",  "contract", "photo",   "holiday",  "budget",   "draft",    "final",   "meeting", "notes",   "summary",
    "plan",     "project", "client",   "design",  "logo",     "backup",   "data",     "export",  "scan",    "receipt", "letter",
    "offer",    "order",   "protocol", "minutes", "agenda",   "training", "video",    "audio",   "lecture", "thesis",  "chapter",
    "figure",   "table",   "map",      "travel",  "ticket",   "passport", "insurance", "tax",    "salary",  "account", "statement",
    "rent",     "lease",   "garden",   "kitchen", "recipe",   "party",    "birthday", "wedding", "school",  "doctor",  "survey",
    "portfolio", "slides", "poster",   "catalog", "manual",   "guide",    "drawing",  "sketch",  "texture"};
static const char *const ends[] = {"pdf", "jpg", "png", "docx", "mp4", "zip", "txt"};
static const char *const types[] = {"application/pdf", "image/jpeg", "image/png", "text/plain", "video/mp4"};

static uint64_t seed = 88172645463325252u;
static unsigned pick(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)((seed >> 20) % n);
}
static const char *word(void) { return words[pick(ARRAY_LEN(words))]; }

struct fill {
    struct id owner, folders[20];
    unsigned from;
    int64_t now;
};

static enum err add_one(struct ctx *c, struct db_conn *conn, const struct fill *f, unsigned i)
{
    char name[100], text[200] = "", tags[60] = "";
    if (pick(10) < 3)
        snprintf(name, sizeof name, "IMG_%05u.jpg", i);
    else
        snprintf(name, sizeof name, "%s %s %u.%s", word(), word(), pick(10000), ends[pick(ARRAY_LEN(ends))]);
    if (i == 777) snprintf(name, sizeof name, "needle in the haystack.pdf");
    for (unsigned k = pick(3) * 5; k; k--) snprintf(text + strlen(text), sizeof text - strlen(text), "%s ", word());
    unsigned first = pick(30), second = 30 + pick(30), n = pick(3);
    if (n) snprintf(tags, sizeof tags, "%s\n%s%s", words[first], n > 1 ? words[second] : "", n > 1 ? "\n" : "");
    if (pick(5000) == 0) snprintf(tags, sizeof tags, "rare tag\n");
    struct id id;
    struct kit_file one = {.owner = f->owner, .name = name, .tags = tags, .description = text, .type = types[pick(5)], .state = "ready",
                           .size = pick(1u << 30), .created_at = f->now + i};
    if (pick(2)) one.folder = f->folders[pick(20)];
    one.category = pick(3) ? word() : "";
    one.updated_at = f->now + pick(1000000);
    return kit_add(c, conn, &one, &id);
}

static enum err fill_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    const struct fill *f = arg;
    for (unsigned i = 0; i < AT_ONCE; i++) TRY(add_one(c, conn, f, f->from + i));
    return ERR_OK;
}

static enum err analyze_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    static const struct db_stmt analyze = {"bench_analyze", "ANALYZE", "SELECT 1"}; /* as autovacuum does in a while */
    (void)arg;
    return db_exec0(c, conn, &analyze, NULL);
}

static void fill_up(struct loop *l, struct fill *f, unsigned count)
{
    struct ctx c;
    for (; f->from < count && !test_failed(); f->from += AT_ONCE) {
        ctx_init(&c, 256 * MIB);
        enum err e = db_tx(&c, l->be.db, DB_WRITE, fill_tx, f);
        if (e != ERR_OK) test_fail(__FILE__, __LINE__, "fill: %s: %s", err_name(e), c.err_detail);
        ctx_done(&c);
    }
    ctx_init(&c, 256 * MIB);
    if (db_tx(&c, l->be.db, DB_WRITE, analyze_tx, NULL) != ERR_OK) test_fail(__FILE__, __LINE__, "analyze: %s", c.err_detail);
    ctx_done(&c);
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static void measure(struct loop *l, const char *bearer, const char *what, const char *query)
{
    double ms[RUNS];
    size_t count = 0;
    for (unsigned i = 0; i < RUNS; i++) {
        ANSWER a = {0};
        double begin = now_ms();
        LOOP(l, &a, .target = loop_text(FILES "?%s", query), .bearer = bearer);
        ms[i] = now_ms() - begin;
        if (a.status != 200) test_fail(__FILE__, __LINE__, "%s: %d %s", query, a.status, loop_shown(&a));
        count = loop_count(&a, "items");
    }
    qsort(ms, RUNS, sizeof ms[0], by_size);
    printf("search\t%s\t%.1f\t%.1f\t%zu\n", what, ms[0], ms[RUNS / 2], count);
}

/* A page in the depth: the cursor after `pages` pages of 200. */
static const char *deep(struct loop *l, const char *bearer, const char *query, unsigned pages)
{
    const char *cursor = "";
    for (unsigned i = 0; i < pages; i++) {
        ANSWER a = {0};
        LOOP(l, &a, .target = loop_text(FILES "?%s&limit=200%s%s", query, cursor[0] ? "&cursor=" : "", cursor), .bearer = bearer);
        if (loop_is_null(&a, "next_cursor")) break;
        cursor = loop_str(&a, "next_cursor");
    }
    return loop_text("%s%s%s", query, cursor[0] ? "&cursor=" : "", cursor);
}

/* One operation on 1,000 files, as a user of the API does: ms of the whole request. */
static void bulk(struct loop *l, const char *bearer, const char *ids, const char *op, const char *more)
{
    ANSWER a = {0};
    double begin = now_ms();
    LOOP(l, &a, .target = FILES "/bulk", .bearer = bearer, .json = loop_text("{\"op\":\"%s\",\"ids\":[%s]%s}", op, ids, more));
    begin = now_ms() - begin;
    if (a.status != 200 || !loop_true(&a, "items.0.ok") || !loop_true(&a, "items.999.ok"))
        test_fail(__FILE__, __LINE__, "bulk %s: %d %.300s", op, a.status, loop_shown(&a));
    printf("bulk\t%s 1,000 files\t%.0f\n", op, begin);
}

static void bulks(struct loop *l, const char *bearer)
{
    const char *ids = "", *cursor = "";
    loop_user(l, "bert@example.com", ROLE_USER);
    for (unsigned page = 0; page < 5; page++) {
        ANSWER a = {0};
        LOOP(l, &a, .target = loop_text(FILES "?limit=200%s%s", cursor[0] ? "&cursor=" : "", cursor), .bearer = bearer);
        for (unsigned i = 0; i < 200; i++)
            ids = loop_text("%s%s\"%s\"", ids, ids[0] ? "," : "", loop_str(&a, loop_text("items.%u.id", i)));
        cursor = loop_str(&a, "next_cursor");
    }
    bulk(l, bearer, ids, "tag", ",\"tags\":[\"one\",\"two\"]");
    bulk(l, bearer, ids, "untag", ",\"tags\":[\"one\"]");
    bulk(l, bearer, ids, "move", ",\"folder\":\"/f7\"");
    bulk(l, bearer, ids, "share", ",\"email\":\"bert@example.com\",\"permission\":\"view\"");
    bulk(l, bearer, ids, "trash", "");
    bulk(l, bearer, ids, "restore", "");
    bulk(l, bearer, ids, "delete", "");
}

TEST(bench_search)
{
    static const struct {
        const char *what, *query;
    } queries[] = {
        {"no filter, newest first", ""},
        {"no filter, sort=updated_at", "sort=updated_at"},
        {"no filter, sort=name", "sort=name"},
        {"no filter, sort=-name", "sort=-name"},
        {"no filter, sort=-size", "sort=-size"},
        {"rare: one file", "q=needle"},
        {"rare: no file", "q=needlework"},
        {"no file, of common trigrams", "q=invoiceport"},
        {"two common words", "q=invoice+report"},
        {"common word (3 %)", "q=invoice"},
        {"common word, sort=name", "q=invoice&sort=name"},
        {"prefix", "q=inv"},
        {"substring", "q=nvoic"},
        {"30 % of all", "q=img"},
        {"30 % of all, sort=-name", "q=img&sort=-name"},
        {"one letter", "q=e"},
        {"one letter that none has", "q=%C3%9F%C3%9F"},
        {"two letters, sort=size", "q=ab&sort=size"},
        {"ten words", "q=a+b+c+d+e+f+g+h+i+j"},
        {"tag", "tag=invoice"},
        {"rare tag", "tag=rare+tag"},
        {"category", "category=budget"},
        {"tag, category and word", "tag=invoice&category=budget&q=report"},
        {"type", "type=image&sort=-size"},
        {"size, none", "min_size=1073741825"},
        {"size and type", "min_size=1000000&max_size=2000000&type=text/plain"},
        {"time", "from=2020-01-01T00:00:00Z&to=2021-01-01T00:00:00Z"},
        {"folder of 2,500", "folder=/f3&sort=name"},
        {"the root: 50,000", "folder=/&sort=name"},
        {"folder, type and word", "folder=/f3&type=image&q=photo"},
        {"state, none", "state=quarantined"},
        {"shared by me", "shared=by_me"},
        {"shared with me", "shared=with_me&q=photo"},
    };
    static struct loop l;
    struct fill f = {0};
    const char *wanted = getenv("BENCH_FILES");
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    const char *bearer = loop_user(&l, "anna@example.com", ROLE_USER);
    LOOP(&l, &a, .target = "/api/v1/me", .bearer = bearer);
    CHECK_OK(id_parse(slice_cstr(loop_str(&a, "user.id")), &f.owner));
    for (unsigned i = 0; i < 20; i++) {
        LOOP(&l, &a, .target = "/api/v1/folders", .bearer = bearer, .json = loop_text("{\"name\":\"f%u\"}", i));
        CHECK_OK(id_parse(slice_cstr(loop_str(&a, "folder.id")), &f.folders[i]));
    }
    f.now = loop_now_ms();
    double begin = now_ms();
    uint64_t count = 100000;
    if (wanted) CHECK_OK(slice_u64(slice_cstr(wanted), 10000000, &count));
    fill_up(&l, &f, (unsigned)count);
    printf("filled\t%.0f ms\n", now_ms() - begin);
    for (size_t i = 0; i < ARRAY_LEN(queries) && !test_failed(); i++) measure(&l, bearer, queries[i].what, queries[i].query);
    measure(&l, bearer, "page 250, newest first", deep(&l, bearer, "sort=-created_at", 250));
    measure(&l, bearer, "page 100, common word by name", deep(&l, bearer, "q=img&sort=name", 100));
    bulks(&l, bearer);
    loop_close(&l);
}
