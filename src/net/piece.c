/* Pieces of body on their way between socket and worker, and the pool that keeps some warm: a fresh one costs 64 page
 * faults. */
#include "base/mem.h"
#include "net/exchange_impl.h"

#define SPARE_MAX 32u

void piece_pool_init(struct piece_pool *p)
{
    *p = (struct piece_pool){0};
    mutex_init(&p->lock);
}

static void piece_free(struct piece *piece)
{
    /* Plaintext of people's files: nothing of it stays in freed memory. */
    mem_wipe(piece->data, piece->len);
    mem_free(piece);
}

void piece_pool_done(struct piece_pool *p)
{
    while (p->spare) {
        struct piece *next = p->spare->next;
        p->spare->len = sizeof p->spare->data;
        piece_free(p->spare);
        p->spare = next;
    }
    mutex_done(&p->lock);
}

struct piece *piece_take(struct piece_pool *p)
{
    struct piece *piece;
    mutex_lock(&p->lock);
    piece = p->spare;
    if (piece) {
        p->spare = piece->next;
        p->spare_count--;
    }
    mutex_unlock(&p->lock);
    if (!piece) piece = MEM_NEW(struct piece);
    if (!piece) return NULL;
    piece->next = NULL;
    piece->len = piece->off = 0;
    return piece;
}

void piece_give(struct piece_pool *p, struct piece *piece)
{
    if (!piece) return;
    mutex_lock(&p->lock);
    bool keep = p->spare_count < SPARE_MAX;
    if (keep) {
        piece->next = p->spare;
        p->spare = piece;
        p->spare_count++;
    }
    mutex_unlock(&p->lock);
    if (!keep) {
        /* It may have been filled further in an earlier life. */
        piece->len = sizeof piece->data;
        piece_free(piece);
    }
}

void pieces_push(struct pieces *list, struct piece *p)
{
    p->next = NULL;
    if (list->last)
        list->last->next = p;
    else
        list->first = p;
    list->last = p;
    list->count++;
}

struct piece *pieces_pop(struct pieces *list)
{
    struct piece *p = list->first;
    if (!p) return NULL;
    list->first = p->next;
    if (!list->first) list->last = NULL;
    list->count--;
    p->next = NULL;
    return p;
}

void pieces_append(struct pieces *list, struct pieces *more)
{
    struct piece *p;
    while ((p = pieces_pop(more))) pieces_push(list, p);
}

void pieces_give(struct piece_pool *p, struct pieces *list)
{
    struct piece *piece;
    while ((piece = pieces_pop(list))) piece_give(p, piece);
}
