/* sfield: structured fields (RFC 9651), read strictly: items and dictionaries. Pure, no memory.
 *
 * A field that is not exactly what the specification allows is ERR_INVALID as a whole, also where only a member nobody asked for is
 * wrong. Parameters are checked and stepped over. What a value of the wrong type means is the field's own business; most say: the
 * field is not there. */
#ifndef SEALDROP_CODEC_SFIELD_H
#define SEALDROP_CODEC_SFIELD_H

#include "base/buf.h"

enum sfield_type {
    SFIELD_BOOLEAN,
    SFIELD_INTEGER,
    SFIELD_DECIMAL,
    SFIELD_STRING,
    SFIELD_TOKEN,
    SFIELD_BYTES,
    SFIELD_DATE,
    SFIELD_DISPLAY,
    SFIELD_LIST /* an inner list; its members are not told */
};
struct sfield {
    enum sfield_type type;
    bool boolean;
    int64_t integer;   /* SFIELD_INTEGER, SFIELD_DATE (seconds) */
    struct slice text; /* a token; what stands between the quotes (escaped) or the colons (base64); ptr NULL for the others */
};

/* The whole field is one item. */
MUST_USE enum err sfield_item(struct slice field, struct sfield *ret);
/* The member `key` of a dictionary; of several the last, as the specification says. ERR_NOT_FOUND when there is none. */
MUST_USE enum err sfield_member(struct slice field, struct slice key, struct sfield *ret);
/* Appends the bytes of a SFIELD_BYTES to *out. ERR_INVALID when it is something else, or its base64 is wrong. */
MUST_USE enum err sfield_bytes(const struct sfield *f, struct buf *out);

/* An item of the type asked for: false otherwise, and then the field counts as absent. An absent one (ptr NULL) is absent. */
bool sfield_is_boolean(struct slice field, bool *ret);
/* Not negative. */
bool sfield_is_u64(struct slice field, uint64_t *ret);

#endif
