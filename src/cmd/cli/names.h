/* names: small things about paths that sending and fetching share. */
#ifndef SEALDROP_CMD_CLI_NAMES_H
#define SEALDROP_CMD_CLI_NAMES_H

#include "base/arena.h"

/* What is after the last '/'. */
struct slice name_last(struct slice path);
/* "a/b.tar", 2 → "a/b (2).tar", in the arena. */
MUST_USE enum err name_numbered(struct arena *a, struct slice path, unsigned number, struct slice *ret);
/* Control characters (C0 but tab and newline, DEL, C1) become '?': what others wrote must not steer the terminal. In place. */
void name_plain(char *text, size_t len);

#endif
