/* All migrations. A released one is never edited (its checksum is recorded); a change is a new one at the end.
 * Types: BIGINT (numbers, booleans 0/1, times in ms), TEXT, BYTEA (ids, hashes, sealed keys). */
#include "core/schema.h"

#include "base/intmath.h"
#include "core/schema_library.h"

static const char first[] =
    "CREATE TABLE settings ("
    "  name TEXT PRIMARY KEY,"
    "  value BYTEA NOT NULL);"

    "CREATE TABLE keks ("
    "  id BYTEA PRIMARY KEY,"
    "  org_id BYTEA NOT NULL,"
    "  generation BIGINT NOT NULL,"
    "  provider TEXT NOT NULL,"
    "  key_ref TEXT NOT NULL,"
    "  sealed BYTEA,"
    "  state TEXT NOT NULL," /* active, decrypt-only, destroyed */
    "  created_at BIGINT NOT NULL,"
    "  UNIQUE (org_id, generation));"

    "CREATE TABLE users ("
    "  id BYTEA PRIMARY KEY,"
    "  email TEXT NOT NULL,"
    "  email_key TEXT NOT NULL UNIQUE," /* folded, for comparison */
    "  display_name TEXT NOT NULL,"
    "  role TEXT NOT NULL,"
    "  state TEXT NOT NULL," /* active, suspended */
    "  password_hash TEXT NOT NULL,"
    "  quota_bytes BIGINT,"  /* NULL: the configured default */
    "  used_bytes BIGINT NOT NULL DEFAULT 0," /* files and reservations of uploads */
    "  created_at BIGINT NOT NULL,"
    "  updated_at BIGINT NOT NULL);"

    "CREATE TABLE signing_keys ("
    "  kid TEXT PRIMARY KEY,"
    "  public_key BYTEA NOT NULL,"
    "  wrapped BYTEA NOT NULL,"
    "  state TEXT NOT NULL," /* current, retired */
    "  created_at BIGINT NOT NULL);"

    "CREATE TABLE sessions ("
    "  id BYTEA PRIMARY KEY,"
    "  user_id BYTEA NOT NULL," /* no reference: revocations outlive the account, until all nodes have seen them */
    "  device_name TEXT NOT NULL,"
    "  ip TEXT NOT NULL,"
    "  created_at BIGINT NOT NULL,"
    "  last_used_at BIGINT NOT NULL,"
    "  expires_at BIGINT NOT NULL," /* absolute end */
    "  revoked_at BIGINT);"
    "CREATE INDEX sessions_by_user ON sessions (user_id);"
    "CREATE INDEX sessions_by_revoked ON sessions (revoked_at);"

    "CREATE TABLE refresh_tokens ("
    "  hash BYTEA PRIMARY KEY,"
    "  session_id BYTEA NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,"
    "  created_at BIGINT NOT NULL,"
    "  expires_at BIGINT NOT NULL,"
    "  used_at BIGINT);"
    "CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);"

    /* What is stored: one sealed blob with its key. The id is the format's file id. */
    "CREATE TABLE contents ("
    "  id BYTEA PRIMARY KEY,"
    "  owner_id BYTEA NOT NULL REFERENCES users (id),"
    "  size BIGINT NOT NULL,"        /* as people see it */
    "  stored_size BIGINT NOT NULL," /* what is sealed: the same, unless it is compressed */
    "  part_size BIGINT NOT NULL,"
    "  sealed_size BIGINT NOT NULL,"
    "  crc32 BIGINT NOT NULL,"
    "  sha256 BYTEA,"
    "  headers BYTEA NOT NULL," /* 56 bytes a part */
    "  headers_hash BYTEA NOT NULL,"
    "  kek_id BYTEA,"           /* of wrapped_key; NULL in e2e mode */
    "  wrapped_key BYTEA,"
    "  sealed_meta BYTEA,"
    "  codec TEXT NOT NULL DEFAULT ''," /* of what is sealed; empty: as people see it */
    "  frames BYTEA,"                   /* its seek table */
    "  dedupe_key BYTEA,"
    "  refs BIGINT NOT NULL,"           /* versions that hold it */
    "  created_at BIGINT NOT NULL);"
    "CREATE INDEX contents_by_kek ON contents (kek_id);"
    "CREATE INDEX contents_by_owner ON contents (owner_id);"

    /* What people see; what is the version's is that of the newest. */
    "CREATE TABLE files ("
    "  id BYTEA PRIMARY KEY,"
    "  owner_id BYTEA NOT NULL REFERENCES users (id),"
    "  name TEXT NOT NULL,"
    "  name_key TEXT NOT NULL,"
    "  content_id BYTEA NOT NULL REFERENCES contents (id),"
    "  size BIGINT NOT NULL,"
    "  type TEXT NOT NULL,"
    "  detected_type TEXT NOT NULL DEFAULT '',"
    "  state TEXT NOT NULL," /* ready, … */
    "  state_why TEXT NOT NULL DEFAULT '',"
    "  mode TEXT NOT NULL,"  /* managed, e2e */
    "  version BIGINT NOT NULL,"
    "  description TEXT NOT NULL DEFAULT '',"
    "  category TEXT NOT NULL DEFAULT '',"
    "  folder_id BYTEA,"
    "  modified_at BIGINT NOT NULL," /* of the source file */
    "  created_at BIGINT NOT NULL,"
    "  updated_at BIGINT NOT NULL,"
    "  trashed_at BIGINT);"
    "CREATE INDEX files_by_owner ON files (owner_id, created_at, id);"
    "CREATE INDEX files_by_content ON files (content_id);"

    "CREATE TABLE file_versions (" /* all, the newest too */
    "  file_id BYTEA NOT NULL REFERENCES files (id) ON DELETE CASCADE,"
    "  version BIGINT NOT NULL,"
    "  content_id BYTEA NOT NULL REFERENCES contents (id),"
    "  size BIGINT NOT NULL,"
    "  type TEXT NOT NULL,"
    "  detected_type TEXT NOT NULL DEFAULT '',"
    "  state TEXT NOT NULL,"
    "  modified_at BIGINT NOT NULL,"
    "  created_at BIGINT NOT NULL,"
    "  created_by BYTEA NOT NULL," /* no reference: accounts end */
    "  replaced_at BIGINT,"        /* NULL: the newest */
    "  PRIMARY KEY (file_id, version));"
    "CREATE INDEX file_versions_by_content ON file_versions (content_id);"
    "CREATE INDEX file_versions_by_replaced ON file_versions (replaced_at);"

    "CREATE TABLE uploads ("
    "  id BYTEA PRIMARY KEY,"
    "  file_id BYTEA NOT NULL,"           /* it becomes */
    "  adds_version BIGINT NOT NULL DEFAULT 0," /* to a file that is there */
    "  content_id BYTEA NOT NULL UNIQUE," /* it becomes; the blob's name from the start */
    "  owner_id BYTEA NOT NULL REFERENCES users (id),"
    "  name TEXT NOT NULL,"
    "  size BIGINT," /* NULL: not yet known */
    "  type TEXT NOT NULL,"
    "  mode TEXT NOT NULL,"
    "  part_size BIGINT NOT NULL,"
    "  state TEXT NOT NULL," /* open, completing, complete */
    "  blob_ref TEXT NOT NULL,"
    "  kek_id BYTEA,"
    "  wrapped_key BYTEA,"
    "  reserved_bytes BIGINT NOT NULL,"
    "  modified_at BIGINT NOT NULL,"
    "  created_at BIGINT NOT NULL,"
    "  expires_at BIGINT NOT NULL);"
    "CREATE INDEX uploads_by_owner ON uploads (owner_id, created_at, id);"
    "CREATE INDEX uploads_by_expiry ON uploads (expires_at);"

    "CREATE TABLE upload_parts ("
    "  upload_id BYTEA NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,"
    "  number BIGINT NOT NULL,"
    "  size BIGINT NOT NULL,"
    "  crc32 BIGINT NOT NULL,"
    "  header BYTEA NOT NULL,"
    "  tag TEXT NOT NULL,"
    "  PRIMARY KEY (upload_id, number));"

    "CREATE TABLE transfers ("
    "  id BYTEA PRIMARY KEY,"
    "  owner_id BYTEA NOT NULL REFERENCES users (id),"
    "  title TEXT NOT NULL,"
    "  message TEXT NOT NULL,"
    "  mode TEXT NOT NULL,"
    "  sealed_manifest BYTEA,"
    "  password_hash TEXT,"
    "  max_downloads BIGINT,"
    "  delete_files BIGINT NOT NULL,"
    "  expires_at BIGINT,"
    "  ended_at BIGINT,"  /* deleted or expired: kept as a tombstone */
    "  ended_why TEXT,"   /* deleted, expired */
    "  created_at BIGINT NOT NULL,"
    "  updated_at BIGINT NOT NULL);"
    "CREATE INDEX transfers_by_owner ON transfers (owner_id, created_at, id);"
    "CREATE INDEX transfers_by_expiry ON transfers (expires_at);"

    "CREATE TABLE transfer_files ("
    "  transfer_id BYTEA NOT NULL REFERENCES transfers (id) ON DELETE CASCADE,"
    "  file_id BYTEA NOT NULL REFERENCES files (id) ON DELETE CASCADE,"
    "  position BIGINT NOT NULL,"
    "  PRIMARY KEY (transfer_id, file_id));"
    "CREATE INDEX transfer_files_by_file ON transfer_files (file_id);"

    "CREATE TABLE links ("
    "  id BYTEA PRIMARY KEY,"
    "  transfer_id BYTEA NOT NULL REFERENCES transfers (id) ON DELETE CASCADE,"
    "  token_hash BYTEA NOT NULL UNIQUE,"
    "  permission TEXT NOT NULL," /* view, download */
    "  label TEXT NOT NULL,"
    "  password_hash TEXT,"       /* bcrypt; for e2e links of b64url(K_auth) */
    "  auth_hash BYTEA,"          /* e2e without password: SHA-256(K_auth) */
    "  kdf_salt BYTEA,"
    "  box BYTEA,"                /* e2e: the sealed transfer key */
    "  expires_at BIGINT,"
    "  max_downloads BIGINT,"
    "  downloads BIGINT NOT NULL DEFAULT 0," /* finished and running */
    "  partial_bytes BIGINT NOT NULL DEFAULT 0," /* served by attempts that were given back */
    "  fails BIGINT NOT NULL DEFAULT 0,"
    "  locked_until BIGINT,"
    "  revoked_at BIGINT,"
    "  created_at BIGINT NOT NULL);"
    "CREATE INDEX links_by_transfer ON links (transfer_id);"

    "CREATE TABLE grants ("
    "  id BYTEA PRIMARY KEY,"
    "  link_id BYTEA NOT NULL REFERENCES links (id) ON DELETE CASCADE,"
    "  ticket BYTEA,"                 /* whose downloads share this grant */
    "  state TEXT NOT NULL,"          /* reserved, committed */
    "  whole_bytes BIGINT NOT NULL,"  /* served bytes that make a download */
    "  served_bytes BIGINT NOT NULL DEFAULT 0,"
    "  holders BIGINT NOT NULL,"       /* requests that took it and have not ended */
    "  created_at BIGINT NOT NULL,"
    "  expires_at BIGINT NOT NULL);"
    "CREATE INDEX grants_by_link ON grants (link_id, ticket);"
    "CREATE INDEX grants_by_expiry ON grants (state, expires_at);"

    "CREATE TABLE jobs ("
    "  id BYTEA PRIMARY KEY,"
    "  kind TEXT NOT NULL,"
    "  lane BIGINT NOT NULL," /* 1: takes long */
    "  payload TEXT NOT NULL,"
    "  dedupe TEXT UNIQUE,"    /* at most one waiting job of this name */
    "  state TEXT NOT NULL,"   /* waiting, dead */
    "  run_at BIGINT NOT NULL," /* not before; while leased, the end of the lease */
    "  lease BYTEA,"
    "  attempts BIGINT NOT NULL DEFAULT 0,"
    "  last_error TEXT,"
    "  created_at BIGINT NOT NULL);"
    "CREATE INDEX jobs_by_time ON jobs (state, lane, run_at);"

    "CREATE TABLE idempotency ("
    "  key_hash BYTEA PRIMARY KEY," /* of caller, route and key */
    "  request_hash BYTEA NOT NULL,"
    "  status BIGINT NOT NULL," /* 0: still running */
    "  response BYTEA NOT NULL,"
    "  expires_at BIGINT NOT NULL);"
    "CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);";

static const char identity[] =
    "ALTER TABLE users ADD COLUMN email_verified_at BIGINT;"
    "ALTER TABLE users ADD COLUMN password_changed_at BIGINT;"
    "ALTER TABLE users ADD COLUMN must_change_password BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE users ADD COLUMN mfa_required BIGINT NOT NULL DEFAULT 0;" /* beyond what the role requires */
    "ALTER TABLE users ADD COLUMN mfa_fails BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE users ADD COLUMN mfa_blocked_until BIGINT;"
    "ALTER TABLE users ADD COLUMN used_files BIGINT NOT NULL DEFAULT 0;" /* and reservations, as used_bytes */
    "ALTER TABLE users ADD COLUMN quota_files BIGINT;"        /* this and the next two: NULL: the role's, 0: no limit */
    "ALTER TABLE users ADD COLUMN file_bytes_max BIGINT;"
    "ALTER TABLE users ADD COLUMN transfer_bytes_max BIGINT;"
    "ALTER TABLE users ADD COLUMN signed_in_at BIGINT;" /* the last time; NULL: never */
    "ALTER TABLE sessions ADD COLUMN user_agent TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE sessions ADD COLUMN amr TEXT NOT NULL DEFAULT 'pwd';" /* how it was signed in: pwd, otp, passkey, oidc */
    "ALTER TABLE sessions ADD COLUMN auth_at BIGINT NOT NULL DEFAULT 0;" /* last time the secret was proven */
    "ALTER TABLE sessions ADD COLUMN idle_ms BIGINT NOT NULL DEFAULT 0;" /* 0: only the refresh token's own end */

    "ALTER TABLE sessions ADD COLUMN country TEXT NOT NULL DEFAULT '';" /* of the address, ISO 3166-1; empty: not known */

    /* Wrong passwords since the last right one: of accounts (key: the user id) and, so that nothing tells them apart, of addresses
     * without one (key: a MAC of the address). */
    "CREATE TABLE login_tries ("
    "  key BYTEA PRIMARY KEY,"
    "  user_id BYTEA REFERENCES users (id) ON DELETE CASCADE,"
    "  fails BIGINT NOT NULL,"
    "  wrong BIGINT NOT NULL,"        /* wrong passwords and codes since the last finished sign-in */
    "  blocked_until BIGINT,"
    "  last_at BIGINT NOT NULL);"
    "CREATE INDEX login_tries_by_user ON login_tries (user_id);"
    "CREATE INDEX login_tries_by_time ON login_tries (last_at);"

    "CREATE TABLE totp ("
    "  user_id BYTEA NOT NULL REFERENCES users (id) ON DELETE CASCADE,"
    "  pending BIGINT NOT NULL,"      /* 1: enrolment not finished; the one in force, if any, stays until it is */
    "  kek_id BYTEA NOT NULL,"
    "  wrapped BYTEA NOT NULL,"       /* 20 bytes of secret and 12 zero bytes, as a wrapped key */
    "  created_at BIGINT NOT NULL,"
    "  last_step BIGINT NOT NULL DEFAULT 0,"
    "  PRIMARY KEY (user_id, pending));"
    "CREATE INDEX totp_by_kek ON totp (kek_id);"

    "CREATE TABLE recovery_codes ("
    "  user_id BYTEA NOT NULL REFERENCES users (id) ON DELETE CASCADE,"
    "  hash BYTEA NOT NULL,"
    "  used_at BIGINT,"
    "  PRIMARY KEY (user_id, hash));"

    "CREATE TABLE passkeys ("
    "  id BYTEA PRIMARY KEY,"
    "  user_id BYTEA NOT NULL REFERENCES users (id) ON DELETE CASCADE,"
    "  credential_id BYTEA NOT NULL UNIQUE,"
    "  alg BIGINT NOT NULL,"
    "  public_key BYTEA NOT NULL,"
    "  sign_count BIGINT NOT NULL,"
    "  name TEXT NOT NULL,"
    "  created_at BIGINT NOT NULL,"
    "  last_used_at BIGINT);"
    "CREATE INDEX passkeys_by_user ON passkeys (user_id);"

    "CREATE TABLE api_keys ("
    "  id TEXT PRIMARY KEY," /* 8 characters, part of the key */
    "  user_id BYTEA NOT NULL REFERENCES users (id) ON DELETE CASCADE,"
    "  name TEXT NOT NULL,"
    "  secret_hash BYTEA NOT NULL,"
    "  scopes BIGINT NOT NULL,"
    "  created_at BIGINT NOT NULL,"
    "  expires_at BIGINT,"
    "  last_used_at BIGINT,"
    "  revoked_at BIGINT);"
    "CREATE INDEX api_keys_by_user ON api_keys (user_id);"

    "CREATE TABLE mailed_tokens (" /* e-mail verification, password reset, invites: single use */
    "  hash BYTEA PRIMARY KEY,"
    "  purpose TEXT NOT NULL,"
    "  user_id BYTEA REFERENCES users (id) ON DELETE CASCADE,"
    "  data TEXT NOT NULL,"
    "  created_at BIGINT NOT NULL,"
    "  expires_at BIGINT NOT NULL,"
    "  used_at BIGINT);"
    "CREATE INDEX mailed_tokens_by_expiry ON mailed_tokens (expires_at);"

    "CREATE TABLE device_codes ("
    "  hash BYTEA PRIMARY KEY,"       /* of the device code */
    "  user_code TEXT NOT NULL UNIQUE,"
    "  device_name TEXT NOT NULL,"
    "  ip TEXT NOT NULL,"
    "  user_id BYTEA REFERENCES users (id) ON DELETE CASCADE,"
    "  session_id BYTEA REFERENCES sessions (id) ON DELETE CASCADE," /* that approved it */
    "  state TEXT NOT NULL,"          /* waiting, approved, denied, used */
    "  created_at BIGINT NOT NULL,"
    "  expires_at BIGINT NOT NULL,"
    "  polled_at BIGINT);"

    "CREATE TABLE used_once (" /* hashes of challenges and states that were presented, until they are over */
    "  hash BYTEA PRIMARY KEY,"
    "  expires_at BIGINT NOT NULL);"

    "CREATE TABLE external_identities ("
    "  provider TEXT NOT NULL,"
    "  subject TEXT NOT NULL,"
    "  user_id BYTEA NOT NULL REFERENCES users (id) ON DELETE CASCADE,"
    "  created_at BIGINT NOT NULL,"
    "  last_used_at BIGINT,"
    "  PRIMARY KEY (provider, subject));"

    "CREATE TABLE audit ("
    "  id BYTEA PRIMARY KEY,"
    "  seq BIGINT UNIQUE,"            /* given by the log writer */
    "  at BIGINT NOT NULL,"
    "  event TEXT NOT NULL,"
    "  actor_id BYTEA,"
    "  object_id BYTEA,"
    "  result TEXT NOT NULL,"
    "  entry TEXT NOT NULL,"          /* JSON without seq, keys in fixed order */
    "  pii_salt BYTEA,"
    "  pii TEXT,"                     /* JSON, erasable: the entry holds only its salted hash */
    "  ip TEXT);"                     /* once more, for searching; erased together with pii */
    "CREATE INDEX audit_by_time ON audit (at, id);"
    "CREATE INDEX audit_by_actor ON audit (actor_id, at);"
    "CREATE INDEX audit_by_ip ON audit (ip, at);";

static const char limits[] =
    "CREATE TABLE limits (" /* of tries: core/limit */
    "  key BYTEA PRIMARY KEY,"    /* a MAC of what is limited and who is counted */
    "  paid_at BIGINT NOT NULL);" /* microseconds: until then past events are paid for */
    "CREATE INDEX limits_by_end ON limits (paid_at);";

/* Files among people: with whom they are shared, the trash, what is said about them. */
static const char shares[] =
    "CREATE TABLE file_shares ("
    "  file_id BYTEA NOT NULL REFERENCES files (id) ON DELETE CASCADE,"
    "  user_id BYTEA NOT NULL REFERENCES users (id) ON DELETE CASCADE,"
    "  permission TEXT NOT NULL,"     /* view, download, edit */
    "  by_address BIGINT NOT NULL,"   /* 1: whoever shared knew the address, and is shown it */
    "  granted_by BYTEA NOT NULL,"    /* no reference: the share outlives an administrator's account */
    "  expires_at BIGINT,"
    "  created_at BIGINT NOT NULL,"
    "  PRIMARY KEY (file_id, user_id));"
    "CREATE INDEX file_shares_by_user ON file_shares (user_id);"
    "CREATE INDEX file_shares_by_expiry ON file_shares (expires_at);"
    "ALTER TABLE files ADD COLUMN trashed_from TEXT NOT NULL DEFAULT '';" /* path of the folder it lay in, where that is gone */
    "CREATE INDEX files_by_trashed ON files (trashed_at);"

    "CREATE TABLE comments ("
    "  id BYTEA PRIMARY KEY,"
    "  file_id BYTEA NOT NULL REFERENCES files (id) ON DELETE CASCADE,"
    "  author_id BYTEA NOT NULL REFERENCES users (id) ON DELETE CASCADE,"
    "  body TEXT NOT NULL,"
    "  created_at BIGINT NOT NULL,"
    "  edited_at BIGINT);"
    "CREATE TABLE selections (" /* to be fetched as one archive */
    "  id BYTEA PRIMARY KEY,"
    "  user_id BYTEA NOT NULL REFERENCES users (id) ON DELETE CASCADE,"
    "  tree_owner_id BYTEA NOT NULL," /* whose folders they lie in; no reference: each use asks anew */
    "  base_id BYTEA NOT NULL," /* the folder that paths in the archive begin in; zero: the root */
    "  name TEXT NOT NULL,"
    "  files BYTEA NOT NULL," /* ids, one after another */
    "  folders BYTEA NOT NULL," /* likewise, of those that hold nothing */
    "  expires_at BIGINT NOT NULL);"
    "CREATE INDEX selections_by_user ON selections (user_id, expires_at, id);"
    "CREATE INDEX selections_by_expiry ON selections (expires_at);"
    "CREATE INDEX comments_by_file ON comments (file_id, created_at, id);"
    "CREATE INDEX comments_by_author ON comments (author_id);";

/* Uploads that grow as one stream (core/upload/append.h). */
static const char appending[] =
    "ALTER TABLE uploads ADD COLUMN received BIGINT NOT NULL DEFAULT 0;" /* the offset that was told: all before it is durable */
    "ALTER TABLE uploads ADD COLUMN fence BIGINT NOT NULL DEFAULT 0;"    /* only the writer that holds this number may record */
    "ALTER TABLE uploads ADD COLUMN memo TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE uploads ADD COLUMN partial BIGINT NOT NULL DEFAULT 0;"  /* never a file itself */
    "ALTER TABLE uploads ADD COLUMN joins TEXT NOT NULL DEFAULT '';"     /* ids of the partial uploads it is made of */

    "CREATE TABLE upload_pieces (" /* of parts that are not whole yet */
    "  upload_id BYTEA NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,"
    "  start BIGINT NOT NULL,"  /* first byte, in the file */
    "  size BIGINT NOT NULL,"
    "  blob_id BYTEA NOT NULL UNIQUE,"
    "  header BYTEA NOT NULL,"
    "  PRIMARY KEY (upload_id, start));";

static const char reseal[] =
    /* Of the contents of one owner no two are known to be equal. (NULL is unequal to all.) */
    "CREATE UNIQUE INDEX contents_by_dedupe ON contents (owner_id, dedupe_key);"

    "CREATE TABLE reseals (" /* contents that are to be sealed anew, or being so */
    "  content_id BYTEA PRIMARY KEY REFERENCES contents (id) ON DELETE CASCADE,"
    "  rotate BIGINT NOT NULL,"   /* a fresh key was asked for */
    "  compress BIGINT NOT NULL," /* the type may shrink */
    "  next_id BYTEA UNIQUE,"     /* of the try that has it: what its blob is called */
    "  next_ref TEXT NOT NULL DEFAULT '',"
    "  lease_until BIGINT NOT NULL DEFAULT 0,"
    "  done_bytes BIGINT NOT NULL DEFAULT 0,"
    "  created_at BIGINT NOT NULL);";

static const char accounts[] =
    "ALTER TABLE users ADD COLUMN hash_kind TEXT NOT NULL DEFAULT '';" /* what password_hash begins with: scheme and cost */
    "ALTER TABLE users ADD COLUMN locale TEXT NOT NULL DEFAULT '';" /* of mails to it; empty: the configured one */
    "CREATE INDEX users_by_hash_kind ON users (hash_kind);";

const struct db_migration schema_migrations[] = {
    {1, "first", first, NULL},
    {2, "identity", identity, NULL},
    {3, "limits", limits, NULL},
    {4, "shares", shares, NULL},
    {5, "appending", appending, NULL},
    {6, "reseal", reseal, NULL},
    {7, "accounts", accounts, NULL},
    {8, "library", library_schema_postgres, library_schema_sqlite},
};
const size_t schema_migration_count = ARRAY_LEN(schema_migrations);
