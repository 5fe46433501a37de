/* Fetching a sealed part: the network on one side, unseal.h on the other. */
#include "cmd/cli/fetch.h"

#include "base/mem.h"
#include "codec/base64.h"

enum err fetcher_open(struct ctx *c, const struct server *s, struct fetcher **ret)
{
    struct fetcher *f = MEM_NEW(struct fetcher);
    if (!f) return fail(c, ERR_NOMEM, "fetcher");
    enum err e = server_client(c, s, true, &f->client);
    if (e == ERR_OK && unseal_new(&f->unseal) != ERR_OK) e = fail(c, ERR_NOMEM, "decryption");
    if (e != ERR_OK) {
        fetcher_close(f);
        return e;
    }
    *ret = f;
    return ERR_OK;
}

void fetcher_close(struct fetcher *f)
{
    if (!f) return;
    client_close(f->client);
    unseal_free(f->unseal);
    mem_free(f);
}

static enum err on_bytes(void *arg, const void *p, size_t n)
{
    struct fetcher *f = arg;
    return unseal_push(f->unseal, p, n);
}

struct moving {
    const struct fetch *what;
    uint64_t before; /* sealed bytes of the part that earlier tries brought */
};

static void on_moved(void *arg, uint64_t sent, uint64_t received)
{
    const struct moving *m = arg;
    (void)sent;
    progress_flight(m->what->progress, m->what->worker, m->before + received);
}

/* Only of the sealing that the key is of. */
static enum err if_match(struct ctx *c, const struct file_secret *s, const char **ret)
{
    CLEANUP(buf_done) struct buf etag = BUF_INIT(64);
    struct slice header = {0};
    TRY(base64url_encode(&etag, slice_of(s->headers_hash.b, 16)));
    TRY(arena_printf(&c->arena, &header, "If-Match: \"" SLICE_FMT ".s\"", SLICE_ARG(buf_view(&etag))));
    *ret = header.ptr;
    return ERR_OK;
}

/* One request for what is missing of the part. */
static enum err fetch_rest(struct ctx *c, struct fetcher *f, const struct fetch *what, uint64_t part, uint64_t from)
{
    struct client_answer answer = {0};
    struct moving m = {what, from};
    const char *path = NULL, *same = NULL;
    TRY(recipient_content_path(c, what->recipient, what->file_id, what->grant, &path));
    TRY(if_match(c, what->secret, &same));
    struct client_request rq = {.method = "GET",
                                .headers = &same,
                                .header_count = 1,
                                .ranged = true,
                                .range_first = part * sft_sealed_part(what->secret->part_size) + from,
                                .range_length = unseal_length(f->unseal) - from,
                                .write = on_bytes,
                                .write_arg = f,
                                .moved = on_moved,
                                .moved_arg = &m};
    enum err e = api_bytes(c, f->client, &what->recipient->server, path, recipient_credential(what->recipient), &rq, &answer);
    bool changed = answer.status == 412;
    client_answer_done(&answer);
    if (changed)
        return refuse(c, ERR_GONE, CONTENT_CHANGED, "'" SLICE_FMT "' was sealed anew, or replaced, while it was fetched; begin it again",
                      SLICE_ARG(what->name));
    return e;
}

static enum err not_verified(struct ctx *c, const struct fetch *what, uint64_t part)
{
    return refuse(c, ERR_CORRUPT, "not_verified", "'" SLICE_FMT "' does not verify (part %llu): the bytes are not what was sealed",
                  SLICE_ARG(what->name), (unsigned long long)part);
}

enum err fetch_part(struct ctx *c, struct fetcher *f, const struct fetch *what, uint64_t part, struct seal_header *ret)
{
    const struct file_secret *s = what->secret;
    struct retry r = {0};
    uint64_t from = 0, before = 0;
    TRY(unseal_start(f->unseal, &s->key, &s->content_id, s->stored_size, s->part_size, (uint32_t)part, what->emit, what->emit_arg));
    for (;;) {
        enum err e = fetch_rest(c, f, what, part, from);
        if (e == ERR_CORRUPT) return not_verified(c, what, part);
        if (e == ERR_GONE) return e;
        enum err kept = unseal_resume(f->unseal, &from);
        if (kept != ERR_OK) return kept;
        if (from == unseal_length(f->unseal)) break;
        /* A server may answer a range with less than was asked for, but not for ever. */
        if (e == ERR_OK && from == before) return fail(c, ERR_PEER, "the server sends no more bytes");
        if (from > before) retry_reset(&r, &what->recipient->server);
        before = from;
        if (e != ERR_OK && !retry_again(&r, c, e, &what->recipient->server)) return e;
    }
    retry_reset(&r, &what->recipient->server);
    progress_flight(what->progress, what->worker, 0);
    progress_add(what->progress, sft_part_plain(s->stored_size, s->part_size, part));
    return unseal_finish(f->unseal, ret) == ERR_OK ? ERR_OK : not_verified(c, what, part);
}
