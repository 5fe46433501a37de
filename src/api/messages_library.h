/* messages_library: folders, tags, categories. */
#ifndef SEALDROP_API_MESSAGES_LIBRARY_H
#define SEALDROP_API_MESSAGES_LIBRARY_H

#include "codec/json.h"

struct msg_folder {
    struct id id;
    struct slice name, path;
    struct opt_id parent_id;
    uint64_t folder_count, file_count, total_size;
    int64_t created_at, updated_at;
};
struct msg_folder_out {
    const struct msg_folder *folder;
};
struct msg_folder_new {
    struct slice name, parent, path;
};
struct msg_folder_patch {
    struct slice name, parent;
};
struct msg_label {
    struct slice name;
    uint64_t file_count;
};

extern const struct json_table msg_folder_table, msg_label_table,
    msg_folder_out_table, msg_folder_page_table, msg_folder_new_table, msg_folder_patch_table,
    msg_label_page_table;

#endif
