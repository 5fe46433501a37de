/* sandbox: takes from the calling process what a parser of untrusted bytes does not need. Cannot be undone, and everything the
 * process starts later inherits it. What is not allowed kills the process (seccomp). */
#ifndef SEALDROP_OS_SANDBOX_H
#define SEALDROP_OS_SANDBOX_H

#include <stdint.h>

#include "base/err.h"

enum sandbox_kind {
    SANDBOX_SPAWNER, /* read and write what is open, make pipes and processes, wait for them: no files, no network, no exec */
    SANDBOX_PARSER,  /* compute, and write to descriptors that are open */
};
/* ERR_UNSUPPORTED where the kernel has no seccomp: then do not go on. */
MUST_USE enum err sandbox_enter(enum sandbox_kind kind);
/* Address space and processor time; past them allocations fail, and the process is killed. No files may be written. */
MUST_USE enum err sandbox_limits(uint64_t memory_bytes, uint64_t cpu_s);

#endif
