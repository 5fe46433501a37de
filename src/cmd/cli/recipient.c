/* The recipient's side of a link: verify, ticket, keys. */
#include "cmd/cli/recipient.h"

#include "base/limits.h"
#include "codec/base64.h"
#include "codec/uri.h"
#include "crypto/hpke.h"
#include "crypto/sft.h"

static void close_client(struct client **cl) { client_close(*cl); }

struct credential *recipient_credential(struct recipient *r) { return r->session ? &r->session->credential : &r->credential; }

/* "/files/ID/key?version=N" */
static enum err own_path(struct ctx *c, const struct recipient *r, const struct id *file_id, const char *tail, const char **ret)
{
    struct slice path = {0};
    char id[ID_TEXT_LEN + 1];
    id_text(*file_id, id);
    if (r->version.set)
        TRY(arena_printf(&c->arena, &path, "/files/%s%s?version=%llu", id, tail, (unsigned long long)r->version.v));
    else
        TRY(arena_printf(&c->arena, &path, "/files/%s%s", id, tail));
    *ret = path.ptr;
    return ERR_OK;
}

enum err recipient_content_path(struct ctx *c, const struct recipient *r, const struct id *file_id, struct slice grant,
                                const char **ret)
{
    struct slice path = {0};
    char id[ID_TEXT_LEN + 1];
    if (r->session) return own_path(c, r, file_id, "/content", ret);
    id_text(*file_id, id);
    TRY(arena_printf(&c->arena, &path, "/share/" SLICE_FMT "/content?file_id=%s%s" SLICE_FMT, SLICE_ARG(r->token), id,
                     grant.len ? "&grant=" : "", SLICE_ARG(grant)));
    *ret = path.ptr;
    return ERR_OK;
}

static enum err path_of(struct ctx *c, const struct recipient *r, const char *tail, const char **ret)
{
    struct slice path = {0};
    TRY(arena_printf(&c->arena, &path, "/share/" SLICE_FMT "%s", SLICE_ARG(r->token), tail));
    *ret = path.ptr;
    return ERR_OK;
}

/* A new ticket; the lock is held. */
static enum err verify(struct recipient *r, struct ctx *c, struct client *cl)
{
    struct wire_verify in = {r->password.len ? buf_view(&r->password) : (struct slice){0}};
    struct wire_ticket out = {0};
    struct call call = {.method = "POST",
                        .in_table = &wire_verify_table,
                        .in = &in,
                        .out_table = &wire_ticket_table,
                        .out = &out,
                        .patient = true};
    TRY(path_of(c, r, "/verify", &call.path));
    TRY(api_call(c, cl, &r->server, &call));
    buf_reset(&r->ticket);
    return buf_put(&r->ticket, out.ticket);
}

static enum err get(struct credential *cr, struct ctx *c, struct client *cl, struct slice stale, struct slice *ret)
{
    struct recipient *r = (struct recipient *)cr;
    struct slice value = {0};
    GUARD(&r->lock);
    TRY(arena_printf(&c->arena, &value, "Link " SLICE_FMT, SLICE_ARG(buf_view(&r->ticket))));
    if (r->ticket.len == 0 || (stale.len && slice_eq(stale, value))) {
        TRY(verify(r, c, cl));
        TRY(arena_printf(&c->arena, &value, "Link " SLICE_FMT, SLICE_ARG(buf_view(&r->ticket))));
    }
    *ret = value;
    return ERR_OK;
}

static enum err look(struct recipient *r, struct client *cl, struct credential *credential)
{
    struct ctx *c = r->app->c;
    struct call call = {
        .method = "GET", .credential = credential, .out_table = &wire_share_table, .out = &r->share, .patient = true};
    TRY(path_of(c, r, "", &call.path));
    return api_call(c, cl, &r->server, &call);
}

static enum err ask_password(struct recipient *r)
{
    struct app *a = r->app;
    struct secret_ask ask = {a->opt.password_stdin, a->opt.password_env, "SEALDROP_LINK_PASSWORD", "Password for the link: ",
                             false};
    enum err e = app_secret(a, &ask, &r->password);
    if (e == ERR_NOT_FOUND)
        return refuse(a->c, ERR_DENIED, "password_needed",
                      "this link asks for a password; use --password-stdin, --password-env VAR or $SEALDROP_LINK_PASSWORD");
    return e;
}

static enum err meet_needs(struct recipient *r)
{
    const struct slice *needs = r->share.needs.items;
    bool password = false;
    for (size_t i = 0; i < r->share.needs.count; i++) {
        if (!slice_eq(needs[i], SLICE("password")))
            return refuse(r->app->c, ERR_UNSUPPORTED, "needs_browser", "this link asks for '" SLICE_FMT "'; open it in a browser",
                          SLICE_ARG(needs[i]));
        password = true;
    }
    if (r->share.mode.len && !slice_eq(r->share.mode, SLICE("managed")))
        return refuse(r->app->c, ERR_UNSUPPORTED, "end_to_end", "this link is end-to-end encrypted; open it in a browser");
    return password ? ask_password(r) : ERR_OK;
}

enum err recipient_open(struct app *a, struct slice link, struct recipient *ret)
{
    CLEANUP(close_client) struct client *cl = NULL;
    struct recipient *r = ret;
    *r = (struct recipient){.credential = {get}, .app = a, .server = {.halt = a->halt}};
    mutex_init(&r->lock);
    r->password = BUF_INIT(CLI_SECRET_BYTES);
    r->ticket = BUF_INIT(LIMIT_TOKEN_BYTES);
    r->password.sensitive = r->ticket.sensitive = true;
    TRY(server_link(a->c, link, &r->server.origin, &r->token));
    TRY(app_meet(a, &r->server));
    TRY(server_client(a->c, &r->server, false, &cl));
    TRY(look(r, cl, NULL));
    TRY(meet_needs(r));
    TRY(look(r, cl, &r->credential));
    if (r->share.files.count == 0) return refuse(a->c, ERR_NOT_FOUND, "no_files", "there is no file behind this link");
    return ERR_OK;
}

enum err recipient_own(struct app *a, struct session *s, const struct wire_file *files, size_t n, struct recipient *ret)
{
    struct recipient r = {.app = a, .session = s, .server = s->server, .share = {.files = {(void *)(uintptr_t)files, n, true}}};
    TRY(arena_printf(&a->c->arena, &r.token, "library of " SLICE_FMT, SLICE_ARG(s->account.email)));
    mutex_init(&r.lock);
    *ret = r;
    return ERR_OK;
}

void recipient_close(struct recipient *r)
{
    if (!r->app) return;
    buf_done(&r->password);
    buf_done(&r->ticket);
    mutex_done(&r->lock);
    *r = (struct recipient){0};
}

/* What the key is released for: the session; of a link SHA-256(the token's 32 bytes)[0..16). */
static enum err key_context(struct ctx *c, const struct recipient *r, const struct wire_key *answer, struct sha256 *ret)
{
    CLEANUP(buf_done) struct buf raw = {.max = 64, .sensitive = true};
    if (!r->session) {
        TRY(base64url_decode(&raw, r->token));
        return sha256(buf_view(&raw), ret);
    }
    if (!answer->session_id.set) return fail(c, ERR_PEER, "the server does not say for whom the key is");
    *ret = (struct sha256){{0}};
    memcpy(ret->b, answer->session_id.v.b, sizeof answer->session_id.v.b);
    return ERR_OK;
}

/* info = "sft/1/fkrelease" 00 content_id[16] context[16] (docs/FORMAT.md) */
static enum err open_key(struct ctx *c, const struct recipient *r, const struct key *private_key,
                         const struct wire_key *answer, struct key *ret)
{
    CLEANUP(buf_done) struct buf plain = BUF_INIT(KEY_BYTES);
    struct sft_context info;
    struct sha256 context;
    uint8_t enc[HPKE_PUBLIC_BYTES];
    plain.sensitive = true;
    if (answer->enc.len != sizeof enc) return fail(c, ERR_CORRUPT, "the key the server sent is malformed");
    memcpy(enc, answer->enc.ptr, sizeof enc);
    TRY(key_context(c, r, answer, &context));
    sft_context(&info, "sft/1/fkrelease", id_bytes(&answer->content_id), slice_of(context.b, 16));
    enum err e = hpke_open(private_key, enc, sft_context_view(&info), (struct slice){0}, answer->ct, &plain);
    if (e != ERR_OK || plain.len != KEY_BYTES) return fail(c, ERR_CORRUPT, "the key the server sent does not open");
    memcpy(ret->b, plain.ptr, KEY_BYTES);
    return ERR_OK;
}

void file_secret_done(struct file_secret *s)
{
    key_done(&s->key);
    frame_map_free(TAKE(s->map));
}

static enum err contradiction(struct ctx *c) { return fail(c, ERR_CORRUPT, "what the server says about the file contradicts itself"); }

static enum err read_codec(struct ctx *c, const struct wire_key *k, struct file_secret *ret)
{
    ret->stored_size = k->size;
    ret->map = NULL;
    if (!k->codec) return ERR_OK;
    if (!slice_eq(k->codec->name, SLICE("zstd-1m")))
        return refuse(c, ERR_UNSUPPORTED, "codec", "the file is compressed in a way this client does not know; update it");
    ret->stored_size = k->codec->stored_size;
    enum err e = frame_map_new(k->codec->frames, k->size, k->codec->stored_size, &ret->map);
    return e == ERR_NOMEM || e == ERR_OK ? e : contradiction(c);
}

enum err recipient_key(struct ctx *c, struct client *cl, struct recipient *r, const struct id *file_id, struct slice grant,
                       struct file_secret *ret)
{
    CLEANUP(key_done) struct key private_key = {0};
    uint8_t public_key[HPKE_PUBLIC_BYTES];
    struct wire_key out = {0};
    TRY(hpke_keypair(&private_key, public_key));
    struct wire_key_request in = {slice_of(public_key, sizeof public_key), *file_id,
                                  grant.len ? grant : (struct slice){0}};
    struct wire_own_key_request own = {in.public_key};
    struct call call = {.method = "POST",
                        .credential = recipient_credential(r),
                        .in_table = r->session ? &wire_own_key_request_table : &wire_key_request_table,
                        .in = r->session ? (const void *)&own : &in,
                        .out_table = &wire_key_table,
                        .out = &out,
                        .patient = true};
    TRY(r->session ? own_path(c, r, file_id, "/key", &call.path) : path_of(c, r, "/key", &call.path));
    TRY(api_call(c, cl, &r->server, &call));
    if (out.part_size > SFT_PART_MAX || !sft_part_size_valid(out.part_size) || out.size > LIMIT_FILE_BYTES ||
        out.headers_hash.len != SHA256_BYTES || sft_part_count(out.size, (uint32_t)out.part_size) > LIMIT_PARTS)
        return contradiction(c);
    file_secret_done(ret);
    TRY(read_codec(c, &out, ret));
    TRY(open_key(c, r, &private_key, &out, &ret->key));
    ret->content_id = out.content_id;
    ret->size = out.size;
    ret->part_size = (uint32_t)out.part_size;
    memcpy(ret->headers_hash.b, out.headers_hash.ptr, SHA256_BYTES);
    ret->grant = out.grant.len ? out.grant : grant;
    return ERR_OK;
}

enum err recipient_done(struct ctx *c, struct client *cl, struct recipient *r, struct slice grant)
{
    struct wire_done in = {grant};
    struct call call = {.method = "POST",
                        .credential = &r->credential,
                        .in_table = &wire_done_table,
                        .in = &in,
                        .patient = true};
    TRY(path_of(c, r, "/done", &call.path));
    return api_call(c, cl, &r->server, &call);
}
