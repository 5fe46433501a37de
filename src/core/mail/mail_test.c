/* Every text in every language can be filled in; values cannot break out of their place; messages have the form mail wants. */
#include <string.h>

#include "base/intmath.h"
#include "base/limits.h"
#include "base/mem.h"
#include "codec/base64.h"
#include "core/mail/render.h"
#include "core/mail/templates.h"
#include "lib/test.h"

static const struct mail_param all_params[] = {
    {"server", {"drop.example", 12}}, {"link", {"https://drop.example/x#t", 24}}, {"hours", {"24", 2}}, {"minutes", {"15", 2}},
    {"days", {"7", 1}}, {"when", {"2026-11-21 20:15 UTC", 20}}, {"ip", {"192.0.2.1", 9}}, {"name", {"Anna", 4}}};
static const struct mail_values all_values = {all_params, 8};

static bool contains(struct slice s, const char *part)
{
    return memmem(s.ptr, s.len, part, strlen(part)) != NULL;
}

TEST(every_text_in_every_language)
{
    static const char *const locales[] = {"en", "de"};
    for (unsigned t = 0; t < MAIL_TEMPLATE_COUNT; t++) {
        for (size_t l = 0; l < 2; l++) {
            CLEANUP(buf_done) struct buf text = BUF_INIT(32 * KIB), html = BUF_INIT(32 * KIB), line = BUF_INIT(KIB);
            struct slice locale = slice_cstr(locales[l]);
            const struct mail_text *m = mail_text_of((enum mail_template)t, locale);
            bool link = strstr(m->body, "{link}") != NULL;
            CHECK(m->subject && m->body);
            CHECK_OK(mail_render_line(&line, m->subject, &all_values));
            CHECK_OK(mail_render_text(&text, m->body, &all_values));
            CHECK_OK(mail_render_html(&html, m->body, locale, mail_button_of((enum mail_template)t, locale), &all_values));
            CHECK(line.len > 0 && line.len < 80 && !contains(buf_view(&text), "{") && !contains(buf_view(&html), "{"));
            CHECK(contains(buf_view(&text), "drop.example"));
            CHECK(contains(buf_view(&html), "href=\"https://drop.example/x#t\"") == link);
            CHECK((mail_button_of((enum mail_template)t, locale)[0] != '\0') == link);
        }
    }
    CHECK(mail_has_locale(SLICE("de")) && !mail_has_locale(SLICE("xx")));
    CHECK(mail_text_of(MAIL_RESET, SLICE("xx")) == mail_text_of(MAIL_RESET, SLICE("en")));
    CHECK(strcmp(mail_text_of(MAIL_RESET, SLICE("de"))->body, mail_text_of(MAIL_RESET, SLICE("en"))->body) != 0);
}

TEST(values_stay_in_their_place)
{
    struct mail_param p[] = {{"x", SLICE("<a href='\"'>&{y}\r\nBcc: all@example.com\xe2\x80\xae")}};
    struct mail_values values = {p, 1};
    CLEANUP(buf_done) struct buf text = BUF_INIT(KIB), html = BUF_INIT(4 * KIB);
    CHECK_OK(mail_render_line(&text, "Hello {x}!", &values));
    CHECK_SLICE(buf_view(&text), SLICE("Hello <a href='\"'>&{y}  Bcc: all@example.com !"));
    CHECK_OK(mail_render_html(&html, "Hello {x}!", SLICE("en"), "", &values));
    CHECK(contains(buf_view(&html), "<p>Hello &lt;a href=&#39;&quot;&#39;&gt;&amp;{y}  Bcc: all@example.com !</p>"));
    CHECK_ERR(mail_render_line(&text, "{unknown}", &values), ERR_INTERNAL);
}

TEST(sender_taken_apart)
{
    struct slice name, address;
    CHECK_OK(mail_split_from(SLICE("drop@example.com"), &name, &address));
    CHECK_SLICE(address, SLICE("drop@example.com"));
    CHECK_OK(mail_split_from(SLICE("\"Sealdrop, Inc.\" <drop@example.com>"), &name, &address));
    CHECK_SLICE(name, SLICE("Sealdrop, Inc."));
    CHECK_SLICE(address, SLICE("drop@example.com"));
    CHECK_ERR(mail_split_from(SLICE("Sealdrop"), &name, &address), ERR_INVALID);
    CHECK_ERR(mail_split_from(SLICE("Sealdrop <drop@example.com"), &name, &address), ERR_INVALID);
    CHECK_ERR(mail_split_from(SLICE("S <a@example.com>\r\nBcc: b@example.com>"), &name, &address), ERR_INVALID);
}

TEST(message_form)
{
    struct app app = {.cfg = {.mail = {.from = "Dateien für alle <drop@example.com>"}}};
    struct mail m = {.to = SLICE("anna@example.org"), .locale = SLICE("de"), .text = SLICE("Hallo"), .html = SLICE("<p>Hallo</p>"),
                     .subject = SLICE("Bestätigen Sie bitte die E-Mail-Adresse, damit ein Konto angelegt werden kann")};
    struct id id = {{1}};
    CLEANUP(buf_done) struct buf b = BUF_INIT(16 * KIB);
    CHECK_OK(mail_message(&app, &m, &id, 1700000000000, &b));
    struct slice s = buf_view(&b);
    CHECK(contains(s, "From: =?UTF-8?B?RGF0ZWllbiBmw7xyIGFsbGU=?= <drop@example.com>\r\nTo: <anna@example.org>\r\n"));
    CHECK(contains(s, "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"));
    CHECK(contains(s, "Message-ID: <01000000-0000-0000-0000-000000000000@example.com>\r\n"));
    CHECK(contains(s, "\r\n\r\nSGFsbG8=\r\n--=_01000000"));
    CHECK(contains(s, "?=\r\n =?UTF-8?B?")); /* the subject goes over two lines */
    CHECK(slice_ends(s, SLICE("--\r\n")));
    for (struct slice rest = s; rest.len;) {
        struct slice line = slice_cut(&rest, '\n');
        CHECK(line.len <= 200 && slice_ends(line, SLICE("\r")));
    }
    m.to = SLICE("anna@example.org\r\nBcc: b@example.com");
    CHECK_ERR(mail_message(&app, &m, &id, 0, &b), ERR_INVALID);
}

static enum err make_message(const struct app *app, const struct mail *m)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(16 * KIB), html = BUF_INIT(16 * KIB);
    struct id id = {{1}};
    TRY(mail_render_html(&html, mail_text_of(MAIL_RESET, SLICE("en"))->body, SLICE("en"), "", &all_values));
    return mail_message(app, m, &id, 0, &b);
}

TEST(allocation_failures)
{
    struct app app = {.cfg = {.mail = {.from = "drop@example.com"}}};
    struct mail m = {.to = SLICE("anna@example.org"), .locale = SLICE("de"), .text = SLICE("Hallo"), .html = SLICE("Hallo"),
                     .subject = SLICE("Bestätigen")};
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        for (uint64_t n = 0;; n++) {
            test_fail_alloc(n, for_ever);
            enum err e = make_message(&app, &m);
            bool fired = test_alloc_fired();
            test_fail_alloc(UINT64_MAX, false);
            CHECK_ERR(e, fired ? ERR_NOMEM : ERR_OK);
            if (!fired) break;
        }
    }
}
