/* upload: files and folders into the library, without a link. */
#include "base/limits.h"
#include "cmd/cli/library.h"
#include "cmd/cli/send.h"
#include "codec/name.h"
#include "codec/text.h"

static const struct arg_option opt_folder = {"folder", 0, ARG_TEXT, offsetof(struct options, folder), "PATH",
                                             "the folder of the library to put them in; made when missing (default /)"};
static const struct arg_option opt_name = {"name", 'n', ARG_TEXT, offsetof(struct options, name), "NAME",
                                           "what the file is called there (one file, or -)"};
static const struct arg_option opt_version_of = {"version-of", 0, ARG_TEXT, offsetof(struct options, version_of), "FILE",
                                                 "the one file becomes a new version of FILE (an id or a path of the library)"};
static const struct arg_option opt_fresh = {"fresh", 0, ARG_FLAG, offsetof(struct options, fresh), NULL,
                                            "forget an interrupted upload of the same paths"};
static const struct arg_option *const upload_options[] = {&opt_folder, &opt_name, &opt_version_of, &opt_fresh,
                                                          &opt_json,   &opt_quiet, &opt_progress};

static void close_state(struct send_state *s) { send_state_close(s); }

static enum err open_state(struct app *a, const struct library *l, const struct walk *w, struct send_state *ret)
{
    struct sha256 key;
    struct slice account = {0};
    const char *path = NULL;
    if (send_from_stdin(a)) return send_state_none(a->c, w, ret);
    /* The same paths into another folder, or as another file's version, are another upload. */
    TRY(arena_printf(&a->c->arena, &account, SLICE_FMT " %s %s", SLICE_ARG(l->session.account.email), a->opt.folder ? a->opt.folder : "/",
                     a->opt.version_of ? a->opt.version_of : ""));
    TRY(send_state_key(slice_cstr(l->session.server.origin), account, w, &key));
    TRY(home_state_path(a->c, &a->home, "upload-", &key, &path));
    return send_state_open(a->c, path, a->opt.fresh, w, ret);
}

static enum err aim(struct library *l, const struct walk *w, struct send_state *state)
{
    struct app *a = l->app;
    struct wire_item item = {0};
    const char *folder = a->opt.folder ? a->opt.folder : "/";
    if (!a->opt.version_of) {
        if (folder[0] != '/') return refuse(a->c, ERR_INVALID, "usage", "a folder of the library begins with /: --folder /%s", folder);
        state->folder = slice_cstr(folder);
        return ERR_OK;
    }
    if (a->opt.folder) return refuse(a->c, ERR_INVALID, "usage", "--version-of goes without --folder: the file stays where it is");
    if (w->count != 1) return refuse(a->c, ERR_INVALID, "usage", "--version-of is for one file; this is %zu", w->count);
    TRY(library_find(l, a->opt.version_of, &item));
    state->version_of = (struct opt_id){true, item.id};
    return ERR_OK;
}

static enum err print_json(struct buf *out, const struct send_state *state, uint64_t bytes)
{
    TRY(buf_put_cstr(out, "{\"folder\":"));
    TRY(state->folder.ptr ? json_put_string(out, state->folder) : buf_put_cstr(out, "null"));
    TRY(buf_printf(out, ",\"bytes\":%llu,", (unsigned long long)bytes));
    return send_put_files(out, state, bytes);
}

static enum err print_people(struct buf *out, const struct send_state *state, uint64_t bytes)
{
    TRY(buf_printf(out, "Uploaded: %zu %s, ", state->count, state->count == 1 ? "file" : "files"));
    TRY(size_print(out, bytes));
    if (state->folder.ptr) TRY(buf_printf(out, ", to " SLICE_FMT, SLICE_ARG(state->folder)));
    return buf_put_cstr(out, state->version_of.set ? ", as a new version\n" : "\n");
}

/* For programs: a line a file. */
static enum err print_lines(struct buf *out, const struct send_state *state)
{
    char id[ID_TEXT_LEN + 1];
    for (size_t i = 0; i < state->count; i++) {
        id_text(state->files[i].file_id, id);
        TRY(buf_printf(out, "%s  " SLICE_FMT "\n", id, SLICE_ARG(state->files[i].file->name)));
    }
    return ERR_OK;
}

static enum err show(struct app *a, const struct send_state *state, uint64_t bytes)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(16 * MIB);
    if (a->opt.json)
        TRY(print_json(&text, state, bytes));
    else if (a->stdout_tty && !a->opt.quiet)
        TRY(print_people(&text, state, bytes));
    else
        TRY(print_lines(&text, state));
    return app_print(a, &text);
}

static enum err run_upload(struct app *a)
{
    CLEANUP(library_done) struct library l = {0};
    CLEANUP(close_state) struct send_state state = {0};
    struct walk walk = {0};
    TRY(send_find_files(a, &walk));
    TRY(library_open(a, &l));
    TRY(open_state(a, &l, &walk, &state));
    TRY(aim(&l, &walk, &state));
    uint64_t bytes = walk.bytes;
    TRY(send_all(a, &l.session, &state, &bytes));
    /* A new version keeps the id of its file. */
    if (state.version_of.set) state.files[0].file_id = state.version_of.v;
    TRY(show(a, &state, bytes));
    send_state_remove(&state);
    return ERR_OK;
}

const struct arg_command cmd_upload = {
    "upload", "PATH…", 1, LIMIT_TRANSFER_FILES, "Put files and folders into your library.",
    "Folders keep their structure. Interrupted, the same command goes on where it was. `sealdrop upload - --name NAME` takes\n"
    "standard input.\n",
    upload_options, sizeof upload_options / sizeof upload_options[0], run_upload};
