/* Rules of the library: what a query means, who may ask, what a row says. */
#include "core/library/library.h"

#include "base/limits.h"
#include "codec/utf8.h"
#include "core/folder/folder.h"
#include "core/library/library_store.h"
#include "os/clock.h"

/* ---- orders ---- */

static const struct {
    const char *name;
    char mark[2]; /* up, down */
} orders[LIBRARY_SORTS] = {
    [LIBRARY_BY_NAME] = {"name", {'n', 'N'}},
    [LIBRARY_BY_SIZE] = {"size", {'s', 'S'}},
    [LIBRARY_BY_CREATION] = {"created_at", {'c', 'C'}},
    [LIBRARY_BY_CHANGE] = {"updated_at", {'u', 'U'}},
};

enum err library_order_parse(struct ctx *c, struct slice text, struct library_order *ret)
{
    struct library_order o = {LIBRARY_BY_CREATION, true};
    if (text.ptr) {
        o.down = slice_starts(text, SLICE("-"));
        text = slice_sub(text, o.down, text.len);
        for (o.by = 0; o.by < LIBRARY_SORTS && !slice_eq(text, slice_cstr(orders[o.by].name));) o.by++;
    }
    if (o.by == LIBRARY_SORTS) {
        ctx_field_error(c, "sort", "must be name, size, created_at or updated_at, or one of them behind a '-'");
        return ERR_INVALID;
    }
    *ret = o;
    return ERR_OK;
}

enum err library_side_parse(struct ctx *c, struct slice text, enum library_side *ret)
{
    bool by = slice_eq(text, SLICE("by_me")), with = slice_eq(text, SLICE("with_me"));
    if (text.ptr && !by && !with) {
        ctx_field_error(c, "shared", "must be \"with_me\" or \"by_me\"");
        return ERR_INVALID;
    }
    *ret = by ? LIBRARY_SHARED_BY_ME : with ? LIBRARY_SHARED_WITH_ME : LIBRARY_OWN;
    return ERR_OK;
}

char library_order_mark(struct library_order o) { return orders[o.by].mark[o.down]; }

/* Names are sorted by the beginning of their key. */
static enum err name_key(struct ctx *c, struct slice name, struct slice *ret)
{
    TRY(utf8_fold(&c->arena, name, ret));
    *ret = slice_sub(*ret, 0, utf8_cut(*ret, LIMIT_SORT_KEY_BYTES));
    return ERR_OK;
}

enum err library_cursor(struct ctx *c, struct library_order o, const struct file *last, struct slice *ret)
{
    struct page_key k = {.id = last->id, .text = SLICE("")};
    switch (o.by) {
    case LIBRARY_BY_NAME: TRY(name_key(c, last->name, &k.text)); break;
    case LIBRARY_BY_SIZE: k.number = (int64_t)last->size; break;
    case LIBRARY_BY_CREATION: k.number = last->created_at; break;
    case LIBRARY_BY_CHANGE: k.number = last->updated_at; break;
    case LIBRARY_SORTS:
    default: return ERR_INTERNAL;
    }
    return page_key_cursor(c, library_order_mark(o), &k, ret);
}

/* Before every row there can be. */
static enum err from_the_beginning(struct ctx *c, const struct library_query *q, struct page_key *k)
{
    CLEANUP(buf_done) struct buf last = BUF_INIT(LIMIT_SORT_KEY_BYTES);
    k->number = q->order.down ? INT64_MAX : INT64_MIN;
    memset(k->id.b, q->order.down ? 0xff : 0, sizeof k->id.b);
    while (q->order.down && last.len + 4 <= LIMIT_SORT_KEY_BYTES) TRY(buf_put_cstr(&last, "\xf4\x8f\xbf\xbf"));
    return arena_slice(&c->arena, buf_view(&last), &k->text);
}

/* ---- searching ---- */

struct find_arg {
    struct id owner;
    struct library_find find;
    struct file *files;
    size_t n;
};

static enum err find_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct find_arg *a = arg;
    bool others = a->find.q->side == LIBRARY_SHARED_WITH_ME;
    a->n = 0;
    if (!others) TRY(library_store_number(c, conn, &a->owner, &a->find.owner));
    return others || a->find.owner ? library_store_find(c, conn, &a->find, &a->files, &a->n) : ERR_OK;
}

static enum err check_ranges(struct ctx *c, const struct library_query *q)
{
    if (q->min_size > q->max_size) ctx_field_error(c, "min_size", "is larger than max_size");
    if (q->from_ms > q->to_ms) ctx_field_error(c, "from", "is later than to");
    return q->min_size > q->max_size || q->from_ms > q->to_ms ? ERR_INVALID : ERR_OK;
}

static enum err label_key(struct ctx *c, const char *field, struct slice label, struct slice *ret)
{
    struct slice normal;
    *ret = (struct slice){0};
    return label.ptr ? library_label_check(c, field, label, &normal, ret) : ERR_OK;
}

static enum err type_pattern(struct ctx *c, struct slice type, struct slice *ret)
{
    struct slice folded;
    *ret = SLICE("");
    if (type.len > LIMIT_MIME_BYTES || utf8_fold(&c->arena, type, &folded) != ERR_OK) {
        ctx_field_error(c, "type", "is not a media type, or the beginning of one");
        return ERR_INVALID;
    }
    if (slice_ends(folded, SLICE("*"))) folded.len--;
    return folded.len ? search_prefix(c, folded, ret) : ERR_OK;
}

static enum err check_state(struct ctx *c, struct slice state)
{
    bool good = state.len <= 32;
    for (size_t i = 0; i < state.len && good; i++) good = (state.ptr[i] >= 'a' && state.ptr[i] <= 'z') || state.ptr[i] == '_';
    if (!good) ctx_field_error(c, "state", "is not the word for a state");
    return good ? ERR_OK : ERR_INVALID;
}

/* The folders of files of others are theirs, and so is their trash. */
static enum err check_side(struct ctx *c, const struct library_query *q)
{
    const char *without = "cannot be asked for together with shared";
    if (q->side == LIBRARY_OWN) return ERR_OK;
    if (q->owner) ctx_field_error(c, "owner", without);
    if (q->side == LIBRARY_SHARED_WITH_ME && q->folder.ptr) ctx_field_error(c, "folder", without);
    if (slice_eq(q->state, SLICE("trashed"))) ctx_field_error(c, "state", without);
    return c->field_error_count ? ERR_INVALID : ERR_OK;
}

/* Somebody else's library is an object of its owner: only administrators see it, and not without a record. */
static enum err check_owner(struct ctx *c, struct app *app, const struct principal *who, const struct id *owner)
{
    struct policy_object library = {.type = "library", .id = owner, .owner = owner};
    return policy_check(c, app, who, ACTION_READ, owner ? &library : NULL);
}

enum err library_search(struct ctx *c, struct app *app, const struct principal *who, const struct library_query *q,
                        struct file **ret, size_t *ret_n)
{
    struct library_query own = *q;
    struct search search;
    struct slice tag, category;
    struct folder folder;
    struct find_arg a = {.owner = q->owner ? *q->owner : who->user_id,
                         .find = {.q = &own, .search = &search, .user = who->user_id, .now_ms = clock_wall_ms()}};
    a.find.trashed = slice_eq(q->state, SLICE("trashed"));
    a.find.state = q->state.ptr && !a.find.trashed ? q->state : SLICE("");
    TRY(check_side(c, q));
    TRY(check_owner(c, app, who, q->owner));
    TRY(check_ranges(c, q));
    TRY(check_state(c, q->state));
    TRY(label_key(c, "tag", q->tag, &tag));
    TRY(label_key(c, "category", q->category, &category));
    a.find.category = category;
    TRY(search_parse(c, q->q, tag, category, &search));
    TRY(type_pattern(c, q->type, &a.find.type));
    if (q->page.first) TRY(from_the_beginning(c, q, &own.page));
    if (q->folder.ptr) {
        TRY(folder_resolve(c, app, who, &a.owner, &(struct folder_wanted){.field = "folder", .text = q->folder}, &folder));
        a.find.in_folder = true;
        a.find.folder = folder.id;
    }
    TRY(db_tx(c, app->be.db, DB_READ, find_tx, &a));
    for (size_t i = 0; q->owner && i < a.n; i++) a.files[i].relation = RELATION_NONE;
    *ret = a.files;
    *ret_n = a.n;
    return ERR_OK;
}

/* ---- tags and categories ---- */

enum err library_label_check(struct ctx *c, const char *field, struct slice label, struct slice *ret, struct slice *ret_key)
{
    struct slice normal, key;
    bool good = label.len <= LIMIT_TAG_BYTES && utf8_nfc(&c->arena, slice_trim(label), &normal) == ERR_OK && normal.len &&
                normal.len <= LIMIT_TAG_BYTES && utf8_fold(&c->arena, normal, &key) == ERR_OK && key.len;
    struct slice rest = good ? normal : SLICE("");
    while (rest.len) {
        uint32_t cp = 0;
        size_t n = utf8_step(rest, &cp);
        if (n == 0 || utf8_is_deceptive(cp)) good = false;
        rest = slice_sub(rest, n ? n : 1, rest.len);
    }
    if (!good) {
        ctx_field_error(c, field, "must be 1 to 100 bytes of text without control characters");
        return ERR_INVALID;
    }
    *ret = normal;
    *ret_key = key;
    return ERR_OK;
}

struct labels_arg {
    struct id owner;
    enum label_kind kind;
    const struct page_key *page;
    struct label *labels;
    size_t n;
};

static enum err labels_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct labels_arg *a = arg;
    int64_t library = 0;
    a->n = 0;
    TRY(library_store_number(c, conn, &a->owner, &library));
    return library ? library_store_labels(c, conn, library, a->kind, a->page, &a->labels, &a->n) : ERR_OK;
}

enum err library_labels(struct ctx *c, struct app *app, const struct principal *who, enum label_kind kind,
                        const struct page_key *page, struct label **ret, size_t *ret_n)
{
    struct labels_arg a = {.owner = who->user_id, .kind = kind, .page = page};
    TRY(policy_check(c, app, who, ACTION_READ, NULL));
    TRY(db_tx(c, app->be.db, DB_READ, labels_tx, &a));
    *ret = a.labels;
    *ret_n = a.n;
    return ERR_OK;
}

/* ---- rows ---- */

/* What stands in the row, and the file's tags with their keys. */
struct entry {
    struct library_file file;
    struct library_row row;
    struct slice tags[LIMIT_FILE_TAGS], keys[LIMIT_FILE_TAGS];
    size_t tag_count;
};

static enum err read_entry(struct ctx *c, struct db_conn *conn, const struct id *file, struct entry *ret)
{
    const struct library_file *f = &ret->file;
    ret->tag_count = 0;
    TRY(library_store_file(c, conn, file, &ret->file));
    for (struct slice rest = f->tags; rest.len && ret->tag_count < LIMIT_FILE_TAGS; ret->tag_count++) {
        ret->tags[ret->tag_count] = slice_cut(&rest, '\n');
        TRY(utf8_fold(&c->arena, ret->tags[ret->tag_count], &ret->keys[ret->tag_count]));
    }
    TRY(name_key(c, f->name, &ret->row.name_key));
    TRY(utf8_fold(&c->arena, f->category, &ret->row.category_key));
    ret->row.category = f->category;
    struct search_source source = {.name = f->name, .description = f->description, .category = f->category,
                                   .category_key = ret->row.category_key, .tags = ret->tags, .tag_keys = ret->keys, .n = ret->tag_count};
    return search_text(c, &source, &ret->row.text);
}

static enum err put_tags(struct ctx *c, struct db_conn *conn, const struct id *file, const struct entry *e)
{
    for (size_t i = 0; i < e->tag_count; i++) TRY(library_store_tag(c, conn, file, e->tags[i], e->keys[i]));
    return ERR_OK;
}

enum err library_put_tx(struct ctx *c, struct db_conn *conn, const struct id *file)
{
    struct entry e;
    TRY(read_entry(c, conn, file, &e));
    TRY(library_store_insert(c, conn, file, &e.file.owner, &e.row));
    return put_tags(c, conn, file, &e);
}

enum err library_change_tx(struct ctx *c, struct db_conn *conn, const struct id *file)
{
    struct entry e;
    TRY(read_entry(c, conn, file, &e));
    TRY(library_store_forget(c, conn, file));
    TRY(library_store_update(c, conn, file, &e.row));
    TRY(library_store_clear_tags(c, conn, file));
    return put_tags(c, conn, file, &e);
}

enum err library_drop_tx(struct ctx *c, struct db_conn *conn, const struct id *file) { return library_store_forget(c, conn, file); }
