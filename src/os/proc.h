/* The process: limits, hardening, signals, the environment, the terminal's standard streams. */
#ifndef SEALDROP_OS_PROC_H
#define SEALDROP_OS_PROC_H

#include "base/buf.h"

/* No core dumps, not readable by other processes of the user, SIGPIPE ignored. Call first. */
void proc_harden(void);
/* As many open files as the system allows; tells how many that are. */
uint64_t proc_raise_files(void);
/* Blocks the signals below in the calling thread and, by inheritance, in all started later. */
void proc_block_signals(void);
enum proc_signal { PROC_STOP, PROC_RELOAD };
/* Waits for one of them: SIGINT and SIGTERM stop, SIGHUP reloads. */
enum proc_signal proc_wait_signal(void);
/* Name of this machine; "localhost" when it has none. */
void proc_hostname(char ret[256]);
/* NULL when not set. Borrowed from the environment. */
const char *proc_env(const char *name);
/* Each "NAME=value" of the environment, until fn returns an error, which is passed up. */
MUST_USE enum err proc_each_env(enum err (*fn)(void *arg, struct slice name, struct slice value), void *arg);
/* All of standard input, at most out->max. */
MUST_USE enum err proc_read_stdin(struct buf *out);
/* The log sink: standard error, one write a line. */
void proc_log_write(const char *line, size_t len);

#endif
