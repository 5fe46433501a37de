/* sealdropd: the table of subcommands. */
#include "base/limits.h"
#include "base/mem.h"
#include "cmd/server/commands.h"
#include "os/proc.h"

static const char usage[] =
    "sealdropd " SEALDROP_VERSION ": the Sealdrop server\n"
    "\n"
    "  sealdropd serve [--config FILE] [--data DIR] [--listen ADDR:PORT]...\n"
    "  sealdropd admin create EMAIL [--role admin|user|guest] [--name NAME] --password-stdin\n"
    "  sealdropd admin list\n"
    "  sealdropd admin role EMAIL admin|user|guest\n"
    "  sealdropd admin email EMAIL NEW\n"
    "  sealdropd admin password EMAIL --password-stdin\n"
    "  sealdropd admin suspend | unsuspend | reset-mfa EMAIL\n"
    "  sealdropd admin import-users FILE\n"
    "  sealdropd admin invite EMAIL [--role admin|user|guest]\n"
    "  sealdropd keys show | new\n"
    "  sealdropd doctor\n"
    "  sealdropd config --example\n"
    "  sealdropd openapi\n"
    "  sealdropd --version | help\n"
    "\n"
    "All but the last three take --config and --data.\n";

static enum err print_usage(struct ctx *c, struct args *a)
{
    (void)c;
    (void)a;
    fputs(usage, stdout);
    return ERR_OK;
}

static enum err print_version(struct ctx *c, struct args *a)
{
    (void)c;
    (void)a;
    puts("sealdropd " SEALDROP_VERSION);
    return ERR_OK;
}

static const struct {
    const char *name;
    command_fn *fn;
} commands[] = {
    {"serve", command_serve},   {"admin", command_admin},     {"keys", command_keys},
    {"doctor", command_doctor}, {"config", command_config},   {"openapi", command_openapi},
    {"help", print_usage},      {"--help", print_usage},      {"-h", print_usage},
    {"version", print_version}, {"--version", print_version},
};

static enum err run(struct ctx *c, struct args *a)
{
    if (a->n == 0) {
        fputs(usage, stderr);
        return refuse(c, ERR_INVALID, "usage", "A subcommand is needed.");
    }
    struct args rest = {a->n - 1, a->v + 1};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(a->v[0], commands[i].name) == 0) return commands[i].fn(c, &rest);
    return refuse(c, ERR_INVALID, "usage", "There is no subcommand \"%s\". See: sealdropd help", a->v[0]);
}

static void print_error(const struct ctx *c, enum err e)
{
    bool told = c->err == e && c->err_detail[0];
    fprintf(stderr, "sealdropd: %s\n", told ? c->err_detail : err_text(e));
    for (size_t i = 0; i < c->field_error_count; i++)
        fprintf(stderr, "  " SLICE_FMT " " SLICE_FMT "\n", SLICE_ARG(c->field_errors[i].field),
                SLICE_ARG(c->field_errors[i].message));
}

int main(int argc, char **argv)
{
    CLEANUP(ctx_done) struct ctx c;
    struct args a = {argc - 1, argv + 1};
    proc_harden();
    mem_return_large();
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    enum err e = run(&c, &a);
    if (e != ERR_OK) print_error(&c, e);
    return err_exit_code(e);
}
