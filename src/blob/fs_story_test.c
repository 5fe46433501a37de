/* See fs_story_test.h. */
#include "blob/fs_story_test.h"

#include "lib/test.h"

static struct piece piece_of(uint32_t i)
{
    return (struct piece){i, i * STORY_PART_BYTES, i == 2 ? STORY_LAST_BYTES : STORY_PART_BYTES, 1};
}

static enum err store_part(struct ctx *c, struct blob_store *s, struct story *t, uint32_t i)
{
    struct piece p = piece_of(i);
    TRY(piece_store(c, s, t->key, &t->ref, &p, i == 2 ? BLOB_LATER : BLOB_DURABLE, &t->tags[i]));
    t->acked[i] = i != 2;
    return ERR_OK;
}

/* The other blob, of the same batch. */
static struct blob_key beside(const struct story *t)
{
    struct blob_key key = t->key;
    key.id.b[13] ^= 1;
    return key;
}

/* Both at once. */
static enum err commit(struct ctx *c, struct blob_store *s, struct story *t)
{
    struct blob_tag tag = {{0}};
    struct blob_commit list[2] = {{.key = t->key, .ref = t->ref, .tags = t->tags, .n = STORY_PARTS, .size_bytes = STORY_BYTES},
                                  {.key = beside(t), .tags = &tag, .n = 1, .size_bytes = STORY_LAST_BYTES}};
    enum err e = blob_begin(c, s, list[1].key, &list[1].ref);
    if (e == ERR_OK)
        e = piece_store(c, s, list[1].key, &list[1].ref, &(struct piece){0, 0, STORY_LAST_BYTES, 2}, BLOB_LATER, &tag);
    if (e != ERR_OK && e != ERR_EXISTS) return e;
    TRY(blob_commit_all(c, s, list, 2));
    t->committed = true;
    return ERR_OK;
}

static enum err count(struct ctx *c, struct blob_key key, bool committed, int64_t ms, void *arg)
{
    (void)c;
    (void)key;
    (void)committed;
    (void)ms;
    ++*(unsigned *)arg;
    return ERR_OK;
}

/* Writes what was not acknowledged yet; committed already, without anyone knowing, is fine too. */
static enum err upload(struct ctx *c, struct blob_store *s, struct story *t)
{
    static const uint32_t order[STORY_PARTS] = {1, 0, 2};
    enum err e = blob_begin(c, s, t->key, &t->ref);
    if (e != ERR_OK && e != ERR_EXISTS) return e;
    for (uint32_t i = 0; i < STORY_PARTS && e != ERR_EXISTS; i++)
        if (!t->acked[order[i]]) TRY(store_part(c, s, t, order[i]));
    return commit(c, s, t);
}

static enum err look_at(struct ctx *c, struct blob_store *s, const struct story *t)
{
    struct blob_reader *r = NULL;
    uint64_t size = 0;
    unsigned listed = 0;
    char got[16];
    size_t n = 0;
    TRY(blob_open(c, s, t->key, &r, &size));
    enum err e = blob_read(c, r, 1, got, sizeof got, &n);
    blob_close(r);
    TRY(e);
    TRY(blob_list(c, s, count, &listed));
    return blob_health(c, s, &size);
}

enum err story_tell(struct ctx *c, struct blob_store *s, struct story *t)
{
    if (!t->committed) TRY(upload(c, s, t));
    if (!t->removing) TRY(look_at(c, s, t));
    t->removing = true;
    TRY(blob_remove(c, s, t->key, BLOB_OVERWRITE));
    t->removed = true;
    return ERR_OK;
}

bool story_finish(struct ctx *c, struct blob_store *s, struct story *t)
{
    bool there = blob_probe(c, s, t->key) == ERR_OK;
    const char *broken = NULL;
    ctx_clear_error(c);
    if (there && !t->removing && !blob_holds(c, s, t->key, STORY_BYTES, 1))
        broken = "a visible blob is not whole";
    else if (t->committed && !t->removing && !there)
        broken = "a committed blob is gone";
    else if (t->removed && there)
        broken = "a removed blob is back";
    else if (!t->committed && upload(c, s, t) != ERR_OK)
        broken = "the upload cannot be finished";
    else if (!t->removing && !blob_holds(c, s, t->key, STORY_BYTES, 1))
        broken = "an acknowledged part is lost";
    else if (!blob_holds(c, s, beside(t), STORY_LAST_BYTES, 2))
        broken = "the blob that was committed with it is not whole";
    else if (blob_abort(c, s, t->key, &t->ref) != ERR_OK ||
             (!t->removing && !blob_holds(c, s, t->key, STORY_BYTES, 1)))
        broken = "an abort harms a committed blob";
    else if (blob_remove(c, s, t->key, BLOB_OVERWRITE) != ERR_OK ||
             blob_probe(c, s, t->key) != ERR_NOT_FOUND)
        broken = "the blob cannot be removed";
    if (broken) test_fail(__FILE__, __LINE__, "%s: %s", broken, c->err_detail);
    return !broken;
}
