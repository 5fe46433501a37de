/* ini: a reader of configuration text, line by line, without memory of its own.
 *
 *   # comment          also ';'; at the start of a line only
 *   key = value        before any section: section is empty
 *   [section]
 *   key = " value "    quotes keep blanks; there are no escapes
 *
 *     struct ini p; struct ini_line l; enum err e;
 *     ini_init(&p, text);
 *     while ((e = ini_next(&p, &l)) == ERR_OK) …
 */
#ifndef SEALDROP_CODEC_INI_H
#define SEALDROP_CODEC_INI_H

#include "base/err.h"
#include "base/slice.h"

struct ini_line {
    struct slice section, key, value; /* into the text */
    unsigned line;                    /* from 1 */
};

struct ini {
    struct slice rest;
    struct slice section;
    unsigned line; /* of the last line read: where ERR_INVALID arose */
};

void ini_init(struct ini *p, struct slice text);
/* The next key. ERR_NOT_FOUND at the end. ERR_INVALID for a line that is none of the above, a key with other characters than
 * letters, digits, '_', '-' and '.', control characters, or text that is not UTF-8. LF or CRLF; a byte order mark is skipped. */
MUST_USE enum err ini_next(struct ini *p, struct ini_line *ret);

#endif
