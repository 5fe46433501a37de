/* The tables of messages_comments.h. Data only. */
#include "api/messages_comments.h"

#include "api/messages.h"
#include "base/limits.h"

#define F(strct, member, type, ...) JSON_FIELD(struct strct, member, type, __VA_ARGS__)
#define REQUIRED .flags = JSON_REQUIRED

JSON_TABLE(msg_comment_new_table, "CommentNew", struct msg_comment_new,
    F(msg_comment_new, text, JSON_STRING, REQUIRED, .max = LIMIT_MESSAGE_BYTES, .doc = "plain text; line breaks and tabs are kept"));
JSON_TABLE(msg_comment_table, "Comment", struct msg_comment,
    F(msg_comment, id, JSON_ID, REQUIRED),
    F(msg_comment, author, JSON_ID, REQUIRED),
    F(msg_comment, author_name, JSON_STRING, REQUIRED),
    F(msg_comment, text, JSON_STRING, REQUIRED),
    F(msg_comment, created_at, JSON_TIME, REQUIRED),
    F(msg_comment, edited_at, JSON_OPT_TIME, .flags = JSON_NULLABLE));
JSON_TABLE(msg_comment_out_table, "CommentAnswer", struct msg_comment_out,
    F(msg_comment_out, comment, JSON_OBJECT, REQUIRED, .table = &msg_comment_table));
JSON_TABLE(msg_comment_page_table, "CommentPage", struct msg_page,
    F(msg_page, items, JSON_OBJECTS, REQUIRED, .table = &msg_comment_table),
    F(msg_page, next_cursor, JSON_STRING, .flags = JSON_NULLABLE));
