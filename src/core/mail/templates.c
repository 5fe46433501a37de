/* Every text the server mails, in every language it speaks. To add a language: a code in `locales`, a column everywhere.
 * Placeholders are filled in, nothing else happens here: {server} is in all, the rest is told in mail.h. */
#include "core/mail/templates.h"

#include "base/intmath.h"

#define LOCALES 2
static const char *const locales[LOCALES] = {"en", "de"};

static const struct mail_text texts[MAIL_TEMPLATE_COUNT][LOCALES] = {
    [MAIL_VERIFY] = {
        {"Confirm your e-mail address",
         "Somebody, probably you, wants an account at {server} with this e-mail address.\n\n"
         "To confirm that it is yours, open this link within {hours} hours:\n\n"
         "{link}\n\n"
         "If it was not you, do nothing: without the link no account is made."},
        {"Bestätigen Sie Ihre E-Mail-Adresse",
         "Jemand, vermutlich Sie, möchte mit dieser E-Mail-Adresse ein Konto bei {server} anlegen.\n\n"
         "Um zu bestätigen, dass die Adresse Ihnen gehört, öffnen Sie innerhalb von {hours} Stunden diesen Link:\n\n"
         "{link}\n\n"
         "Waren Sie es nicht, brauchen Sie nichts zu tun: ohne den Link entsteht kein Konto."}},
    [MAIL_EXISTS] = {
        {"You already have an account",
         "Somebody, probably you, wanted to make an account at {server} with this e-mail address. You have one already.\n\n"
         "Sign in here; if you forgot the password, the page helps you:\n\n"
         "{link}\n\n"
         "If it was not you, you can ignore this message: nothing has changed."},
        {"Sie haben bereits ein Konto",
         "Jemand, vermutlich Sie, wollte mit dieser E-Mail-Adresse ein Konto bei {server} anlegen. Sie haben bereits eines.\n\n"
         "Hier melden Sie sich an; auch wenn Sie das Passwort vergessen haben, hilft diese Seite:\n\n"
         "{link}\n\n"
         "Waren Sie es nicht, können Sie diese Nachricht ignorieren: es hat sich nichts geändert."}},
    [MAIL_RESET] = {
        {"Choose a new password",
         "Somebody at the address {ip}, probably you, asked for a new password for your account at {server}.\n\n"
         "Open this link within {minutes} minutes to choose one. It works once:\n\n"
         "{link}\n\n"
         "If it was not you, do nothing: your password stays as it is."},
        {"Neues Passwort wählen",
         "Jemand mit der Adresse {ip}, vermutlich Sie, hat ein neues Passwort für Ihr Konto bei {server} verlangt.\n\n"
         "Öffnen Sie innerhalb von {minutes} Minuten diesen Link, um eines zu wählen. Er gilt einmal:\n\n"
         "{link}\n\n"
         "Waren Sie es nicht, brauchen Sie nichts zu tun: Ihr Passwort bleibt, wie es ist."}},
    [MAIL_INVITE] = {
        {"You are invited to {server}",
         "An administrator of {server} invites you to make an account there, to send and receive files safely.\n\n"
         "Open this link within {days} days. It works once:\n\n"
         "{link}\n\n"
         "If you do not want an account, do nothing."},
        {"Einladung zu {server}",
         "Die Verwaltung von {server} lädt Sie ein, dort ein Konto anzulegen, um Dateien sicher zu senden und zu empfangen.\n\n"
         "Öffnen Sie innerhalb von {days} Tagen diesen Link. Er gilt einmal:\n\n"
         "{link}\n\n"
         "Möchten Sie kein Konto, brauchen Sie nichts zu tun."}},
    [MAIL_CHOOSE_PASSWORD] = {
        {"Your account at {server}",
         "An administrator has made an account for you at {server}.\n\n"
         "Open this link within {days} days to choose your password. It works once:\n\n"
         "{link}\n\n"
         "Afterwards you sign in with this e-mail address."},
        {"Ihr Konto bei {server}",
         "Für Sie wurde ein Konto bei {server} angelegt.\n\n"
         "Öffnen Sie innerhalb von {days} Tagen diesen Link, um Ihr Passwort zu wählen. Er gilt einmal:\n\n"
         "{link}\n\n"
         "Danach melden Sie sich mit dieser E-Mail-Adresse an."}},
    [MAIL_PASSWORD_CHANGED] = {
        {"Your password was changed",
         "The password of your account at {server} was changed on {when}, from the address {ip}. Other sessions have been ended.\n\n"
         "If it was not you, ask your administrator for help at once."},
        {"Ihr Passwort wurde geändert",
         "Das Passwort Ihres Kontos bei {server} wurde am {when} geändert, von der Adresse {ip}. Andere Sitzungen wurden beendet.\n\n"
         "Waren Sie es nicht, wenden Sie sich sofort an Ihre Verwaltung."}},
    [MAIL_FACTOR_CHANGED] = {
        {"The second factor of your account was changed",
         "A second factor of your account at {server} was added or removed on {when}, from the address {ip}.\n\n"
         "If it was not you, ask your administrator for help at once."},
        {"Der zweite Faktor Ihres Kontos wurde geändert",
         "Ein zweiter Faktor Ihres Kontos bei {server} wurde am {when} hinzugefügt oder entfernt, von der Adresse {ip}.\n\n"
         "Waren Sie es nicht, wenden Sie sich sofort an Ihre Verwaltung."}},
    [MAIL_EMAIL_CONFIRM] = {
        {"Confirm your new e-mail address",
         "Somebody, probably you, wants this e-mail address for an account at {server}.\n\n"
         "To confirm that it is yours, open this link within {hours} hours. It works once:\n\n"
         "{link}\n\n"
         "If it was not you, do nothing: without the link nothing changes."},
        {"Bestätigen Sie Ihre neue E-Mail-Adresse",
         "Jemand, vermutlich Sie, möchte diese E-Mail-Adresse für ein Konto bei {server} verwenden.\n\n"
         "Um zu bestätigen, dass die Adresse Ihnen gehört, öffnen Sie innerhalb von {hours} Stunden diesen Link. Er gilt einmal:\n\n"
         "{link}\n\n"
         "Waren Sie es nicht, brauchen Sie nichts zu tun: ohne den Link ändert sich nichts."}},
    [MAIL_EMAIL_ASKED] = {
        {"Another e-mail address for your account",
         "Another e-mail address was asked for your account at {server} on {when}, from the address {ip}. It changes once somebody "
         "confirms the new one there.\n\n"
         "If it was not you, choose a new password at once: that takes the wish back."},
        {"Andere E-Mail-Adresse für Ihr Konto",
         "Für Ihr Konto bei {server} wurde am {when}, von der Adresse {ip}, eine andere E-Mail-Adresse verlangt. Sie gilt, sobald sie "
         "dort bestätigt wird.\n\n"
         "Waren Sie es nicht, wählen Sie sofort ein neues Passwort: das nimmt den Wunsch zurück."}},
    [MAIL_EMAIL_CHANGED] = {
        {"The e-mail address of your account was changed",
         "Your account at {server} has another e-mail address since {when}; it was changed from the address {ip}. This one is no longer "
         "used, and other sessions have been ended.\n\n"
         "If it was not you, ask your administrator for help at once."},
        {"Die E-Mail-Adresse Ihres Kontos wurde geändert",
         "Ihr Konto bei {server} hat seit dem {when} eine andere E-Mail-Adresse; geändert wurde sie von der Adresse {ip}. Diese hier wird "
         "nicht mehr verwendet, andere Sitzungen wurden beendet.\n\n"
         "Waren Sie es nicht, wenden Sie sich sofort an Ihre Verwaltung."}},
    [MAIL_SHARED] = {
        {"{name} shares a file with you",
         "{name} shares one or more files with you at {server}.\n\n"
         "Sign in to see them under “shared with me”:\n\n"
         "{link}"},
        {"{name} teilt eine Datei mit Ihnen",
         "{name} teilt eine oder mehrere Dateien bei {server} mit Ihnen.\n\n"
         "Nach der Anmeldung finden Sie sie unter „Mit mir geteilt“:\n\n"
         "{link}"}},
};

static const char *const buttons[MAIL_TEMPLATE_COUNT][LOCALES] = {
    [MAIL_VERIFY] = {"Confirm the address", "Adresse bestätigen"},
    [MAIL_EXISTS] = {"Sign in", "Anmelden"},
    [MAIL_RESET] = {"Choose a new password", "Neues Passwort wählen"},
    [MAIL_INVITE] = {"Make an account", "Konto anlegen"},
    [MAIL_CHOOSE_PASSWORD] = {"Choose a password", "Passwort wählen"},
    [MAIL_PASSWORD_CHANGED] = {"", ""},
    [MAIL_FACTOR_CHANGED] = {"", ""},
    [MAIL_EMAIL_CONFIRM] = {"Confirm the address", "Adresse bestätigen"},
    [MAIL_EMAIL_ASKED] = {"", ""},
    [MAIL_EMAIL_CHANGED] = {"", ""},
    [MAIL_SHARED] = {"See the files", "Dateien ansehen"},
};

static size_t index_of(struct slice locale)
{
    for (size_t i = 0; i < LOCALES; i++)
        if (slice_eq(locale, slice_cstr(locales[i]))) return i;
    return LOCALES;
}

bool mail_has_locale(struct slice locale) { return index_of(locale) < LOCALES; }

const struct mail_text *mail_text_of(enum mail_template t, struct slice locale)
{
    return &texts[t][index_of(locale) % LOCALES];
}

const char *mail_button_of(enum mail_template t, struct slice locale) { return buttons[t][index_of(locale) % LOCALES]; }
