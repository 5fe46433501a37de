/* Interim answers: copied by the worker, posted to the loop, kept in order until the driver can send them. A message posted by a job
 * is delivered before the job's own end is: so the exchange is always there. */
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "net/response_impl.h"
#include "net/server_impl.h"

void interim_drop(struct exchange *x)
{
    struct interim *m = x->interims;
    x->interims = m->next;
    mem_free(m);
}

/* On the loop. */
static void delivered(struct message *message)
{
    struct interim *m = (struct interim *)((char *)message - offsetof(struct interim, message));
    struct exchange *x = m->x;
    struct interim **at = &x->interims;
    if (!x->conn || x->answered) {
        mem_free(m);
        return;
    }
    for (unsigned n = 1; *at && n < LIMIT_HTTP_INTERIMS; n++) at = &(*at)->next;
    mem_free(*at);
    *at = m;
    exchange_wake(x);
}

static struct slice copy(char **to, struct slice s)
{
    struct slice own = slice_of(*to, s.len);
    if (s.len) memcpy(*to, s.ptr, s.len);
    *to += s.len;
    return own;
}

void http_interim(const struct http_request *req, int status, const struct http_header *headers, size_t count)
{
    if (req->interim) req->interim(req->ctx, status, headers, count);
}

void interim_post(struct ctx *c, int status, const struct http_header *headers, size_t count)
{
    struct exchange *x = (struct exchange *)((char *)c - offsetof(struct exchange, ctx));
    size_t size = sizeof(struct interim) + count * sizeof *headers, text = 0;
    ASSERT(x->busy && status > 101 && status < 200 && count <= HTTP_HEADERS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (!response_field_valid(headers[i].name, headers[i].value)) return;
        text += headers[i].name.len + headers[i].value.len;
    }
    struct interim *m = mem_alloc(1, size + text);
    if (!m) return;
    char *to = (char *)m + size;
    *m = (struct interim){.message.run = delivered, .x = x, .status = status, .header_count = count};
    for (size_t i = 0; i < count; i++) m->headers[i] = (struct http_header){copy(&to, headers[i].name), copy(&to, headers[i].value)};
    loop_post(x->loop, &m->message);
}
