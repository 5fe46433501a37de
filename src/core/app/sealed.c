/* Sealing small texts under the server key. */
#include "core/app/sealed.h"

#include "codec/base64.h"
#include "crypto/seal.h"
#include "crypto/sft.h"

static void context_of(struct sft_context *ret, const struct app *app, const char *label)
{
    sft_context(ret, label, id_bytes(&app->org_id), SLICE(""));
}

enum err sealed_text(struct ctx *c, const struct app *app, const char *label, struct slice plain, struct slice *ret)
{
    CLEANUP(buf_done) struct buf sealed = BUF_INIT(2 * SEALED_PLAIN_MAX);
    CLEANUP(buf_done) struct buf text = BUF_INIT(3 * SEALED_PLAIN_MAX);
    struct sft_context context;
    if (plain.len > SEALED_PLAIN_MAX) return fail(c, ERR_TOO_LARGE, "text to seal");
    context_of(&context, app, label);
    TRY(seal_message(&app->server_key, sft_context_view(&context), plain, &sealed));
    TRY(base64url_encode(&text, buf_view(&sealed)));
    return arena_slice(&c->arena, buf_view(&text), ret);
}

enum err sealed_text_open(struct ctx *c, const struct app *app, const char *label, struct slice text, struct slice *ret)
{
    CLEANUP(buf_done) struct buf sealed = BUF_INIT(2 * SEALED_PLAIN_MAX);
    CLEANUP(buf_done) struct buf plain = {.max = SEALED_PLAIN_MAX, .sensitive = true};
    struct sft_context context;
    enum err e = base64url_decode(&sealed, text);
    if (e == ERR_NOMEM) return e;
    if (e != ERR_OK) return fail(c, ERR_CORRUPT, "sealed text");
    context_of(&context, app, label);
    e = seal_open_message(&app->server_key, sft_context_view(&context), buf_view(&sealed), &plain);
    if (e != ERR_OK) return fail(c, e, "sealed text");
    return arena_slice(&c->arena, buf_view(&plain), ret);
}
