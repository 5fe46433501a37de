/* The client of the sandboxed program. */
#include "core/type/sniff.h"

#include "base/intmath.h"
#include "base/mem.h"
#include "lab/lab.h"
#include "os/child.h"
#include "os/thread.h"

#define ANSWER_MS 20000

struct sniffer {
    struct mutex m; /* guards child: one question at a time */
    struct child child;
    char program[4096];
};

enum err sniffer_new(struct slice program, struct sniffer **ret)
{
    struct sniffer *s = MEM_NEW(struct sniffer);
    if (!s) return ERR_NOMEM;
    if (program.len >= sizeof s->program) {
        mem_free(s);
        return ERR_INVALID;
    }
    if (program.len) memcpy(s->program, program.ptr, program.len);
    s->child = (struct child)CHILD_NONE;
    mutex_init(&s->m);
    *ret = s;
    return ERR_OK;
}

void sniffer_free(struct sniffer *s)
{
    if (!s) return;
    child_stop(&s->child);
    mutex_done(&s->m);
    mem_free(s);
}

static enum err ask(struct sniffer *s, struct slice head, char *type, uint8_t *ret_len)
{
    uint8_t question[4], len = 0;
    store_u32be(question, (uint32_t)head.len);
    if (s->child.pid == 0) TRY(child_start(s->program, &s->child));
    TRY(child_send(&s->child, question, sizeof question, ANSWER_MS));
    TRY(child_send(&s->child, head.ptr, head.len, ANSWER_MS));
    TRY(child_receive(&s->child, &len, 1, ANSWER_MS));
    if (len > LAB_TYPE_BYTES) return ERR_PEER;
    TRY(child_receive(&s->child, type, len, ANSWER_MS));
    *ret_len = len;
    return ERR_OK;
}

/* What came out of the sandbox is not trusted either. */
static bool is_type(struct slice s)
{
    size_t slashes = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (i && strchr("-+._", c));
        slashes += c == '/';
        if (!word && c != '/') return false;
    }
    return slashes == 1;
}

enum err sniff(struct ctx *c, struct sniffer *s, struct slice head, struct slice *ret)
{
    char type[LAB_TYPE_BYTES];
    uint8_t len = 0;
    GUARD(&s->m);
    head = slice_sub(head, 0, MIN(head.len, (size_t)LAB_SNIFF_BYTES));
    bool idle = s->child.pid == 0;
    enum err e = ask(s, head, type, &len);
    if (e != ERR_OK) child_stop(&s->child);
    /* It may have died since the last question: once more with a new one. */
    if ((e == ERR_CLOSED || e == ERR_IO) && !idle) {
        e = ask(s, head, type, &len);
        if (e != ERR_OK) child_stop(&s->child);
    }
    if (e != ERR_OK) return fail(c, e, "type detection by %s", s->program);
    if (!is_type(slice_of(type, len))) len = 0;
    return arena_slice(&c->arena, slice_of(type, len), ret);
}
