/* The blob suite: every sentence of blob/blob.h, run against each backend. A backend file (blob_fs.c …) gives the function
 * and the constant below; the suite files hold the tests. */
#ifndef SEALDROP_TESTS_CONFORMANCE_BLOB_SUITE_H
#define SEALDROP_TESTS_CONFORMANCE_BLOB_SUITE_H

#include "blob/blob.h"

/* A new, empty store. */
MUST_USE enum err backend_blob_open(struct ctx *c, struct blob_store **ret);
/* Whether blob_reader_fd gives one. */
extern const bool backend_blob_has_fd;

/* One test's store. CLEANUP(rig_done). */
struct rig {
    struct ctx c;
    struct blob_store *s;
};
MUST_USE bool rig_open(struct rig *r);
void rig_done(struct rig *r);

struct blob_key key_new(void);
/* Content of a test blob: depends on place and seed, has no zero byte, so that a hole never looks like it. */
void pattern(uint64_t offset, unsigned seed, void *p, size_t n);

struct piece {
    uint32_t number;
    uint64_t offset;
    size_t size;
    unsigned seed;
};
/* Writes the piece in steps of `step` bytes. */
enum err piece_write(struct ctx *c, struct blob_writer *w, const struct piece *p, size_t step);
/* Opens, writes and closes it. */
enum err piece_store(struct ctx *c, struct blob_store *s, struct blob_key key, const struct blob_ref *ref,
                     const struct piece *p, enum blob_durability d, struct blob_tag *ret);
enum err piece_open(struct ctx *c, struct blob_store *s, struct blob_key key, const struct blob_ref *ref,
                    const struct piece *p, struct blob_writer **ret);
/* A whole blob of `size` bytes in parts of `part` bytes. */
enum err blob_store_whole(struct ctx *c, struct blob_store *s, struct blob_key key, size_t size, size_t part,
                          unsigned seed);
/* Whether the blob is committed with exactly this content: ERR_CORRUPT when not so, the error of blob_open when not there. */
enum err blob_verify(struct ctx *c, struct blob_store *s, struct blob_key key, size_t size, unsigned seed);
/* ERR_OK of it. */
bool blob_holds(struct ctx *c, struct blob_store *s, struct blob_key key, size_t size, unsigned seed);
/* ERR_OK when it can be opened. */
enum err blob_probe(struct ctx *c, struct blob_store *s, struct blob_key key);

#endif
