/* SQL of the library. A list is asked for in one of these ways; all but the first take every filter, and give the same:
 *
 * - along:  no filter: along the index of the order, as far as the page goes;
 * - ahead:  the next 2000 rows along that index, where what is wanted may be common; when the page is not full, another way follows;
 * - scan:   one pass over the owner's rows, which lie together;
 * - those of SQLite: what an index brings, where it brings few enough: trigrams of the text, a folder, a category, a state that is not
 *   "ready", a range of sizes or times;
 * - walk:   SQLite, where trigrams bring many and nothing else is asked for: along the index of the order, past what they do not bring.
 *
 * (And from what is shared, by the owner or with the caller, where there is less.) PostgreSQL knows only the first three: its planner
 * sees the values (force_custom_plan) and takes the other indexes by itself. An order that a filter goes with is written so that no index
 * gives it: else a planner walks along that index in the hope of an early end, and reads all rows in the worst order when there is none.
 * The rows of a library are in memory or soon will be, and two workers more do not pay for milliseconds. */
#include "core/library/library_store.h"

#include "base/intmath.h"
#include "core/file/file_store.h"

#define OWNER_SHIFT 32
/* More candidates than this cost as much as the scan of 100,000 rows. */
#define CANDIDATES_MAX 20000
/* And so few are cheaper than to look ahead. */
#define CANDIDATES_FEW 4000

/* Patterns follow each other without a gap: the first that is empty ends them, so that rows pay for those that are there. */
#define LIKE(p, more) "($" p " = '' OR (l.text LIKE $" p " ESCAPE '!' AND " more "))"
#define LIKES                                                                                                          \
    LIKE("15", LIKE("16", LIKE("17", LIKE("18", LIKE("19", LIKE("20", LIKE("21", LIKE("22", MORE_LIKES))))))))
#define MORE_LIKES LIKE("23", LIKE("24", LIKE("25", LAST_LIKE)))
#define LAST_LIKE "($26 = '' OR l.text LIKE $26 ESCAPE '!')"
#define FILTERS                                                                                                        \
    "l.trashed = $6 AND ($7 = 0 OR l.folder_id = $8) AND ($9 = '' OR l.state = $9) AND ($10 = '' OR l.type LIKE $10 ESCAPE '!') " \
    "AND l.size BETWEEN $11 AND $12 AND l.created_at >= $13 AND l.created_at < $14 "                                   \
    "AND " LIKES
_Static_assert(SEARCH_PATTERNS == 12, "the patterns of FILTERS");

#define SCAN "library l WHERE l.n BETWEEN $1 AND $2 AND l.owner = ($1 >> 32) AND " FILTERS
#define SCAN_SQLITE "library l NOT INDEXED WHERE l.n BETWEEN $1 AND $2 AND " FILTERS
#define MATCH                                                                                                          \
    "library_fts x CROSS JOIN library l ON l.n = x.rowid WHERE x.library_fts MATCH $27 AND x.rowid BETWEEN $1 AND $2 AND " FILTERS
#define BY_INDEX(index) "library l INDEXED BY library_by_" index " WHERE l.n BETWEEN $1 AND $2 AND l.owner = ($1 >> 32) AND "
#define FOLDER BY_INDEX("folder") "l.folder_id = $8 AND " FILTERS
#define CATEGORY BY_INDEX("category") "l.category_key <> '' AND l.category_key = $27 AND " FILTERS
#define STATE BY_INDEX("state") "l.state <> 'ready' AND l.state = $9 AND " FILTERS
#define SIZE BY_INDEX("size") FILTERS
#define TIME BY_INDEX("creation") FILTERS

#define IN_FORCE(now) "(s.expires_at IS NULL OR s.expires_at > " now ")"
#define BY_ME                                                                                                          \
    "library l WHERE l.owner = ($1 >> 32) AND l.n BETWEEN $1 AND $2 AND l.shared = 1 AND " FILTERS                      \
    " AND EXISTS (SELECT 1 FROM file_shares s WHERE s.file_id = l.file_id AND " IN_FORCE("$27") ")"
/* $1 the user, $2 the time. */
#define WITH_ME                                                                                                        \
    "file_shares s CROSS JOIN library l WHERE l.file_id = s.file_id AND s.user_id = $1 AND " IN_FORCE("$2") " AND " FILTERS
#define PERMISSION                                                                                                     \
    ", (SELECT s.permission FROM file_shares s WHERE s.file_id = f.id AND s.user_id = $1), "                            \
    "(SELECT u.display_name FROM users u WHERE u.id = f.owner_id)"

#define PICK(more, key, from, op, order, dir)                                                                                \
    "SELECT " FILE_COLUMNS more " FROM (SELECT l.file_id AS picked, l." key " AS k FROM " from                               \
    " AND (l." key ", l.file_id) " op " ($3, $4) ORDER BY " order " " dir ", l.file_id " dir                            \
    " LIMIT $5) p JOIN files f ON f.id = p.picked " FILE_JOINS " ORDER BY p.k " dir ", p.picked " dir
#define BOTH_WAYS(way, more, key, order, from, from_sqlite)                                                                  \
    {                                                                                                                  \
        {"library_" way "_" key, PICK(more, key, from, ">", order, "ASC"), PICK(more, key, from_sqlite, ">", order, "ASC")},        \
            {"library_" way "_down_" key, PICK(more, key, from, "<", order, "DESC"), PICK(more, key, from_sqlite, "<", order, "DESC")} \
    }
#define ALL_ORDERS(way, more, from, from_sqlite)                                                                             \
    {                                                                                                                  \
        [LIBRARY_BY_NAME] = BOTH_WAYS(way, more, "name_key", "l.name_key || ''", from, from_sqlite),                          \
        [LIBRARY_BY_SIZE] = BOTH_WAYS(way, more, "size", "l.size + 0", from, from_sqlite),                                    \
        [LIBRARY_BY_CREATION] = BOTH_WAYS(way, more, "created_at", "l.created_at + 0", from, from_sqlite),                    \
        [LIBRARY_BY_CHANGE] = BOTH_WAYS(way, more, "updated_at", "l.updated_at + 0", from, from_sqlite)                       \
    }

static const struct db_stmt scan[LIBRARY_SORTS][2] = ALL_ORDERS("scan", "", SCAN, SCAN_SQLITE);
static const struct db_stmt match[LIBRARY_SORTS][2] = ALL_ORDERS("match", "", MATCH, MATCH);
static const struct db_stmt folder[LIBRARY_SORTS][2] = ALL_ORDERS("folder", "", FOLDER, FOLDER);
static const struct db_stmt category[LIBRARY_SORTS][2] = ALL_ORDERS("category", "", CATEGORY, CATEGORY);
static const struct db_stmt state[LIBRARY_SORTS][2] = ALL_ORDERS("state", "", STATE, STATE);
static const struct db_stmt size[LIBRARY_SORTS][2] = ALL_ORDERS("size", "", SIZE, SIZE);
static const struct db_stmt created[LIBRARY_SORTS][2] = ALL_ORDERS("time", "", TIME, TIME);
static const struct db_stmt by_me[LIBRARY_SORTS][2] = ALL_ORDERS("by_me", "", BY_ME, BY_ME);
static const struct db_stmt with_me[LIBRARY_SORTS][2] = ALL_ORDERS("with_me", PERMISSION, WITH_ME, WITH_ME);

/* The next rows in the order, whatever they are; where enough of them are wanted, that is the page. No range of n: its guess of how few
 * that leaves would make PostgreSQL sort all of them. */
#define AHEAD(key, op, dir)                                                                                            \
    "(SELECT * FROM library WHERE owner = ($1 >> 32) AND trashed = $6 AND $2 > $1 AND (" key ", file_id) " op \
    " ($3, $4) ORDER BY " key " " dir ", file_id " dir " LIMIT 2000) l WHERE " FILTERS
#define AHEAD_BOTH_WAYS(key, order)                                                                                    \
    {                                                                                                                  \
        {"library_ahead_" key, PICK("", key, AHEAD(key, ">", "ASC"), ">", order, "ASC"), NULL},                         \
            {"library_ahead_down_" key, PICK("", key, AHEAD(key, "<", "DESC"), "<", order, "DESC"), NULL}               \
    }
static const struct db_stmt ahead[LIBRARY_SORTS][2] = {
    [LIBRARY_BY_NAME] = AHEAD_BOTH_WAYS("name_key", "l.name_key || ''"),
    [LIBRARY_BY_SIZE] = AHEAD_BOTH_WAYS("size", "l.size + 0"),
    [LIBRARY_BY_CREATION] = AHEAD_BOTH_WAYS("created_at", "l.created_at + 0"),
    [LIBRARY_BY_CHANGE] = AHEAD_BOTH_WAYS("updated_at", "l.updated_at + 0"),
};

/* The index has all that is needed to pass over a row that trigrams do not bring. */
#define WALK(index)                                                                                                    \
    BY_INDEX(index) "+l.n IN (SELECT rowid FROM library_fts WHERE library_fts MATCH $27 AND rowid BETWEEN $1 AND $2) AND " FILTERS
#define WALK_BOTH_WAYS(key, index)                                                                                     \
    {                                                                                                                  \
        {"library_walk_" key, PICK("", key, WALK(index), ">", "l." key, "ASC"), NULL},                                  \
            {"library_walk_down_" key, PICK("", key, WALK(index), "<", "l." key, "DESC"), NULL}                         \
    }
static const struct db_stmt walk[LIBRARY_SORTS][2] = {
    [LIBRARY_BY_NAME] = WALK_BOTH_WAYS("name_key", "name"),
    [LIBRARY_BY_SIZE] = WALK_BOTH_WAYS("size", "size"),
    [LIBRARY_BY_CREATION] = WALK_BOTH_WAYS("created_at", "creation"),
    [LIBRARY_BY_CHANGE] = WALK_BOTH_WAYS("updated_at", "change"),
};

#define ALONG(key, op, dir)                                                                                           \
    "SELECT " FILE_COLUMNS " FROM (SELECT l.file_id AS picked, l." key " AS k FROM library l WHERE l.owner = $1 AND l.trashed = $5 " \
    "AND (l." key ", l.file_id) " op " ($2, $3) ORDER BY l." key " " dir ", l.file_id " dir                             \
    " LIMIT $4) p JOIN files f ON f.id = p.picked " FILE_JOINS " ORDER BY p.k " dir ", p.picked " dir
static const struct db_stmt along[LIBRARY_SORTS][2] = {
    [LIBRARY_BY_NAME] = {{"library_names", ALONG("name_key", ">", "ASC"), NULL},
                         {"library_names_down", ALONG("name_key", "<", "DESC"), NULL}},
    [LIBRARY_BY_SIZE] = {{"library_sizes", ALONG("size", ">", "ASC"), NULL},
                         {"library_sizes_down", ALONG("size", "<", "DESC"), NULL}},
    [LIBRARY_BY_CREATION] = {{"library_recent", ALONG("created_at", ">", "ASC"), NULL},
                             {"library_recent_down", ALONG("created_at", "<", "DESC"), NULL}},
    [LIBRARY_BY_CHANGE] = {{"library_changed", ALONG("updated_at", ">", "ASC"), NULL},
                           {"library_changed_down", ALONG("updated_at", "<", "DESC"), NULL}},
};

static const struct db_stmt see_values = {
    "library_see_values",
    "SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('random_page_cost', '1.1', true), "
    "set_config('max_parallel_workers_per_gather', '0', true)", "SELECT 1"};
static const struct db_stmt count_match = {
    "library_count_match",
    "SELECT COUNT(*) FROM (SELECT 1 FROM library_fts WHERE library_fts MATCH $1 AND rowid BETWEEN $2 AND $3 LIMIT $4)", NULL};
#define COUNT_IN(from, where) "SELECT COUNT(*) FROM (SELECT 1 FROM " from " WHERE owner = $1 AND " where
#define COUNT(index, where) COUNT_IN("library", where), COUNT_IN("library INDEXED BY library_by_" index, where)
static const struct db_stmt count_folder = {"library_count_folder", COUNT("folder", "folder_id = $2 LIMIT $3) x")};
static const struct db_stmt count_category = {
    "library_count_category", COUNT("category", "trashed = $2 AND category_key <> '' AND category_key = $3 LIMIT $4) x")};
static const struct db_stmt count_state = {"library_count_state", COUNT("state", "state <> 'ready' AND state = $2 LIMIT $3) x")};
static const struct db_stmt count_size = {
    "library_count_size", COUNT("size", "trashed = $2 AND size BETWEEN $3 AND $4 LIMIT $5) x")};
static const struct db_stmt count_created = {
    "library_count_time", COUNT("creation", "trashed = $2 AND created_at >= $3 AND created_at < $4 LIMIT $5) x")};

static const struct db_stmt get_file = {
    "library_file", "SELECT owner_id, name, description, category, tags FROM files WHERE id = $1", NULL};
static const struct db_stmt number = {"library_number", "SELECT number FROM libraries WHERE owner_id = $1", NULL};
static const struct db_stmt found = {
    "library_found", "INSERT INTO libraries (owner_id, next) VALUES ($1, 0) ON CONFLICT (owner_id) DO NOTHING", NULL};
static const struct db_stmt next = {
    "library_next", "UPDATE libraries SET next = next + 1 WHERE owner_id = $1 RETURNING number, next", NULL};
static const struct db_stmt update = {
    "library_update",
    "UPDATE library SET name_key = $2, category = $3, category_key = $4, text = $5 WHERE file_id = $1", NULL};
static const struct db_stmt insert = {
    "library_insert",
    "INSERT INTO library (n, owner, file_id, trashed, size, created_at, updated_at, folder_id, state, type, category, category_key, "
    "name_key, text) SELECT $1, $2, f.id, CASE WHEN f.trashed_at IS NULL THEN 0 ELSE 1 END, f.size, f.created_at, f.updated_at, "
    "COALESCE(f.folder_id, $8), f.state, lower(CASE WHEN f.detected_type <> '' THEN f.detected_type ELSE f.type END), $5, $6, $4, $7 "
    "FROM files f WHERE f.id = $3", NULL};
static const struct db_stmt forget = {
    "library_forget",
    "INSERT INTO library_fts (library_fts, rowid, text) SELECT 'delete', n, text FROM library WHERE file_id = $1", NULL};
static const struct db_stmt index_text = {
    "library_index", "INSERT INTO library_fts (rowid, text) SELECT n, text FROM library WHERE file_id = $1", NULL};
static const struct db_stmt clear_tags = {"library_clear_tags", "DELETE FROM file_tags WHERE file_id = $1", NULL};
static const struct db_stmt add_tag = {
    "library_add_tag",
    "INSERT INTO file_tags (file_id, tag_key, tag, owner, trashed) "
    "SELECT l.file_id, $2, $3, l.owner, l.trashed FROM library l WHERE l.file_id = $1", NULL};
static const struct db_stmt labels[] = {
    [LIBRARY_TAGS] = {"library_tags",
                      "SELECT tag_key, MIN(tag), COUNT(*) FROM file_tags WHERE owner = $1 AND trashed = 0 AND tag_key > $2 "
                      "GROUP BY tag_key ORDER BY tag_key LIMIT $3", NULL},
    [LIBRARY_CATEGORIES] = {"library_categories",
                            "SELECT category_key, MIN(category), COUNT(*) FROM library WHERE owner = $1 AND trashed = 0 "
                            "AND category_key > $2 AND category_key <> '' GROUP BY category_key ORDER BY category_key LIMIT $3",
                            NULL},
};

/* ---- rows ---- */

enum err library_store_file(struct ctx *c, struct db_conn *conn, const struct id *file, struct library_file *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &get_file, &r, db_id(file)));
    *ret = (struct library_file){.owner = db_get_id(&r, 0, 0),
                                 .name = db_get_slice(&r, 0, 1),
                                 .description = db_get_slice(&r, 0, 2),
                                 .category = db_get_slice(&r, 0, 3),
                                 .tags = db_get_slice(&r, 0, 4)};
    return ERR_OK;
}

enum err library_store_number(struct ctx *c, struct db_conn *conn, const struct id *owner, int64_t *ret)
{
    struct db_result r;
    TRY(db_exec(c, conn, &number, &r, db_id(owner)));
    *ret = r.rows ? db_get_i64(&r, 0, 0) : 0;
    return ERR_OK;
}

static enum err index_row(struct ctx *c, struct db_conn *conn, const struct id *file)
{
    return db_conn_kind(conn) == DB_SQLITE ? db_later(c, conn, &index_text, db_id(file)) : ERR_OK;
}

enum err library_store_insert(struct ctx *c, struct db_conn *conn, const struct id *file, const struct id *owner,
                              const struct library_row *row)
{
    struct db_result r;
    struct id root = {{0}};
    TRY(db_exec(c, conn, &next, &r, db_id(owner)));
    if (!r.rows) {
        TRY(db_exec(c, conn, &found, NULL, db_id(owner)));
        TRY(db_one(c, conn, &next, &r, db_id(owner)));
    }
    int64_t library = db_get_i64(&r, 0, 0), place = db_get_i64(&r, 0, 1);
    TRY(db_later(c, conn, &insert, db_i64((library << OWNER_SHIFT) + place), db_i64(library), db_id(file), db_text(row->name_key),
                 db_text(row->category), db_text(row->category_key), db_text(row->text), db_id(&root)));
    return index_row(c, conn, file);
}

enum err library_store_update(struct ctx *c, struct db_conn *conn, const struct id *file, const struct library_row *row)
{
    TRY(db_later(c, conn, &update, db_id(file), db_text(row->name_key), db_text(row->category), db_text(row->category_key),
                 db_text(row->text)));
    return index_row(c, conn, file);
}

enum err library_store_forget(struct ctx *c, struct db_conn *conn, const struct id *file)
{
    return db_conn_kind(conn) == DB_SQLITE ? db_later(c, conn, &forget, db_id(file)) : ERR_OK;
}

enum err library_store_clear_tags(struct ctx *c, struct db_conn *conn, const struct id *file)
{
    return db_later(c, conn, &clear_tags, db_id(file));
}

enum err library_store_tag(struct ctx *c, struct db_conn *conn, const struct id *file, struct slice tag, struct slice key)
{
    return db_later(c, conn, &add_tag, db_id(file), db_text(key), db_text(tag));
}

/* ---- lists ---- */

/* Where rows can come from, how many they are, and what the statement takes besides the arguments of all. */
struct source {
    const struct db_stmt *count;
    const struct db_value *args; /* of the count; the last is the limit */
    size_t n;
    const struct db_stmt (*ways)[2];
    struct db_value extra; /* DB_NULL: nothing */
};

struct choice {
    const struct db_stmt *stmt;
    struct db_value extra;
    int64_t rows; /* that it looks at, as far as is known */
    bool ahead;   /* it may pay to look ahead before */
};

/* Takes the source when it brings fewer rows than what was chosen before. */
static enum err consider(struct ctx *c, struct db_conn *conn, const struct library_find *f, const struct source *s, struct choice *best)
{
    struct db_result r;
    TRY(db_run_one(c, conn, s->count, s->args, s->n, &r));
    int64_t rows = db_get_i64(&r, 0, 0);
    if (rows >= best->rows) return ERR_OK;
    *best = (struct choice){&s->ways[f->q->order.by][f->q->order.down], s->extra, rows, rows > CANDIDATES_FEW};
    return ERR_OK;
}

static bool of_some_size(const struct library_query *q) { return q->min_size != 0 || q->max_size < INT64_MAX; }
static bool of_some_time(const struct library_query *q) { return q->from_ms != INT64_MIN || q->to_ms != INT64_MAX; }
static bool only_text(const struct library_find *f)
{
    return !f->in_folder && !f->type.len && !f->state.len && !of_some_size(f->q) && !of_some_time(f->q);
}
static int64_t size_max(const struct library_query *q) { return (int64_t)MIN(q->max_size, (uint64_t)INT64_MAX); }

static enum err consider_text(struct ctx *c, struct db_conn *conn, const struct library_find *f, struct choice *best)
{
    struct db_value text = db_text(f->search->match), limit = db_i64(CANDIDATES_MAX + 1);
    const struct db_value args[] = {text, db_i64(f->owner << OWNER_SHIFT), db_i64(((f->owner + 1) << OWNER_SHIFT) - 1), limit};
    if (!f->search->match.len) return ERR_OK;
    TRY(consider(c, conn, f, &(struct source){&count_match, args, ARRAY_LEN(args), match, text}, best));
    if (only_text(f) && best->rows > CANDIDATES_FEW)
        *best = (struct choice){&walk[f->q->order.by][f->q->order.down], text, best->rows, false};
    return ERR_OK;
}

/* What the indexes of filters bring. */
static enum err consider_indexes(struct ctx *c, struct db_conn *conn, const struct library_find *f, int64_t max, struct choice *best)
{
    const struct library_query *q = f->q;
    struct db_value limit = db_i64(max), owner = db_i64(f->owner), trashed = db_i64(f->trashed);
    const struct db_value in_folder[] = {owner, db_id(&f->folder), limit};
    const struct db_value in_category[] = {owner, trashed, db_text(f->category), limit};
    const struct db_value in_state[] = {owner, db_text(f->state), limit};
    const struct db_value sizes[] = {owner, trashed, db_i64((int64_t)q->min_size), db_i64(size_max(q)), limit};
    const struct db_value times[] = {owner, trashed, db_i64(q->from_ms), db_i64(q->to_ms), limit};
    const struct {
        bool wanted;
        struct source source;
    } sources[] = {
        {f->in_folder, {&count_folder, in_folder, ARRAY_LEN(in_folder), folder, db_null()}},
        {f->category.len > 0, {&count_category, in_category, ARRAY_LEN(in_category), category, db_text(f->category)}},
        {f->state.len && !slice_eq(f->state, SLICE("ready")), {&count_state, in_state, ARRAY_LEN(in_state), state, db_null()}},
        {of_some_size(q), {&count_size, sizes, ARRAY_LEN(sizes), size, db_null()}},
        {of_some_time(q), {&count_created, times, ARRAY_LEN(times), created, db_null()}},
    };
    for (size_t i = 0; i < ARRAY_LEN(sources); i++)
        if (sources[i].wanted) TRY(consider(c, conn, f, &sources[i].source, best));
    return ERR_OK;
}

/* SQLite is told the way that looks at the fewest rows; PostgreSQL finds it, and is only told whether to look ahead before. */
static enum err choose(struct ctx *c, struct db_conn *conn, const struct library_find *f, struct choice *best)
{
    struct choice few = *best;
    if (db_conn_kind(conn) == DB_SQLITE) {
        TRY(consider_indexes(c, conn, f, CANDIDATES_MAX + 1, best));
        return consider_text(c, conn, f, best);
    }
    TRY(db_exec0(c, conn, &see_values, NULL));
    TRY(consider_indexes(c, conn, f, CANDIDATES_FEW + 1, &few));
    best->ahead = few.ahead;
    return ERR_OK;
}

static struct db_value key_of(const struct library_query *q)
{
    return q->order.by == LIBRARY_BY_NAME ? db_text(q->page.text) : db_i64(q->page.number);
}

static bool unfiltered(const struct library_find *f)
{
    const struct library_query *q = f->q;
    return q->side == LIBRARY_OWN && !f->search->n && only_text(f);
}

static enum err find_filtered(struct ctx *c, struct db_conn *conn, const struct library_find *f, struct db_result *ret)
{
    const struct library_query *q = f->q;
    enum library_sort by = q->order.by;
    bool down = q->order.down, others = q->side == LIBRARY_SHARED_WITH_ME;
    struct choice way = {&scan[by][down], db_null(), CANDIDATES_MAX + 1, true};
    if (others) way = (struct choice){.stmt = &with_me[by][down]};
    if (q->side == LIBRARY_SHARED_BY_ME) way = (struct choice){.stmt = &by_me[by][down], .extra = db_i64(f->now_ms)};
    if (q->side == LIBRARY_OWN) TRY(choose(c, conn, f, &way));
    struct db_value args[15 + SEARCH_PATTERNS] = {others ? db_id(&f->user) : db_i64(f->owner << OWNER_SHIFT),
                                                  db_i64(others ? f->now_ms : ((f->owner + 1) << OWNER_SHIFT) - 1),
                                                  key_of(q),
                                                  db_id(&q->page.id),
                                                  db_i64((int64_t)q->page.limit + 1),
                                                  db_i64(f->trashed),
                                                  db_i64(f->in_folder),
                                                  db_id(&f->folder),
                                                  db_text(f->state),
                                                  db_text(f->type),
                                                  db_i64((int64_t)q->min_size),
                                                  db_i64(size_max(q)),
                                                  db_i64(q->from_ms),
                                                  db_i64(q->to_ms)};
    size_t n = 14;
    for (size_t i = 0; i < SEARCH_PATTERNS; i++) args[n++] = db_text(f->search->like[i]);
    if (way.ahead) {
        TRY(db_run(c, conn, &ahead[by][down], args, n, ret));
        if (ret->rows > q->page.limit) return ERR_OK;
    }
    if (way.extra.type != DB_NULL) args[n++] = way.extra;
    return db_run(c, conn, way.stmt, args, n, ret);
}

enum err library_store_find(struct ctx *c, struct db_conn *conn, const struct library_find *f, struct file **ret, size_t *ret_n)
{
    const struct library_query *q = f->q;
    struct db_result r;
    if (unfiltered(f))
        TRY(db_exec(c, conn, &along[q->order.by][q->order.down], &r, db_i64(f->owner), key_of(q), db_id(&q->page.id),
                    db_i64((int64_t)q->page.limit + 1), db_i64(f->trashed)));
    else
        TRY(find_filtered(c, conn, f, &r));
    struct file *files = ARENA_ARRAY(&c->arena, struct file, r.rows + 1);
    if (!files) return ERR_NOMEM;
    for (size_t i = 0; i < r.rows; i++) {
        file_store_row(&r, i, &files[i]);
        if (q->side != LIBRARY_SHARED_WITH_ME) continue;
        files[i].relation = relation_parse(db_get_slice(&r, i, r.cols - 2));
        files[i].owner_name = db_get_slice(&r, i, r.cols - 1);
    }
    *ret = files;
    *ret_n = r.rows;
    return ERR_OK;
}

enum err library_store_labels(struct ctx *c, struct db_conn *conn, int64_t owner, enum label_kind kind,
                              const struct page_key *page, struct label **ret, size_t *ret_n)
{
    struct db_result r;
    TRY(db_exec(c, conn, &labels[kind], &r, db_i64(owner), db_text(page->text), db_i64((int64_t)page->limit + 1)));
    struct label *out = ARENA_ARRAY(&c->arena, struct label, r.rows + 1);
    if (!out) return ERR_NOMEM;
    for (size_t i = 0; i < r.rows; i++)
        out[i] = (struct label){db_get_slice(&r, i, 0), db_get_slice(&r, i, 1), (uint64_t)db_get_i64(&r, i, 2)};
    *ret = out;
    *ret_n = r.rows;
    return ERR_OK;
}
