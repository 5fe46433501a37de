/* messages_bulk: many files at once. */
#ifndef SEALDROP_API_MESSAGES_BULK_H
#define SEALDROP_API_MESSAGES_BULK_H

#include "codec/json.h"

struct msg_archive_new {
    struct json_list ids;
};

extern const struct json_table msg_archive_new_table;

#endif
