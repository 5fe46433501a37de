/* The tables of messages_account.h. */
#include "api/messages_account.h"

#include "base/limits.h"

#define F(strct, member, type, ...) JSON_FIELD(struct strct, member, type, __VA_ARGS__)
#define REQUIRED .flags = JSON_REQUIRED
#define SECRET .flags = JSON_REQUIRED | JSON_SECRET
#define TOKEN_MAX 128

JSON_TABLE(msg_register_table, "Register", struct msg_register,
    F(msg_register, email, JSON_STRING, REQUIRED, .max = LIMIT_EMAIL_BYTES),
    F(msg_register, password, JSON_STRING, SECRET, .max = LIMIT_PASSWORD_BYTES),
    F(msg_register, display_name, JSON_STRING, .max = LIMIT_TITLE_BYTES),
    F(msg_register, invite, JSON_STRING, .flags = JSON_SECRET, .max = TOKEN_MAX, .doc = "the token after # in the link of an invitation"));
JSON_TABLE(msg_mailed_token_table, "MailedToken", struct msg_mailed_token,
    F(msg_mailed_token, token, JSON_STRING, SECRET, .max = TOKEN_MAX, .doc = "what stands after # in the mailed link"));
JSON_TABLE(msg_forgot_table, "Forgot", struct msg_forgot,
    F(msg_forgot, email, JSON_STRING, REQUIRED, .max = LIMIT_EMAIL_BYTES));
JSON_TABLE(msg_reset_table, "Reset", struct msg_reset,
    F(msg_reset, token, JSON_STRING, SECRET, .max = TOKEN_MAX, .doc = "what stands after # in the mailed link"),
    F(msg_reset, new_password, JSON_STRING, SECRET, .max = LIMIT_PASSWORD_BYTES));
JSON_TABLE(msg_email_change_table, "EmailChange", struct msg_email_change,
    F(msg_email_change, email, JSON_STRING, REQUIRED, .max = LIMIT_EMAIL_BYTES, .doc = "the new one"),
    F(msg_email_change, password, JSON_STRING, SECRET, .max = LIMIT_PASSWORD_BYTES));
