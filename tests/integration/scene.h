/* scene: what every test of a link begins with: a sender, a file of known bytes, a transfer of it, a link. */
#ifndef SEALDROP_TESTS_INTEGRATION_SCENE_H
#define SEALDROP_TESTS_INTEGRATION_SCENE_H

#include "base/limits.h"
#include "integration/loopback.h"

struct scene {
    struct loop l;
    struct slice content; /* of the file */
    const char *bearer, *file, *transfer, *token;
};

/* `more`: further members of the transfer (",\"title\":…"); `link`: members of the link's object, NULL for no link. */
void scene_open(struct scene *s, const char *more, const char *link);
/* After time has passed. */
void scene_sign_in(struct scene *s);
/* As the sender sees them, of the transfer's first link. */
int64_t scene_downloads(struct scene *s);
/* Answers a link's password; see the answer for a ticket. */
void scene_verify(struct scene *s, const char *password, struct loop_answer *a);
/* The ticket of SCENE_PASSWORD; "" when it was refused. */
#define SCENE_PASSWORD "right one"
const char *scene_ticket(struct scene *s);
/* Path of a link's resource: share_at(token, "/download"). */
const char *share_at(const char *token, const char *rest);

/* What several threads at once met. */
struct takers {
    struct scene *s;
    _Atomic unsigned good, refused, other;
};

#endif
