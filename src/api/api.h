/* api: the HTTP API: decode, call core, encode. One file a resource; routes.c is THE table; dispatch.c enforces every row of it,
 * so that a handler cannot forget. Phases of a request, in this order: limit, authenticate, authorise, decode, handler, log. */
#ifndef SEALDROP_API_API_H
#define SEALDROP_API_API_H

#include "api/messages.h"
#include "api/messages_device.h"
#include "api/messages_oidc.h"
#include "api/messages_passkey.h"
#include "api/messages_mfa.h"
#include "core/app/app.h"
#include "core/principal.h"
#include "net/http.h"
#include "net/router.h"

struct api;
struct api_config {
    struct slice setup_token;   /* empty: set-up is over */
    struct slice metrics_token; /* empty: /metrics only from this machine */
};
/* `app` must outlive it. */
MUST_USE enum err api_new(struct ctx *c, struct app *app, const struct api_config *cfg, struct api **ret);
void api_free(struct api *api);
/* The functions for http_server_open. */
struct http_app api_http_app(struct api *api);
/* For /metrics; set once the server is open. */
void api_set_server(struct api *api, const struct http_server *server);
/* Graceful stop has begun: /health/ready says so. */
void api_set_stopping(struct api *api);

/* Who may call a route. */
enum caller {
    CALLER_ANYONE, /* no account needed; a bad one is not looked at */
    CALLER_LINK,   /* the holder of the link token in the path; ticket and limits are the handler's, through core/link */
    CALLER_USER,   /* signed in, any role */
    CALLER_ADMIN,
    CALLER_EITHER  /* signed in, or with a secret in the body that the handler checks: it begins with need_session, or that secret.
                      A cookie that is not good counts for nothing here; a bad Authorization header is refused as everywhere. */
};
/* What of a signed-in caller a row asks for besides. */
#define SCOPE_NEVER 0u /* not with an API key: the account itself, and what makes more keys */
#define SCOPE_ANY (~0u) /* with every API key */
/* How often one address may call it. */
enum rate_class {
    RATE_NONE,
    RATE_GUESS /* takes a secret that could be guessed */
};

struct call {
    struct api *api;
    struct app *app;
    struct ctx *ctx;
    const struct http_request *http;
    struct http_response *resp;
    const struct route *route; /* NULL: no such route */
    struct principal who;
    struct slice ticket; /* of "Authorization: Link …" or the link's cookie; empty: none */
    struct slice params[ROUTER_PARAMS_MAX];
    const void *in; /* the decoded body, of route->in */
    bool forged; /* CALLER_EITHER: a cookie came without proof that our own page sent it */
    enum err refused; /* why there is no route */
    unsigned allowed; /* methods of the path, for 405 */
};

#define FRESH_MS (10 * 60 * 1000ll)

typedef enum err call_fn(struct call *q);
typedef enum err open_fn(struct call *q, struct http_sink **ret);

struct route {
    enum http_method method;
    const char *pattern;
    enum caller caller;
    enum rate_class rate;
    const char *summary;
    call_fn *call; /* exactly one of call and open */
    open_fn *open; /* streams the body in */
    bool nonblocking; /* call() on the I/O thread: nothing that blocks */
    bool creates;  /* honours Idempotency-Key */
    unsigned scope; /* that an API key needs (enum scope); SCOPE_NEVER: sessions only */
    bool fresh;     /* dangerous: the secret must have been proven in the last FRESH_MS (ERR_DENIED "reauth_required") */
    const struct json_table *in;  /* JSON body; NULL: none is taken (call) or it is raw (open) */
    const struct json_table *out; /* NULL: no JSON answer */
    int status;                   /* of success */
    const char *out_type;         /* media type when it is not JSON */
    const char *const *query;     /* names of query parameters, NULL-terminated; others are refused, unless "*" is among them. NULL: none */
    int (*status_of)(const struct ctx *c, enum err e); /* statuses that a protocol has for errors; NULL: those of base/err.def */
    uint64_t body_max;            /* of a raw body; 0: LIMIT_HTTP_CALL_BODY_BYTES for JSON */
};
extern const struct route api_routes[];
extern const size_t api_route_count;

/* ---- for handlers ---- */

/* Answer route->status with an object of route->out. */
MUST_USE enum err reply(struct call *q, const void *obj);
/* route->status without a body. */
MUST_USE enum err reply_empty(struct call *q);
/* Fill a response for an error of the handler, as problem+json; 5xx are logged here. */
void reply_problem(struct call *q, enum err e);
/* The same without a call: errors of the server itself. */
void reply_problem_raw(struct ctx *c, struct http_response *resp, int status, struct slice code, struct slice detail);
/* A problem whose type is in the registry of RFC 9457, with up to two numbers. */
struct problem_member {
    const char *name; /* NULL: none */
    uint64_t value;
};
struct registered_problem {
    int status;
    const char *name; /* in the registry */
    const char *code, *title, *detail;
    struct problem_member members[2];
};
void reply_registered(struct ctx *c, struct http_response *resp, const struct registered_problem *p);
MUST_USE enum err reply_header(struct call *q, const char *name, struct slice value);
/* Security headers and request id, on every answer. */
void reply_common(struct ctx *c, struct http_response *resp, bool html);

/* For CALLER_EITHER: ERR_UNAUTH unless the caller is signed in. */
MUST_USE enum err need_session(struct call *q);
/* Path parameter i as an id; ERR_NOT_FOUND when it is not one. */
MUST_USE enum err param_id(struct call *q, size_t i, struct id *ret);
MUST_USE enum err param_u64(struct call *q, size_t i, uint64_t *ret);
/* Query parameter; ptr NULL when absent. */
MUST_USE enum err query_text(struct call *q, const char *name, struct slice *ret);
MUST_USE enum err query_u64(struct call *q, const char *name, uint64_t max, struct opt_u64 *ret);
/* "true" or "false"; `absent` when it is not given. */
MUST_USE enum err query_bool(struct call *q, const char *name, bool absent, bool *ret);
MUST_USE enum err query_id(struct call *q, const char *name, struct opt_id *ret);
struct page;
MUST_USE enum err query_page(struct call *q, struct page *ret);
/* Members expires_in and expires_at of a body, of which one may be given, as seconds from now. */
MUST_USE enum err lifetime(struct call *q, const struct opt_u64 *in, const struct opt_i64 *at, struct opt_u64 *ret);
struct page_key;
/* `order`: see page_key_parse. */
MUST_USE enum err query_page_key(struct call *q, char order, struct page_key *ret);
/* A time in RFC 3339; `otherwise` when it is not there. */
MUST_USE enum err query_time(struct call *q, const char *name, int64_t otherwise, int64_t *ret);

/* What the parts of the API share (api_impl.c has it). */
const struct api_config *api_config(const struct api *api);
const struct http_server *api_server(const struct api *api);
bool api_stopping(const struct api *api);
bool api_setup_done(const struct api *api);
void api_set_setup_done(struct api *api);
struct api_counts {
    uint64_t by_class[6]; /* answers by hundreds of their status */
};
void api_counts(const struct api *api, struct api_counts *ret);

/* Handlers, by file. */
call_fn auth_setup, auth_login, auth_refresh, auth_logout, auth_me, auth_me_change;
call_fn account_register_call, account_verify_call, email_change_call, account_forgot_call, account_reset_call;
call_fn admin_users_call, admin_user_call, admin_user_new_call, admin_user_change_call, admin_user_suspend_call,
    admin_user_unsuspend_call, admin_user_reset_mfa_call, admin_user_delete_call, admin_invite_call, audit_logs_call;
call_fn passkeys_options_call, passkeys_new_call, passkeys_list_call, passkeys_delete_call, passkeys_login_options_call,
    passkeys_login_call;
call_fn oidc_list_call, oidc_start_call, oidc_callback_call;
call_fn device_new_call, device_get_call, device_approve_call, device_token_call;
call_fn mfa_enable_call, mfa_verify_call, mfa_disable_call, mfa_recovery_call, reauthenticate_call, password_change_call,
    sessions_list_call, sessions_end_one_call, sessions_end_others_call, apikeys_list_call, apikeys_new_call, apikeys_revoke_call;
call_fn upload_new_call, upload_get_call, upload_list_call, upload_complete_call, upload_delete_call;
open_fn upload_part_open, files_upload_open, resumable_append_open, tus_create_open, tus_append_open;
call_fn resumable_get_call, resumable_delete_call, resumable_options_call;
call_fn tus_head_call, tus_delete_call, tus_options_call;
call_fn files_list_call, files_get_call, files_change_call, files_delete_call, files_restore_call, files_encrypt_call,
    files_download_call, files_content_call, files_key_call;
call_fn versions_list_call, versions_restore_call, versions_delete_call;
call_fn files_bulk_call, files_archive_call, files_archive_again_call;
call_fn comments_list_call, comments_new_call, comments_change_call, comments_delete_call;
call_fn permissions_list_call, permissions_put_call, permissions_set_call, permissions_delete_call;
call_fn tags_list_call, categories_list_call, folders_list_call, folders_new_call, folders_change_call, folders_delete_call;
call_fn transfers_new_call, transfers_list_call, transfers_get_call, transfers_delete_call, transfers_share_call,
    transfers_links_call, transfers_revoke_call;
call_fn share_get_call, share_verify_call, share_download_call, share_content_call, share_key_call, share_done_call,
    share_page_call;
call_fn system_health, system_ready, system_metrics, system_jwks, system_openapi, system_asset;

/* The OpenAPI 3.1 document of the table. */
MUST_USE enum err openapi_write(struct buf *out);

#endif
