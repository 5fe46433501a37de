/* Every limit of the product, in one place. A number here is a promise: memory, time and counts are bounded by them. */
#ifndef SEALDROP_BASE_LIMITS_H
#define SEALDROP_BASE_LIMITS_H

#define KIB 1024ull
#define MIB (1024ull * KIB)
#define GIB (1024ull * MIB)
#define TIB (1024ull * GIB)

/* Work units */
#define LIMIT_REQUEST_ARENA_BYTES (48 * MIB) /* a page of a transfer of 10,000 files; most requests take 8 KiB */
#define LIMIT_JSON_ANSWER_BYTES (24 * MIB)
#define LIMIT_JOB_ARENA_BYTES (16 * MIB)
#define LIMIT_LOG_LINE_BYTES 4096

/* HTTP */
#define LIMIT_HTTP_HEAD_BYTES (16 * KIB)
#define LIMIT_HTTP_HEADERS 64
#define LIMIT_HTTP_TARGET_BYTES 4096
#define LIMIT_HTTP_CALL_BODY_BYTES (1 * MIB)
#define LIMIT_HTTP_CHUNK_LINE_BYTES 256
#define LIMIT_HTTP_RESPONSE_HEAD_BYTES (16 * KIB)
#define LIMIT_HTTP_DRAIN_BYTES (256 * KIB) /* read and dropped after an early answer */
#define LIMIT_HTTP_STREAM_PIECE_BYTES (256 * KIB)
#define LIMIT_HTTP_STREAM_PIECES 4 /* pieces in flight per stream: with the size above, the memory of one transfer */
#define LIMIT_HTTP_INTERIMS 8 /* interim answers that wait for a slow reader */
#define LIMIT_HTTP2_STREAMS 128
#define LIMIT_HTTP2_STREAM_WINDOW_BYTES (1 * MIB)
#define LIMIT_HTTP2_CONNECTION_WINDOW_BYTES (8 * MIB)
#define LIMIT_HTTP_CONNECTIONS_PER_ADDRESS 20000 /* loopback tests open 10,000 */
#define LIMIT_HTTP_REQUESTS_PER_CONNECTION 100000

/* JSON */
#define LIMIT_JSON_DEPTH 16
#define LIMIT_JSON_ARRAY 10000

/* Text people write */
#define LIMIT_NAME_BYTES 255
#define LIMIT_PATH_BYTES 1024
#define LIMIT_TITLE_BYTES 200
#define LIMIT_MESSAGE_BYTES 4000
#define LIMIT_EMAIL_BYTES 254
#define LIMIT_PASSWORD_BYTES 1024
#define LIMIT_PASSWORD_MIN_CHARS 15     /* code points, when it is the only factor */
#define LIMIT_PASSWORD_MFA_MIN_CHARS 8  /* where a second factor is enforced */
#define LIMIT_DEVICE_NAME_BYTES 100
#define LIMIT_MIME_BYTES 127

/* Uploads and files */
#define LIMIT_FILE_BYTES (4 * TIB)
#define LIMIT_PART_BYTES_MIN (1u << 20) /* but the last one */
#define LIMIT_PARTS 10000
#define LIMIT_UPLOAD_MEMO_BYTES 4096 /* what a door remembers with an upload: Upload-Metadata */
#define LIMIT_FRAMES 65536 /* of compressed content, 1 MiB each: what is larger stays as it is; a seek table is at most 256 KiB */
#define LIMIT_UPLOAD_TELL_MS (10 * 1000ll) /* progress of a resumable upload is told at least so often, if so much has come */
#define LIMIT_UPLOAD_TELL_BYTES (1 * MIB)
#define LIMIT_JOINED_UPLOADS 200 /* partial uploads that one file is put together from */
#define LIMIT_CHECKED_BODY_BYTES (512 * MIB) /* of a body with a checksum: it is held back until it agrees */
#define LIMIT_TRANSFER_FILES 10000
#define LIMIT_FILE_SHARES 1000
#define LIMIT_BULK_FILES 1000
#define LIMIT_ARCHIVE_ENTRIES 10000 /* files and empty folders of one selection; their bytes have no limit */
#define LIMIT_SELECTIONS 100 /* of one account */
#define LIMIT_SELECTION_MS (24 * 3600 * 1000ll)
#define LIMIT_FILE_COMMENTS 10000
#define LIMIT_FILE_VERSIONS 1000
#define LIMIT_SMALL_FILE_BYTES (1 * MIB) /* up to here a file that comes in one request is stored together with others */
#define LIMIT_BATCH_FILES 128 /* so many of them in one transaction, */
#define LIMIT_BATCH_BYTES (16 * MIB) /* so much waiting for one, */
#define LIMIT_BATCH_MS (10 * 1000ll) /* and no longer */
#define LIMIT_MULTIPART_PARTS 1000
#define LIMIT_MULTIPART_HEAD_BYTES 4096
#define LIMIT_FOLDERS 10000 /* of one owner */
#define LIMIT_FOLDER_DEPTH 32
#define LIMIT_FILE_TAGS 50
#define LIMIT_TAG_BYTES 100 /* a category's too */
#define LIMIT_SEARCH_BYTES 500
#define LIMIT_SEARCH_WORDS 10
#define LIMIT_SORT_KEY_BYTES 800 /* what texts are sorted by: the beginning of longer ones */
#define LIMIT_PAGE_ITEMS 200
#define LIMIT_PAGE_DEFAULT 50

/* Waiting for a place among the running password hashes; then "busy" */
#define LIMIT_HASH_WAIT_MS 10000

/* Links */
#define LIMIT_LINK_ATTEMPTS 5
#define LIMIT_LINK_LOCK_MS (15 * 60 * 1000ll)
#define LIMIT_TICKET_MS (10 * 60 * 1000ll)
#define LIMIT_GRANT_MS (60 * 60 * 1000ll)
#define LIMIT_EXPIRES_S (3650ull * 86400)
#define LIMIT_TOMBSTONE_MS (30 * 86400 * 1000ll) /* how long a dead link can still say why */

/* Tries, a minute, where the settings do not say (limits.tries_per_address, …) */
#define LIMIT_TRIES_PER_ADDRESS 300 /* of everything that takes a secret, or hands one out */
#define LIMIT_LOGINS_PER_ADDRESS 120
#define LIMIT_LOGINS_PER_ACCOUNT 20
#define LIMIT_LOGINS 3000 /* of everybody together */

/* Tries */
#define LIMIT_LOGIN_FREE_FAILS 10 /* wrong passwords in a row before each further one costs time: 30 s, doubled each time */
#define LIMIT_LOGIN_DELAY_MS (30 * 1000ll)
#define LIMIT_LOGIN_DELAY_MAX_MS (60 * 60 * 1000ll)
#define LIMIT_LOGIN_FAILS 100 /* then only a new password helps */
#define LIMIT_SIGNAL_FAILS 5 /* wrong passwords and codes before a sign-in that make it a suspicious one */
#define LIMIT_MFA_FREE_FAILS 5 /* wrong codes before a pause of 15 minutes, doubled each time */
#define LIMIT_MFA_DELAY_MS (15 * 60 * 1000ll)
#define LIMIT_MFA_DELAY_MAX_MS (24 * 60 * 60 * 1000ll)
#define LIMIT_MFA_TOKEN_MS (5 * 60 * 1000ll)
#define LIMIT_MFA_ENROLMENT_MS (15 * 60 * 1000ll)

/* Sessions */
#define LIMIT_ACCESS_TOKEN_MS (10 * 60 * 1000ll)
#define LIMIT_BROWSER_IDLE_MS (30 * 60 * 1000ll)
#define LIMIT_REFRESH_IDLE_MS (7 * 86400 * 1000ll)
#define LIMIT_REFRESH_MAX_MS (30 * 86400 * 1000ll)
#define LIMIT_REFRESH_RETRY_MS (10 * 1000ll)
#define LIMIT_TOKEN_BYTES 4096

/* Database */
#define LIMIT_DB_RESULT_ROWS 20000
#define LIMIT_DB_QUEUED 128
#define LIMIT_DB_ARGS 32
#define LIMIT_DB_TX_RETRIES 10

#endif
