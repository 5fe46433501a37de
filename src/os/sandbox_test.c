/* What the sandboxes stop, tried from inside. */
#include "os/sandbox.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "lib/test.h"

#ifndef __SANITIZE_THREAD__ /* see sandbox_enter */
static void do_nothing(void) {}
static void open_file(void) { (void)!open("/etc/passwd", O_RDONLY | O_CLOEXEC); }
static void open_socket(void) { (void)!socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }
static void start_program(void) { (void)!execl("/bin/true", "true", (char *)NULL); }
static void start_process(void) { (void)!fork(); }
static void kill_parent(void) { (void)!kill(getppid(), 0); }
static void make_code(void) { (void)!mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }
static void make_link(void) { (void)!symlink("/etc/passwd", "/tmp/sandbox-test"); }
static void read_something(void) { (void)!read(0, &(char){0}, 1); }
static void compute(void)
{
    void *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) _exit(3);
    memset(p, 1, 1 << 20);
    munmap(p, 1 << 20);
}

/* How a process ends that does this in a sandbox: the signal, or 0 when it went on to its end. */
static int ends_with(enum sandbox_kind kind, void (*act)(void))
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        if (sandbox_enter(kind) != ERR_OK) _exit(2);
        act();
        _exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid) return -1;
    return WIFSIGNALED(status) ? WTERMSIG(status) : -(int)WEXITSTATUS(status);
}

TEST(sandbox_of_a_parser)
{
    void (*const forbidden[])(void) = {open_file, open_socket, start_program, start_process, kill_parent, make_code, make_link,
                                       read_something};
    CHECK(ends_with(SANDBOX_PARSER, do_nothing) == 0);
    CHECK(ends_with(SANDBOX_PARSER, compute) == 0);
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++)
        if (ends_with(SANDBOX_PARSER, forbidden[i]) != SIGSYS) test_fail(__FILE__, __LINE__, "act %zu was not stopped", i);
}

TEST(sandbox_of_a_spawner)
{
    void (*const forbidden[])(void) = {open_file, open_socket, start_program, kill_parent, make_code, make_link};
    CHECK(ends_with(SANDBOX_SPAWNER, do_nothing) == 0);
    CHECK(ends_with(SANDBOX_SPAWNER, start_process) == 0);
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++)
        if (ends_with(SANDBOX_SPAWNER, forbidden[i]) != SIGSYS) test_fail(__FILE__, __LINE__, "act %zu was not stopped", i);
}

#endif

TEST(sandbox_bounds_processor_time)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        if (sandbox_limits(1 * GIB, 1) != ERR_OK) _exit(2);
        for (volatile uint64_t i = 0;; i++) continue;
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGXCPU));
}
