/* config: every setting of the server: one commented INI file, each also as SEALDROP_<SECTION>_<KEY>, a few on the command line.
 * The table in config.c is the one place: defaults, parsing, checks, the printed example and its comments come from it. */
#ifndef SEALDROP_CMD_SERVER_CONFIG_H
#define SEALDROP_CMD_SERVER_CONFIG_H

#include "base/buf.h"
#include "base/ctx.h"

#define CONFIG_OIDC_MAX 16

/* [oidc_NAME]: an external sign-in provider */
struct config_oidc {
    struct slice name;
    struct slice issuer, client_id, client_secret_file, scopes, link_by_email, create, groups_claim, admin_groups, user_groups;
};

struct config {
    struct slice data;
    struct slice listen; /* comma-separated */
    struct slice trusted_proxies; /* comma-separated */
    struct slice public_url;
    uint64_t io_threads, workers, connections_max;
    struct slice tls_cert, tls_key, tls_min;
    struct slice database_url;
    uint64_t database_connections;
    struct slice storage_dir, storage_erase;
    struct slice files_compress, files_dedupe;
    struct slice types_allow, types_deny, types_mismatch, lab_program;
    struct slice key_file;
    uint64_t quota_bytes, quota_files, user_file_bytes, user_transfer_bytes;
    uint64_t admin_quota_bytes, admin_quota_files, admin_file_bytes, admin_transfer_bytes;
    uint64_t file_bytes_max, request_bytes_max, upload_ttl_s, trash_days, link_expires_default_s, link_expires_max_s;
    uint64_t versions_max, versions_max_age_s;
    uint64_t tries_per_address, logins_per_address, logins;
    struct slice geoip_file;
    struct slice mfa_required;
    uint64_t password_classes, password_max_age_s;
    uint64_t password_memory_kib, password_passes, link_bcrypt_cost;
    uint64_t head_timeout_s, idle_timeout_s, stall_timeout_s, stop_timeout_s, body_rate_min;
    uint64_t job_workers;
    struct slice log_level, log_format;
    struct slice metrics_token;
    struct slice registration;
    struct slice mail_url, mail_from, mail_user, mail_password_file, mail_starttls, mail_ca_file, mail_locale;
    struct config_oidc oidc[CONFIG_OIDC_MAX];
    size_t oidc_count;
};

struct config_override {
    struct slice section, key, value;
};
/* Defaults, then the file (path may be NULL), then the environment, then the overrides of the command line. Text lives in the ctx
 * arena. ERR_INVALID with a sentence naming file and line, variable or option. */
MUST_USE enum err config_load(struct ctx *c, const char *path, const struct config_override *over, size_t n,
                              struct config *ret);
/* The commented example file. */
MUST_USE enum err config_example(struct buf *out);

#endif
