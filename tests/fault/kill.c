/* kill -9 and power cuts: a child goes through a flow and is killed at its n-th call that changes the disk; the parent opens what
 * is left, and what the child was told must hold. Sometimes a second process is killed while it recovers from the first.
 *
 * SIGKILL leaves what was written and not synced; a power cut does not (power.h), and neither does a sync that fails. Without
 * FAULT_FULL=1 up to 20 points of each kind are taken of every flow, spread evenly, and of long flows not every sync. */
#include <ftw.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/intmath.h"
#include "base/limits.h"
#include "fault/kill.h"
#include "fault/nonces.h"
#include "fault/power.h"
#include "fault/sys_fault.h"
#include "os/sys.h"

#define POINTS 20
#define CALLS_A_SYNC 300 /* flows that make more calls leave syncs out */
#define NEVER UINT64_MAX

enum mode { KILL_BEFORE, KILL_AFTER, POWER_CUT, SYNC_LOST };
static const char *const mode_names[] = {"killed before", "killed after", "power cut before", "failing sync"};

static struct template made, template; /* as it was made; with the flow's settings */
static struct acks *acks;
static char dir[120], stash[120];

/* ---- trees ---- */

static const char *copy_to;
static size_t copy_skip;

static int copy_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    static char bytes[65536];
    const char *to = loop_text("%s%s", copy_to, path + copy_skip);
    (void)ftw;
    if (flag == FTW_D) return sys_real()->mkdir(to, st->st_mode & 0777);
    int in = sys_real()->open(path, O_RDONLY, 0), out = sys_real()->open(to, O_WRONLY | O_CREAT, st->st_mode & 0777);
    ssize_t n = 1;
    while (in >= 0 && out >= 0 && (n = sys_real()->read(in, bytes, sizeof bytes)) > 0)
        if (sys_real()->write(out, bytes, (size_t)n) != n) break;
    sys_real()->close(in);
    sys_real()->close(out);
    return n == 0 ? 0 : -1;
}

static bool copy_tree(const char *from, const char *to)
{
    copy_to = to;
    copy_skip = strlen(from);
    return nftw(from, copy_entry, 16, FTW_PHYS) == 0;
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static void remove_tree(const char *path) { nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS); }

static int64_t entries_in(const char *path)
{
    int64_t n = 0;
    DIR *d = sys_real()->opendir(path);
    while (d && sys_real()->readdir(d)) n++;
    if (d) sys_real()->closedir(d);
    return n - 2;
}

/* ---- children ---- */

/* From the call of that number on; `whole`: counted from the very start, not only in the flow. */
static void child(const struct flow *f, enum mode mode, uint64_t n, bool whole)
{
    struct loop l;
    bool power = mode == POWER_CUT || mode == SYNC_LOST;
    power_start(stash, n & 1);
    sys_fault_kill(whole || f->fresh ? n : NEVER - 1, mode == KILL_AFTER, power);
    kill_open(&l, &template, dir);
    if (test_failed()) _exit(4);
    if (!whole && !f->fresh) sys_fault_kill(n, mode == KILL_AFTER, power);
    if (mode == SYNC_LOST) sys_fault_lose_sync(n);
    if (whole)
        loop_jobs(&l);
    else
        f->run(&l, &template, acks);
    acks->calls = sys_fault_seen();
    acks->struck = sys_fault_fired();
    acks->done = true;
    _exit(test_failed() ? 5 : 0);
}

/* False: the test has failed. */
static bool run_child(const struct flow *f, enum mode mode, uint64_t n, bool whole)
{
    int status = 0;
    acks->done = false;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) child(f, mode, n, whole);
    bool waited = pid > 0 && waitpid(pid, &status, 0) == pid;
    bool killed = waited && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    if (killed || (waited && WIFEXITED(status) && WEXITSTATUS(status) == 0 && acks->done)) return true;
    test_fail(__FILE__, __LINE__, "%s: the child ended with %d", f->name, status);
    return false;
}

/* ---- the parent ---- */

static void check_round(const struct flow *f)
{
    struct loop l;
    kill_open(&l, &template, dir);
    if (!test_failed()) loop_jobs(&l);
    if (!test_failed()) f->check(&l, &template, acks);
    if (!test_failed() && !f->fresh) kill_check_all(&l);
    loop_close(&l);
    CHECK_FINE();
    CHECK_U64(entries_in(loop_text("%s/blobs/tmp", dir)), 0);
    CHECK_U64(entries_in(loop_text("%s/blobs/trash", dir)), 0);
    /* Once more: recovery of what was recovered. */
    kill_open(&l, &template, dir);
    if (!test_failed()) loop_jobs(&l);
    loop_close(&l);
}

static void point(const struct flow *f, enum mode mode, uint64_t n, uint64_t second)
{
    memset(acks, 0, sizeof *acks);
    nonces_forget();
    bool ready = f->fresh ? sys_real()->mkdir(dir, 0700) == 0 : copy_tree(template.dir, dir);
    ready = ready && sys_real()->mkdir(stash, 0700) == 0;
    if (!ready) test_fail(__FILE__, __LINE__, "no copy");
    bool good = ready && run_child(f, mode, n, false);
    bool done = acks->done;
    if (good && second != NEVER && !done) good = run_child(f, mode, second, true);
    acks->done = done;
    if (good) check_round(f);
    if (nonces_used_twice()) test_fail(__FILE__, __LINE__, "one salt and chunk number for two messages");
    remove_tree(dir);
    remove_tree(stash);
    loop_advance(template.now_ms - loop_now_ms());
}

/* How many calls the flow makes when nobody kills it. */
static uint64_t calls_of(const struct flow *f)
{
    point(f, KILL_BEFORE, NEVER - 1, NEVER);
    return acks->done ? acks->calls : 0;
}

/* *ret_calls: how many the flow makes. */
static void every_point(const struct flow *f, uint64_t *ret_calls)
{
    uint64_t calls = calls_of(f), points = 0, compound = 0;
    CHECK_FINE();
    *ret_calls = calls;
    uint64_t stride = fault_full() ? 1 : MAX(div_ceil_u64(calls, POINTS), (uint64_t)1);
    for (unsigned mode = 0; mode <= POWER_CUT; mode++) {
        /* Not the same points in each mode. */
        for (uint64_t n = mode % stride; n < calls && !test_failed(); n += stride) {
            uint64_t second = points % 5 == 4 ? (points / 5 * 7) % 40 : NEVER;
            point(f, (enum mode)mode, n, second);
            points++;
            compound += second != NEVER;
            if (test_failed())
                printf("  %s, %s call %llu, then %lld\n", f->name, mode_names[mode], (unsigned long long)n, (long long)second);
        }
    }
    printf("  %s: %llu calls change the disk, %llu points (every %llu.), %llu with a second kill\n", f->name,
           (unsigned long long)calls, (unsigned long long)points, (unsigned long long)stride, (unsigned long long)compound);
    CHECK(points > 0);
}

/* A sync fails and loses what it was for; the client asks again, and what it is then told must be true. */
static void every_sync(const struct flow *f, uint64_t stride)
{
    uint64_t n = 0, points = 0;
    for (acks->struck = true; acks->struck && !test_failed(); n += stride, points++) {
        point(f, SYNC_LOST, n, NEVER);
        if (test_failed()) printf("  %s, %s %llu\n", f->name, mode_names[SYNC_LOST], (unsigned long long)n);
    }
    printf("  %s: %llu syncs failed and lost their bytes (every %llu.)\n", f->name, (unsigned long long)points - 1,
           (unsigned long long)stride);
    CHECK(points > 1);
}

void kill_go_through(const struct flow *f)
{
    sys_fault_install();
    if (!acks) {
        acks = mmap(NULL, sizeof *acks, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        CHECK(acks != MAP_FAILED);
        nonces_watch();
        const char *base = test_dir();
        snprintf(dir, sizeof dir, "%s/data", base);
        snprintf(stash, sizeof stash, "%s/stash", base);
        template_make(&made);
        CHECK_FINE();
    }
    template = made;
    if (f->configure) f->configure(&template.cfg);
    uint64_t calls = 0;
    every_point(f, &calls);
    if (f->again && !test_failed()) every_sync(f, fault_full() ? 1 : calls / CALLS_A_SYNC + 1);
}
