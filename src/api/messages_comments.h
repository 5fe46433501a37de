/* messages_comments: what people say about files. */
#ifndef SEALDROP_API_MESSAGES_COMMENTS_H
#define SEALDROP_API_MESSAGES_COMMENTS_H

#include "codec/json.h"

struct msg_comment_new {
    struct slice text;
};
struct msg_comment {
    struct id id, author;
    struct slice author_name, text;
    int64_t created_at;
    struct opt_i64 edited_at;
};
struct msg_comment_out {
    struct msg_comment *comment;
};

extern const struct json_table msg_comment_new_table, msg_comment_out_table, msg_comment_page_table;

#endif
