/* download: sending content with everything a client may ask of it: ranges, conditions, HEAD, names. */
#ifndef SEALDROP_API_DOWNLOAD_H
#define SEALDROP_API_DOWNLOAD_H

#include "api/api.h"
#include "core/link/link.h"
#include "core/reader.h"

struct representation {
    uint64_t size;
    struct slice etag; /* with quotes; strong */
    struct slice type;
    struct slice name;   /* for Content-Disposition; empty: none */
    struct slice sha256; /* empty: not known */
    int64_t modified_at; /* 0: not told */
    bool immutable;      /* may be kept by caches for ever */
    /* Opens [first, first + length). Takes nothing over on error. */
    enum err (*open)(struct call *q, void *arg, uint64_t first, uint64_t length, struct reader **ret);
    void (*drop)(void *arg); /* frees what was not opened; harmless after open. May be NULL */
    void *arg;
    const char *object_type; /* for the audit records: "file", "link" */
    struct id object_id;
    bool quiet_start; /* sealed bytes: the release of their key is on record already */
    /* Links: called before the first byte, once it is clear that bytes will go out. NULL: nothing is counted. */
    enum err (*count)(struct call *q, void *arg, struct grant *ret);
    bool release; /* a failed attempt is given back at once */
};
/* Calls drop, whatever happens. */
MUST_USE enum err send_content(struct call *q, const struct representation *content);

/* Finds what the request means and sends it; finds it once more when it was replaced between the two. */
typedef enum err find_fn(struct call *q, struct representation *ret);
MUST_USE enum err send_found(struct call *q, find_fn *find);

/* A file as plaintext, or as it is stored. */
MUST_USE enum err content_plain(struct call *q, const struct file *f, struct representation *ret);
MUST_USE enum err content_sealed(struct call *q, const struct file *f, struct representation *ret);
/* An archive, as a ZIP of this name. Owns it from here on, also on error. */
MUST_USE enum err content_archive(struct call *q, struct archive *archive, struct slice name, struct representation *ret);

#endif
