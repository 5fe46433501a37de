/* sent, revoke: what was sent, and taking links back. */
#include "base/limits.h"
#include "base/time.h"
#include "cmd/cli/library.h"
#include "codec/text.h"
#include "codec/uri.h"

static const struct arg_option *const sent_options[] = {&opt_json};

static enum err get_page(struct app *a, struct library *l, struct slice cursor, struct wire_transfer_page *ret)
{
    CLEANUP(buf_done) struct buf path = BUF_INIT(8 * KIB);
    struct call call = {.method = "GET",
                        .credential = &l->session.credential,
                        .out_table = &wire_transfer_page_table,
                        .out = ret};
    TRY(buf_printf(&path, "/transfers?limit=%u", LIMIT_PAGE_ITEMS));
    if (cursor.len) TRY(buf_put_cstr(&path, "&cursor="));
    if (cursor.len) TRY(uri_encode(&path, cursor));
    TRY(arena_cstr(&a->c->arena, buf_view(&path), &call.path));
    return api_call(a->c, l->client, &l->session.server, &call);
}

static enum err line_text(struct buf *out, const struct wire_transfer *t)
{
    CLEANUP(buf_done) struct buf size = BUF_INIT(64);
    char id[ID_TEXT_LEN + 1], time[TIME_RFC3339_LEN + 1] = "";
    id_text(t->id, id);
    if (t->created_at.set) time_rfc3339(t->created_at.v, time);
    if (t->total_size.set) TRY(size_print(&size, t->total_size.v));
    TRY(buf_printf(out, "%s  %.10s  %9.*s  %4llu %s  ", id, time, (int)size.len, size.len ? size.ptr : "",
                   (unsigned long long)t->file_count.v, t->file_count.v == 1 ? "file " : "files"));
    if (t->expires_at.set) {
        TRY(app_time_left(out, t->expires_at.v));
        TRY(buf_put_cstr(out, " left  "));
    }
    return buf_printf(out, SLICE_FMT "\n", SLICE_ARG(t->title));
}

static enum err add_line(struct buf *out, const struct app *a, const struct wire_transfer *t, bool first)
{
    if (!a->opt.json) return line_text(out, t);
    TRY(buf_put_cstr(out, first ? "[" : ","));
    return json_encode(out, &wire_transfer_table, t);
}

static enum err run_sent(struct app *a)
{
    CLEANUP(library_done) struct library l = {0};
    struct slice cursor = {0};
    bool first = true;
    TRY(library_open(a, &l));
    do {
        CLEANUP(buf_done) struct buf text = BUF_INIT(16 * MIB);
        struct wire_transfer_page page = {0};
        TRY(get_page(a, &l, cursor, &page));
        const struct wire_transfer *items = page.items.items;
        for (size_t i = 0; i < page.items.count; i++, first = false) TRY(add_line(&text, a, &items[i], first));
        cursor = page.next_cursor;
        if (a->opt.json && !cursor.len) TRY(buf_put_cstr(&text, first ? "[]\n" : "]\n"));
        if (!a->opt.json && first) progress_say(NULL, "Nothing sent yet.");
        TRY(app_print(a, &text));
    } while (cursor.len && !atomic_load(a->halt));
    return ERR_OK;
}

static enum err run_revoke(struct app *a)
{
    CLEANUP(library_done) struct library l = {0};
    CLEANUP(buf_done) struct buf text = BUF_INIT(256);
    struct link_record record = {0};
    struct slice path = {0};
    char transfer[ID_TEXT_LEN + 1], link[ID_TEXT_LEN + 1];
    TRY(library_open(a, &l));
    TRY(session_known_link(a, &l.session, slice_cstr(a->operands[0]), &record));
    id_text(record.transfer_id, transfer);
    id_text(record.link_id.v, link);
    TRY(arena_printf(&a->c->arena, &path, "/transfers/%s/links/%s", transfer, link));
    struct call call = {.method = "DELETE", .path = path.ptr};
    TRY(library_call(&l, &call));
    if (!a->stdout_tty) return ERR_OK;
    TRY(buf_put_cstr(&text, "Revoked: the link is dead from now on.\n"));
    return app_print(a, &text);
}

const struct arg_command cmd_sent = {"sent", "", 0, 0, "List the transfers you have sent.", NULL, sent_options, 1, run_sent};
const struct arg_command cmd_revoke = {"revoke", "LINK", 1, 1, "End a link at once; the files stay.", NULL, NULL, 0, run_revoke};
