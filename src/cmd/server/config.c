/* The table of settings, and reading it from file, environment and command line. */
#include "cmd/server/config.h"

#include <stddef.h>

#include "base/intmath.h"
#include "base/limits.h"
#include "codec/ini.h"
#include "codec/text.h"
#include "os/file.h"
#include "os/proc.h"

#define CONFIG_FILE_BYTES (256 * KIB)

enum setting_type { TEXT, NUMBER, SIZE, DURATION, WORD };

struct setting {
    const char *section, *key;
    enum setting_type type;
    size_t offset;
    const char *value; /* default */
    uint64_t min, max;
    const char *words; /* WORD: "a|b" */
    const char *doc;
};

#define AT(member) offsetof(struct config, member)

static const struct setting settings[] = {
    {"server", "data", TEXT, AT(data), "./sealdrop-data", 0, 0, NULL,
     "Where everything is kept: root key, certificate, database, sealed files."},
    {"server", "listen", TEXT, AT(listen), ":8443", 0, 0, NULL,
     "Addresses to listen on, separated by commas: \":8443\" (every address), \"127.0.0.1:8443\", \"[::1]:8443\"."},
    {"server", "public_url", TEXT, AT(public_url), "", 0, 0, NULL,
     "What links begin with, as people reach this server. Empty: https://localhost and the first port."},
    {"server", "trusted_proxies", TEXT, AT(trusted_proxies), "", 0, 0, NULL,
     "Reverse proxies in front, addresses or networks separated by commas (127.0.0.1, 10.0.0.0/8): their X-Forwarded-For says who asks. "
     "Empty: nobody is believed."},
    {"server", "io_threads", NUMBER, AT(io_threads), "0", 0, 256, NULL, "Threads for connections. 0: one a core."},
    {"server", "workers", NUMBER, AT(workers), "0", 0, 1024, NULL, "Threads for requests. 0: cores + 6."},
    {"server", "connections", NUMBER, AT(connections_max), "20000", 16, 1000000, NULL, "Connections at most."},
    {"server", "head_timeout", DURATION, AT(head_timeout_s), "10s", 1, 3600, NULL, "For the whole head of a request."},
    {"server", "idle_timeout", DURATION, AT(idle_timeout_s), "60s", 1, 86400, NULL, "Between requests."},
    {"server", "stall_timeout", DURATION, AT(stall_timeout_s), "30s", 1, 3600, NULL, "Without a byte of a body, in or out."},
    {"server", "body_rate_min", SIZE, AT(body_rate_min), "1K", 1, 1 * GIB, NULL, "Slower bodies are cut off (bytes a second)."},
    {"server", "stop_timeout", DURATION, AT(stop_timeout_s), "30s", 0, 86400, NULL, "How long a stop waits for running transfers."},
    {"tls", "cert", TEXT, AT(tls_cert), "", 0, 0, NULL,
     "Certificate chain (PEM). Empty: <data>/tls/cert.pem, made self-signed at the first start. Read again on SIGHUP."},
    {"tls", "key", TEXT, AT(tls_key), "", 0, 0, NULL, "Its private key (PEM). Empty: <data>/tls/key.pem."},
    {"tls", "min", WORD, AT(tls_min), "1.2", 0, 0, "1.2|1.3", "Lowest TLS version."},
    {"keys", "file", TEXT, AT(key_file), "", 0, 0, NULL,
     "The root key. Empty: <data>/root.key. WITHOUT IT EVERY FILE IS LOST: back it up, apart from the data."},
    {"database", "url", TEXT, AT(database_url), "", 0, 0, NULL,
     "postgres://user:password@host/name. Empty: SQLite at <data>/sealdrop.db."},
    {"database", "connections", NUMBER, AT(database_connections), "8", 1, 500, NULL, "Connections to it."},
    {"storage", "dir", TEXT, AT(storage_dir), "", 0, 0, NULL, "Where sealed files lie. Empty: <data>/blobs."},
    {"storage", "erase", WORD, AT(storage_erase), "overwrite", 0, 0, "overwrite|unlink",
     "What happens to the sealed bytes of a deleted file, whose key is destroyed already."},
    {"types", "allow", TEXT, AT(types_allow), "", 0, 0, NULL,
     "Files that may be stored, by name and by content, such as: image/*, application/pdf, .docx. Empty: all."},
    {"types", "deny", TEXT, AT(types_deny), "", 0, 0, NULL, "Files that may not, such as: .exe, video/*."},
    {"types", "mismatch", WORD, AT(types_mismatch), "allow", 0, 0, "allow|refuse",
     "What happens to a file whose content is not what its name says."},
    {"types", "lab", TEXT, AT(lab_program), "", 0, 0, NULL,
     "The sandboxed program that looks at files. Empty: sealdrop-lab beside the server."},
    {"limits", "quota", SIZE, AT(quota_bytes), "0", 0, LIMIT_FILE_BYTES * 1024, NULL,
     "Storage of a user without a quota of its own, e.g. 50 GiB. 0: no limit."},
    {"limits", "quota_files", NUMBER, AT(quota_files), "0", 0, 1000000000, NULL, "Files of such a user. 0: no limit."},
    {"limits", "user_file_size", SIZE, AT(user_file_bytes), "0", 0, LIMIT_FILE_BYTES, NULL,
     "Largest file of such a user. 0: file_size is the limit."},
    {"limits", "user_transfer_size", SIZE, AT(user_transfer_bytes), "0", 0, LIMIT_FILE_BYTES * 1024, NULL,
     "Bytes of one transfer of such a user. 0: no limit."},
    {"limits", "admin_quota", SIZE, AT(admin_quota_bytes), "0", 0, LIMIT_FILE_BYTES * 1024, NULL,
     "The same four for administrators. 0: no limit."},
    {"limits", "admin_quota_files", NUMBER, AT(admin_quota_files), "0", 0, 1000000000, NULL, "Files. 0: no limit."},
    {"limits", "admin_file_size", SIZE, AT(admin_file_bytes), "0", 0, LIMIT_FILE_BYTES, NULL, "Largest file. 0: file_size is the limit."},
    {"limits", "admin_transfer_size", SIZE, AT(admin_transfer_bytes), "0", 0, LIMIT_FILE_BYTES * 1024, NULL,
     "Bytes of one transfer. 0: no limit."},
    {"limits", "file_size", SIZE, AT(file_bytes_max), "4T", 1, LIMIT_FILE_BYTES, NULL, "Largest file of anybody."},
    {"limits", "request_size", SIZE, AT(request_bytes_max), "0", 0, LIMIT_FILE_BYTES, NULL,
     "Largest body of one request that a proxy in front lets through, e.g. 100 MB. Uploads are cut to fit, larger bodies refused. 0: any."},
    {"limits", "upload_ttl", DURATION, AT(upload_ttl_s), "7d", 60, 365 * 86400, NULL,
     "An unfinished upload is thrown away this long after its last part."},
    {"files", "versions_max", NUMBER, AT(versions_max), "20", 1, LIMIT_FILE_VERSIONS, NULL,
     "Versions of a file that are kept, the newest included. Their owner's quota holds them all."},
    {"files", "versions_max_age", DURATION, AT(versions_max_age_s), "0s", 0, LIMIT_EXPIRES_S, NULL,
     "Older versions are deleted this long after they were replaced. 0: only when they are too many."},
    {"limits", "link_expires", DURATION, AT(link_expires_default_s), "0s", 0, LIMIT_EXPIRES_S, NULL,
     "Links live this long when their sender does not say. 0: until revoked."},
    {"limits", "link_expires_max", DURATION, AT(link_expires_max_s), "0s", 0, LIMIT_EXPIRES_S, NULL,
     "Longest life of a link. 0: no limit."},
    {"limits", "tries_per_address", NUMBER, AT(tries_per_address), "300", 1, 1000000, NULL,
     "Requests a minute from one address (IPv6: its /64) that try a secret or get one: signing in, second factors, registration, links' "
     "passwords."},
    {"limits", "logins_per_address", NUMBER, AT(logins_per_address), "120", 1, 1000000, NULL,
     "Of these, sign-ins with a password. An office behind one address needs more in the morning."},
    {"limits", "logins", NUMBER, AT(logins), "3000", 1, 10000000, NULL, "Sign-ins with a password a minute, of everybody together."},
    {"files", "trash_days", NUMBER, AT(trash_days), "30", 0, 3650, NULL,
     "Files in the trash are deleted after this many days. 0: they stay until somebody deletes them."},
    {"files", "compress", WORD, AT(files_compress), "off", 0, 0, "off|on",
     "Compress what shrinks (zstd) before it is sealed. Costs CPU once for each upload; sizes then tell something of the content."},
    {"files", "dedupe", WORD, AT(files_dedupe), "off", 0, 0, "off|owner",
     "Store equal files of one owner once. Never across owners."},
    {"security", "password_memory", SIZE, AT(password_memory_kib), "64M", 19456 * KIB, 1 * GIB, NULL,
     "Argon2id memory for account passwords. Raising it strengthens each hash at the next sign-in."},
    {"security", "password_passes", NUMBER, AT(password_passes), "3", 1, 20, NULL, "Argon2id passes."},
    {"security", "mfa_required", WORD, AT(mfa_required), "none", 0, 0, "none|admin|all",
     "Who must have a second factor. They make one at their next sign-in; their passwords may then be as short as 8 characters."},
    {"security", "password_classes", NUMBER, AT(password_classes), "0", 0, 4, NULL,
     "Kinds of characters (lower case, upper case, digits, others) a new password must have. For compliance only: it makes worse ones."},
    {"security", "password_max_age", DURATION, AT(password_max_age_s), "0s", 0, 3650 * 86400ull, NULL,
     "Older passwords must be changed at sign-in. 0: never. For compliance only: it makes worse ones."},
    {"security", "link_bcrypt_cost", NUMBER, AT(link_bcrypt_cost), "12", 4, 14, NULL, "bcrypt cost of link passwords."},
    {"security", "geoip_file", TEXT, AT(geoip_file), "", 0, 0, NULL,
     "Countries of addresses: a MaxMind DB file such as GeoLite2-Country.mmdb. They are shown with sessions; a sign-in from a new one is "
     "recorded. Empty: not known. Read again on SIGHUP."},
    {"accounts", "registration", WORD, AT(registration), "closed", 0, 0, "open|invite|closed",
     "Who may make an account: everybody (open), people with an invitation (invite), nobody (closed). Invitations of administrators "
     "always count."},
    {"mail", "url", TEXT, AT(mail_url), "", 0, 0, NULL,
     "Mail server: smtp://host:587 or smtps://host:465. Empty: no mail is sent; links are shown to the administrator instead."},
    {"mail", "from", TEXT, AT(mail_from), "", 0, 0, NULL, "Sender, such as Sealdrop <drop@example.com>. Needed with a url."},
    {"mail", "user", TEXT, AT(mail_user), "", 0, 0, NULL, "Name for signing in at the mail server. Empty: none."},
    {"mail", "password_file", TEXT, AT(mail_password_file), "", 0, 0, NULL, "File with its password, in one line."},
    {"mail", "starttls", WORD, AT(mail_starttls), "required", 0, 0, "required|no",
     "With smtp://: TLS before anything else, or none at all (only for a mail server on this machine)."},
    {"mail", "ca_file", TEXT, AT(mail_ca_file), "", 0, 0, NULL,
     "Certificates (PEM) that the mail server's is checked against. Empty: those of the system."},
    {"mail", "locale", WORD, AT(mail_locale), "en", 0, 0, "en|de", "Language of mails."},
    {"jobs", "workers", NUMBER, AT(job_workers), "1", 1, 16, NULL, "Threads for background work."},
    {"log", "level", WORD, AT(log_level), "info", 0, 0, "debug|info|warn|error|off", "What is written to standard error."},
    {"log", "format", WORD, AT(log_format), "logfmt", 0, 0, "logfmt|json", "One line an event."},
    {"metrics", "token", TEXT, AT(metrics_token), "", 0, 0, NULL,
     "Bearer token for /metrics. Empty: only requests from this machine are answered."},
};

#define OIDC_AT(member) offsetof(struct config_oidc, member)
#define OIDC_SECTION "oidc_"

/* Of every section [oidc_NAME]. */
static const struct setting oidc_settings[] = {
    {"oidc_NAME", "issuer", TEXT, OIDC_AT(issuer), "", 0, 0, NULL,
     "The provider, exactly as it calls itself, such as https://accounts.google.com or https://company.okta.com."},
    {"oidc_NAME", "client_id", TEXT, OIDC_AT(client_id), "", 0, 0, NULL,
     "As it was registered there, with <public_url>/api/v1/auth/oidc/NAME/callback as redirect address."},
    {"oidc_NAME", "client_secret_file", TEXT, OIDC_AT(client_secret_file), "", 0, 0, NULL,
     "File with the client's secret. Empty: a public client (PKCE is always used)."},
    {"oidc_NAME", "scopes", TEXT, OIDC_AT(scopes), "openid email profile", 0, 0, NULL, "What is asked for."},
    {"oidc_NAME", "link_by_email", WORD, OIDC_AT(link_by_email), "never", 0, 0, "never|verified",
     "Whether somebody new gets the account with the same address: confirmed here, and verified as the provider says."},
    {"oidc_NAME", "create", WORD, OIDC_AT(create), "no", 0, 0, "no|yes", "Whether somebody new gets an account."},
    {"oidc_NAME", "groups_claim", TEXT, OIDC_AT(groups_claim), "", 0, 0, NULL,
     "The claim that lists groups; they then give the role at each sign-in. Empty: roles are given here."},
    {"oidc_NAME", "admin_groups", TEXT, OIDC_AT(admin_groups), "", 0, 0, NULL, "Groups of administrators, separated by commas."},
    {"oidc_NAME", "user_groups", TEXT, OIDC_AT(user_groups), "", 0, 0, NULL, "Groups of users. Empty: everybody else."},
};

static enum err bad(struct ctx *c, struct slice where, const struct setting *s, const char *what)
{
    return refuse(c, ERR_INVALID, "config", SLICE_FMT ": %s.%s %s", SLICE_ARG(where), s->section, s->key, what);
}

static bool word_known(const char *words, struct slice value)
{
    struct slice rest = slice_cstr(words);
    while (rest.len)
        if (slice_eq(slice_cut(&rest, '|'), value)) return true;
    return false;
}

static enum err parse_number(const struct setting *s, struct slice value, uint64_t *ret)
{
    if (s->type == SIZE) return size_parse(value, ret);
    if (s->type == DURATION) return duration_parse(value, ret);
    return slice_u64(value, UINT64_MAX, ret);
}

static enum err apply(struct ctx *c, const struct setting *s, struct slice value, struct slice where, void *cfg)
{
    void *at = (char *)cfg + s->offset;
    uint64_t v = 0;
    if (s->type == TEXT || s->type == WORD) {
        struct slice copy;
        if (s->words && !word_known(s->words, value)) return bad(c, where, s, "is not one of the words it takes");
        TRY(arena_slice(&c->arena, value, &copy));
        memcpy(at, &copy, sizeof copy);
        return ERR_OK;
    }
    if (parse_number(s, value, &v) != ERR_OK)
        return bad(c, where, s, s->type == SIZE       ? "is not a size (such as 500M or 10 GiB)"
                                : s->type == DURATION ? "is not a duration (such as 90s, 10m, 3d)"
                                                      : "is not a number");
    if (v < s->min || v > s->max) return bad(c, where, s, "is out of range");
    memcpy(at, &v, sizeof v);
    return ERR_OK;
}

static const struct setting *find(struct slice section, struct slice key)
{
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        if (slice_eq(section, slice_cstr(settings[i].section)) && slice_eq(key, slice_cstr(settings[i].key)))
            return &settings[i];
    return NULL;
}

static enum err load_defaults(struct ctx *c, struct config *cfg)
{
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        TRY(apply(c, &settings[i], slice_cstr(settings[i].value), SLICE("default"), cfg));
    return ERR_OK;
}

/* The provider's place; a new one has the defaults. */
static enum err oidc_place(struct ctx *c, struct slice name, struct slice where, struct config *cfg, struct config_oidc **ret)
{
    for (size_t i = 0; i < cfg->oidc_count; i++) {
        if (!slice_eq(cfg->oidc[i].name, name)) continue;
        *ret = &cfg->oidc[i];
        return ERR_OK;
    }
    if (cfg->oidc_count == CONFIG_OIDC_MAX)
        return refuse(c, ERR_INVALID, "config", SLICE_FMT ": more than 16 sign-in providers", SLICE_ARG(where));
    struct config_oidc *p = &cfg->oidc[cfg->oidc_count];
    TRY(arena_slice(&c->arena, name, &p->name));
    for (size_t i = 0; i < ARRAY_LEN(oidc_settings); i++)
        TRY(apply(c, &oidc_settings[i], slice_cstr(oidc_settings[i].value), where, p));
    cfg->oidc_count++;
    *ret = p;
    return ERR_OK;
}

static enum err apply_oidc(struct ctx *c, struct slice name, struct slice key, struct slice value, struct slice where,
                           struct config *cfg)
{
    struct config_oidc *p;
    for (size_t i = 0; i < ARRAY_LEN(oidc_settings); i++) {
        if (!slice_eq(key, slice_cstr(oidc_settings[i].key))) continue;
        TRY(oidc_place(c, name, where, cfg, &p));
        return apply(c, &oidc_settings[i], value, where, p);
    }
    return refuse(c, ERR_INVALID, "config", SLICE_FMT ": there is no setting \"" SLICE_FMT "\" in [" OIDC_SECTION SLICE_FMT "]",
                  SLICE_ARG(where), SLICE_ARG(key), SLICE_ARG(name));
}

static enum err load_line(struct ctx *c, const char *path, const struct ini_line *l, struct config *cfg)
{
    const struct setting *s = find(l->section, l->key);
    struct slice where;
    TRY(arena_printf(&c->arena, &where, "%s, line %u", path, l->line));
    if (slice_starts(l->section, SLICE(OIDC_SECTION)))
        return apply_oidc(c, slice_sub(l->section, sizeof OIDC_SECTION - 1, l->section.len), l->key, l->value, where, cfg);
    if (s) return apply(c, s, l->value, where, cfg);
    return refuse(c, ERR_INVALID, "config", SLICE_FMT ": there is no setting \"" SLICE_FMT "\" in [" SLICE_FMT "]", SLICE_ARG(where),
                  SLICE_ARG(l->key), SLICE_ARG(l->section));
}

static enum err load_file(struct ctx *c, const char *path, struct config *cfg)
{
    CLEANUP(buf_done) struct buf text = {.max = CONFIG_FILE_BYTES, .sensitive = true};
    struct ini p;
    struct ini_line l;
    enum err e = file_read_all(path, &text);
    if (e != ERR_OK) return refuse(c, e, "config", "%s: cannot be read: %s", path, err_text(e));
    ini_init(&p, buf_view(&text));
    while ((e = ini_next(&p, &l)) == ERR_OK) TRY(load_line(c, path, &l, cfg));
    if (e != ERR_NOT_FOUND) return refuse(c, ERR_INVALID, "config", "%s, line %u: is not \"key = value\" or \"[section]\"", path, p.line);
    return ERR_OK;
}

struct env_arg {
    struct ctx *c;
    struct config *cfg;
};

static enum err lower_copy(struct ctx *c, struct slice s, struct slice *ret)
{
    char *p = arena_alloc(&c->arena, s.len + 1, 1);
    if (!p) return ERR_NOMEM;
    for (size_t i = 0; i < s.len; i++) p[i] = s.ptr[i] >= 'A' && s.ptr[i] <= 'Z' ? (char)(s.ptr[i] + 32) : s.ptr[i];
    *ret = slice_of(p, s.len);
    return ERR_OK;
}

static bool known_section(struct slice section)
{
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        if (slice_eq(section, slice_cstr(settings[i].section))) return true;
    return false;
}

static enum err from_env(void *arg, struct slice name, struct slice value)
{
    struct env_arg *a = arg;
    struct slice rest, section;
    if (!slice_starts(name, SLICE("SEALDROP_"))) return ERR_OK;
    TRY(lower_copy(a->c, slice_sub(name, 9, name.len), &rest));
    section = slice_cut(&rest, '_');
    if (slice_eq(section, SLICE("oidc"))) {
        struct slice provider = slice_cut(&rest, '_');
        return apply_oidc(a->c, provider, rest, value, name, a->cfg);
    }
    const struct setting *s = find(section, rest);
    if (s) return apply(a->c, s, value, name, a->cfg);
    if (!known_section(section)) return ERR_OK; /* somebody else's variable */
    return refuse(a->c, ERR_INVALID, "config", SLICE_FMT ": there is no setting \"" SLICE_FMT "\" in [" SLICE_FMT "]",
                  SLICE_ARG(name), SLICE_ARG(rest), SLICE_ARG(section));
}

enum err config_load(struct ctx *c, const char *path, const struct config_override *over, size_t n, struct config *ret)
{
    struct config cfg = {0};
    struct env_arg env = {c, &cfg};
    TRY(load_defaults(c, &cfg));
    if (path) TRY(load_file(c, path, &cfg));
    TRY(proc_each_env(from_env, &env));
    for (size_t i = 0; i < n; i++) {
        const struct setting *s = find(over[i].section, over[i].key);
        if (!s) return fail(c, ERR_INTERNAL, "option without a setting");
        TRY(apply(c, s, over[i].value, SLICE("command line"), &cfg));
    }
    *ret = cfg;
    return ERR_OK;
}

static enum err put_example(struct buf *out, const struct setting *s)
{
    return buf_printf(out, "# %s%s%s%s\n#%s = %s\n", s->doc, s->words ? " (" : "", s->words ? s->words : "", s->words ? ")" : "",
                      s->key, s->value);
}

enum err config_example(struct buf *out)
{
    const char *section = "";
    TRY(buf_put_cstr(out, "# Sealdrop: settings of the server. Every line shows its default; remove the \"#\" to change it.\n"
                          "# Each can also be given as an environment variable: SEALDROP_<SECTION>_<KEY>.\n"));
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        const struct setting *s = &settings[i];
        if (strcmp(section, s->section) != 0) TRY(buf_printf(out, "\n[%s]\n", s->section));
        section = s->section;
        TRY(put_example(out, s));
    }
    TRY(buf_put_cstr(out, "\n# External sign-in providers (OpenID Connect): one section each, with a name of your own.\n#[oidc_NAME]\n"));
    for (size_t i = 0; i < ARRAY_LEN(oidc_settings); i++) TRY(put_example(out, &oidc_settings[i]));
    return ERR_OK;
}
