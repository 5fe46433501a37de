/* seccomp filters by libseccomp, and resource limits. */
#include "os/sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/intmath.h"

/* What allocating memory, ending and being interrupted take. */
static const int always[] = {
    SCMP_SYS(write),      SCMP_SYS(exit),         SCMP_SYS(exit_group), SCMP_SYS(brk),
    SCMP_SYS(munmap),     SCMP_SYS(mremap),       SCMP_SYS(madvise),    SCMP_SYS(futex),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), SCMP_SYS(clock_gettime), SCMP_SYS(getpid),
    SCMP_SYS(gettid),
};
static const int spawning[] = {
    SCMP_SYS(read),    SCMP_SYS(close),   SCMP_SYS(pipe2),   SCMP_SYS(clone),           SCMP_SYS(clone3),
    SCMP_SYS(fork),    SCMP_SYS(wait4),   SCMP_SYS(seccomp), SCMP_SYS(set_robust_list), SCMP_SYS(rseq),
    SCMP_SYS(prlimit64), SCMP_SYS(setrlimit), SCMP_SYS(prctl),
};

/* What the runtime of AddressSanitizer does besides, in builds that have it. */
static const int sanitizing[] = {SCMP_SYS(sigaltstack), SCMP_SYS(sched_yield), SCMP_SYS(rt_sigaction)};
#ifdef __SANITIZE_ADDRESS__
#define SANITIZED true
#else
#define SANITIZED false
#endif

static bool allow_all(scmp_filter_ctx f, const int *calls, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (seccomp_rule_add(f, SCMP_ACT_ALLOW, calls[i], 0) != 0) return false;
    return true;
}

/* Memory never becomes executable. */
static bool allow_memory(scmp_filter_ctx f)
{
    struct scmp_arg_cmp no_exec = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    return seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, no_exec) == 0 &&
           seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, no_exec) == 0;
}

enum err sandbox_enter(enum sandbox_kind kind)
{
#ifdef __SANITIZE_THREAD__
    return ERR_OK; /* ThreadSanitizer starts threads of its own in every process: not to be had together */
#endif
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!f) return ERR_NOMEM;
    bool ok = allow_all(f, always, ARRAY_LEN(always)) && allow_memory(f) &&
              (!SANITIZED || allow_all(f, sanitizing, ARRAY_LEN(sanitizing))) &&
              (kind != SANDBOX_SPAWNER || allow_all(f, spawning, ARRAY_LEN(spawning)));
    int failed = ok ? seccomp_load(f) : -ENOMEM;
    seccomp_release(f);
    return failed == 0 ? ERR_OK : ERR_UNSUPPORTED;
}

static bool limit(__rlimit_resource_t what, uint64_t value)
{
    struct rlimit r = {value, value};
    return setrlimit(what, &r) == 0;
}

enum err sandbox_limits(uint64_t memory_bytes, uint64_t cpu_s)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    memory_bytes = RLIM_INFINITY; /* their shadow memory is an address space of its own */
#endif
    bool ok = limit(RLIMIT_AS, memory_bytes) && limit(RLIMIT_CPU, cpu_s) && limit(RLIMIT_FSIZE, 0) && limit(RLIMIT_CORE, 0);
    return ok ? ERR_OK : ERR_UNSUPPORTED;
}
