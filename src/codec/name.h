/* name: the names people give to files, as they come in, go out in a header field, and reach a client's disk.
 *
 * A name is one path segment; a path is relative, its segments joined by '/'. */
#ifndef SEALDROP_CODEC_NAME_H
#define SEALDROP_CODEC_NAME_H

#include "base/arena.h"
#include "base/buf.h"

#define NAME_PATH_DEPTH 64

/* ERR_INVALID unless s is UTF-8 of 1..LIMIT_NAME_BYTES bytes without deceptive characters (utf8.h), '/' and '\', has no space at
 * either end and no dot at its end (Windows drops both, so "." and ".." too), and is no device of Windows (CON, nul.txt). A name may
 * begin with '.' or '-' and may have several extensions. */
MUST_USE enum err name_check(struct slice name);
/* Each segment passes name_check, none is empty; at most LIMIT_PATH_BYTES in all and NAME_PATH_DEPTH segments. */
MUST_USE enum err path_check(struct slice path);
/* Appends the value of a Content-Disposition field (RFC 6266): a plain ASCII filename, and filename* (RFC 8187) when that is
 * not the whole truth. Works for any bytes: what no name may hold becomes '_'. An empty name is left out. */
MUST_USE enum err disposition_write(struct buf *out, bool attachment, struct slice name);
/* A path from a server, before it is written to a disk: checked again; with `windows`, characters that Windows refuses are
 * replaced. Two paths may become one: the caller's rule for existing files holds. */
MUST_USE enum err name_safe_local(struct arena *a, struct slice path, bool windows,
                                  struct slice *ret);

#endif
