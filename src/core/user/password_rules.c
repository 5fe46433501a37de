/* What a new password must be: long, not common, not the account's own name. */
#include "base/limits.h"
#include "codec/utf8.h"
#include "core/user/blocklist.h"
#include "core/user/password.h"
#include "crypto/hash.h"

#define WORD_MIN_CHARS 3
#define OWN_MIN_CHARS 4 /* what must be left beside such words */
#define WORDS_MAX 32

bool password_is_common(struct slice folded)
{
    struct slice all = blocklist_hashes();
    size_t low = 0, high = all.len / BLOCKLIST_HASH_BYTES;
    struct sha256 h;
    if (sha256(folded, &h) != ERR_OK) return true;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = memcmp(all.ptr + middle * BLOCKLIST_HASH_BYTES, h.b, BLOCKLIST_HASH_BYTES);
        if (order == 0) return true;
        if (order < 0) low = middle + 1;
        else high = middle;
    }
    return false;
}

static size_t count_chars(struct slice s)
{
    size_t n = 0;
    uint32_t cp = 0;
    for (size_t step; (step = utf8_step(s, &cp)) != 0; s = slice_sub(s, step, s.len)) n++;
    return n;
}

/* Lower and upper case letters, digits, all else. Letters without case count as neither: they are "else". */
static unsigned count_classes(struct slice s)
{
    unsigned seen = 0;
    for (size_t i = 0; i < s.len; i++) {
        char ch = s.ptr[i];
        seen |= ch >= 'a' && ch <= 'z' ? 1u : ch >= 'A' && ch <= 'Z' ? 2u : ch >= '0' && ch <= '9' ? 4u : 8u;
    }
    return (unsigned)__builtin_popcount(seen);
}

static bool in_word(char ch) { return (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || (ch & 0x80); }

struct words {
    struct slice w[WORDS_MAX];
    size_t n;
};

/* Folds a text and takes its words. */
static enum err add_words(struct ctx *c, struct words *words, struct slice text)
{
    struct slice s;
    TRY(utf8_fold(&c->arena, text, &s));
    for (size_t i = 0, start; i < s.len && words->n < WORDS_MAX; i++) {
        for (start = i; i < s.len && in_word(s.ptr[i]); i++) {}
        if (i - start >= WORD_MIN_CHARS) words->w[words->n++] = slice_sub(s, start, i);
    }
    return ERR_OK;
}

static size_t word_at(const struct words *words, struct slice rest)
{
    size_t longest = 0;
    for (size_t i = 0; i < words->n; i++)
        if (words->w[i].len > longest && slice_starts(rest, words->w[i])) longest = words->w[i].len;
    return longest;
}

/* Made of such words, digits and signs, and hardly anything else. */
static enum err is_own_name(struct ctx *c, const struct app *app, const struct password_owner *owner, struct slice folded,
                            bool *ret)
{
    struct words words = {.n = 0};
    bool found = false;
    size_t own = 0, step = 0;
    TRY(add_words(c, &words, SLICE("sealdrop password passwort")));
    TRY(add_words(c, &words, owner->email));
    TRY(add_words(c, &words, owner->display_name));
    TRY(add_words(c, &words, app->cfg.public_url));
    for (size_t i = 0; i < folded.len; i += step) {
        step = word_at(&words, slice_sub(folded, i, folded.len));
        found |= step > 0;
        if (step) continue;
        step = 1;
        own += (folded.ptr[i] >= 'a' && folded.ptr[i] <= 'z') || (folded.ptr[i] & 0xc0) == 0xc0;
    }
    *ret = found && own < OWN_MIN_CHARS;
    return ERR_OK;
}

static void check_shape(struct ctx *c, const struct app *app, const struct password_owner *owner, struct slice password,
                        const char *field)
{
    static const char *const few[] = {NULL, NULL, "must have two of: lower case, upper case, digits, other characters",
                                      "must have three of: lower case, upper case, digits, other characters",
                                      "must have lower case, upper case, digits and other characters"};
    size_t n = count_chars(password);
    if (!owner->second_factor && n < LIMIT_PASSWORD_MIN_CHARS)
        ctx_field_error(c, field, "must have at least 15 characters; a few words in a row are easy to remember");
    if (owner->second_factor && n < LIMIT_PASSWORD_MFA_MIN_CHARS) ctx_field_error(c, field, "must have at least 8 characters");
    unsigned want = app->cfg.password_classes;
    if (want > 1 && want < sizeof few / sizeof few[0] && count_classes(password) < want) ctx_field_error(c, field, few[want]);
}

enum err password_check_new(struct ctx *c, const struct app *app, const struct password_owner *owner, struct slice password,
                            const char *field)
{
    struct slice folded;
    bool own = false;
    size_t before = c->field_error_count;
    if (password.len > LIMIT_PASSWORD_BYTES) {
        ctx_field_error(c, field, "is longer than 1024 bytes");
        return ERR_INVALID;
    }
    if (!utf8_valid(password)) {
        ctx_field_error(c, field, "is not UTF-8 text");
        return ERR_INVALID;
    }
    check_shape(c, app, owner, password, field);
    TRY(utf8_fold(&c->arena, password, &folded));
    TRY(is_own_name(c, app, owner, folded, &own));
    if (own) ctx_field_error(c, field, "is made of your own name or address, or of this server's");
    if (password_is_common(folded)) ctx_field_error(c, field, "is one of the most common passwords: it would be guessed first");
    return c->field_error_count > before ? ERR_INVALID : ERR_OK;
}
