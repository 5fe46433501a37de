/* Command lines by tables: parsing, help and suggestions. Knows no command. */
#include "cmd/cli/args.h"

#include "base/assert.h"
#include "base/intmath.h"
#include "base/limits.h"
#include "codec/text.h"

#define WORD_MAX 32

/* Edit distance of two short words; WORD_MAX when one is too long to compare. */
static size_t distance(struct slice a, struct slice b)
{
    size_t row[WORD_MAX];
    if (a.len >= WORD_MAX || b.len >= WORD_MAX) return WORD_MAX;
    for (size_t j = 0; j <= b.len; j++) row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t up = row[j];
            size_t change = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);
            row[j] = MIN(change, MIN(up, row[j - 1]) + 1);
            diagonal = up;
        }
    }
    return row[b.len];
}

struct nearest {
    struct slice wanted;
    const char *name;
    size_t distance;
};

static void nearest_try(struct nearest *n, const char *name)
{
    struct slice s = slice_cstr(name);
    size_t d = slice_starts(s, n->wanted) && n->wanted.len >= 2 ? 1 : distance(n->wanted, s);
    if (d < n->distance) *n = (struct nearest){n->wanted, name, d};
}

static enum err say(struct buf *problem, const char *fmt, ...) PRINTF_LIKE(2, 3);
static enum err say(struct buf *problem, const char *fmt, ...)
{
    va_list args;
    buf_reset(problem);
    va_start(args, fmt);
    err_ignore(buf_vprintf(problem, fmt, args), "a shorter sentence still is one");
    va_end(args);
    return ERR_INVALID;
}

static enum err unknown_option(const struct arg_command *cmd, struct slice name, struct buf *problem)
{
    struct nearest n = {name, NULL, 3};
    for (size_t i = 0; i < cmd->option_count; i++) nearest_try(&n, cmd->options[i]->name);
    if (n.name)
        return say(problem, "unknown option --" SLICE_FMT " for %s; did you mean --%s?", SLICE_ARG(name), cmd->name,
                   n.name);
    return say(problem, "unknown option --" SLICE_FMT " for %s; see: sealdrop help %s", SLICE_ARG(name), cmd->name,
               cmd->name);
}

static enum err store(const struct arg_option *o, const char *value, void *values, struct buf *problem)
{
    char *place = (char *)values + o->offset;
    struct arg_number number = {.set = true};
    switch (o->kind) {
    case ARG_FLAG: memcpy(place, &(bool){true}, sizeof(bool)); return ERR_OK;
    case ARG_TEXT: memcpy(place, &value, sizeof value); return ERR_OK;
    case ARG_COUNT:
        if (slice_u64(slice_cstr(value), UINT32_MAX, &number.v) != ERR_OK || number.v == 0)
            return say(problem, "--%s wants a number from 1 up, not \"%s\"", o->name, value);
        break;
    case ARG_DURATION:
        if (duration_parse(slice_cstr(value), &number.v) != ERR_OK || number.v == 0 || number.v > LIMIT_EXPIRES_S)
            return say(problem, "--%s wants a time like 90s, 10m, 36h, 3d or 2w (at most ten years), not \"%s\"", o->name,
                       value);
        break;
    }
    memcpy(place, &number, sizeof number);
    return ERR_OK;
}

struct cursor {
    const struct arg_command *cmd;
    int argc, at;
    const char *const *argv;
    void *values;
    struct buf *problem;
};

static enum err long_option(struct cursor *k, const char *arg)
{
    struct slice rest = slice_cstr(arg + 2);
    bool has_value = slice_find(rest, '=') < rest.len;
    struct slice name = slice_cut(&rest, '=');
    for (size_t i = 0; i < k->cmd->option_count; i++) {
        const struct arg_option *o = k->cmd->options[i];
        if (!slice_eq(name, slice_cstr(o->name))) continue;
        if (o->kind == ARG_FLAG && has_value)
            /* A secret typed here would be in the process list and the shell's history. */
            return say(k->problem, "--%s takes no value on the command line", o->name);
        if (o->kind == ARG_FLAG) return store(o, NULL, k->values, k->problem);
        if (has_value) return store(o, rest.ptr, k->values, k->problem);
        if (k->at == k->argc) return say(k->problem, "--%s wants a value (%s)", o->name, o->value);
        return store(o, k->argv[k->at++], k->values, k->problem);
    }
    return unknown_option(k->cmd, name, k->problem);
}

static const struct arg_option *by_letter(const struct arg_command *cmd, char letter)
{
    for (size_t i = 0; i < cmd->option_count; i++)
        if (cmd->options[i]->letter == letter) return cmd->options[i];
    return NULL;
}

static enum err short_options(struct cursor *k, const char *arg)
{
    for (const char *p = arg + 1; *p; p++) {
        const struct arg_option *o = by_letter(k->cmd, *p);
        if (!o) return say(k->problem, "unknown option -%c for %s; see: sealdrop help %s", *p, k->cmd->name, k->cmd->name);
        if (o->kind == ARG_FLAG) {
            TRY(store(o, NULL, k->values, k->problem));
            continue;
        }
        if (p[1]) return store(o, p + 1, k->values, k->problem);
        if (k->at == k->argc) return say(k->problem, "-%c wants a value (%s)", *p, o->value);
        return store(o, k->argv[k->at++], k->values, k->problem);
    }
    return ERR_OK;
}

enum err args_parse(const struct arg_command *cmd, int argc, const char *const *argv, void *values, const char **operands,
                    size_t *ret_count, struct buf *problem)
{
    struct cursor k = {cmd, argc, 0, argv, values, problem};
    size_t count = 0;
    bool options_over = false;
    while (k.at < argc) {
        const char *arg = argv[k.at++];
        if (options_over || arg[0] != '-' || arg[1] == '\0')
            operands[count++] = arg;
        else if (strcmp(arg, "--") == 0)
            options_over = true;
        else if (arg[1] == '-')
            TRY(long_option(&k, arg));
        else
            TRY(short_options(&k, arg));
    }
    if (count < cmd->operands_min)
        return say(problem, "%s wants %s; see: sealdrop help %s", cmd->name, cmd->operands, cmd->name);
    if (count > cmd->operands_max)
        return say(problem, "%s: too many arguments (from \"%s\" on); see: sealdrop help %s", cmd->name,
                   operands[cmd->operands_max], cmd->name);
    *ret_count = count;
    return ERR_OK;
}

const struct arg_command *args_command(const struct arg_command *const *all, size_t n, const char *name,
                                       struct buf *problem)
{
    struct nearest near = {slice_cstr(name), NULL, 3};
    for (size_t i = 0; i < n; i++) {
        if (strcmp(all[i]->name, name) == 0) return all[i];
        nearest_try(&near, all[i]->name);
    }
    if (near.name)
        err_ignore(say(problem, "unknown command \"%s\"; did you mean \"%s\"?", name, near.name), "the result is NULL");
    else
        err_ignore(say(problem, "unknown command \"%s\"; see: sealdrop help", name), "the result is NULL");
    return NULL;
}

enum err args_help(struct buf *out, const struct arg_command *cmd)
{
    TRY(buf_printf(out, "%s\n\nUsage: sealdrop %s%s%s%s%s\n", cmd->summary, cmd->name, cmd->operands[0] ? " " : "",
                   cmd->operands, cmd->option_count ? " [options]" : "", ""));
    if (cmd->option_count) TRY(buf_put_cstr(out, "\nOptions:\n"));
    for (size_t i = 0; i < cmd->option_count; i++) {
        const struct arg_option *o = cmd->options[i];
        char left[64];
        snprintf(left, sizeof left, "%c%c%c--%s%s%s", o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
                 o->letter ? ',' : ' ', o->name, o->value ? " " : "", o->value ? o->value : "");
        TRY(buf_printf(out, "  %-32s %s\n", left, o->doc));
    }
    return cmd->details ? buf_printf(out, "\n%s", cmd->details) : ERR_OK;
}

enum err args_overview(struct buf *out, const struct arg_command *const *all, size_t n)
{
    TRY(buf_put_cstr(out, "sealdrop: send and fetch files through a Sealdrop server, sealed.\n\n"
                          "Usage: sealdrop COMMAND [options] [arguments]\n\nCommands:\n"));
    for (size_t i = 0; i < n; i++) TRY(buf_printf(out, "  %-9s %s\n", all[i]->name, all[i]->summary));
    return buf_put_cstr(out, "\n`sealdrop help COMMAND` tells more.\n\n"
                             "Exit status: 0 done, 1 other failure, 2 wrong usage, 3 not allowed or not signed in,\n"
                             "4 not found or gone, 5 too large or no space, 6 network (try again), 7 does not verify.\n");
}
