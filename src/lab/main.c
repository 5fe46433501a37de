/* sealdrop-lab: the only program that parses untrusted bytes. It loads what it knows of file types, gives up its rights, and then
 * answers questions on its standard input: for each it forks a process of smaller rights still, which parses one file and ends. */
#include <magic.h>

#include "base/intmath.h"
#include "base/limits.h"
#include "lab/lab.h"
#include "os/child.h"
#include "os/file.h"
#include "os/sandbox.h"

#define PARSER_MEMORY_BYTES (512 * MIB)
#define PARSER_CPU_S 5

static uint8_t question[LAB_SNIFF_BYTES];

struct parse {
    magic_t magic;
    size_t n;
};

/* Runs in the process of one file. What comes out is a word of this program's tables, or nothing. */
static enum err parse(void *arg, int result)
{
    const struct parse *p = arg;
    TRY(sandbox_limits(PARSER_MEMORY_BYTES, PARSER_CPU_S));
    TRY(sandbox_enter(SANDBOX_PARSER));
    const char *type = magic_buffer(p->magic, question, p->n);
    size_t len = type ? strlen(type) : 0;
    if (len == 0 || len > LAB_TYPE_BYTES) return ERR_INVALID;
    return file_write_all(result, type, len);
}

/* False at the end of the questions. */
static bool read_all(void *p, size_t n)
{
    for (size_t done = 0, got; done < n; done += got)
        if (file_read(STDIN_FILENO, (char *)p + done, n - done, &got) != ERR_OK || got == 0) return false;
    return true;
}

static int serve(magic_t magic)
{
    uint8_t head[4];
    char answer[1 + LAB_TYPE_BYTES];
    while (read_all(head, sizeof head)) {
        struct parse p = {magic, load_u32be(head)};
        size_t len = 0;
        if (p.n > sizeof question || !read_all(question, p.n)) return 1;
        enum err e = child_compute(parse, &p, answer + 1, LAB_TYPE_BYTES, &len);
        if (e != ERR_OK && e != ERR_CLOSED) return 1;
        answer[0] = (char)len;
        if (file_write_all(STDOUT_FILENO, answer, 1 + len) != ERR_OK) return 1;
    }
    return 0;
}

int main(void)
{
    magic_t magic = magic_open(MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS);
    if (!magic || magic_load(magic, NULL) != 0) return 1;
    /* Whatever is allocated at the first use is allocated before the rights are gone. */
    if (!magic_buffer(magic, "sealdrop", 8)) return 1;
    if (sandbox_enter(SANDBOX_SPAWNER) != ERR_OK) return 1;
    /* Nothing is left to be done at the end but to end. */
    _exit(serve(magic));
}
