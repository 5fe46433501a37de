/* link: what a stranger holds: a token (only its SHA-256 is stored), with a permission, a password, an end and a count.
 *
 * Whether a link still works is computed at each use from the clock and the rows, never from a job: expiry, exhaustion,
 * revocation and the end of its transfer act at once, on every node.
 *
 * Downloads are counted by grants. A grant is taken before the first byte (so that parallel downloads can never exceed the
 * limit), shared by all requests with the same ticket, committed when the last byte was sent or the client says "verified", and
 * given back when the download fails or the grant runs out. Bytes sent by attempts that were given back add up: every time they
 * amount to a whole download, one is counted, so that stopping short again and again is no way round the limit. */
#ifndef SEALDROP_CORE_LINK_LINK_H
#define SEALDROP_CORE_LINK_LINK_H

#include "core/archive/archive.h"
#include "core/transfer/transfer.h"

struct link {
    struct id id;
    struct id transfer_id;
    struct slice permission; /* view, download */
    struct slice label;
    struct slice password_hash; /* ptr NULL: none */
    int64_t expires_at;         /* its own or the transfer's, whichever is earlier; 0: never */
    bool limited;
    uint64_t max_downloads;
    uint64_t downloads; /* finished and running */
    uint64_t running;
    int64_t locked_until;
    int64_t revoked_at;
    int64_t created_at;
    struct id token_context; /* first half of the token hash: binds released keys to this link */
    /* of the transfer */
    struct id owner_id;
    struct slice title, message, mode, sender;
    bool sender_active;
    enum role sender_role; /* now */
    int64_t ended_at;
    struct slice ended_why;
};

struct link_new {
    struct slice permission; /* ptr NULL: download */
    struct slice label;
    struct slice password; /* ptr NULL: the transfer's */
    bool limited;          /* false: the transfer's */
    uint64_t max_downloads;
    int64_t expires_at; /* 0: the transfer's */
};
/* The token is given out once, here. */
MUST_USE enum err link_create(struct ctx *c, struct app *app, const struct principal *who, const struct id *transfer,
                              const struct link_new *n, struct link *ret, struct slice *ret_token);
MUST_USE enum err link_list(struct ctx *c, struct app *app, const struct principal *who, const struct id *transfer,
                            struct link **ret, size_t *ret_n);
/* At once, everywhere. Repeating it is fine. */
MUST_USE enum err link_revoke(struct ctx *c, struct app *app, const struct principal *who, const struct id *transfer,
                              const struct id *link);

/* A live link by its token. ERR_NOT_FOUND unknown; ERR_GONE with code link_expired, link_exhausted, link_revoked. (A running
 * download goes on when the last one was taken: link_exhausted comes from grant_take, and here only when none is running.) */
MUST_USE enum err link_open(struct ctx *c, struct app *app, struct slice token, struct link *ret);
/* The same for a caller that holds a grant: exhausted links stay open to it. */
MUST_USE enum err link_open_running(struct ctx *c, struct app *app, struct slice token, struct link *ret);

/* The files behind it, in their order, in the arena. What the sender may no longer share itself is not to be had: ERR_GONE
 * link_revoked. */
MUST_USE enum err link_files(struct ctx *c, struct app *app, const struct link *l, struct file **ret, size_t *ret_n);
/* The one file named, or (file NULL) the only one: ERR_EXISTS when there are several. ERR_NOT_FOUND, ERR_GONE as above, or with
 * files_gone: it is in the trash, or none is left. */
MUST_USE enum err link_file(struct ctx *c, struct app *app, const struct link *l, const struct id *file, struct file *ret);
/* All of them as an archive; free it with archive_free. */
MUST_USE enum err link_archive(struct ctx *c, struct app *app, const struct link *l, struct archive **ret);

struct ticket {
    struct id id; /* zero: none given */
};
/* Checks a password (at most LIMIT_LINK_ATTEMPTS wrong ones, then ERR_LOCKED for LIMIT_LINK_LOCK_MS) and gives a ticket for
 * LIMIT_TICKET_MS. ERR_UNAUTH "wrong_password" with the tries that remain. */
MUST_USE enum err link_verify(struct ctx *c, struct app *app, const struct link *l, struct slice password,
                              struct slice *ret_ticket, int64_t *ret_expires_at);
/* ERR_UNAUTH "password_required" when the link has a password and the ticket (may be empty) is not good for it. A link without a
 * password needs none; a bad one is then no ticket. */
MUST_USE enum err link_check_ticket(struct ctx *c, struct app *app, const struct link *l, struct slice ticket,
                                    struct ticket *ret);

struct grant {
    struct id id;
};
/* Takes (or joins) a grant for downloading `whole_bytes`. ERR_GONE link_exhausted, ERR_DENIED for a view-only link. */
MUST_USE enum err grant_take(struct ctx *c, struct app *app, const struct link *l, const struct ticket *t,
                             uint64_t whole_bytes, struct grant *ret);
/* A grant the client names; ERR_GONE "grant_expired" when it is over. */
MUST_USE enum err grant_check(struct ctx *c, struct app *app, const struct link *l, const struct id *grant);
/* A request under the grant ended: `served` bytes left the server; `complete`: it sent the last byte of what it stands for.
 * `release` (plain downloads): this request is over, and if it was the last one under the grant, which is not complete, it is given
 * back now; otherwise it waits for more, or for its end. Without `release` it also renews a grant whose request goes on. */
MUST_USE enum err grant_end(struct ctx *c, struct app *app, const struct id *grant, uint64_t served, bool complete,
                            bool release);
/* The client verified everything: the download counts. ERR_NOT_FOUND for a grant that is not this link's. */
MUST_USE enum err grant_done(struct ctx *c, struct app *app, const struct link *l, const struct id *grant);
/* For the expiry job: settles grants that ran out. */
MUST_USE enum err grant_expire(struct ctx *c, struct app *app, size_t limit, size_t *ret_n);

#endif
