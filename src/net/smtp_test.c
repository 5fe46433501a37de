/* Sending mail to a small mail server of this test: what it gets, and what becomes of refusals, silence and missing TLS. (TLS
 * itself and signing in are shown against another implementation in tests/e2e/accounts_test.sh.) */
#include "net/smtp.h"

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>

#include "base/buf.h"
#include "base/intmath.h"
#include "lib/test.h"
#include "os/sys.h"
#include "os/thread.h"

struct server {
    int listener;
    unsigned port;
    const char *refuse; /* the command that gets a 550; NULL: none */
    bool silent;
    struct thread thread;
    char got[4096]; /* all lines of the client */
    size_t len;
    char url[64];
};

static void say(int fd, const char *text)
{
    if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0) test_fail(__FILE__, __LINE__, "send");
}

static bool read_line(struct server *s, int fd, char line[1024])
{
    size_t n = 0;
    for (char ch = 0; ch != '\n' && n < 1023;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, 5000) != 1 || recv(fd, &ch, 1, 0) != 1) return false;
        line[n++] = ch;
        if (s->len + 1 < sizeof s->got) s->got[s->len++] = ch;
    }
    line[n] = '\0';
    return true;
}

static void answer(struct server *s, int fd, const char *line, bool *data)
{
    if (*data) {
        *data = strcmp(line, ".\r\n") != 0;
        if (!*data) say(fd, "250 taken\r\n");
    } else if (s->refuse && strncmp(line, s->refuse, strlen(s->refuse)) == 0) {
        say(fd, "550 not here\r\n");
    } else if (strncmp(line, "DATA", 4) == 0) {
        *data = true;
        say(fd, "354 go on\r\n");
    } else {
        say(fd, strncmp(line, "QUIT", 4) == 0 ? "221 bye\r\n" : "250 fine\r\n");
    }
}

static void serve(void *arg)
{
    struct server *s = arg;
    char line[1024];
    bool data = false;
    struct pollfd p = {.fd = s->listener, .events = POLLIN};
    if (poll(&p, 1, 5000) != 1) return;
    int fd = accept(s->listener, NULL, NULL);
    if (fd < 0) return;
    if (!s->silent) say(fd, "220 test\r\n");
    while (read_line(s, fd, line)) answer(s, fd, line, &data);
    close(fd);
}

static bool start(struct server *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof a;
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->listener < 0 || bind(s->listener, (struct sockaddr *)&a, sizeof a) != 0 || listen(s->listener, 1) != 0) return false;
    if (getsockname(s->listener, (struct sockaddr *)&a, &n) != 0) return false;
    snprintf(s->url, sizeof s->url, "smtp://127.0.0.1:%u", ntohs(a.sin_port));
    return thread_start(&s->thread, "smtp", serve, s) == ERR_OK;
}

static void stop(struct server *s)
{
    thread_join(&s->thread);
    close(s->listener);
}

static enum err send_one(struct server *s, const struct smtp_config *more)
{
    CLEANUP(ctx_done) struct ctx c;
    struct smtp_config cfg = *more;
    ctx_init(&c, 1 << 20);
    cfg.url = s->url;
    if (!cfg.timeout_ms) cfg.timeout_ms = 5000;
    return smtp_send(&c, &cfg, "drop@example.com", "anna@example.org", SLICE("Subject: Hello\r\n\r\nA line\r\n.\r\n.dots stay\r\n"));
}

TEST(message_arrives_whole)
{
    struct server s = {.listener = -1};
    CHECK(start(&s));
    enum err e = send_one(&s, &(struct smtp_config){.starttls = false});
    stop(&s);
    CHECK_OK(e);
    CHECK(strstr(s.got, "MAIL FROM:<drop@example.com>"));
    CHECK(strstr(s.got, "RCPT TO:<anna@example.org>"));
    /* A dot at the beginning of a line is doubled on the way (RFC 5321, 4.5.2). */
    CHECK(strstr(s.got, "Subject: Hello\r\n\r\nA line\r\n..\r\n..dots stay\r\n.\r\n"));
}

TEST(refused_recipient)
{
    struct server s = {.listener = -1, .refuse = "RCPT"};
    CHECK(start(&s));
    enum err e = send_one(&s, &(struct smtp_config){.starttls = false});
    stop(&s);
    CHECK_ERR(e, ERR_PEER);
    CHECK(!strstr(s.got, "A line"));
}

TEST(no_tls_where_it_is_required)
{
    struct server s = {.listener = -1};
    CHECK(start(&s));
    enum err e = send_one(&s, &(struct smtp_config){.starttls = true});
    stop(&s);
    CHECK_ERR(e, ERR_DENIED);
    CHECK(!strstr(s.got, "MAIL FROM"));
}

TEST(password_never_without_tls)
{
    CLEANUP(ctx_done) struct ctx c;
    ctx_init(&c, 1 << 20);
    struct smtp_config cfg = {.url = "smtp://127.0.0.1:1", .user = "drop", .password = "secret"};
    CHECK_ERR(smtp_send(&c, &cfg, "a@example.com", "b@example.com", SLICE("x")), ERR_DENIED);
}

TEST(silent_server)
{
    struct server s = {.listener = -1, .silent = true};
    CHECK(start(&s));
    enum err e = send_one(&s, &(struct smtp_config){.timeout_ms = 300});
    stop(&s);
    CHECK_ERR(e, ERR_TIMEOUT);
}

TEST(no_server)
{
    struct server s = {.listener = -1};
    snprintf(s.url, sizeof s.url, "smtp://127.0.0.1:1");
    CHECK_ERR(send_one(&s, &(struct smtp_config){.starttls = false}), ERR_CLOSED);
}
