/* The tables of messages_library.h. Data only. */
#include "api/messages_library.h"

#include "api/messages.h"
#include "base/limits.h"

#define F(strct, member, type, ...) JSON_FIELD(struct strct, member, type, __VA_ARGS__)
#define REQUIRED .flags = JSON_REQUIRED
#define NULLABLE .flags = JSON_NULLABLE

JSON_TABLE(msg_folder_table, "Folder", struct msg_folder,
    F(msg_folder, id, JSON_ID, REQUIRED),
    F(msg_folder, name, JSON_STRING, REQUIRED),
    F(msg_folder, path, JSON_STRING, REQUIRED, .doc = "/a/b"),
    F(msg_folder, parent_id, JSON_OPT_ID, NULLABLE, .doc = "null: it lies in the root"),
    F(msg_folder, folder_count, JSON_U64, REQUIRED, .doc = "folders directly in it"),
    F(msg_folder, file_count, JSON_U64, REQUIRED, .doc = "files directly in it"),
    F(msg_folder, total_size, JSON_U64, REQUIRED, .doc = "bytes of those files"),
    F(msg_folder, created_at, JSON_TIME, REQUIRED),
    F(msg_folder, updated_at, JSON_TIME, REQUIRED));
JSON_TABLE(msg_folder_out_table, "FolderAnswer", struct msg_folder_out,
    F(msg_folder_out, folder, JSON_OBJECT, REQUIRED, .table = &msg_folder_table));
JSON_TABLE(msg_folder_page_table, "FolderPage", struct msg_page,
    F(msg_page, items, JSON_OBJECTS, REQUIRED, .table = &msg_folder_table),
    F(msg_page, next_cursor, JSON_STRING, NULLABLE));
JSON_TABLE(msg_folder_new_table, "FolderNew", struct msg_folder_new,
    F(msg_folder_new, name, JSON_STRING, .max = LIMIT_NAME_BYTES),
    F(msg_folder_new, parent, JSON_STRING, .max = LIMIT_PATH_BYTES, .doc = "of name: a folder's id or path; left out: the root"),
    F(msg_folder_new, path, JSON_STRING, .max = LIMIT_PATH_BYTES, .doc = "instead of name: all of it that is not there is made"));
JSON_TABLE(msg_folder_patch_table, "FolderPatch", struct msg_folder_patch,
    F(msg_folder_patch, name, JSON_STRING, .max = LIMIT_NAME_BYTES),
    F(msg_folder_patch, parent, JSON_STRING, .max = LIMIT_PATH_BYTES, .doc = "a folder's id or path; \"/\" is the root"));
JSON_TABLE(msg_label_table, "Label", struct msg_label,
    F(msg_label, name, JSON_STRING, REQUIRED),
    F(msg_label, file_count, JSON_U64, REQUIRED));
JSON_TABLE(msg_label_page_table, "LabelPage", struct msg_page,
    F(msg_page, items, JSON_OBJECTS, REQUIRED, .table = &msg_label_table),
    F(msg_page, next_cursor, JSON_STRING, NULLABLE));
