/* Lists of a library against a model of them in this file, which reads all rows: random filters, orders and pages. There are so many files
 * that each way of the store (core/library/library_store.c) is taken. */
#include <stdlib.h>

#include "base/limits.h"
#include "base/time.h"
#include "integration/library_kit.h"
#include "integration/loopback.h"

#define FILES "/api/v1/files"
#define FILES_MAX 6000
#define AT_ONCE 500
#define FOLDERS 3

static const char *const words[] = {"alpha", "beta", "gamma", "delta", "omega", "alphabet", "be", "a"};
static const char *const types[] = {"image/png", "image/jpeg", "text/plain", "application/pdf"};
static const char *const states[] = {"ready", "quarantined", "scanning"};
static const char *const sorts[] = {"name", "-name", "size", "-size", "created_at", "-created_at", "updated_at", "-updated_at"};

struct row {
    struct kit_file f;
    struct id id;
    char name[64], tags[64], description[64];
    unsigned folder; /* 0: the root */
};
struct library {
    struct loop l;
    const char *bearer;
    struct id owner, folders[FOLDERS + 1];
    struct row rows[FILES_MAX];
    unsigned n;
    int64_t now;
};

static uint64_t seed = 0x9E3779B97F4A7C15u;
static unsigned pick(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)((seed >> 20) % n);
}

/* Nine of ten names begin alike, and those that do not lie at one end of every order. */
static void make_row(struct library *lib, unsigned i)
{
    struct row *r = &lib->rows[i];
    bool odd = i < lib->n / 10;
    if (odd)
        snprintf(r->name, sizeof r->name, "%s %u.txt", words[pick(ARRAY_LEN(words))], pick(50));
    else
        snprintf(r->name, sizeof r->name, "img_%05u.jpg", i);
    if (pick(3) == 0) snprintf(r->tags, sizeof r->tags, "%s\n", words[pick(5)]);
    if (pick(4) == 0) snprintf(r->description, sizeof r->description, "%s %s", words[pick(8)], words[pick(8)]);
    r->folder = pick(2) ? 1 + pick(FOLDERS) : 0;
    r->f = (struct kit_file){.owner = lib->owner, .folder = lib->folders[r->folder], .name = r->name, .tags = r->tags,
                             .category = pick(10) ? "" : words[pick(5)], .description = r->description, .type = types[odd ? 2 : pick(4)],
                             .state = states[pick(50) ? 0 : 1 + pick(2)], .size = odd ? pick(100) : 100 + pick(5000),
                             .created_at = lib->now - 1000000 + i / 2, .updated_at = lib->now - pick(300) - (odd ? 5000 : 0),
                             .trashed_at = pick(20) ? 0 : lib->now};
}

struct fill {
    struct library *lib;
    unsigned from;
};

static enum err fill_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct fill *f = arg;
    for (unsigned i = f->from; i < f->from + AT_ONCE; i++) TRY(kit_add(c, conn, &f->lib->rows[i].f, &f->lib->rows[i].id));
    return ERR_OK;
}

static bool begin(struct library *lib)
{
    ANSWER a = {0};
    loop_open(&lib->l);
    lib->bearer = loop_user(&lib->l, "anna@example.com", ROLE_USER);
    /* Only SQLite's ways depend on how many there are. */
    lib->n = lib->l.backend == LOOP_POSTGRES ? 3000 : FILES_MAX;
    lib->now = loop_now_ms();
    LOOP(&lib->l, &a, .target = "/api/v1/me", .bearer = lib->bearer);
    if (id_parse(slice_cstr(loop_str(&a, "user.id")), &lib->owner) != ERR_OK) return false;
    for (unsigned i = 1; i <= FOLDERS; i++) {
        LOOP(&lib->l, &a, .target = "/api/v1/folders", .bearer = lib->bearer, .json = loop_text("{\"name\":\"f%u\"}", i));
        if (id_parse(slice_cstr(loop_str(&a, "folder.id")), &lib->folders[i]) != ERR_OK) return false;
    }
    for (unsigned i = 0; i < lib->n; i++) make_row(lib, i);
    for (struct fill f = {lib, 0}; f.from < lib->n; f.from += AT_ONCE) {
        struct ctx c;
        ctx_init(&c, 256 * MIB);
        enum err e = db_tx(&c, lib->l.be.db, DB_WRITE, fill_tx, &f);
        if (e != ERR_OK) test_fail(__FILE__, __LINE__, "%s: %s", err_name(e), c.err_detail);
        ctx_done(&c);
        if (e != ERR_OK) return false;
    }
    return true;
}

/* ---- the model ---- */

struct query {
    const char *word[2], *tag, *category, *type, *state;
    int folder; /* -1: any */
    uint64_t min_size, max_size;
    int64_t from, to;
    unsigned sort, limit;
};

static bool in_text(const struct row *r, const char *word)
{
    return strstr(r->name, word) || strstr(r->tags, word) || strstr(r->f.category, word) || strstr(r->description, word);
}

static bool has_tag(const struct row *r, const char *tag)
{
    size_t n = strlen(tag);
    return strncmp(r->tags, tag, n) == 0 && r->tags[n] == '\n';
}

static bool wanted(const struct row *r, const struct query *q)
{
    bool trashed = q->state && strcmp(q->state, "trashed") == 0;
    if ((r->f.trashed_at != 0) != trashed) return false;
    if (q->state && !trashed && strcmp(r->f.state, q->state) != 0) return false;
    for (unsigned i = 0; i < 2; i++)
        if (q->word[i] && !in_text(r, q->word[i])) return false;
    if (q->tag && !has_tag(r, q->tag)) return false;
    if (q->category && strcmp(r->f.category, q->category) != 0) return false;
    if (q->type && strncmp(r->f.type, q->type, strlen(q->type)) != 0) return false;
    if (q->folder >= 0 && r->folder != (unsigned)q->folder) return false;
    return r->f.size >= q->min_size && r->f.size <= q->max_size && r->f.created_at >= q->from && r->f.created_at < q->to;
}

static unsigned sort_of; /* for qsort */

static int compare(const void *a, const void *b)
{
    const struct row *x = *(const struct row *const *)a, *y = *(const struct row *const *)b;
    int64_t p[] = {0, (int64_t)x->f.size, x->f.created_at, x->f.updated_at};
    int64_t o[] = {0, (int64_t)y->f.size, y->f.created_at, y->f.updated_at};
    unsigned key = sort_of / 2;
    int order = key == 0 ? strcmp(x->name, y->name) : p[key] < o[key] ? -1 : p[key] > o[key];
    if (order == 0) order = memcmp(x->id.b, y->id.b, sizeof x->id.b);
    return sort_of % 2 ? -order : order;
}

static const char *maybe(const char *const *of, unsigned n) { return pick(3) ? NULL : of[pick(n)]; }

static struct query random_query(const struct library *lib)
{
    static const char *const asked[] = {"img", "alpha", "lph", "beta", "mg_0", "jpg", "a", "be", "zz", "omega", ".txt", "img_0", "nothing"};
    static const char *const asked_states[] = {"ready", "quarantined", "scanning", "trashed"};
    struct query q = {.folder = -1, .max_size = INT64_MAX, .from = 0, .to = INT64_MAX, .sort = pick(8), .limit = 1 + pick(60)};
    unsigned parts = pick(4) ? 1 + pick(2) : 3;
    for (unsigned i = 0; i < parts; i++) {
        switch (pick(7)) {
        case 0: q.word[0] = asked[pick(ARRAY_LEN(asked))]; break;
        case 1: q.word[0] = asked[pick(ARRAY_LEN(asked))], q.word[1] = maybe(asked, ARRAY_LEN(asked)); break;
        case 2: q.tag = maybe(words, 5), q.category = q.tag ? maybe(words, 5) : words[pick(5)]; break;
        case 3: q.type = maybe(types, 4), q.state = q.type ? maybe(asked_states, 4) : asked_states[pick(4)]; break;
        case 4: q.folder = (int)pick(FOLDERS + 1); break;
        case 5: q.min_size = pick(3000), q.max_size = q.min_size + pick(pick(2) ? 50 : 3000); break;
        default: q.from = lib->now - 1000000 + pick(lib->n / 2), q.to = q.from + pick(pick(2) ? 50 : lib->n / 2) + 1; break;
        }
    }
    return q;
}

static const char *text_of(const struct query *q)
{
    static const char *const folders[] = {"/", "/f1", "/f2", "/f3"};
    char from[TIME_RFC3339_LEN + 1], to[TIME_RFC3339_LEN + 1];
    const char *t = loop_text("sort=%s&limit=%u", sorts[q->sort], q->limit);
    if (q->word[0]) t = loop_text("%s&q=%s%s%s", t, q->word[0], q->word[1] ? "+" : "", q->word[1] ? q->word[1] : "");
    if (q->tag) t = loop_text("%s&tag=%s", t, q->tag);
    if (q->category) t = loop_text("%s&category=%s", t, q->category);
    if (q->type) t = loop_text("%s&type=%s", t, q->type);
    if (q->state) t = loop_text("%s&state=%s", t, q->state);
    if (q->folder >= 0) t = loop_text("%s&folder=%s", t, folders[q->folder]);
    if (q->max_size < INT64_MAX)
        t = loop_text("%s&min_size=%llu&max_size=%llu", t, (unsigned long long)q->min_size, (unsigned long long)q->max_size);
    if (!q->from) return t;
    time_rfc3339(q->from, from);
    time_rfc3339(q->to, to);
    return loop_text("%s&from=%s&to=%s", t, from, to);
}

/* Three pages of it, and that nothing follows the last one. */
static void check_query(struct library *lib, const struct query *q, const struct row **want)
{
    const char *text = text_of(q), *cursor = "";
    size_t n = 0, at = 0;
    for (unsigned i = 0; i < lib->n; i++)
        if (wanted(&lib->rows[i], q)) want[n++] = &lib->rows[i];
    sort_of = q->sort;
    qsort(want, n, sizeof *want, compare);
    for (unsigned page = 0; page < 3 && (page == 0 || cursor[0]); page++) {
        ANSWER a = {0};
        LOOP(&lib->l, &a, .target = loop_text(FILES "?%s%s%s", text, cursor[0] ? "&cursor=" : "", cursor), .bearer = lib->bearer);
        size_t count = loop_count(&a, "items"), left = n - at, due = left < q->limit ? left : q->limit;
        if (a.status != 200 || count != due) {
            test_fail(__FILE__, __LINE__, "%s: %d, %zu of %zu at %zu", text, a.status, count, due, at);
            return;
        }
        for (size_t i = 0; i < count; i++, at++) {
            char id[ID_TEXT_LEN + 1];
            id_text(want[at]->id, id);
            if (strcmp(loop_str(&a, loop_text("items.%zu.id", i)), id) == 0) continue;
            const char *name = loop_str(&a, loop_text("items.%zu.name", i));
            test_fail(__FILE__, __LINE__, "%s: %s at %zu, wanted %s", text, name, at, want[at]->name);
            return;
        }
        cursor = loop_is_null(&a, "next_cursor") ? "" : loop_str(&a, "next_cursor");
        if (!cursor[0] != (at == n)) test_fail(__FILE__, __LINE__, "%s: %zu of %zu, and the cursor is \"%s\"", text, at, n, cursor);
    }
}

TEST(library_lists_are_those_of_the_model)
{
    static struct library lib;
    static const struct row *want[FILES_MAX];
    if (loop_missing()) return;
    if (!begin(&lib)) {
        test_fail(__FILE__, __LINE__, "filling");
        return;
    }
    for (unsigned i = 0; i < 500 && !test_failed(); i++) {
        struct query q = random_query(&lib);
        check_query(&lib, &q, want);
    }
    /* The common word in each order: along the index, and from the worst end of it. */
    for (unsigned sort = 0; sort < 8 && !test_failed(); sort++) {
        struct query q = {.word = {"img"}, .folder = -1, .max_size = INT64_MAX, .to = INT64_MAX, .sort = sort, .limit = 40};
        check_query(&lib, &q, want);
        q.type = "text/plain";
        check_query(&lib, &q, want);
    }
    loop_close(&lib.l);
}
