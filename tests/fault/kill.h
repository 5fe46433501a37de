/* kill: flows that a child process goes through until it is killed, and what its parent then finds. */
#ifndef SEALDROP_TESTS_FAULT_KILL_H
#define SEALDROP_TESTS_FAULT_KILL_H

#include "fault/story.h"

/* What was there before: made once, copied for every child. */
struct template {
    const char *dir;
    struct app_config cfg;
    const char *bearer, *refresh;
    const char *file, *lone;  /* kept for good; to be deleted */
    const char *transfer;     /* of file */
    const char *link_id, *link; /* three downloads, and a password */
    const char *ticket;
    int64_t now_ms;
};

/* What the child was told, in memory it shares with its parent. */
struct acks {
    char upload[48], file[40], refresh[2][80];
    uint64_t told; /* offset */
    unsigned parts, refreshed, downloads, guesses;
    bool deleted, revoked, rotated, made_user;
    struct id kek;
    uint64_t calls;
    bool done, struck;
};

struct flow {
    const char *name;
    bool fresh;  /* begins without the template */
    bool again;  /* a request that failed may just be sent again */
    void (*run)(struct loop *l, const struct template *t, struct acks *a);
    void (*check)(struct loop *l, const struct template *t, const struct acks *a);
};
extern const struct flow kill_flows[];
extern const size_t kill_flow_count;

void template_make(struct template *t);
/* Opens what lies in `dir`. */
void kill_open(struct loop *l, const struct template *t, const char *dir);
/* Whatever the flow was: every listed file can be read, the books agree, nothing is left behind. */
void kill_check_all(struct loop *l);

#endif
