/* reseal: contents are sealed anew in the background ("encryption queue"): under a fresh key when somebody asked for one, compressed or
 * as one with an equal content when the settings say so.
 *
 * The new content is written beside the old one, read back and compared; then one transaction lets all that held the old one hold the
 * new one, and destroys the old one's key. At every moment one of the two is complete and held. What is sealed anew has a new id, and
 * so has its blob: nothing is ever written over. */
#ifndef SEALDROP_CORE_CONTENT_RESEAL_H
#define SEALDROP_CORE_CONTENT_RESEAL_H

#include <stdatomic.h>

#include "core/content/content.h"

/* Smaller contents are neither compressed nor compared: a second write costs more than it saves. */
#define RESEAL_BYTES_MIN 16384u
/* Compression must save a twentieth, of the first MiB and in the end. */
#define RESEAL_GAIN 20u
/* The old blob stays so long, for downloads that are reading it and for a backup of the blobs that follows one of the database from
 * before; its key is destroyed at once. */
#define RESEAL_GRACE_MS (24 * 60 * 60 * 1000ll)
/* Names the job that removes it then, with the content's id. */
#define RESEAL_REPLACED "replaced "

/* Inside the transaction that stores a content: queues it when the settings have something to do with it. `type`: the file's. */
MUST_USE enum err reseal_stored(struct ctx *c, struct db_conn *conn, const struct app *app, const struct content *t,
                                struct slice type);
/* Inside a transaction: queues it for a fresh key. */
MUST_USE enum err reseal_rotate(struct ctx *c, struct db_conn *conn, const struct app *app, const struct content *t,
                                struct slice type);
/* The job. *ret_again_at: another worker has it, or `halt` (may be NULL) became true. Idempotent: after a crash it begins anew. */
MUST_USE enum err reseal_run(struct ctx *c, struct app *app, const struct id *content, const atomic_bool *halt,
                             int64_t *ret_again_at);
/* After the last try failed: nobody waits for it any more. The content stays as it is. */
MUST_USE enum err reseal_give_up(struct ctx *c, struct app *app, const struct id *content);

#endif
