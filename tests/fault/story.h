/* story: what a client does while faults strike, and what it may rely on whatever happened.
 *
 * A story is a row of requests. Each is asked again after a failure that a fault explains, with the fault taken away, and must
 * then succeed: so a story always ends well, and what the product promised in its middle is checked against its end. */
#ifndef SEALDROP_TESTS_FAULT_STORY_H
#define SEALDROP_TESTS_FAULT_STORY_H

#include "integration/loopback.h"

/* One kind of fault. `arm`: the n-th chance, once or for ever. */
struct fault {
    const char *name;
    void (*arm)(uint64_t n, bool for_ever);
    void (*off)(void);
    bool (*fired)(void);
    unsigned statuses; /* of answers it may cause, as STATUS bits */
};
#define STATUS(s) (1u << ((s) - 499)) /* 500 to 507; STATUS_CUT: a body that ends early */
#define STATUS_CUT 1u

/* What came of the faults of one loop. */
struct ledger {
    uint64_t injected, unnoticed, cut, by_status[8];
};

struct client {
    struct loop *l;
    const struct fault *fault;
    struct ledger *ledger;
    const char *bearer;
    uint64_t n, round; /* the fault; makes names of this round */
    bool for_ever;
};

/* Content made once for all rounds, and what is there to be downloaded. */
struct stage {
    struct loop l;
    const char *bearer;
    const char *big, *small;           /* file ids */
    const char *link, *both;           /* tokens: of the big one; of both, with a password */
    const char *link_transfer, *both_transfer;
    bool settled;
    int64_t descriptors; /* open when all was settled */
};
#define BIG_BYTES (2 * MIB + 70001)
#define SMALL_BYTES 40011
#define ONE_SHOT_BYTES (1 * MIB + 3)
struct slice content_big(void);
struct slice content_small(void);
struct slice content_one_shot(void);
/* What a listed file must hold, by the beginning of its name. */
struct slice content_of(const char *name);
#define STORY_EMAIL "story@example.com"

void stage_open(struct stage *s);
void stage_close(struct stage *s);

typedef void story_fn(struct client *c, struct stage *s);
story_fn story_sign_in, story_upload, story_one_shot, story_resumable, story_joined, story_download, story_links, story_clean;
/* True while the product works on a request of a story: only then may a fault strike. */
bool story_asking(void);

/* What the database holds; blobs and unfinished ones are left alone. */
struct books {
    int64_t used, files_bytes, reserved, uploads, dead_jobs, files;
    uint64_t blobs, unfinished;
};
void books_read(struct loop *l, struct books *ret);
int64_t descriptors_open(void);

/* After a round, the fault gone: what is listed can be read, the quota is the sum of what there is, and all of it can be deleted;
 * `all`: without leaving a byte. */
void story_settle(struct client *c, struct stage *s, bool all);

/* One story under one kind of fault, n = 0, stride, 2 stride … until it passes without a fault. Prints the ledger; injecting
 * nothing is a failure. */
void fault_loop(struct stage *s, const struct fault *f, bool for_ever, uint64_t stride, story_fn *story, const char *name);

/* True when FAULT_FULL is set: no sampling. */
bool fault_full(void);

#endif
