/* The sandboxed program, asked for real. */
#include "core/type/sniff.h"

#include <signal.h>

#include "base/limits.h"
#include "base/mem.h"
#include "lab/lab.h"
#include "lib/test.h"
#include "os/child.h"

static struct slice program(char path[4096])
{
    child_beside(LAB_PROGRAM, path);
    return slice_cstr(path);
}

static void expect(struct slice head, struct slice want)
{
    CLEANUP(ctx_done) struct ctx c;
    struct sniffer *s = NULL;
    char path[4096];
    struct slice got = {0};
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    CHECK_OK(sniffer_new(program(path), &s));
    enum err e = sniff(&c, s, head, &got);
    sniffer_free(s);
    CHECK_OK(e);
    CHECK_SLICE(got, want);
}

TEST(sniff_what_content_is)
{
    expect(SLICE("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), SLICE("application/pdf"));
    expect(SLICE("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\10\6\0\0\0"), SLICE("image/png"));
    expect(SLICE("hello, this is text\n"), SLICE("text/plain"));
    expect(SLICE("#!/bin/sh\necho hello\n"), SLICE("text/x-shellscript"));
    expect(SLICE("PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), SLICE("application/zip"));
}

TEST(sniff_nothing_and_too_much)
{
    CLEANUP(mem_cleanup) char *big = mem_alloc(2 * LAB_SNIFF_BYTES, 1);
    CHECK(big);
    memset(big, 'a', 2 * LAB_SNIFF_BYTES);
    expect(SLICE(""), SLICE("application/x-empty"));
    expect(slice_of(big, 2 * LAB_SNIFF_BYTES), SLICE("text/plain"));
}

TEST(sniff_many_questions_one_program)
{
    CLEANUP(ctx_done) struct ctx c;
    struct sniffer *s = NULL;
    char path[4096];
    struct slice got = {0};
    size_t right = 0;
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    CHECK_OK(sniffer_new(program(path), &s));
    for (size_t i = 0; i < 200; i++)
        right += sniff(&c, s, i % 2 ? SLICE("%PDF-1.4") : SLICE("GIF89a"), &got) == ERR_OK &&
                 slice_eq(got, i % 2 ? SLICE("application/pdf") : SLICE("image/gif"));
    sniffer_free(s);
    CHECK_U64(right, 200);
}

TEST(sniff_without_a_program)
{
    CLEANUP(ctx_done) struct ctx c;
    struct sniffer *s = NULL;
    struct slice got = {0};
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    CHECK_OK(sniffer_new(SLICE("/nowhere/at/all"), &s));
    CHECK_ERR(sniff(&c, s, SLICE("x"), &got), ERR_NOT_FOUND);
    sniffer_free(s);
    /* One that says nothing, and ends. */
    CHECK_OK(sniffer_new(SLICE("/bin/true"), &s));
    enum err e = sniff(&c, s, SLICE("x"), &got);
    sniffer_free(s);
    CHECK(e == ERR_CLOSED || e == ERR_IO);
}

/* A helper that dies is replaced at the next question. */
TEST(sniff_child_killed_between_questions)
{
    struct child child = CHILD_NONE;
    char path[4096];
    uint8_t question[4] = {0}, answer = 0;
    char type[LAB_TYPE_BYTES];
    program(path);
    CHECK_OK(child_start(path, &child));
    CHECK_OK(child_send(&child, question, sizeof question, 10000));
    CHECK_OK(child_receive(&child, &answer, 1, 10000));
    CHECK(answer > 0);
    CHECK_ERR(child_receive(&child, type, sizeof type, 50), ERR_TIMEOUT);
    kill(child.pid, SIGKILL);
    CHECK_ERR(child_receive(&child, question, 4, 10000), ERR_CLOSED);
    child_stop(&child);
    CHECK(child.pid == 0);
    child_stop(&child);
}
