/* What the holder of a link can do: look, prove the password, download. Looking never counts. */
#include "api/download.h"
#include "api/encode.h"
#include "base/limits.h"
#include "codec/name.h"
#include "core/audit/audit.h"
#include "core/file/version.h"
#include "os/clock.h"

/* A link whose password, if any, has been proven. */
static enum err open_proven(struct call *q, struct link *l, struct ticket *t)
{
    TRY(link_open_running(q->ctx, q->app, q->params[0], l));
    return link_check_ticket(q->ctx, q->app, l, q->ticket, t);
}

static enum err share_files(struct call *q, const struct link *l, struct msg_share *out)
{
    struct file *files = NULL;
    size_t n = 0;
    TRY(link_files(q->ctx, q->app, l, &files, &n));
    struct msg_shared_file *items = ARENA_ARRAY(&q->ctx->arena, struct msg_shared_file, n + 1);
    if (!items) return ERR_NOMEM;
    out->total_size = (struct opt_u64){true, 0};
    for (size_t i = 0; i < n; i++) {
        items[i] = (struct msg_shared_file){files[i].id, files[i].name, files[i].size, files[i].type};
        out->total_size.v += files[i].size;
    }
    out->files = (struct json_list){items, n, true};
    return ERR_OK;
}

static enum err record_link(struct call *q, const struct link *l, const char *event, const char *detail)
{
    return audit_record(q->ctx, q->app, &(struct audit_event){.event = event, .who = &q->who, .object_type = "link",
                                                              .object_id = &l->id, .detail = slice_cstr(detail)});
}

enum err share_get_call(struct call *q)
{
    static const struct slice password_needed[] = {{"password", 8}};
    struct link l;
    struct ticket t;
    enum err opened = link_open(q->ctx, q->app, q->params[0], &l);
    if (opened == ERR_GONE)
        audit_note(q->app, &(struct audit_event){.event = "link.access", .result = "denied", .who = &q->who, .object_type = "link",
                                                 .detail = slice_cstr(q->ctx->err_code)});
    TRY(opened);
    TRY(record_link(q, &l, "link.access", ""));
    struct msg_share out = {.title = l.title,
                            .message = l.message,
                            .sender = l.sender,
                            .permission = l.permission,
                            .mode = l.mode,
                            .needs = {password_needed, 0, true},
                            .expires_at = {l.expires_at != 0, l.expires_at},
                            .downloads_left = {l.limited, l.max_downloads > l.downloads ? l.max_downloads - l.downloads : 0}};
    enum err e = link_check_ticket(q->ctx, q->app, &l, q->ticket, &t);
    if (e == ERR_UNAUTH) {
        ctx_clear_error(q->ctx);
        out.needs.count = 1;
        /* Title and message may name what is behind the password. */
        out.title = out.message = SLICE("");
        return reply(q, &out);
    }
    TRY(e);
    TRY(share_files(q, &l, &out));
    return reply(q, &out);
}

enum err share_verify_call(struct call *q)
{
    const struct msg_verify *in = q->in;
    struct link l;
    struct slice ticket, cookie;
    int64_t expires_at = 0;
    TRY(link_open(q->ctx, q->app, q->params[0], &l));
    enum err e = link_verify(q->ctx, q->app, &l, in->password, &ticket, &expires_at);
    if (e == ERR_UNAUTH)
        audit_note(q->app, &(struct audit_event){.event = "link.verify", .result = "failed", .who = &q->who, .object_type = "link",
                                                 .object_id = &l.id});
    TRY(e);
    TRY(record_link(q, &l, "link.verify", ""));
    uint64_t seconds = (uint64_t)(expires_at - clock_wall_ms()) / 1000;
    /* For browsers, which cannot set a header on a plain download: good for this link's path only. */
    TRY(arena_printf(&q->ctx->arena, &cookie,
                     "sd_ticket=" SLICE_FMT "; Path=/api/v1/share/" SLICE_FMT "; Max-Age=%llu; Secure; HttpOnly; SameSite=Strict",
                     SLICE_ARG(ticket), SLICE_ARG(q->params[0]), (unsigned long long)seconds));
    TRY(reply_header(q, "set-cookie", cookie));
    struct msg_ticket out = {ticket, seconds};
    return reply(q, &out);
}

/* The file the caller means: the one named, or the only one. */
static enum err choose_file(struct call *q, const struct link *l, const struct opt_id *wanted, struct file *ret)
{
    enum err e = link_file(q->ctx, q->app, l, wanted->set ? &wanted->v : NULL, ret);
    if (e == ERR_NOT_FOUND) return refuse(q->ctx, e, "not_found", "This link has no such file.");
    if (e == ERR_EXISTS) {
        ctx_field_error(q->ctx, "file_id", "is required: this link has several files");
        return ERR_INVALID;
    }
    return e;
}

struct counted {
    struct link link;
    struct ticket ticket;
    uint64_t whole_bytes;
    void *inner_arg; /* of the content that is counted */
    void (*inner_drop)(void *arg);
    enum err (*inner_open)(struct call *q, void *arg, uint64_t first, uint64_t length, struct reader **ret);
};

static enum err counted_open(struct call *q, void *arg, uint64_t first, uint64_t length, struct reader **ret)
{
    struct counted *n = arg;
    return n->inner_open(q, n->inner_arg, first, length, ret);
}

static enum err counted_take(struct call *q, void *arg, struct grant *ret)
{
    struct counted *n = arg;
    return grant_take(q->ctx, q->app, &n->link, &n->ticket, n->whole_bytes, ret);
}

static void counted_drop(void *arg)
{
    struct counted *n = arg;
    if (n->inner_drop) n->inner_drop(n->inner_arg);
}

/* The same content, with a grant taken before its first byte. */
static enum err count_content(struct call *q, const struct link *l, const struct ticket *t, struct representation *content)
{
    struct counted *n = ARENA_NEW(&q->ctx->arena, struct counted);
    if (!n) return ERR_NOMEM;
    *n = (struct counted){*l, *t, content->size, content->arg, content->drop, content->open};
    content->arg = n;
    content->open = counted_open;
    content->drop = counted_drop;
    content->count = counted_take;
    return ERR_OK;
}

static enum err archive_name(struct call *q, const struct link *l, struct slice *ret)
{
    struct slice title = slice_trim(l->title);
    if (title.len == 0 || name_check(title) != ERR_OK) title = SLICE("transfer");
    return arena_printf(&q->ctx->arena, ret, SLICE_FMT ".zip", SLICE_ARG(title));
}

static enum err share_archive(struct call *q, const struct link *l, struct representation *ret)
{
    struct archive *archive = NULL;
    struct slice name;
    TRY(archive_name(q, l, &name));
    TRY(link_archive(q->ctx, q->app, l, &archive));
    TRY(content_archive(q, archive, name, ret));
    ret->object_type = "link";
    ret->object_id = l->id;
    return ERR_OK;
}

static enum err find_download(struct call *q, struct representation *ret)
{
    struct link l;
    struct ticket t;
    struct opt_id wanted;
    struct file one;
    TRY(query_id(q, "file_id", &wanted));
    TRY(open_proven(q, &l, &t));
    enum err e = wanted.set ? ERR_OK : link_file(q->ctx, q->app, &l, NULL, &one);
    if (e != ERR_OK && e != ERR_EXISTS) return e;
    if (e == ERR_EXISTS) {
        TRY(share_archive(q, &l, ret));
    } else {
        TRY(choose_file(q, &l, &wanted, &one));
        TRY(content_plain(q, &one, ret));
    }
    e = count_content(q, &l, &t, ret);
    if (e != ERR_OK && ret->drop) ret->drop(ret->arg);
    return e;
}

enum err share_download_call(struct call *q) { return send_found(q, find_download); }

static enum err known_grant(struct call *q, void *arg, struct grant *ret)
{
    struct counted *n = arg;
    (void)q;
    *ret = (struct grant){n->ticket.id};
    return ERR_OK;
}

/* A download that has the key of a content goes on with it, also when the file has a newer one meanwhile. */
static enum err choose_content(struct call *q, const struct link *l, struct file *ret)
{
    struct opt_id wanted, content;
    struct file f;
    TRY(query_id(q, "file_id", &wanted));
    TRY(query_id(q, "content_id", &content));
    TRY(choose_file(q, l, &wanted, &f));
    if (content.set && !id_eq(content.v, f.content.id)) {
        enum err e = version_with_content(q->ctx, q->app, &f, &content.v, &f);
        if (e == ERR_NOT_FOUND)
            return refuse(q->ctx, ERR_GONE, "content_changed", "The file was replaced meanwhile. Ask for its key and begin anew.");
        TRY(e);
    }
    *ret = f;
    return ERR_OK;
}

static enum err find_sealed(struct call *q, struct representation *ret)
{
    struct link l;
    struct ticket t;
    struct opt_id grant;
    struct file f;
    TRY(query_id(q, "grant", &grant));
    TRY(open_proven(q, &l, &t));
    if (!grant.set) return refuse(q->ctx, ERR_INVALID, "grant_required", "Ask for the key first: its answer has the grant.");
    TRY(grant_check(q->ctx, q->app, &l, &grant.v));
    TRY(choose_content(q, &l, &f));
    TRY(content_sealed(q, &f, ret));
    /* Sent under the grant of the key: its bytes are added up, and "done" commits it. */
    TRY(count_content(q, &l, &(struct ticket){grant.v}, ret));
    ret->count = known_grant;
    return ERR_OK;
}

enum err share_content_call(struct call *q) { return send_found(q, find_sealed); }

enum err share_key_call(struct call *q)
{
    const struct msg_key_request *in = q->in;
    struct link l;
    struct ticket t;
    struct file f;
    struct content_key key;
    struct grant grant = {.id = in->grant.v};
    uint64_t whole = 0;
    TRY(open_proven(q, &l, &t));
    TRY(choose_file(q, &l, &in->file_id, &f));
    if (in->grant.set) {
        TRY(grant_check(q->ctx, q->app, &l, &grant.id));
    } else {
        TRY(transfer_sealed_bytes(q->ctx, q->app, &l.transfer_id, &whole));
        TRY(grant_take(q->ctx, q->app, &l, &t, whole, &grant));
    }
    TRY(file_release_key(q->ctx, q->app, &f, in->public_key, &l.token_context, &key));
    TRY(record_link(q, &l, "key.release", ""));
    struct msg_key out;
    encode_key(&f.content, &key, &out);
    out.grant = (struct opt_id){true, grant.id};
    return reply(q, &out);
}

enum err share_done_call(struct call *q)
{
    const struct msg_done *in = q->in;
    struct link l;
    struct ticket t;
    TRY(open_proven(q, &l, &t));
    TRY(grant_done(q->ctx, q->app, &l, &in->grant));
    return reply_empty(q);
}

/* /s/TOKEN in a browser: a page without scripts until the web app comes. It never counts, and never says whether the link is
 * good: that takes the API. */
enum err share_page_call(struct call *q)
{
    struct slice token = q->params[0], html;
    for (size_t i = 0; i < token.len; i++)
        if (!memchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", token.ptr[i], 64))
            return refuse(q->ctx, ERR_NOT_FOUND, "not_found", "There is no such link. Check that you copied all of it.");
    TRY(arena_printf(&q->ctx->arena, &html,
                     "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
                     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
                     "<meta name=\"robots\" content=\"noindex\"><title>Files for you</title>"
                     "<link rel=\"stylesheet\" href=\"/style.css\"></head><body><main><h1>Files for you</h1>"
                     "<p>Somebody sent you files, sealed until you fetch them.</p>"
                     "<p><a class=\"button\" href=\"/api/v1/share/" SLICE_FMT "/download\">Download</a></p>"
                     "<p>With a password, or to verify every byte on your own machine, use the command line:</p>"
                     "<pre>sealdrop get " SLICE_FMT "/s/" SLICE_FMT "</pre></main></body></html>",
                     SLICE_ARG(token), SLICE_ARG(q->app->cfg.public_url), SLICE_ARG(token)));
    return http_response_memory(q->ctx, q->resp, 200, "text/html; charset=utf-8", html);
}
