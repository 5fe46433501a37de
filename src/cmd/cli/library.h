/* library: the account's own files and folders, found by id or by path ("/reports/may.pdf"; a name alone lies in the root). */
#ifndef SEALDROP_CMD_CLI_LIBRARY_H
#define SEALDROP_CMD_CLI_LIBRARY_H

#include "cmd/cli/session.h"

/* Signed in, with a client for calls. */
struct library {
    struct app *app;
    struct session session;
    struct client *client;
};
MUST_USE enum err library_open(struct app *a, struct library *ret);
/* For CLEANUP; harmless on a zeroed one. */
void library_done(struct library *l);
/* api_call as the account, with patience. */
MUST_USE enum err library_call(struct library *l, struct call *call);

/* Each file of GET /files?QUERY (values are percent-encoded already), over all pages, until fn gives an error, which is passed up. */
typedef enum err library_file_fn(void *arg, const struct wire_item *item);
MUST_USE enum err library_each(struct library *l, const char *query, library_file_fn *fn, void *arg);
/* The folders directly in the one at `path`. */
typedef enum err library_folder_fn(void *arg, const struct wire_folder *folder);
MUST_USE enum err library_each_folder(struct library *l, struct slice path, library_folder_fn *fn, void *arg);
/* All versions of a file, newest first, as one page. */
MUST_USE enum err library_versions(struct library *l, const struct id *file, struct wire_version_page *ret);
/* "/a/b/c" → "/a/b" and "c". "c" → "/" and "c". */
void library_split(struct slice path, struct slice *ret_folder, struct slice *ret_name);
/* A file by id or path. ERR_NOT_FOUND, or ERR_CONFLICT when several have this path; in words. */
MUST_USE enum err library_find(struct library *l, const char *what, struct wire_item *ret);
/* A folder by path; the root is found always, with a zero id. ERR_NOT_FOUND without words. */
MUST_USE enum err library_find_folder(struct library *l, struct slice path, struct wire_folder *ret);

#endif
