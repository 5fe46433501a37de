/* Device sign-in over HTTP: codes for programs, approval by people. */
#include "core/device/device.h"

#include "api/auth.h"
#include "api/messages_device.h"

enum err device_new_call(struct call *q)
{
    const struct msg_device_new *in = q->in;
    struct device_codes codes;
    struct msg_device_codes out = {.expires_in = DEVICE_CODE_S, .interval = DEVICE_INTERVAL_S};
    TRY(device_start(q->ctx, q->app, in->device_name, slice_cstr(q->who.ip), &codes));
    out.device_code = codes.device_code;
    out.user_code = codes.user_code;
    TRY(arena_printf(&q->ctx->arena, &out.verification_uri, SLICE_FMT "/device", SLICE_ARG(q->app->cfg.public_url)));
    TRY(arena_printf(&q->ctx->arena, &out.verification_uri_complete, SLICE_FMT "/device?code=" SLICE_FMT,
                     SLICE_ARG(q->app->cfg.public_url), SLICE_ARG(codes.user_code)));
    return reply(q, &out);
}

enum err device_get_call(struct call *q)
{
    struct device_request r;
    TRY(device_get(q->ctx, q->app, &q->who, q->params[0], &r));
    return reply(q, &(struct msg_device_request){r.device_name, r.ip, r.created_at, r.expires_at});
}

enum err device_approve_call(struct call *q)
{
    const struct msg_device_decision *in = q->in;
    TRY(device_decide(q->ctx, q->app, &q->who, in->user_code, in->approve));
    return reply_empty(q);
}

enum err device_token_call(struct call *q)
{
    const struct msg_device_poll *in = q->in;
    struct device_grant grant;
    TRY(device_take(q->ctx, q->app, in->device_code, &grant));
    struct begin b = {.user = &grant.user, .device_name = grant.device_name, .amr = "device", .auth_at_ms = grant.auth_at_ms};
    return begin_session(q, &b);
}
