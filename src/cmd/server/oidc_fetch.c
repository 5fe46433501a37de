/* Sign-in providers: from the settings to core/oidc, and its requests to the network. */
#include "cmd/server/oidc_fetch.h"

#include "base/limits.h"
#include "codec/base64.h"
#include "net/client.h"
#include "os/file.h"

#define CONNECT_MS 5000
#define STALL_S 10

static void close_client(struct client **cl) { client_close(*cl); }

static enum err basic_header(struct ctx *c, struct slice basic, const char **ret)
{
    CLEANUP(buf_done) struct buf b = {.max = 16 * KIB, .sensitive = true};
    struct slice text;
    TRY(buf_put_cstr(&b, "Authorization: Basic "));
    TRY(base64_encode(&b, basic));
    TRY(arena_slice(&c->arena, buf_view(&b), &text));
    return arena_cstr(&c->arena, text, ret);
}

static enum err fetch(void *arg, struct ctx *c, const struct oidc_request *rq, struct buf *ret)
{
    CLEANUP(close_client) struct client *cl = NULL;
    CLEANUP(client_answer_done) struct client_answer answer = {0};
    const struct client_config *cfg = arg;
    const char *headers[2] = {"Accept: application/json"};
    struct client_request call = {.method = rq->form.ptr ? "POST" : "GET",
                                  .url = rq->url,
                                  .headers = headers,
                                  .header_count = 1,
                                  .content_type = rq->form.ptr ? "application/x-www-form-urlencoded" : NULL,
                                  .body = rq->form,
                                  .answer_max = ret->max};
    if (rq->basic.len) TRY(basic_header(c, rq->basic, &headers[call.header_count++]));
    TRY(client_open(c, cfg, &cl));
    TRY(client_call(c, cl, &call, &answer));
    return buf_put(ret, buf_view(&answer.body));
}

static enum err read_secret(struct ctx *c, const struct config_oidc *p, struct slice *ret)
{
    CLEANUP(buf_done) struct buf text = {.max = 4 * KIB, .sensitive = true};
    const char *path = NULL;
    if (!p->client_secret_file.len) return ERR_OK;
    TRY(arena_cstr(&c->arena, p->client_secret_file, &path));
    enum err e = file_read_all(path, &text);
    if (e != ERR_OK) return refuse(c, e, "config", "client_secret_file %s: cannot be read: %s", path, err_text(e));
    while (text.len && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r')) text.len--;
    return arena_slice(&c->arena, buf_view(&text), ret);
}

static enum err provider_of(struct ctx *c, const struct config_oidc *p, struct oidc_provider *ret)
{
    *ret = (struct oidc_provider){.name = p->name,
                                  .issuer = p->issuer,
                                  .client_id = p->client_id,
                                  .scopes = p->scopes,
                                  .groups_claim = p->groups_claim,
                                  .admin_groups = p->admin_groups,
                                  .user_groups = p->user_groups,
                                  .link_by_email = slice_eq(p->link_by_email, SLICE("verified")),
                                  .create = slice_eq(p->create, SLICE("yes"))};
    return read_secret(c, p, &ret->client_secret);
}

enum err choose_oidc(struct ctx *c, const struct config *cfg, const struct oidc_config **ret)
{
    struct oidc_config *oidc = ARENA_NEW(&c->arena, struct oidc_config);
    struct oidc_provider *providers = ARENA_ARRAY(&c->arena, struct oidc_provider, OIDC_PROVIDERS_MAX);
    struct client_config *client = ARENA_NEW(&c->arena, struct client_config);
    if (!oidc || !providers || !client) return ERR_NOMEM;
    *client = (struct client_config){.connect_ms = CONNECT_MS, .stall_s = STALL_S};
    for (size_t i = 0; i < cfg->oidc_count; i++) TRY(provider_of(c, &cfg->oidc[i], &providers[i]));
    *oidc = (struct oidc_config){providers, cfg->oidc_count, fetch, client};
    TRY(oidc_check_config(c, oidc));
    *ret = cfg->oidc_count ? oidc : NULL;
    return ERR_OK;
}
