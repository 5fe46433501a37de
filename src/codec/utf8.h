/* utf8: the one place that knows UTF-8 and Unicode normal forms (through utf8proc).
 *
 * Valid means RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef SEALDROP_CODEC_UTF8_H
#define SEALDROP_CODEC_UTF8_H

#include "base/arena.h"

bool utf8_valid(struct slice s);
/* Length (1..4) of the valid sequence that begins s, its code point in *ret; 0 when there is none. */
size_t utf8_step(struct slice s, uint32_t *ret);
/* Characters that hide or reorder what people read: controls (C0, DEL, C1), line and paragraph separators, bidirectional
 * overrides and isolates. No name may hold one. */
bool utf8_is_deceptive(uint32_t code_point);
/* How many of the first max bytes hold whole code points: where to cut valid text. */
size_t utf8_cut(struct slice s, size_t max);

/* Normal forms C and KC, in the arena. ERR_INVALID when s is not UTF-8; ERR_NOMEM when the arena is full. */
MUST_USE enum err utf8_nfc(struct arena *a, struct slice s, struct slice *ret);
MUST_USE enum err utf8_nfkc(struct arena *a, struct slice s, struct slice *ret);
/* NFKC, case-folded, invisible characters dropped: two texts a person takes for the same give the same bytes. For comparing
 * e-mail addresses and for search; not for showing. */
MUST_USE enum err utf8_fold(struct arena *a, struct slice s, struct slice *ret);
/* The same without accents and other marks: what is searched in, and what is searched for. */
MUST_USE enum err utf8_fold_bare(struct arena *a, struct slice s, struct slice *ret);

#endif
