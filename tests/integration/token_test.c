/* Tokens: a hundred thousand changed ones, and every kind offered where every other belongs. */
#include "base/limits.h"
#include "core/mfa/mfa.h"
#include "core/token/token.h"
#include "core/user/user.h"
#include "integration/mailbox.h"
#include "os/clock.h"

#define V1 "/api/v1"
#define CHANGES 100000u

/* The next number of a sequence that is the same in every run. */
static uint32_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(*state >> 33);
}

/* One to three places become other characters of the alphabet, are left out, doubled or swapped. */
static struct slice changed(char *buf, struct slice token, uint64_t *state)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=";
    size_t n = token.len;
    memcpy(buf, token.ptr, n);
    for (uint32_t k = next(state) % 3 + 1; k; k--) {
        size_t at = next(state) % (n - 1);
        uint32_t how = next(state) % 8;
        if (how < 5) buf[at] = alphabet[next(state) % (sizeof alphabet - 1)];
        else if (how == 5) memmove(buf + at, buf + at + 1, --n - at);
        else if (how == 6) memmove(buf + at + 1, buf + at, n++ - at);
        else {
            char c = buf[at];
            buf[at] = buf[at + 1];
            buf[at + 1] = c;
        }
    }
    return slice_of(buf, n);
}

TEST(token_of_100000_changed_ones_none_is_taken)
{
    struct loop l;
    CLEANUP(ctx_done) struct ctx c;
    struct token_claims claims;
    char buf[2048];
    uint64_t state = 42;
    size_t taken = 0;
    if (loop_missing()) return;
    loop_open(&l);
    struct slice token = slice_cstr(loop_user(&l, "anna@example.com", ROLE_USER));
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    CHECK(token.len && token.len + 8 < sizeof buf);
    CHECK_OK(token_verify(&c, l.app->signer, token, &claims));
    for (unsigned i = 0; i < CHANGES; i++) {
        struct slice t = changed(buf, token, &state);
        taken += !slice_eq(t, token) && token_verify(&c, l.app->signer, t, &claims) != ERR_UNAUTH;
        ctx_clear_error(&c);
        arena_reset(&c.arena);
    }
    CHECK_U64(taken, 0);
    loop_close(&l);
}

/* ---- every kind in every place ---- */

struct kind {
    const char *name, *token;
};
enum { ACCESS, REFRESH, KEY, MFA, RESET, LINK, TICKET, DEVICE, KINDS };

/* A place that takes one kind, and says 2xx or another code than "not this" to it alone. */
static int offer(struct loop *l, int place, const char *token)
{
    ANSWER a = {0};
    switch (place) {
    case ACCESS: LOOP(l, &a, .target = V1 "/me", .bearer = token); break;
    case REFRESH: LOOP(l, &a, .target = V1 "/auth/refresh", .json = loop_text("{\"refresh_token\":\"%s\"}", token)); break;
    case MFA:
        LOOP(l, &a, .target = V1 "/auth/2fa/enable", .json = loop_text("{\"mfa_token\":\"%s\"}", token));
        break;
    case RESET:
        LOOP(l, &a, .target = V1 "/auth/password/reset",
             .json = loop_text("{\"token\":\"%s\",\"new_password\":\"a stroll along the river\"}", token));
        break;
    case LINK: LOOP(l, &a, .target = loop_text(V1 "/share/%s", token)); break;
    case DEVICE: LOOP(l, &a, .target = V1 "/auth/device/token", .json = loop_text("{\"device_code\":\"%s\"}", token)); break;
    default: break;
    }
    return a.status;
}

static const char *api_key(struct loop *l, const char *bearer)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = V1 "/api-keys", .bearer = bearer, .json = "{\"name\":\"k\",\"scopes\":[\"files:read\"]}");
    return loop_str(&a, "api_key.key");
}

static const char *mfa_token_of(struct loop *l)
{
    CLEANUP(ctx_done) struct ctx c;
    struct user user;
    struct slice token = SLICE("");
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    if (user_by_email(&c, l->app, SLICE("anna@example.com"), &user) != ERR_OK ||
        mfa_token_new(&c, l->app, &user, MFA_ENROL, false, &token) != ERR_OK)
        test_fail(__FILE__, __LINE__, "no token for a second factor");
    return loop_text(SLICE_FMT, SLICE_ARG(token));
}

static const char *device_code(struct loop *l)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = V1 "/auth/device", .json = "{\"device_name\":\"d\"}");
    return loop_str(&a, "device_code");
}

static const char *reset_token(struct loop *l)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = V1 "/auth/password/forgot", .json = "{\"email\":\"anna@example.com\"}");
    catch_mail(l);
    return token_in(mail.text);
}

static void make_all(struct loop *l, struct kind *k)
{
    ANSWER a = {0};
    const char *bearer = loop_user(l, "anna@example.com", ROLE_USER), *refresh = NULL;
    k[ACCESS] = (struct kind){"access", loop_sign_in(l, "anna@example.com", LOOP_PASSWORD, &refresh)};
    k[REFRESH] = (struct kind){"refresh", refresh};
    k[KEY] = (struct kind){"api key", api_key(l, bearer)};
    k[MFA] = (struct kind){"second factor", mfa_token_of(l)};
    k[RESET] = (struct kind){"reset", reset_token(l)};
    k[LINK] = (struct kind){"link", loop_link(l, bearer, SLICE("content"), "{\"password\":\"right one\"}")};
    LOOP(l, &a, .target = loop_text(V1 "/share/%s/verify", k[LINK].token), .json = "{\"password\":\"right one\"}");
    k[TICKET] = (struct kind){"ticket", loop_str(&a, "ticket")};
    k[DEVICE] = (struct kind){"device", device_code(l)};
    for (int i = 0; i < KINDS; i++)
        if (strlen(k[i].token) < 20) test_fail(__FILE__, __LINE__, "no %s token: %s", k[i].name, k[i].token);
}

TEST(token_of_one_kind_is_nothing_elsewhere)
{
    struct loop l;
    ANSWER a = {0};
    struct kind k[KINDS];
    if (loop_missing()) return;
    open_with(&l, REGISTRATION_CLOSED, true);
    make_all(&l, k);
    CHECK_FINE();
    for (int place = 0; place < KINDS; place++)
        for (int kind = 0; kind < KINDS; kind++) {
            /* An API key is a bearer; a ticket belongs into another header; each is tried at the end, where it may be used up. */
            if (kind == place || place == KEY || place == TICKET || (place == ACCESS && kind == KEY)) continue;
            int status = offer(&l, place, k[kind].token);
            if (status < 400 || status >= 500 || status == 429)
                test_fail(__FILE__, __LINE__, "%s as %s: %d", k[kind].name, k[place].name, status);
        }
    /* As the ticket of the link, each but the ticket proves nothing. */
    for (int kind = 0; kind < KINDS; kind++) {
        LOOP(&l, &a, .target = loop_text(V1 "/share/%s/download", k[LINK].token), .ticket = k[kind].token);
        if ((a.status == 200) != (kind == TICKET)) test_fail(__FILE__, __LINE__, "%s as ticket: %d", k[kind].name, a.status);
    }
    /* All this has used none of them up. */
    CHECK_U64(offer(&l, ACCESS, k[ACCESS].token), 200);
    CHECK_U64(offer(&l, ACCESS, k[KEY].token), 200);
    CHECK_U64(offer(&l, LINK, k[LINK].token), 200);
    CHECK_U64(offer(&l, DEVICE, k[DEVICE].token), 400); /* authorization_pending: it is known */
    CHECK_U64(offer(&l, REFRESH, k[REFRESH].token), 200);
    CHECK_U64(offer(&l, MFA, k[MFA].token), 200);
    CHECK_U64(offer(&l, RESET, k[RESET].token), 204);
    loop_close(&l);
}
