/* The migration of folders and of the library, in both dialects: sorted texts compare byte by byte in both, and each has an index for
 * substrings of its own. What the index rows copy from `files` is kept by triggers, so that no part can forget it. */
#include "core/schema_library.h"

#define TABLES(text, serial, number)                                                                                   \
    "ALTER TABLE files ADD COLUMN tags TEXT NOT NULL DEFAULT '';" /* each ends in a line feed */                        \
    "ALTER TABLE uploads ADD COLUMN folder_id BYTEA;"                                                                  \
    "CREATE INDEX files_by_folder ON files (folder_id, trashed_at, size);"                                             \
                                                                                                                       \
    "CREATE TABLE folders ("                                                                                           \
    "  id BYTEA PRIMARY KEY,"                                                                                          \
    "  owner_id BYTEA NOT NULL REFERENCES users (id) ON DELETE CASCADE,"                                               \
    "  parent_id BYTEA NOT NULL," /* zero: the root */                                                                 \
    "  name TEXT NOT NULL,"                                                                                            \
    "  name_key " text " NOT NULL,"                                                                                    \
    "  path TEXT NOT NULL,"                                                                                            \
    "  path_key " text " NOT NULL,"                                                                                    \
    "  depth BIGINT NOT NULL,"                                                                                         \
    "  created_at BIGINT NOT NULL,"                                                                                    \
    "  updated_at BIGINT NOT NULL,"                                                                                    \
    "  UNIQUE (owner_id, path_key));"                                                                                  \
    "CREATE INDEX folders_by_parent ON folders (owner_id, parent_id, name_key, id);"                                   \
                                                                                                                       \
    "CREATE TABLE libraries ("                                                                                         \
    "  number " serial ","                                                                                             \
    "  owner_id BYTEA NOT NULL UNIQUE REFERENCES users (id) ON DELETE CASCADE,"                                        \
    "  next BIGINT NOT NULL);"                                                                                         \
    "CREATE TABLE library ("                                                                                           \
    "  n " number "," /* of the library, times 2^32, and of the file in it: the rows of one owner lie together */      \
    "  owner BIGINT NOT NULL,"                                                                                         \
    "  file_id BYTEA NOT NULL UNIQUE REFERENCES files (id) ON DELETE CASCADE,"                                         \
    "  trashed BIGINT NOT NULL,"                                                                                       \
    "  shared BIGINT NOT NULL DEFAULT 0," /* with somebody named, or it was */                                         \
    "  size BIGINT NOT NULL,"                                                                                          \
    "  created_at BIGINT NOT NULL,"                                                                                    \
    "  updated_at BIGINT NOT NULL,"                                                                                    \
    "  folder_id BYTEA NOT NULL," /* zero: the root */                                                                 \
    "  state TEXT NOT NULL,"                                                                                           \
    "  type TEXT NOT NULL,"                                                                                            \
    "  category TEXT NOT NULL,"                                                                                        \
    "  category_key " text " NOT NULL,"                                                                                \
    "  name_key " text " NOT NULL,"                                                                                    \
    "  text " text " NOT NULL);" /* what is searched in: core/library/library.h */                                     \
    "CREATE INDEX library_by_creation ON library (owner, trashed, created_at, file_id);"                               \
    "CREATE INDEX library_by_change ON library (owner, trashed, updated_at, file_id);"                                 \
    "CREATE INDEX library_by_name ON library (owner, trashed, name_key, file_id);"                                     \
    "CREATE INDEX library_by_size ON library (owner, trashed, size, file_id);"                                         \
    "CREATE INDEX library_by_folder ON library (owner, folder_id);"                                                    \
    "CREATE INDEX library_by_category ON library (owner, trashed, category_key, category) WHERE category_key <> '';"    \
    "CREATE INDEX library_by_state ON library (owner, state) WHERE state <> 'ready';"                                  \
    "CREATE INDEX library_by_sharing ON library (owner) WHERE shared = 1;"                                             \
    "CREATE TABLE file_tags ("                                                                                         \
    "  file_id BYTEA NOT NULL REFERENCES files (id) ON DELETE CASCADE,"                                                \
    "  tag_key " text " NOT NULL,"                                                                                     \
    "  tag TEXT NOT NULL,"                                                                                             \
    "  owner BIGINT NOT NULL,"                                                                                         \
    "  trashed BIGINT NOT NULL,"                                                                                       \
    "  PRIMARY KEY (file_id, tag_key));"                                                                               \
    "CREATE INDEX file_tags_by_key ON file_tags (owner, trashed, tag_key, tag);"

#define COPIED "size, created_at, updated_at, folder_id, state, type, detected_type, trashed_at"
#define KEEP(new_row, zero)                                                                                            \
    "UPDATE library SET size = " new_row ".size, created_at = " new_row ".created_at, updated_at = " new_row            \
    ".updated_at, folder_id = COALESCE(" new_row ".folder_id, " zero "), state = " new_row ".state, "                   \
    "type = lower(CASE WHEN " new_row ".detected_type <> '' THEN " new_row ".detected_type ELSE " new_row ".type END), " \
    "trashed = CASE WHEN " new_row ".trashed_at IS NULL THEN 0 ELSE 1 END WHERE file_id = " new_row ".id;"              \
    "UPDATE file_tags SET trashed = CASE WHEN " new_row ".trashed_at IS NULL THEN 0 ELSE 1 END "                        \
    "WHERE file_id = " new_row ".id AND trashed <> CASE WHEN " new_row ".trashed_at IS NULL THEN 0 ELSE 1 END;"

#define SHARED(row, value) "UPDATE library SET shared = " value " WHERE file_id = " row ".file_id AND shared <> " value ";"
#define STILL "CASE WHEN EXISTS (SELECT 1 FROM file_shares s WHERE s.file_id = old.file_id) THEN 1 ELSE 0 END"

const char library_schema_sqlite[] =
    TABLES("TEXT", "INTEGER PRIMARY KEY AUTOINCREMENT", "INTEGER PRIMARY KEY")
    "CREATE TRIGGER files_changed AFTER UPDATE OF " COPIED " ON files BEGIN " KEEP("new", "zeroblob(16)") " END;"
    "CREATE TRIGGER file_shared AFTER INSERT ON file_shares BEGIN " SHARED("new", "1") " END;"
    "CREATE TRIGGER file_unshared AFTER DELETE ON file_shares BEGIN " SHARED("old", STILL) " END;"
    "CREATE VIRTUAL TABLE library_fts USING fts5 (text, content = 'library', content_rowid = 'n', "
    "tokenize = 'trigram case_sensitive 1', detail = none, columnsize = 0);";

/* pg_trgm comes with PostgreSQL's contrib and is a trusted extension: whoever owns the database may add it. Without it, searches read all
 * rows of the owner; what they find is the same. New entries wait in a list, which searches read too, and which is therefore short. */
const char library_schema_postgres[] =
    TABLES("TEXT COLLATE \"C\"", "BIGSERIAL PRIMARY KEY", "BIGINT PRIMARY KEY")
    "CREATE FUNCTION files_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    KEEP("new", "'\\x00000000000000000000000000000000'::bytea") " RETURN NULL; END $$;"
    "CREATE TRIGGER files_changed AFTER UPDATE OF " COPIED " ON files FOR EACH ROW EXECUTE FUNCTION files_changed();"
    "CREATE FUNCTION file_shared() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN " SHARED("new", "1") " RETURN NULL; END $$;"
    "CREATE FUNCTION file_unshared() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN " SHARED("old", STILL) " RETURN NULL; END $$;"
    "CREATE TRIGGER file_shared AFTER INSERT ON file_shares FOR EACH ROW EXECUTE FUNCTION file_shared();"
    "CREATE TRIGGER file_unshared AFTER DELETE ON file_shares FOR EACH ROW EXECUTE FUNCTION file_unshared();"
    "DO $$ DECLARE home text; BEGIN "
    "  BEGIN CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public; EXCEPTION WHEN OTHERS THEN NULL; END;"
    "  SELECT n.nspname INTO home FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm';"
    "  IF home IS NOT NULL THEN"
    "    EXECUTE format('CREATE INDEX library_by_trigram ON library USING gin (text %I.gin_trgm_ops) "
    "      WITH (fastupdate = on, gin_pending_list_limit = 256)', home);"
    "  END IF;"
    "END $$;";
