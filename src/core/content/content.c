/* Rules of contents: who holds them, and handing out their key. Reading is in content_reader.c. */
#include "core/content/content.h"

#include "core/content/content_store.h"
#include "core/job/job.h"
#include "core/key/key.h"
#include "crypto/sft.h"

enum err content_hold(struct ctx *c, struct db_conn *conn, const struct id *id) { return content_store_hold(c, conn, id); }

enum err content_drop(struct ctx *c, struct db_conn *conn, const struct id *id)
{
    bool last = false;
    char text[ID_TEXT_LEN + 1];
    TRY(content_store_drop(c, conn, id, &last));
    if (!last) return ERR_OK;
    TRY(content_store_delete(c, conn, id));
    id_text(*id, text);
    return job_add(c, conn, &(struct job_new){.kind = "delete_blob", .payload = slice_cstr(text)});
}

struct frames_arg {
    const struct content *t;
    struct content_tables tables;
};

static enum err frames_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct frames_arg *a = arg;
    return content_store_tables(c, conn, &a->t->id, &a->tables);
}

enum err content_release_key(struct ctx *c, struct app *app, const struct content *t, struct slice public_key,
                             const struct id *context, struct content_key *ret)
{
    CLEANUP(key_done) struct key key;
    CLEANUP(buf_done) struct buf ct = BUF_INIT(KEY_BYTES + HPKE_TAG_BYTES);
    struct content_key out;
    struct sft_context info;
    struct frames_arg frames = {.t = t};
    if (public_key.len != HPKE_PUBLIC_BYTES) {
        ctx_field_error(c, "public_key", "must be 32 bytes in base64url");
        return ERR_INVALID;
    }
    sft_context(&info, "sft/1/fkrelease", id_bytes(&t->id), id_bytes(context));
    TRY(key_unwrap(c, app, "sft/1/dek", &t->id, t->wrapped_key, &key));
    enum err e = hpke_seal((const uint8_t *)public_key.ptr, sft_context_view(&info), SLICE(""),
                           slice_of(key.b, sizeof key.b), out.enc, &ct);
    if (e == ERR_INVALID) ctx_field_error(c, "public_key", "is not a usable X25519 key");
    TRY(e);
    if (t->codec.len) TRY(db_tx(c, app->be.db, DB_READ, frames_tx, &frames));
    out.frames = frames.tables.frames;
    TRY(arena_slice(&c->arena, buf_view(&ct), &out.ct));
    *ret = out;
    return ERR_OK;
}
