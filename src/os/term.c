/* Terminals and interrupts. The terminal is always /dev/tty, so that questions work while stdin and stdout are pipes. */
#include "os/term.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "os/file.h"

static atomic_bool *interrupt_flag;

bool term_is(int fd) { return isatty(fd) == 1; }

unsigned term_width(int fd)
{
    struct winsize w = {0};
    return ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col ? w.ws_col : 80u;
}

/* One line, byte by byte: the terminal hands out whole lines anyway, and nothing behind it is swallowed. */
static enum err read_line(int fd, struct buf *ret)
{
    for (;;) {
        char ch = 0;
        ssize_t got = sys()->read(fd, &ch, 1);
        if (got < 0 && errno == EINTR && !(interrupt_flag && atomic_load(interrupt_flag))) continue;
        if (got <= 0) return ERR_CANCELLED;
        if (ch == '\n') return ERR_OK;
        TRY(buf_putc(ret, ch));
    }
}

enum err term_ask(const char *prompt, bool secret, struct buf *ret)
{
    CLEANUP(fd_close) int fd = -1;
    struct termios old;
    if (file_open("/dev/tty", O_RDWR | O_NOCTTY, 0, &fd) != ERR_OK) return ERR_NOT_FOUND;
    if (tcgetattr(fd, &old) != 0) return ERR_NOT_FOUND;
    struct termios quiet = old;
    if (secret) quiet.c_lflag &= ~(tcflag_t)ECHO;
    /* Before the question shows: what is typed at once must be neither echoed nor thrown away by the flush. */
    if (tcsetattr(fd, TCSAFLUSH, &quiet) != 0) return sys_err(errno);
    enum err e = file_write_all(fd, prompt, strlen(prompt));
    if (e == ERR_OK) e = read_line(fd, ret);
    tcsetattr(fd, TCSAFLUSH, &old);
    if (secret) err_ignore(file_write_all(fd, "\n", 1), "only the look of the next line");
    return e;
}

static void on_signal(int number)
{
    bool again = atomic_exchange(interrupt_flag, true);
    if (again && number == SIGINT) _exit(130);
}

void term_catch_interrupt(atomic_bool *flag)
{
    interrupt_flag = flag;
    /* No SA_RESTART: a question on the terminal must end with Ctrl-C. */
    struct sigaction sa = {.sa_handler = on_signal};
    sigemptyset(&sa.sa_mask);
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGHUP, &sa, NULL);
    sa.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &sa, NULL);
}
