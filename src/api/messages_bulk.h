/* messages_bulk: many files at once. */
#ifndef SEALDROP_API_MESSAGES_BULK_H
#define SEALDROP_API_MESSAGES_BULK_H

#include "codec/json.h"

struct msg_archive_new {
    struct json_list ids, folder_ids;
};

struct msg_bulk {
    struct slice op;
    struct json_list ids, tags;
    struct slice folder;
    struct opt_id user;
    struct slice email, permission;
    struct opt_u64 expires_in;
    struct opt_i64 expires_at;
};
struct msg_bulk_error {
    struct slice code, detail;
};
struct msg_bulk_item {
    struct id id;
    bool ok;
    struct msg_bulk_error *error;
};
struct msg_bulk_out {
    struct json_list items;
};

extern const struct json_table msg_archive_new_table, msg_bulk_table, msg_bulk_out_table;

#endif
