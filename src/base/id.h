/* id: the 128-bit identifier of every object (UUID, RFC 9562). Text form is the 36-character lower-case UUID. */
#ifndef SEALDROP_BASE_ID_H
#define SEALDROP_BASE_ID_H

#include "base/err.h"
#include "base/slice.h"

#define ID_TEXT_LEN 36

struct id {
    uint8_t b[16];
};

/* Builds a UUIDv7 from wall time and 16 random bytes (of which 74 bits are used). Pure: see os_new_id in os/rand.h. */
struct id id_v7(int64_t now_ms, const uint8_t random[16]);
void id_text(struct id id, char ret[ID_TEXT_LEN + 1]);
/* Lower- or upper-case UUID text; ERR_INVALID otherwise. */
MUST_USE enum err id_parse(struct slice s, struct id *ret);
bool id_eq(struct id a, struct id b);
bool id_is_zero(struct id id);
static inline struct slice id_bytes(const struct id *id)
{
    return slice_of(id->b, sizeof id->b);
}
/* From a 16-byte column. */
MUST_USE enum err id_from_bytes(struct slice s, struct id *ret);

#endif
