/* args: options, operands, refusals that name what is wrong, help; names: numbering and terminal safety. */
#include "cmd/cli/args.h"

#include "base/intmath.h"
#include "cmd/cli/names.h"
#include "lib/test.h"

struct values {
    bool json, ask;
    const char *name;
    struct arg_number count, time;
};
static const struct arg_option o_json = {"json", 0, ARG_FLAG, offsetof(struct values, json), NULL, "as JSON"};
static const struct arg_option o_ask = {"password", 'p', ARG_FLAG, offsetof(struct values, ask), NULL, "ask"};
static const struct arg_option o_name = {"name", 'n', ARG_TEXT, offsetof(struct values, name), "NAME", "called"};
static const struct arg_option o_count = {"downloads", 'd', ARG_COUNT, offsetof(struct values, count), "N", "times"};
static const struct arg_option o_time = {"expires", 'x', ARG_DURATION, offsetof(struct values, time), "TIME", "ends"};
static const struct arg_option *const options[] = {&o_json, &o_ask, &o_name, &o_count, &o_time};
static const struct arg_command cmd = {"send", "PATH…", 1, 2, "Send.", "More.\n", options, 5, NULL};
static const struct arg_command other = {"revoke", "LINK", 1, 1, "Revoke.", NULL, NULL, 0, NULL};
static const struct arg_command *const commands[] = {&cmd, &other};

static enum err parse(const char *const *argv, struct values *v, const char **operands, size_t *n, struct buf *problem)
{
    int argc = 0;
    while (argv[argc]) argc++;
    *v = (struct values){0};
    *n = 0;
    return args_parse(&cmd, argc, argv, v, operands, n, problem);
}
#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL}, &v, operands, &n, &problem)

TEST(args_all_forms)
{
    CLEANUP(buf_done) struct buf problem = BUF_INIT(1024);
    const char *operands[16];
    struct values v;
    size_t n;
    CHECK_OK(PARSE("a", "--json", "--name", "x y", "-d", "5", "--expires=3d", "b"));
    CHECK(v.json && !v.ask && strcmp(v.name, "x y") == 0 && v.count.set && v.count.v == 5 && v.time.v == 259200);
    CHECK(n == 2 && strcmp(operands[0], "a") == 0 && strcmp(operands[1], "b") == 0);
    CHECK_OK(PARSE("-pnfoo", "-"));
    CHECK(v.ask && strcmp(v.name, "foo") == 0 && strcmp(operands[0], "-") == 0);
    CHECK_OK(PARSE("--name=", "a"));
    CHECK(v.name && v.name[0] == '\0');
    CHECK_OK(PARSE("--", "--json", "-p"));
    CHECK(!v.json && !v.ask && n == 2 && strcmp(operands[0], "--json") == 0);
}

TEST(args_refusals_say_what)
{
    CLEANUP(buf_done) struct buf problem = BUF_INIT(1024);
    const char *operands[16];
    struct values v;
    size_t n;
    CHECK_ERR(PARSE("--expire", "3d", "a"), ERR_INVALID);
    CHECK_SLICE(buf_view(&problem), SLICE("unknown option --expire for send; did you mean --expires?"));
    CHECK_ERR(PARSE("--zzzzzzzz", "a"), ERR_INVALID);
    CHECK_SLICE(buf_view(&problem), SLICE("unknown option --zzzzzzzz for send; see: sealdrop help send"));
    CHECK_ERR(PARSE("-y", "a"), ERR_INVALID);
    CHECK_ERR(PARSE("a", "--name"), ERR_INVALID);
    CHECK_SLICE(buf_view(&problem), SLICE("--name wants a value (NAME)"));
    CHECK_ERR(PARSE("a", "-n"), ERR_INVALID);
    /* A secret must not even be accepted by mistake. */
    CHECK_ERR(PARSE("--password=secret", "a"), ERR_INVALID);
    CHECK_SLICE(buf_view(&problem), SLICE("--password takes no value on the command line"));
    CHECK_ERR(PARSE("--json=1", "a"), ERR_INVALID);
    static const char *const bad_counts[] = {"0", "-1", "x", "", "1.5", "99999999999"};
    for (size_t i = 0; i < ARRAY_LEN(bad_counts); i++) CHECK_ERR(PARSE("a", "-d", bad_counts[i]), ERR_INVALID);
    static const char *const bad_times[] = {"0", "3x", "", "-3d", "11y", "9999w"};
    for (size_t i = 0; i < ARRAY_LEN(bad_times); i++) CHECK_ERR(PARSE("a", "-x", bad_times[i]), ERR_INVALID);
    CHECK_ERR(PARSE("--json"), ERR_INVALID);
    CHECK_ERR(PARSE("a", "b", "c"), ERR_INVALID);
    CHECK_SLICE(buf_view(&problem), SLICE("send: too many arguments (from \"c\" on); see: sealdrop help send"));
}

TEST(args_commands_and_help)
{
    CLEANUP(buf_done) struct buf problem = BUF_INIT(1024);
    CLEANUP(buf_done) struct buf text = BUF_INIT(4096);
    CHECK(args_command(commands, 2, "send", &problem) == &cmd);
    CHECK(args_command(commands, 2, "sned", &problem) == NULL);
    CHECK_SLICE(buf_view(&problem), SLICE("unknown command \"sned\"; did you mean \"send\"?"));
    CHECK(args_command(commands, 2, "fetch-everything-now", &problem) == NULL);
    CHECK_SLICE(buf_view(&problem), SLICE("unknown command \"fetch-everything-now\"; see: sealdrop help"));
    CHECK(args_command(commands, 2, "", &problem) == NULL);
    CHECK_OK(args_help(&text, &cmd));
    CHECK(memmem(text.ptr, text.len, "-x,--expires TIME", 17) != NULL);
    buf_reset(&text);
    CHECK_OK(args_overview(&text, commands, 2));
    CHECK(memmem(text.ptr, text.len, "  revoke    Revoke.", 19) != NULL);
}

static void check_numbered(const char *path, const char *want)
{
    CLEANUP(arena_done) struct arena a;
    struct slice got = {0};
    arena_init(&a, 65536);
    CHECK_OK(name_numbered(&a, slice_cstr(path), 2, &got));
    CHECK_SLICE(got, slice_cstr(want));
}

TEST(names_numbered)
{
    check_numbered("a.txt", "a (2).txt");
    check_numbered("d.x/a", "d.x/a (2)");
    check_numbered("d/.hidden", "d/.hidden (2)");
    check_numbered("a.tar.gz", "a.tar (2).gz");
    check_numbered("a.", "a (2).");
}

TEST(names_plain)
{
    char text[] = "a\x1b[31mb\x7f\n\tc\xc2\x9b" "d\xc3\xa9\r";
    name_plain(text, sizeof text - 1);
    CHECK_SLICE(slice_cstr(text), SLICE("a?[31mb?\n\tc??d\xc3\xa9?"));
    name_plain(NULL, 0);
}
