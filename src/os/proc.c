/* Process-wide system calls that are made once. */
#include "os/proc.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/intmath.h"
#include "os/file.h"

extern char **environ;

void proc_harden(void)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    signal(SIGPIPE, SIG_IGN);
}

uint64_t proc_raise_files(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) != 0) return 0;
    r.rlim_cur = r.rlim_max;
    setrlimit(RLIMIT_NOFILE, &r);
    getrlimit(RLIMIT_NOFILE, &r);
    return r.rlim_cur;
}

static sigset_t waited(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    return set;
}

void proc_block_signals(void)
{
    sigset_t set = waited();
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

enum proc_signal proc_wait_signal(void)
{
    sigset_t set = waited();
    int sig = 0;
    while (sigwait(&set, &sig) != 0) continue;
    return sig == SIGHUP ? PROC_RELOAD : PROC_STOP;
}

void proc_hostname(char ret[256])
{
    memset(ret, 0, 256);
    if (gethostname(ret, 255) != 0 || ret[0] == '\0') memcpy(ret, "localhost", sizeof "localhost");
}

const char *proc_env(const char *name) { return getenv(name); }

enum err proc_each_env(enum err (*fn)(void *arg, struct slice name, struct slice value), void *arg)
{
    for (char **e = environ; *e; e++) {
        struct slice value = slice_cstr(*e), name = slice_cut(&value, '=');
        TRY(fn(arg, name, value));
    }
    return ERR_OK;
}

enum err proc_read_stdin(struct buf *out)
{
    for (;;) {
        size_t got = 0, room = MIN(out->max - out->len, (size_t)4096);
        if (room == 0) return ERR_TOO_LARGE;
        TRY(buf_reserve(out, room));
        TRY(file_read(STDIN_FILENO, out->ptr + out->len, room, &got));
        if (got == 0) return ERR_OK;
        out->len += got;
    }
}

void proc_log_write(const char *line, size_t len)
{
    err_ignore(file_write_all(STDERR_FILENO, line, len), "a log that cannot be written cannot be told of");
}
