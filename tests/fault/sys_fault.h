/* sys_fault: the system calls of a program under test, counted, failed, or the place where the process is killed.
 *
 * sys_fault_install() puts itself in front of the table, fsync and fdatasync of SQLite included. From then on nothing reaches the
 * disk by a sync: what a kill leaves is the page cache, and what a power cut leaves is decided by power.h. One armed fault at a
 * time; the calls of all kinds named in it are counted together, from 0. */
#ifndef SEALDROP_TESTS_FAULT_SYS_FAULT_H
#define SEALDROP_TESTS_FAULT_SYS_FAULT_H

#include <stdbool.h>
#include <stdint.h>

enum fcall {
    CALL_OPEN,
    CALL_CREATE, /* an open that makes a file */
    CALL_READ,
    CALL_PREAD,
    CALL_WRITE,
    CALL_PWRITE,
    CALL_SYNC, /* fsync and fdatasync */
    CALL_TRUNCATE,
    CALL_RENAME,
    CALL_LINK,
    CALL_UNLINK,
    CALL_MKDIR,
    CALL_FSTAT,
    CALL_STAT, /* lstat, too */
    CALL_LIST, /* opendir, readdir */
    CALL_RANDOM,
    CALL_COUNT
};
#define BIT(call) (1u << (call))
#define CALLS_ALL (BIT(CALL_COUNT) - 1u)
/* Those after which the disk is another one. */
#define CALLS_DURABLE                                                                                                  \
    (BIT(CALL_CREATE) | BIT(CALL_WRITE) | BIT(CALL_PWRITE) | BIT(CALL_SYNC) | BIT(CALL_TRUNCATE) | BIT(CALL_RENAME) |  \
     BIT(CALL_LINK) | BIT(CALL_UNLINK) | BIT(CALL_MKDIR))

void sys_fault_install(void);
/* The n-th of `calls` made within a request of a story gives -1 and `error`; `for_ever`: all after it, too. */
void sys_fault_fail(unsigned calls, uint64_t n, bool for_ever, int error);
/* SIGKILL, before or after the n-th call of CALLS_DURABLE. `power`: first everything that was not synced is taken back. */
void sys_fault_kill(uint64_t n, bool after, bool power);
/* The n-th sync fails, and as kernels do, the bytes it was to write are dropped: a later sync has nothing left to write. Counted
 * everywhere, not only within requests; for programs that called power_start(). */
void sys_fault_lose_sync(uint64_t n);
void sys_fault_off(void);
/* Calls of the armed kinds since arming; whether one was struck, and which kind was the first. */
uint64_t sys_fault_seen(void);
bool sys_fault_fired(void);
enum fcall sys_fault_first(void);
const char *fcall_name(enum fcall call);

#endif
