/* term: the person at the terminal: width, questions, secrets without echo, and Ctrl-C. For command-line programs only. */
#ifndef SEALDROP_OS_TERM_H
#define SEALDROP_OS_TERM_H

#include <stdatomic.h>

#include "base/buf.h"

bool term_is(int fd);
/* Columns of the terminal at fd; 80 when unknown. */
unsigned term_width(int fd);
/* Shows `prompt` on the controlling terminal and appends one line of answer, without its newline. With `secret` nothing is echoed and
 * the echo comes back whatever happens (Ctrl-C included). ERR_NOT_FOUND: there is no terminal; ERR_CANCELLED: end of file or Ctrl-C. */
MUST_USE enum err term_ask(const char *prompt, bool secret, struct buf *ret);
/* From now on SIGINT, SIGTERM and SIGHUP set *flag; the second SIGINT ends the program. SIGPIPE becomes an error of write(). */
void term_catch_interrupt(atomic_bool *flag);

#endif
