/* Another address for an account: confirmed first, told to the old one, silent about others; and the language of mails. */
#include <string.h>

#include "base/limits.h"
#include "core/mail/mail.h"
#include "integration/mailbox.h"

#define V1 "/api/v1"
#define ANNA "anna@example.com"
#define NEW "anna@new.example"
#define NEW_PASSWORD "another good long phrase"

static int ask(struct loop *l, const char *bearer, const char *email, const char *password)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = V1 "/auth/email", .bearer = bearer, .json = loop_text("{\"email\":\"%s\",\"password\":\"%s\"}", email, password));
    if (a.status == 202 && a.len) test_fail(__FILE__, __LINE__, "says something: %s", loop_shown(&a));
    return a.status;
}

static int sign_in(struct loop *l, const char *email)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = V1 "/auth/login", .json = loop_text("{\"email\":\"%s\",\"password\":\"" LOOP_PASSWORD "\"}", email));
    return a.status;
}

static const char *email_of(struct loop *l, const char *bearer)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = V1 "/me", .bearer = bearer);
    return a.status == 200 ? loop_str(&a, "user.email") : loop_text("%d", a.status);
}

static int verify(struct loop *l, const char *token)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = V1 "/auth/email/verify", .json = loop_text("{\"token\":\"%s\"}", token));
    return a.status;
}

#define CHECK_TEXT(got, want) CHECK_SLICE(slice_cstr(got), slice_cstr(want))

TEST(email_changes_once_it_is_confirmed)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    open_with(&l, REGISTRATION_CLOSED, true);
    const char *anna = loop_user(&l, ANNA, ROLE_USER), *other = loop_sign_in(&l, ANNA, LOOP_PASSWORD, NULL);
    CHECK_U64((unsigned)ask(&l, anna, NEW, "not my password at all"), 403);
    CHECK_U64((unsigned)ask(&l, anna, "nonsense", LOOP_PASSWORD), 400);
    CHECK_U64((unsigned)ask(&l, anna, ANNA, LOOP_PASSWORD), 400);
    CHECK_U64((unsigned)ask(&l, anna, NEW, LOOP_PASSWORD), 202);
    catch_mail(&l);
    CHECK_U64(mail.count, 2); /* a notice to the old address, the token to the new one */
    CHECK_TEXT(mail.to, NEW);
    const char *token = token_in(mail.text);
    CHECK(strncmp(token, "sdv_", 4) == 0);
    CHECK_TEXT(email_of(&l, anna), ANNA);
    CHECK_U64((unsigned)sign_in(&l, NEW), 401);
    /* A reset that lies in the old mailbox is worth nothing afterwards. */
    LOOP(&l, &a, .target = V1 "/auth/password/forgot", .json = "{\"email\":\"" ANNA "\"}");
    catch_mail(&l);
    const char *reset = token_in(mail.text);
    CHECK_U64((unsigned)verify(&l, token), 200);
    catch_mail(&l);
    CHECK_TEXT(mail.to, ANNA);
    CHECK_TEXT(mail.subject, "The e-mail address of your account was changed");
    CHECK_TEXT(email_of(&l, anna), NEW);
    CHECK_TEXT(email_of(&l, other), "401");
    CHECK_U64((unsigned)sign_in(&l, NEW), 200);
    CHECK_U64((unsigned)sign_in(&l, ANNA), 401);
    CHECK_U64((unsigned)verify(&l, token), 400);
    LOOP(&l, &a, .target = V1 "/auth/password/reset", .json = loop_text("{\"token\":\"%s\",\"new_password\":\"" NEW_PASSWORD "\"}", reset));
    CHECK_PROBLEM(&a, 400, "token_invalid");
    loop_close(&l);
}

TEST(email_change_tells_nothing_of_taken_addresses)
{
    struct loop l;
    if (loop_missing()) return;
    open_with(&l, REGISTRATION_CLOSED, true);
    const char *anna = loop_user(&l, ANNA, ROLE_USER);
    loop_user(&l, "Berta@Example.com", ROLE_USER);
    CHECK_U64((unsigned)ask(&l, anna, "berta@example.com", LOOP_PASSWORD), 202);
    catch_mail(&l);
    CHECK_U64(mail.count, 2); /* the old address hears the same as ever */
    CHECK_TEXT(mail.to, "Berta@Example.com");
    CHECK_TEXT(mail.subject, "You already have an account");
    /* Taken between asking and confirming. */
    CHECK_U64((unsigned)ask(&l, anna, NEW, LOOP_PASSWORD), 202);
    catch_mail(&l);
    const char *token = token_in(mail.text);
    loop_user(&l, NEW, ROLE_USER);
    CHECK_U64((unsigned)verify(&l, token), 400);
    CHECK_TEXT(email_of(&l, anna), ANNA);
    loop_close(&l);
}

TEST(email_change_ends_with_a_new_password_and_with_time)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    open_with(&l, REGISTRATION_CLOSED, true);
    const char *anna = loop_user(&l, ANNA, ROLE_USER);
    CHECK_U64((unsigned)ask(&l, anna, NEW, LOOP_PASSWORD), 202);
    catch_mail(&l);
    const char *first = token_in(mail.text);
    CHECK_U64((unsigned)ask(&l, anna, "anna@third.example", LOOP_PASSWORD), 202);
    catch_mail(&l);
    const char *second = token_in(mail.text);
    CHECK_U64((unsigned)verify(&l, first), 400); /* only the newest counts */
    LOOP(&l, &a, .target = V1 "/auth/password", .bearer = anna,
         .json = "{\"current_password\":\"" LOOP_PASSWORD "\",\"new_password\":\"" NEW_PASSWORD "\"}");
    CHECK_STATUS(&a, 200);
    CHECK_U64((unsigned)verify(&l, second), 400);
    CHECK_U64((unsigned)ask(&l, anna, NEW, NEW_PASSWORD), 202);
    catch_mail(&l);
    const char *late = token_in(mail.text);
    loop_advance(24 * 3600 * 1000);
    CHECK_U64((unsigned)verify(&l, late), 400);
    loop_close(&l);
}

TEST(email_changes_need_a_fresh_session_and_are_limited)
{
    struct loop l;
    ANSWER a = {0};
    unsigned n = 0;
    if (loop_missing()) return;
    open_with(&l, REGISTRATION_CLOSED, true);
    const char *anna = loop_user(&l, ANNA, ROLE_USER);
    while (n < 20 && ask(&l, anna, loop_text("a%u@example.com", n), LOOP_PASSWORD) == 202) n++;
    CHECK_U64(n, 10);
    const char *berta = loop_user(&l, "berta@example.com", ROLE_USER);
    loop_advance(FRESH_MS + 1000);
    CHECK_U64((unsigned)ask(&l, berta, NEW, LOOP_PASSWORD), 401);
    LOOP(&l, &a, .target = V1 "/auth/email", .json = "{\"email\":\"x@example.com\",\"password\":\"" LOOP_PASSWORD "\"}");
    CHECK_STATUS(&a, 401);
    loop_close(&l);
}

TEST(email_changes_at_once_without_mail)
{
    struct loop l;
    if (loop_missing()) return;
    open_with(&l, REGISTRATION_CLOSED, false);
    const char *anna = loop_user(&l, ANNA, ROLE_USER), *other = loop_sign_in(&l, ANNA, LOOP_PASSWORD, NULL);
    loop_user(&l, "berta@example.com", ROLE_USER);
    CHECK_U64((unsigned)ask(&l, anna, "berta@example.com", LOOP_PASSWORD), 202);
    loop_jobs(&l);
    CHECK_TEXT(email_of(&l, anna), ANNA);
    CHECK_U64((unsigned)ask(&l, anna, NEW, LOOP_PASSWORD), 202);
    loop_jobs(&l);
    CHECK_TEXT(email_of(&l, anna), NEW);
    CHECK_TEXT(email_of(&l, other), "401");
    loop_close(&l);
}

static int patch(struct loop *l, const char *root, const char *id, const char *json, const char *code)
{
    ANSWER a = {0};
    LOOP(l, &a, .method = "PATCH", .target = loop_text(V1 "/admin/users/%s", id), .bearer = root, .json = json);
    if (strcmp(loop_str(&a, "code"), code) != 0) test_fail(__FILE__, __LINE__, "%s", loop_shown(&a));
    return a.status;
}

TEST(email_changed_by_an_administrator)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    open_with(&l, REGISTRATION_CLOSED, true);
    const char *root = loop_user(&l, "root@example.com", ROLE_ADMIN), *anna = loop_user(&l, ANNA, ROLE_USER);
    LOOP(&l, &a, .target = V1 "/me", .bearer = anna);
    const char *id = loop_str(&a, "user.id");
    CHECK_U64((unsigned)patch(&l, root, id, "{\"email\":\"ROOT@example.com\"}", "email_taken"), 409);
    CHECK_U64((unsigned)patch(&l, root, id, "{\"email\":\"root\"}", "invalid"), 400);
    CHECK_U64((unsigned)patch(&l, root, id, "{\"email\":\"" NEW "\"}", ""), 200);
    catch_mail(&l);
    CHECK_U64(mail.count, 1);
    CHECK_TEXT(mail.to, ANNA);
    CHECK_TEXT(email_of(&l, anna), "401");
    CHECK_U64((unsigned)sign_in(&l, NEW), 200);
    LOOP(&l, &a, .target = V1 "/admin/audit-logs?event=user.email", .bearer = root);
    CHECK_STATUS(&a, 200);
    CHECK_U64(loop_count(&a, "items"), 1);
    CHECK_STR(&a, "items.0.email", NEW);
    CHECK_STR(&a, "items.0.object", id);
    loop_close(&l);
}

TEST(mails_are_in_the_language_of_their_reader)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    open_with(&l, REGISTRATION_CLOSED, true);
    const char *anna = loop_user(&l, ANNA, ROLE_USER);
    LOOP(&l, &a, .target = V1 "/me", .bearer = anna);
    CHECK(loop_is_null(&a, "user.locale"));
    LOOP(&l, &a, .method = "PATCH", .target = V1 "/me", .bearer = anna, .json = "{\"locale\":\"xx\"}");
    CHECK_STATUS(&a, 400);
    LOOP(&l, &a, .method = "PATCH", .target = V1 "/me", .bearer = anna, .json = "{\"locale\":\"de\"}");
    CHECK_STATUS(&a, 200);
    CHECK_STR(&a, "user.locale", "de");
    CHECK_STR(&a, "user.display_name", "anna");
    LOOP(&l, &a, .method = "PATCH", .target = V1 "/me", .bearer = anna, .json = "{\"display_name\":\"Anna L.\"}");
    CHECK_STR(&a, "user.locale", "de");
    LOOP(&l, &a, .target = V1 "/auth/password/forgot", .json = "{\"email\":\"" ANNA "\"}");
    catch_mail(&l);
    CHECK_TEXT(mail.subject, "Neues Passwort wählen");
    LOOP(&l, &a, .target = V1 "/auth/password", .bearer = anna,
         .json = "{\"current_password\":\"" LOOP_PASSWORD "\",\"new_password\":\"" NEW_PASSWORD "\"}");
    catch_mail(&l);
    CHECK_TEXT(mail.subject, "Ihr Passwort wurde geändert");
    CHECK_U64((unsigned)ask(&l, anna, NEW, NEW_PASSWORD), 202);
    catch_mail(&l);
    CHECK_TEXT(mail.subject, "Bestätigen Sie Ihre neue E-Mail-Adresse");
    /* Everybody else's are in the configured one. */
    loop_user(&l, "berta@example.com", ROLE_USER);
    LOOP(&l, &a, .target = V1 "/auth/password/forgot", .json = "{\"email\":\"berta@example.com\"}");
    catch_mail(&l);
    CHECK_TEXT(mail.subject, "Choose a new password");
    loop_close(&l);
}
