/* loopback: the whole product in this process, without sockets. A test sends requests to the very functions that net/ would call
 * (plan, then call, or open and a sink), in the same order, and gets the answer as a struct.
 *
 * Every answer is checked here, once for all tests: problems (4xx, 5xx) are problem+json with code, status and the request id of
 * the header; JSON of success decodes strictly by the table of its route; the security headers are there; a body has the length
 * that was announced. What is wrong fails the running test.
 *
 * The backends come from SEALDROP_LOOP: memory (SQLite and blobs in memory), files (SQLite file, blob files), postgres (a schema of
 * its own on the server SEALDROP_TEST_POSTGRES, blob files). With SEALDROP_LOOP_LOG=1 the log goes to standard error.
 * Time stands still until loop_advance moves it.
 * Nothing here goes through mem.h, so that allocation faults hit the product only. Requests may run on several threads. */
#ifndef SEALDROP_TESTS_INTEGRATION_LOOPBACK_H
#define SEALDROP_TESTS_INTEGRATION_LOOPBACK_H

#include "api/api.h"
#include "base/intmath.h"
#include "lib/test.h"

#define LOOP_SETUP_TOKEN "the-setup-token-of-this-test"
#define LOOP_PASSWORD "correct horse battery"
#define LOOP_URL "https://drop.example:8443"

enum loop_backend { LOOP_MEMORY, LOOP_FILES, LOOP_POSTGRES };

/* One node. Fields are for reading, and `cfg` for changing before loop_reopen. */
struct loop {
    enum loop_backend backend;
    const char *dir; /* root.key, sealdrop.db, blobs/ */
    char postgres_url[512];
    char schema[32];
    bool guest;      /* a second node: data and blob store are the first one's */
    bool lenient;    /* tests of faults: answers may be bare, and are checked by who sent the request */
    struct app_config cfg;
    struct app_backends be;
    struct app *app;
    struct api *api;
    struct http_app http;
};

/* From the environment; LOOP_MEMORY when it is not set. */
enum loop_backend loop_chosen(void);
/* True when the backend is not to be had here (no PostgreSQL); says so, and fails the test where it is required. */
bool loop_missing(void);
/* A fresh product, at the present time. Errors end the test (test_failed), and l is then harmless to close. */
void loop_open(struct loop *l);
/* Another node on the same database and blobs; only where the data is not in memory. */
void loop_open_beside(struct loop *l, const struct loop *first);
/* As after a restart: app and backends closed and opened again on the same data. Blobs and database in memory stay. */
void loop_reopen(struct loop *l);
/* The fault wrappers (db_fault_set, blob_fault_set) around the backends, under the same application and data. */
void loop_faulty(struct loop *l);
/* Closes all and drops the data. */
void loop_close(struct loop *l);
bool loop_durable(const struct loop *l);

/* ---- time: both clocks, for all nodes ---- */
int64_t loop_now_ms(void);
void loop_advance(int64_t ms);

/* ---- requests ---- */

#define LOOP_HEADERS 8
struct loop_request {
    const char *method; /* NULL: GET, or POST when there is a body */
    const char *target; /* path?query */
    const char *bearer; /* access token; NULL: none */
    const char *ticket; /* of a link; NULL: none */
    const char *json;   /* a body with its content-type */
    const char *type;   /* content-type of `body` */
    struct slice body;
    struct http_header headers[LOOP_HEADERS]; /* names in lower case; the first without a name ends them */
    const char *peer;   /* NULL: 127.0.0.1 */
    bool deaf;          /* a client that takes no interim answers */
    bool no_length;     /* the length of the body is not told */
    size_t piece;       /* bytes of one write to a sink; 0: 64 KiB */
    bool cut;           /* the connection breaks after `cut_after` bytes of the body (streams) */
    size_t cut_after;
    size_t read_cap;    /* of one read of a source; 0: 256 KiB */
    bool workers_only;  /* the source's read_now is never asked, as when the I/O thread is behind */
    bool stop;          /* the client takes only `stop_after` bytes of the answer */
    uint64_t stop_after;
};

struct loop_answer {
    int status; /* 0: none (cut) */
    struct http_header headers[40];
    size_t header_count;
    char *body;
    size_t len;
    uint64_t length;      /* announced; HTTP_LENGTH_UNKNOWN when not */
    enum err read_err;    /* the body ended in this error */
    const struct route *route;
    const char *told;     /* the interim answers before it: "104;location=…;upload-limit=…|104;upload-offset=…|" */
    struct json_node *json; /* parsed on first use */
    char *text;           /* owner of what headers point to */
};
void loop_answer_done(struct loop_answer *a);
#define ANSWER CLEANUP(loop_answer_done) struct loop_answer

/* One request from beginning to end. *ret is overwritten; give it to loop_answer_done. */
void loop_send(struct loop *l, const struct loop_request *r, struct loop_answer *ret);
/* LOOP(&l, &a, .target = "/health"); a must be zeroed or hold an answer, which is dropped. */
#define LOOP(l, a, ...) loop_next((l), &(struct loop_request){__VA_ARGS__}, (a))
void loop_next(struct loop *l, const struct loop_request *r, struct loop_answer *a);

/* The same in steps, for tests that interleave. Begin; when `waiting` the body goes in with loop_put; loop_answer ends the body
 * and gets the head; loop_take reads up to n bytes of the body; loop_end always, once. */
struct loop_exchange;
struct loop_exchange *loop_begin(struct loop *l, const struct loop_request *r);
bool loop_waiting(const struct loop_exchange *x);
/* What the sink said; after an error only loop_finish may follow. */
enum err loop_put(struct loop_exchange *x, const void *p, size_t n);
void loop_finish(struct loop_exchange *x, struct loop_answer *a);
/* The connection breaks. */
void loop_abort(struct loop_exchange *x);
/* False at the end of the body or on an error of the source (a->read_err). */
bool loop_take(struct loop_exchange *x, struct loop_answer *a, size_t n);
/* `complete`: the client has all of it. */
void loop_end(struct loop_exchange *x, struct loop_answer *a, bool complete);

/* ---- answers ---- */

struct slice loop_header(const struct loop_answer *a, const char *name); /* ptr NULL: absent */
static inline struct slice loop_body(const struct loop_answer *a) { return slice_of(a->body ? a->body : "", a->len); }
/* Members of the JSON by path: "file.id", "items.0.name". Text is a copy that lives long (loop_text); "" when absent. */
const char *loop_str(struct loop_answer *a, const char *path);
int64_t loop_num(struct loop_answer *a, const char *path); /* -1 when it is not a number */
size_t loop_count(struct loop_answer *a, const char *path); /* items of a list */
bool loop_is_null(struct loop_answer *a, const char *path); /* absent or null */
bool loop_true(struct loop_answer *a, const char *path);
/* The body for a message: its beginning, when it is text. */
const char *loop_shown(const struct loop_answer *a);
/* Formatted text that lives until the end of the test program. */
const char *loop_text(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* A JSON string with its quotes. */
const char *loop_quote(struct slice s);

#define CHECK_STATUS(a, want)                                                                                          \
    do {                                                                                                               \
        if ((a)->status != (want)) {                                                                                   \
            test_fail(__FILE__, __LINE__, "status %d, wanted %d: %s", (a)->status, (want), loop_shown(a));              \
            return;                                                                                                    \
        }                                                                                                              \
    } while (0)
#define CHECK_PROBLEM(a, want, want_code)                                                                              \
    do {                                                                                                               \
        CHECK_STATUS(a, want);                                                                                         \
        CHECK_SLICE(slice_cstr(loop_str((a), "code")), slice_cstr(want_code));                                         \
    } while (0)
#define CHECK_STR(a, path, want) CHECK_SLICE(slice_cstr(loop_str((a), (path))), slice_cstr(want))
/* After a helper that checks inside. */
#define CHECK_FINE()                                                                                                   \
    do {                                                                                                               \
        if (test_failed()) return;                                                                                     \
    } while (0)

/* ---- what many tests begin with; errors fail the test ---- */

/* A new folder, and a new file in a folder of that path: their ids. The status alone of what is asked. */
const char *loop_folder(struct loop *l, const char *bearer, const char *path);
const char *loop_file_in(struct loop *l, const char *bearer, const char *folder, const char *name, const char *content);
int loop_status(struct loop *l, const char *bearer, const char *method, const char *target, const char *json);

/* Makes an account without the API (as `sealdropd admin create` does) and signs it in; the access token. */
const char *loop_user(struct loop *l, const char *email, enum role role);
/* Signs in; gives the answer's tokens. */
const char *loop_sign_in(struct loop *l, const char *email, const char *password, const char **ret_refresh);
/* Bytes that tell their place, n of them, into p. */
void loop_pattern(void *p, size_t n, uint64_t seed);
/* Uploads in parts (of part_size; 0: one chosen by the server) and completes; the file id. */
const char *loop_upload(struct loop *l, const char *bearer, const char *name, struct slice content, uint64_t part_size);
/* A small file in one request. */
const char *loop_file(struct loop *l, const char *bearer, const char *name, struct slice content);
/* A new version of a file in one request; its number. */
int64_t loop_version(struct loop *l, const char *bearer, const char *file, struct slice content);
/* Makes a transfer of up to 8 files (ids separated by blanks) with further members of the JSON object ("" or ",\"title\":…"). */
const char *loop_transfer(struct loop *l, const char *bearer, const char *file_ids, const char *more);
/* Makes a link with the members of `json` ("{}"); its token. */
const char *loop_share(struct loop *l, const char *bearer, const char *transfer, const char *json);
/* upload + transfer + link of one file. */
const char *loop_link(struct loop *l, const char *bearer, struct slice content, const char *json);
/* Runs background jobs until none is due. */
void loop_jobs(struct loop *l);
/* Blobs in the store, begun ones too. */
size_t loop_blobs(struct loop *l);
/* True when some file under the directory holds `needle` (in its first 2 MiB). */
bool loop_disk_has(const char *dir, struct slice needle);
/* In n threads at once: fn(arg, i). */
void loop_parallel(unsigned n, void (*fn)(void *arg, unsigned i), void *arg);

#endif
