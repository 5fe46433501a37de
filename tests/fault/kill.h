/* kill: flows that a child process goes through until it is killed, and what its parent then finds. */
#ifndef SEALDROP_TESTS_FAULT_KILL_H
#define SEALDROP_TESTS_FAULT_KILL_H

#include "fault/story.h"

#define KILL_PASSWORD "between us"
#define KILL_DOWNLOADS_MAX 3

/* What was there before: made once, copied for every child. */
struct template {
    const char *dir;
    struct app_config cfg;
    const char *bearer, *refresh;
    const char *file, *lone;  /* kept for good; to be deleted, or to become another */
    const char *file_content; /* content id of file */
    const char *transfer;     /* of file */
    const char *link_id, *link; /* KILL_DOWNLOADS_MAX, KILL_PASSWORD */
    const char *ticket;
    int64_t now_ms;
};

/* What the child was told, in memory it shares with its parent. */
struct acks {
    char upload[48], file[40], refresh[2][80];
    uint64_t told; /* offset */
    unsigned parts, refreshed, downloads, guesses;
    bool deleted, revoked, rotated, made_user;
    uint64_t now_bytes, next_bytes; /* of the newest version; of the one that was asked for */
    int64_t gone;                   /* number of a deleted version */
    char twin[40], partial[2][80];
    bool deleting, twin_deleting, twin_deleted, sealed, trashed, restored, purging;
    struct id kek;
    uint64_t calls;
    bool done, struck;
};

struct flow {
    const char *name;
    bool fresh;  /* begins without the template */
    bool again;  /* a request that failed may just be sent again */
    void (*configure)(struct app_config *cfg); /* NULL: as it is */
    void (*run)(struct loop *l, const struct template *t, struct acks *a);
    void (*check)(struct loop *l, const struct template *t, const struct acks *a);
};
void kill_go_through(const struct flow *f);

void template_make(struct template *t);
/* Opens what lies in `dir`. */
void kill_open(struct loop *l, const struct template *t, const char *dir);
/* Whatever the flow was: every listed file and every stored content can be read, the books agree, every fact has its record, nothing is
 * left behind. */
void kill_check_all(struct loop *l);

/* ---- for flows: kill_kit.c ---- */

/* Content of a file or version of this size; ptr NULL: none of the stories'. */
struct slice content_sized(uint64_t size);
#define TEXT_BYTES 300007
/* It shrinks when it is packed. */
struct slice content_text(void);

/* In the child an answer that is not the wanted one is the end: without a fault none may come. After one it is asked again. */
void need(struct loop *l, struct loop_answer *a, int status, const struct loop_request *r);
#define NEED(l, a, status, ...) need((l), (a), (status), &(struct loop_request){__VA_ARGS__})
/* Jobs until none is due; a failure ends the child. */
void need_jobs(struct loop *l);
/* Changes the disk once more, so that the last acknowledgement is put to the test, too. */
void run_on(struct loop *l, const struct template *t);
void keep(char *to, size_t cap, const char *text);
void check_file(struct loop *l, const struct template *t, const char *id, struct slice want);

#endif
