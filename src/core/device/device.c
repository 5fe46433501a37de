/* Rules of device sign-in: making codes, deciding on them, handing out the result once. */
#include "core/device/device.h"

#include "base/address.h"
#include "base/limits.h"
#include "codec/base64.h"
#include "codec/utf8.h"
#include "core/audit/audit.h"
#include "core/device/device_store.h"
#include "core/limit/limit.h"
#include "os/clock.h"

#define CODE_PREFIX "sdc_"
#define SECRET_BYTES 32
#define LETTERS 8
#define INSERT_TRIES 3
/* The network may bring two polls a little closer together than they were sent. */
#define INTERVAL_SLACK_MS 500

/* No vowels (no words), none that look like digits or each other. */
static const char alphabet[20] = {'B', 'C', 'D', 'F', 'G', 'H', 'J', 'K', 'L', 'M',
                                  'N', 'P', 'Q', 'R', 'S', 'T', 'V', 'W', 'X', 'Z'};

#define LIMITS_MS (10 * 60 * 1000)
#define STARTS_PER_ADDRESS 60
#define CODES_PER_ACCOUNT 10

static enum err random_letters(char ret[LETTERS])
{
    size_t n = 0;
    while (n < LETTERS) {
        uint8_t raw[LETTERS * 2];
        TRY(os_random(raw, sizeof raw));
        for (size_t i = 0; i < sizeof raw && n < LETTERS; i++)
            /* 240 is the last multiple of 20: every letter is equally likely. */
            if (raw[i] < 240) ret[n++] = alphabet[raw[i] % sizeof alphabet];
    }
    return ERR_OK;
}

static enum err insert_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    return device_store_insert(c, conn, arg);
}

static enum err random_device_code(struct ctx *c, struct slice *ret)
{
    CLEANUP(buf_done) struct buf text = {.max = 64, .sensitive = true};
    uint8_t secret[SECRET_BYTES];
    TRY(os_random(secret, sizeof secret));
    TRY(buf_put_cstr(&text, CODE_PREFIX));
    TRY(base64url_encode(&text, slice_of(secret, sizeof secret)));
    return arena_slice(&c->arena, buf_view(&text), ret);
}

static struct slice shown_name(struct slice s)
{
    s = slice_sub(s, 0, LIMIT_DEVICE_NAME_BYTES);
    while (s.len && !utf8_valid(s)) s.len--;
    return s.ptr ? s : SLICE("");
}

enum err device_start(struct ctx *c, struct app *app, struct slice device_name, struct slice ip, struct device_codes *ret)
{
    struct device_row row = {.device_name = shown_name(device_name), .ip = ip, .created_at = clock_wall_ms()};
    struct slice device_code;
    char letters[LETTERS], from[ADDRESS_KEY_BYTES];
    const char *peer = NULL;
    enum err e = ERR_EXISTS;
    TRY(arena_cstr(&c->arena, ip, &peer));
    address_key(peer, from);
    struct limit starts = {"device-start", slice_cstr(from), {STARTS_PER_ADDRESS, LIMITS_MS}};
    TRY(limit_take(c, app, &starts, 1));
    TRY(random_device_code(c, &device_code));
    TRY(sha256(device_code, &row.hash));
    row.expires_at = row.created_at + DEVICE_CODE_S * 1000ll;
    row.user_code = slice_of(letters, LETTERS);
    for (unsigned i = 0; e == ERR_EXISTS && i < INSERT_TRIES; i++) {
        TRY(random_letters(letters));
        e = db_tx(c, app->be.db, DB_WRITE, insert_tx, &row);
    }
    TRY(e);
    TRY(arena_printf(&c->arena, &ret->user_code, "%.4s-%.4s", letters, letters + 4));
    ret->device_code = device_code;
    return ERR_OK;
}

static bool letter_known(char letter)
{
    return memchr(alphabet, letter, sizeof alphabet) != NULL;
}

/* What people make of the code when they type it. ERR_NOT_FOUND when it cannot be one. */
static enum err normalise(struct slice text, char ret[LETTERS])
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        char letter = text.ptr[i];
        if (letter == '-' || letter == ' ') continue;
        if (letter >= 'a' && letter <= 'z') letter = (char)(letter - 'a' + 'A');
        if (n == LETTERS || !letter_known(letter)) return ERR_NOT_FOUND;
        ret[n++] = letter;
    }
    return n == LETTERS ? ERR_OK : ERR_NOT_FOUND;
}

struct decide_arg {
    const struct principal *who;
    char letters[LETTERS];
    bool approve;
    struct device_request found;
};

static enum err find_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct decide_arg *a = arg;
    return device_store_find(c, conn, slice_of(a->letters, LETTERS), clock_wall_ms(), &a->found);
}

static enum err decide_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct decide_arg *a = arg;
    TRY(device_store_decide(c, conn, slice_of(a->letters, LETTERS), a->who, a->approve ? "approved" : "denied",
                            clock_wall_ms()));
    return audit_write(c, conn, &(struct audit_event){.event = "auth.device.decide", .who = a->who, .object_type = "device",
                                                      .result = a->approve ? "ok" : "denied"});
}

static enum err with_code(struct ctx *c, struct app *app, struct slice user_code, enum db_tx_mode mode, db_tx_fn *fn,
                          struct decide_arg *a)
{
    struct limit codes = {"device-code", id_bytes(&a->who->user_id), {CODES_PER_ACCOUNT, LIMITS_MS}};
    TRY(limit_take(c, app, &codes, 1));
    enum err e = normalise(user_code, a->letters);
    if (e == ERR_OK) e = db_tx(c, app->be.db, mode, fn, a);
    if (e == ERR_NOT_FOUND)
        return refuse(c, e, "not_found", "No device waits with this code. Codes live ten minutes and are good once.");
    return e;
}

enum err device_get(struct ctx *c, struct app *app, const struct principal *who, struct slice user_code,
                    struct device_request *ret)
{
    struct decide_arg a = {.who = who};
    TRY(with_code(c, app, user_code, DB_READ, find_tx, &a));
    *ret = a.found;
    return ERR_OK;
}

enum err device_decide(struct ctx *c, struct app *app, const struct principal *who, struct slice user_code, bool approve)
{
    struct decide_arg a = {.who = who, .approve = approve};
    return with_code(c, app, user_code, DB_WRITE, decide_tx, &a);
}

enum outcome { OUTCOME_EXPIRED, OUTCOME_PENDING, OUTCOME_SLOW_DOWN, OUTCOME_DENIED, OUTCOME_APPROVED };

struct take_arg {
    struct app *app;
    struct sha256 hash;
    enum outcome outcome;
    struct device_grant grant;
};

static enum err take_approved(struct ctx *c, struct db_conn *conn, struct take_arg *a, struct device_poll *p)
{
    if (!p->approver_signed_in) return ERR_OK;
    enum err e = user_load_locked(c, conn, a->app, &p->user_id, &a->grant.user);
    if (e == ERR_NOT_FOUND) return ERR_OK;
    TRY(e);
    /* Once more, now that the account stays as it is: a new password may have ended the approver's session meanwhile. */
    TRY(device_store_poll(c, conn, &a->hash, p));
    if (!p->approver_signed_in) return ERR_OK;
    TRY(device_store_use(c, conn, &a->hash));
    a->grant.device_name = p->device_name;
    a->grant.auth_at_ms = p->auth_at_ms;
    a->outcome = OUTCOME_APPROVED;
    return ERR_OK;
}

/* A refusal is an outcome here, not an error, since the time of the poll must be kept. */
static enum err take_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct take_arg *a = arg;
    struct device_poll p;
    int64_t now = clock_wall_ms();
    a->outcome = OUTCOME_EXPIRED;
    enum err e = device_store_poll(c, conn, &a->hash, &p);
    if (e == ERR_NOT_FOUND) return ERR_OK;
    TRY(e);
    if (now >= p.expires_at) return ERR_OK;
    if (slice_eq(p.state, SLICE("denied"))) a->outcome = OUTCOME_DENIED;
    if (slice_eq(p.state, SLICE("approved"))) return take_approved(c, conn, a, &p);
    if (!slice_eq(p.state, SLICE("waiting"))) return ERR_OK;
    bool early = p.polled_at && now - p.polled_at < DEVICE_INTERVAL_S * 1000 - INTERVAL_SLACK_MS;
    a->outcome = early ? OUTCOME_SLOW_DOWN : OUTCOME_PENDING;
    return device_store_polled(c, conn, &a->hash, now);
}

static enum err expired(struct ctx *c)
{
    return refuse(c, ERR_INVALID, "expired", "This request to sign in is over. Start again.");
}

enum err device_take(struct ctx *c, struct app *app, struct slice device_code, struct device_grant *ret)
{
    struct take_arg a = {.app = app};
    if (!slice_starts(device_code, SLICE(CODE_PREFIX))) return expired(c);
    TRY(sha256(device_code, &a.hash));
    TRY(db_tx(c, app->be.db, DB_WRITE, take_tx, &a));
    switch (a.outcome) {
    case OUTCOME_APPROVED: *ret = a.grant; return ERR_OK;
    case OUTCOME_PENDING:
        return refuse(c, ERR_INVALID, "authorization_pending", "Nobody has approved this device yet.");
    case OUTCOME_SLOW_DOWN: return refuse(c, ERR_INVALID, "slow_down", "Ask less often: every five seconds, then slower.");
    case OUTCOME_DENIED: return refuse(c, ERR_INVALID, "access_denied", "This device was refused.");
    case OUTCOME_EXPIRED: break;
    }
    return expired(c);
}

static enum err purge_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    (void)arg;
    return device_store_purge(c, conn, clock_wall_ms());
}

enum err device_purge(struct ctx *c, struct app *app) { return db_tx(c, app->be.db, DB_WRITE, purge_tx, NULL); }
