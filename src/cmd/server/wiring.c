/* Choosing and opening backends. */
#include "cmd/server/wiring.h"

#include "base/limits.h"
#include "cmd/server/oidc_fetch.h"
#include "codec/uri.h"
#include "core/mail/mail.h"
#include "crypto/crypto.h"
#include "lab/lab.h"
#include "os/child.h"
#include "os/file.h"

#define CACHE_ENTRIES 100000

enum err path_of(struct ctx *c, const struct config *cfg, struct slice set, const char *name, const char **ret)
{
    struct slice path;
    if (set.len) return arena_cstr(&c->arena, set, ret);
    TRY(arena_printf(&c->arena, &path, SLICE_FMT "/%s", SLICE_ARG(cfg->data), name));
    return arena_cstr(&c->arena, path, ret);
}

static enum err open_keys(struct ctx *c, const struct config *cfg, struct wiring *w)
{
    const char *path = NULL;
    TRY(path_of(c, cfg, cfg->key_file, "root.key", &path));
    enum err e = keyring_open_file(c, path, &w->be.keys);
    if (e != ERR_NOT_FOUND) return e;
    e = keyring_create_file(c, path);
    if (e != ERR_OK && e != ERR_EXISTS) return e;
    w->made_root_key = e == ERR_OK;
    return keyring_open_file(c, path, &w->be.keys);
}

static enum err open_db(struct ctx *c, const struct config *cfg, struct wiring *w)
{
    struct db_config db = {.kind = cfg->database_url.len ? DB_POSTGRES : DB_SQLITE,
                           .connections = (unsigned)cfg->database_connections};
    TRY(arena_cstr(&c->arena, cfg->database_url, &db.postgres_url));
    TRY(path_of(c, cfg, SLICE(""), "sealdrop.db", &db.sqlite_path));
    return db_open(c, &db, &w->be.db);
}

static enum err open_blobs(struct ctx *c, const struct config *cfg, struct wiring *w)
{
    const char *dir = NULL;
    TRY(path_of(c, cfg, cfg->storage_dir, "blobs", &dir));
    enum err e = blob_fs_open(c, dir, &w->be.blobs);
    if (e == ERR_BUSY) return refuse(c, e, "busy", "%s is in use: another sealdropd runs on it.", dir);
    return e;
}

/* Without a setting, links name this machine as its own browser sees it. */
static enum err choose_url(struct ctx *c, const struct config *cfg, struct slice *ret)
{
    struct slice url = cfg->public_url, rest = cfg->listen, first = slice_trim(slice_cut(&rest, ','));
    struct uri parsed;
    if (url.len) {
        if (uri_parse(url, &parsed) != ERR_OK || parsed.query.ptr || parsed.fragment.ptr)
            return refuse(c, ERR_INVALID, "config", "server.public_url is not a URL like https://drop.example.com");
        while (url.len && url.ptr[url.len - 1] == '/') url.len--;
        *ret = url;
        return ERR_OK;
    }
    size_t colon = first.len;
    while (colon && first.ptr[colon - 1] != ':') colon--;
    return arena_printf(&c->arena, ret, "https://localhost:" SLICE_FMT, SLICE_ARG(slice_sub(first, colon, first.len)));
}

static enum registration registration_of(struct slice word)
{
    if (slice_eq(word, SLICE("open"))) return REGISTRATION_OPEN;
    return slice_eq(word, SLICE("invite")) ? REGISTRATION_INVITE : REGISTRATION_CLOSED;
}

/* NULL for an empty setting. */
static enum err text_or_null(struct ctx *c, struct slice value, const char **ret)
{
    return value.len ? arena_cstr(&c->arena, value, ret) : ERR_OK;
}

static enum err read_mail_password(struct ctx *c, const struct config *cfg, struct app_mail *ret)
{
    CLEANUP(buf_done) struct buf text = {.max = 4 * KIB, .sensitive = true};
    const char *path = NULL;
    if (!cfg->mail_password_file.len) return ERR_OK;
    TRY(arena_cstr(&c->arena, cfg->mail_password_file, &path));
    enum err e = file_read_all(path, &text);
    if (e != ERR_OK) return refuse(c, e, "config", "mail.password_file %s: cannot be read: %s", path, err_text(e));
    while (text.len && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r')) text.len--;
    return arena_cstr(&c->arena, buf_view(&text), &ret->password);
}

static enum err choose_mail(struct ctx *c, const struct config *cfg, struct app_mail *ret)
{
    struct slice name, address, url = cfg->mail_url;
    bool tls = slice_starts(url, SLICE("smtps://"));
    *ret = (struct app_mail){.starttls = !tls && slice_eq(cfg->mail_starttls, SLICE("required"))};
    TRY(arena_cstr(&c->arena, cfg->mail_locale, &ret->locale));
    if (!url.len) return ERR_OK;
    if (!tls && !slice_starts(url, SLICE("smtp://")))
        return refuse(c, ERR_INVALID, "config", "mail.url must begin with smtp:// or smtps://");
    if (mail_split_from(cfg->mail_from, &name, &address) != ERR_OK)
        return refuse(c, ERR_INVALID, "config", "mail.from must be an address such as Sealdrop <drop@example.com>");
    if (cfg->mail_user.len && !tls && !ret->starttls)
        return refuse(c, ERR_INVALID, "config", "mail.user needs smtps:// or mail.starttls = required: a password travels only over TLS");
    TRY(arena_cstr(&c->arena, url, &ret->url));
    TRY(arena_cstr(&c->arena, cfg->mail_from, &ret->from));
    TRY(text_or_null(c, cfg->mail_user, &ret->user));
    TRY(text_or_null(c, cfg->mail_ca_file, &ret->ca_file));
    return read_mail_password(c, cfg, ret);
}

static enum err open_geoip(struct ctx *c, const struct config *cfg, struct wiring *w)
{
    const char *path = NULL;
    struct slice why;
    if (!cfg->geoip_file.len) return ERR_OK;
    TRY(arena_cstr(&c->arena, cfg->geoip_file, &path));
    enum err e = geoip_open(c, path, &w->geoip);
    if (e != ERR_INVALID && e != ERR_IO) return e;
    TRY(arena_slice(&c->arena, slice_cstr(c->err_detail), &why));
    return refuse(c, e, "config", "security.geoip_file " SLICE_FMT, SLICE_ARG(why));
}

static enum err choose_types(struct ctx *c, const struct config *cfg, struct app_config *ret)
{
    char beside[4096];
    const struct type_policy types = {cfg->types_allow, cfg->types_deny, slice_eq(cfg->types_mismatch, SLICE("refuse"))};
    if (!type_list_valid(types.allow) || !type_list_valid(types.deny))
        return refuse(c, ERR_INVALID, "config", "types.%s must list media types and extensions: image/*, application/pdf, .docx",
                      type_list_valid(types.allow) ? "deny" : "allow");
    ret->types = types;
    child_beside(LAB_PROGRAM, beside);
    return arena_cstr(&c->arena, cfg->lab_program.len ? cfg->lab_program : slice_cstr(beside), &ret->lab_program);
}

/* Parts that come alone have to fit. */
static enum err check_request_size(struct ctx *c, const struct config *cfg)
{
    if (cfg->request_bytes_max == 0 || cfg->request_bytes_max >= LIMIT_PART_BYTES_MIN) return ERR_OK;
    return refuse(c, ERR_INVALID, "config", "limits.request_size must be at least 1 MiB, or 0 for any");
}

static enum err open_app(struct ctx *c, const struct config *cfg, struct wiring *w)
{
    TRY(check_request_size(c, cfg));
    struct app_config app = {.public_url = w->public_url,
                             .quota_user = {cfg->quota_bytes, cfg->quota_files, cfg->user_file_bytes, cfg->user_transfer_bytes},
                             .quota_admin = {cfg->admin_quota_bytes, cfg->admin_quota_files, cfg->admin_file_bytes,
                                             cfg->admin_transfer_bytes},
                             .file_bytes_max = cfg->file_bytes_max,
                             .request_bytes_max = cfg->request_bytes_max,
                             .upload_ttl_ms = (int64_t)cfg->upload_ttl_s * 1000,
                             .trash_ms = (int64_t)cfg->trash_days * 86400 * 1000,
                             .versions_max = cfg->versions_max,
                             .versions_max_age_ms = (int64_t)cfg->versions_max_age_s * 1000,
                             .link_expires_s_default = cfg->link_expires_default_s,
                             .link_expires_s_max = cfg->link_expires_max_s,
                             .password_cost = {(uint32_t)(cfg->password_memory_kib / KIB), (uint32_t)cfg->password_passes},
                             .mfa_policy = slice_eq(cfg->mfa_required, SLICE("all"))     ? MFA_FOR_ALL
                                           : slice_eq(cfg->mfa_required, SLICE("admin")) ? MFA_FOR_ADMINS
                                                                                         : MFA_FOR_NONE,
                             .password_classes = (unsigned)cfg->password_classes,
                             .password_max_age_ms = (int64_t)cfg->password_max_age_s * 1000,
                             .link_bcrypt_cost = (unsigned)cfg->link_bcrypt_cost,
                             .overwrite_on_delete = slice_eq(cfg->storage_erase, SLICE("overwrite")),
                             .tries = {(uint32_t)cfg->tries_per_address, (uint32_t)cfg->logins_per_address, (uint32_t)cfg->logins},
                             .compress = slice_eq(cfg->files_compress, SLICE("on")),
                             .dedupe = slice_eq(cfg->files_dedupe, SLICE("owner")),
                             .registration = registration_of(cfg->registration)};
    TRY(choose_types(c, cfg, &app));
    if (w->geoip) app.geo = (struct app_geo){geoip_country, w->geoip};
    TRY(choose_mail(c, cfg, &app.mail));
    TRY(choose_oidc(c, cfg, &app.oidc));
    return app_open(c, &w->be, &app, &w->app);
}

enum err wiring_open(struct ctx *c, const struct config *cfg, enum wiring_storage storage, struct wiring *ret)
{
    const char *data = NULL;
    *ret = (struct wiring){.app = NULL};
    TRY(crypto_setup());
    TRY(arena_cstr(&c->arena, cfg->data, &data));
    enum err e = dir_make(data);
    if (e != ERR_OK) return refuse(c, e, "data", "%s: cannot be made or is not a directory: %s", data, err_text(e));
    TRY(choose_url(c, cfg, &ret->public_url));
    TRY(open_keys(c, cfg, ret));
    TRY(open_db(c, cfg, ret));
    TRY(cache_local_open(CACHE_ENTRIES, &ret->be.cache));
    if (storage == WITH_STORAGE) {
        TRY(open_blobs(c, cfg, ret));
        TRY(open_geoip(c, cfg, ret)); /* nobody signs in without */
    }
    return open_app(c, cfg, ret);
}

void wiring_close(struct wiring *w)
{
    app_close(w->app);
    geoip_close(w->geoip);
    cache_close(w->be.cache);
    blob_store_close(w->be.blobs);
    db_close(w->be.db);
    keyring_close(w->be.keys);
    *w = (struct wiring){.app = NULL};
}
