/* sealdropd admin import-users: accounts of another system with their password hashes, from JSON or CSV. */
#include "base/limits.h"
#include "cmd/server/users.h"
#include "codec/csv.h"
#include "codec/json.h"
#include "core/user/password.h"
#include "os/file.h"

#define FILE_BYTES (64 * MIB)
#define FIELDS 4

struct row {
    struct slice email, display_name, role, password_hash; /* all but email may be missing */
};
struct rows {
    struct json_list users;
};
JSON_TABLE(row_table, "ImportedUser", struct row,
    JSON_FIELD(struct row, email, JSON_STRING, .flags = JSON_REQUIRED),
    JSON_FIELD(struct row, display_name, JSON_STRING),
    JSON_FIELD(struct row, role, JSON_STRING),
    JSON_FIELD(struct row, password_hash, JSON_STRING));
JSON_TABLE(rows_table, "Import", struct rows,
    JSON_FIELD(struct rows, users, JSON_OBJECTS, .flags = JSON_REQUIRED, .table = &row_table));

struct import {
    struct app *app;
    unsigned done, refused;
};

static enum err create(struct ctx *c, struct app *app, const struct row *r)
{
    struct user_new n = {.email = r->email, .role = ROLE_USER, .vouched = true, .import_hash = SLICE("")};
    struct user u;
    if (r->display_name.len) n.display_name = r->display_name;
    if (r->role.len && role_parse(r->role, &n.role) != ERR_OK)
        return refuse(c, ERR_INVALID, "import", "the role is admin, user or guest");
    if (r->password_hash.len && password_import(c, r->password_hash, &n.import_hash) != ERR_OK)
        return refuse(c, ERR_INVALID, "import", "the password hash is neither bcrypt nor Argon2");
    return user_create(c, app, &n, &u);
}

/* One account, with memory of its own; what is wrong with it is told and does not stop the others. */
static void import_row(struct import *i, const struct row *r, size_t number)
{
    CLEANUP(ctx_done) struct ctx c;
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    enum err e = create(&c, i->app, r);
    if (e == ERR_OK) {
        i->done++;
        return;
    }
    i->refused++;
    fprintf(stderr, "%zu " SLICE_FMT ": %s\n", number, SLICE_ARG(r->email), c.err_detail[0] ? c.err_detail : err_text(e));
    for (size_t k = 0; k < c.field_error_count; k++)
        fprintf(stderr, "  " SLICE_FMT " " SLICE_FMT "\n", SLICE_ARG(c.field_errors[k].field), SLICE_ARG(c.field_errors[k].message));
}

static enum err import_json(struct ctx *c, struct import *i, struct slice text)
{
    struct rows rows;
    TRY(json_decode(c, text, &rows_table, JSON_STRICT, &rows));
    const struct row *r = rows.users.items;
    for (size_t k = 0; k < rows.users.count; k++) import_row(i, &r[k], k + 1);
    return ERR_OK;
}

static const char *const columns[FIELDS] = {"email", "display_name", "role", "password_hash"};

/* Where each column of the file belongs. */
static enum err read_header(struct ctx *c, struct csv *p, size_t ret[FIELDS], size_t *ret_n)
{
    struct slice names[FIELDS];
    TRY(csv_next(&c->arena, p, names, FIELDS, ret_n));
    for (size_t i = 0; i < *ret_n; i++) {
        for (ret[i] = 0; ret[i] < FIELDS && !slice_eq(names[i], slice_cstr(columns[ret[i]])); ret[i]++) {}
        if (ret[i] == FIELDS) return ERR_INVALID;
    }
    return ERR_OK;
}

static enum err import_csv(struct ctx *c, struct import *i, struct slice text)
{
    struct csv p = {.rest = text};
    size_t place[FIELDS], n = 0, got = 0;
    enum err e = read_header(c, &p, place, &n);
    if (e != ERR_OK)
        return refuse(c, ERR_INVALID, "import", "The first line names the columns: email, display_name, role, password_hash.");
    for (;;) {
        CLEANUP(ctx_done) struct ctx own;
        struct slice f[FIELDS], in_order[FIELDS] = {{0}};
        ctx_init(&own, FILE_BYTES);
        e = csv_next(&own.arena, &p, f, FIELDS, &got);
        if (e == ERR_NOT_FOUND) return ERR_OK;
        if (e != ERR_OK || got != n) return refuse(c, ERR_INVALID, "import", "line %u is not a record like the first", p.line);
        for (size_t k = 0; k < n; k++) in_order[place[k]] = f[k];
        import_row(i, &(struct row){in_order[0], in_order[1], in_order[2], in_order[3]}, p.line);
    }
}

enum err admin_import(struct ctx *c, struct args *a, const struct config *cfg, struct wiring *w)
{
    CLEANUP(buf_done) struct buf text = {.max = FILE_BYTES, .sensitive = true};
    struct import i = {0};
    if (a->n != 1) return refuse(c, ERR_INVALID, "usage", "admin import-users needs one file, JSON or CSV.");
    enum err e = file_read_all(a->v[0], &text);
    if (e != ERR_OK) return refuse(c, e, "import", "%s: %s", a->v[0], err_text(e));
    TRY(wiring_open(c, cfg, WITHOUT_STORAGE, w));
    i.app = w->app;
    struct slice trimmed = slice_trim(buf_view(&text));
    TRY(slice_starts(trimmed, SLICE("{")) ? import_json(c, &i, trimmed) : import_csv(c, &i, buf_view(&text)));
    printf("%u imported, %u refused\n", i.done, i.refused);
    return i.refused ? refuse(c, ERR_INVALID, "import", "Some accounts were not imported; see above.") : ERR_OK;
}
