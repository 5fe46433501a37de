/* app: what every part of the product works with: the backends, the settings in force, the secrets derived from the root key.
 * Made once at start by app_open, immutable after, shared by all threads. */
#ifndef SEALDROP_CORE_APP_APP_H
#define SEALDROP_CORE_APP_APP_H

#include "base/ctx.h"
#include "blob/blob.h"
#include "cache/cache.h"
#include "core/type/type.h"
#include "crypto/keyring.h"
#include "crypto/pwhash.h"
#include "db/db.h"

/* Who may make an account without an administrator. Those whom one invited always may. */
enum registration { REGISTRATION_CLOSED, REGISTRATION_INVITE, REGISTRATION_OPEN };

struct app_mail {
    const char *url; /* smtp://… or smtps://…; NULL: no mail is sent */
    const char *from;
    const char *user, *password, *ca_file; /* NULL: none */
    bool starttls;
    const char *locale; /* of mails: "en", "de"; NULL: English */
};

enum mfa_policy { MFA_FOR_NONE, MFA_FOR_ADMINS, MFA_FOR_ALL };

/* Where addresses are. Outlives the app; may be called by several threads. */
#define APP_COUNTRY_BYTES 3
struct app_geo {
    /* Two capital letters, or nothing when it is not known. NULL: nothing is. */
    void (*country)(void *arg, const char *ip, char ret[APP_COUNTRY_BYTES]);
    void *arg;
};

struct oidc_config;

/* Tries a minute. 0: as in base/limits.h. */
struct app_tries {
    uint32_t per_address;
    uint32_t logins_per_address;
    uint32_t logins;
};

/* What a user may hold (core/quota). 0: no limit. */
struct quota {
    uint64_t bytes, files;
    uint64_t file_bytes;     /* of one file */
    uint64_t transfer_bytes; /* of one transfer */
};

struct app_config {
    struct slice public_url;       /* "https://host:8443", no slash at the end */
    struct quota quota_user, quota_admin; /* of who has none of their own */
    uint64_t file_bytes_max;
    uint64_t request_bytes_max;    /* a proxy in front takes no larger body; 0: any */
    uint64_t versions_max;         /* of a file, the newest included; 0: LIMIT_FILE_VERSIONS */
    int64_t versions_max_age_ms;   /* since they were replaced; 0: for ever */
    int64_t upload_ttl_ms;         /* an unfinished upload lives this long after its last part */
    int64_t trash_ms;              /* files are deleted from the trash after this; 0: never by themselves */
    uint64_t link_expires_s_default; /* 0: links live until revoked */
    uint64_t link_expires_s_max;     /* 0: no maximum */
    struct pwhash_cost password_cost;
    unsigned link_bcrypt_cost;
    enum mfa_policy mfa_policy;      /* who must have a second factor */
    unsigned password_classes;       /* kinds of characters a new password must have; 0: any (compliance switch) */
    int64_t password_max_age_ms;     /* older ones must be changed at sign-in; 0: never (compliance switch) */
    bool overwrite_on_delete;
    bool compress;                   /* what shrinks, before it is sealed */
    bool dedupe;                     /* equal contents of one owner are stored once */
    enum registration registration;
    struct app_tries tries;
    struct app_mail mail;
    struct app_geo geo;
    struct type_policy types; /* which files may be stored */
    const char *lab_program;  /* the sandboxed program that says what a file is; NULL: none */
    const struct oidc_config *oidc; /* core/oidc; NULL: no external providers */
};

/* The backends an app works on; owned by whoever opened them and closed after the app. */
struct app_backends {
    struct db *db;
    struct blob_store *blobs;
    struct keyring *keys;
    struct cache *cache;
};

struct token_signer; /* core/token */
struct revoked_set;  /* core/session */
struct part_claims;  /* core/upload */
struct append_writers; /* likewise */
struct gate;         /* core/app/gate.h */
struct hash_kinds;   /* core/user */
struct oidc_state;   /* core/oidc */
struct sniffer;      /* core/type */

struct app {
    struct app_backends be;
    struct app_config cfg;
    struct id org_id;
    struct key pepper;     /* of password hashes */
    struct key server_key; /* tickets and refresh tokens are derived from it, each under its own label */
    struct token_signer *signer;
    struct revoked_set *revoked;
    struct part_claims *claims;
    struct append_writers *writers;
    struct oidc_state *oidc;
    struct sniffer *sniffer;
    struct hash_kinds *hash_kinds;
    struct gate *hash_gate; /* bounds the memory of password hashing */
};

/* Migrates the schema, makes what a first start needs (organisation, keys), loads the rest. */
MUST_USE enum err app_open(struct ctx *c, const struct app_backends *be, const struct app_config *cfg, struct app **ret);
void app_close(struct app *app);

#endif
