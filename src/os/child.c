/* Helper programs: started with posix_spawn, so that nothing of a process with many threads runs between fork and exec. */
#include "os/child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "os/file.h"

static enum err set_up(posix_spawnattr_t *attr, posix_spawn_file_actions_t *actions, int socket)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    bool ok = posix_spawnattr_setsigmask(attr, &none) == 0 && posix_spawnattr_setsigdefault(attr, &all) == 0 &&
              posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) == 0 &&
              posix_spawn_file_actions_adddup2(actions, socket, STDIN_FILENO) == 0 &&
              posix_spawn_file_actions_adddup2(actions, socket, STDOUT_FILENO) == 0;
    return ok ? ERR_OK : ERR_NOMEM;
}

static enum err spawn(const char *program, int socket, pid_t *ret)
{
    posix_spawnattr_t attr;
    posix_spawn_file_actions_t actions;
    char *const argv[] = {(char *)(uintptr_t)program, NULL}, *const environment[] = {NULL};
    if (posix_spawnattr_init(&attr) != 0) return ERR_NOMEM;
    if (posix_spawn_file_actions_init(&actions) != 0) {
        posix_spawnattr_destroy(&attr);
        return ERR_NOMEM;
    }
    enum err e = set_up(&attr, &actions, socket);
    if (e == ERR_OK) {
        int failed = posix_spawn(ret, program, &actions, &attr, argv, environment);
        if (failed) e = sys_err(failed);
    }
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attr);
    return e;
}

enum err child_start(const char *program, struct child *ret)
{
    int pair[2];
    pid_t pid = 0;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return sys_err(errno);
    enum err e = spawn(program, pair[1], &pid);
    fd_close(&pair[1]);
    if (e != ERR_OK) {
        fd_close(&pair[0]);
        return e;
    }
    *ret = (struct child){pid, pair[0]};
    return ERR_OK;
}

/* ERR_OK when the socket is ready before the deadline. */
static enum err wait_ready(const struct child *c, short events, int64_t deadline_ms)
{
    for (;;) {
        struct pollfd p = {c->socket, events, 0};
        int64_t left = deadline_ms - sys_real()->mono_ms();
        int n = left > 0 ? poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left) : 0;
        if (n > 0) return ERR_OK;
        if (n == 0) return ERR_TIMEOUT;
        if (errno != EINTR) return sys_err(errno);
    }
}

/* Moves all n bytes one way; the calls differ only in their direction. */
static enum err move(const struct child *c, void *p, size_t n, bool out, int64_t timeout_ms)
{
    int64_t deadline = sys_real()->mono_ms() + timeout_ms;
    for (size_t done = 0; done < n;) {
        char *at = (char *)p + done;
        TRY(wait_ready(c, out ? POLLOUT : POLLIN, deadline));
        ssize_t k = out ? send(c->socket, at, n - done, MSG_NOSIGNAL | MSG_DONTWAIT) : recv(c->socket, at, n - done, MSG_DONTWAIT);
        if (k == 0) return ERR_CLOSED;
        if (k < 0 && errno != EAGAIN && errno != EINTR) return sys_err(errno);
        if (k > 0) done += (size_t)k;
    }
    return ERR_OK;
}

enum err child_send(struct child *c, const void *p, size_t n, int64_t timeout_ms)
{
    return move(c, (void *)(uintptr_t)p, n, true, timeout_ms);
}

enum err child_receive(struct child *c, void *p, size_t n, int64_t timeout_ms) { return move(c, p, n, false, timeout_ms); }

void child_stop(struct child *c)
{
    if (c->pid == 0) return;
    fd_close(&c->socket);
    kill(c->pid, SIGKILL);
    while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR) continue;
    *c = (struct child)CHILD_NONE;
}

/* Up to cap bytes, until the end. */
static enum err read_to_end(int fd, char *p, size_t cap, size_t *ret_n)
{
    size_t len = 0, got = 1;
    while (got && len < cap) {
        TRY(file_read(fd, p + len, cap - len, &got));
        len += got;
    }
    *ret_n = len;
    return ERR_OK;
}

enum err child_compute(enum err (*fn)(void *arg, int result), void *arg, void *p, size_t cap, size_t *ret_n)
{
    int result[2], status = 0;
    size_t n = 0;
    if (pipe2(result, O_CLOEXEC) != 0) return sys_err(errno);
    pid_t pid = fork();
    if (pid == 0) _exit(fn(arg, result[1]) == ERR_OK ? 0 : 1);
    enum err e = pid < 0 ? sys_err(errno) : ERR_OK;
    fd_close(&result[1]);
    if (e == ERR_OK) e = read_to_end(result[0], p, cap, &n);
    fd_close(&result[0]);
    if (pid < 0) return e;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    TRY(e);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return ERR_CLOSED;
    *ret_n = n;
    return ERR_OK;
}

void child_beside(const char *name, char ret[4096])
{
    char self[2048];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    ret[0] = '\0';
    while (n > 0 && self[n - 1] != '/') n--;
    if (n <= 0 || strlen(name) > 1024) return;
    memcpy(ret, self, (size_t)n);
    memcpy(ret + n, name, strlen(name) + 1);
}
