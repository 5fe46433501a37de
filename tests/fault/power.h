/* power: what a power cut may leave of a directory tree. The changes of this process that were not synced are remembered with
 * what was there before; power_cut() takes them back, newest first: bytes become what they were (or zeros, where the file had
 * ended), new names go, old ones return. One thread. */
#ifndef SEALDROP_TESTS_FAULT_POWER_H
#define SEALDROP_TESTS_FAULT_POWER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Where other names of files that lose theirs are kept; outside the tree, on its file system. `keep_length`: files that grew stay
 * long, with zeros; else they shrink again. */
void power_start(const char *stash_dir, bool keep_length);
/* Before the call of that name. */
void power_write(int fd, size_t n, off_t off);
void power_truncate(int fd, off_t len);
void power_sync(int fd);
/* A sync that failed: what was not synced of this file is gone at once. */
void power_drop(int fd);
/* Instead of it. */
int power_open(const char *path, int flags, mode_t mode);
int power_rename(const char *from, const char *to);
int power_unlink(const char *path);
int power_mkdir(const char *path, mode_t mode);
void power_cut(void);

#endif
