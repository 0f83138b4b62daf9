/* A call to a service of another process: what the call carries, as metadata, and its messages as bytes. host_rpc.c
 * makes a call of it again. */
#include "platform/rpc/rpc_client.h"
#include "platform/rpc/rpc_metadata.h"
#include "platform/rpc/rpc_text.h"
#include "platform/service/host.h"
#include "platform/service/invoke.h"
#include "platform/wire/wire.h"
#include "shopstream/rpc/v1/rpc.pb-c.h"

#define CALLER_BYTES_MAX 8192
#define FIELDS_MAX 4

static char *text_or_null(struct arena *arena, struct str text)
{
    return text.len > 0 ? arena_cstr(arena, text) : NULL;
}

/* The person is told of only where the row of the other side is to judge by them. */
static void fill_person(struct call *call, Rpc__Caller *caller)
{
    const struct principal *who = &call->who;

    caller->has_on_behalf = caller->on_behalf = true;
    caller->has_roles = true;
    caller->roles = who->roles;
    caller->user_id = text_or_null(call->arena, who->user_id);
    caller->session_id = text_or_null(call->arena, who->session_id);
    caller->guest_token = text_or_null(call->arena, who->guest_token);
    caller->has_guest_by_cookie = caller->guest_by_cookie = who->is_guest_by_cookie;
    caller->email = text_or_null(call->arena, who->email);
}

static int encode_caller(struct call *call, struct str *ret_field)
{
    CLEANUP(buf_free) struct buf bytes = BUF((size_t)CALLER_BYTES_MAX);
    Rpc__Caller caller = RPC__CALLER__INIT;

    if (call->on_behalf)
        fill_person(call, &caller);
    caller.idempotency_key = text_or_null(call->arena, call->idempotency_key);
    caller.client_address = text_or_null(call->arena, call->client_address);
    caller.user_agent = text_or_null(call->arena, call->user_agent);
    caller.has_from_browser = caller.from_browser = call->from_browser;
    wire_to_binary(&caller.base, &bytes);
    TRY(buf_error(&bytes));
    *ret_field = rpc_bytes_encode(call->arena, buf_str(&bytes));
    return ret_field->ptr ? 0 : ERR_NO_MEMORY;
}

static int fill_fields(struct call *call, struct http_header fields[FIELDS_MAX])
{
    fields[0] = (struct http_header){STR(RPC_SERVICE_FIELD), str_from_cstr(call->service->name)};
    fields[1] = (struct http_header){STR(RPC_TENANT_FIELD), call->tenant};
    fields[2] = (struct http_header){STR("traceparent"), call->traceparent};
    fields[3].name = STR(RPC_CALLER_FIELD);
    return encode_caller(call, &fields[3].value);
}

int call_elsewhere(struct call *caller, const struct rpc_method *method, const ProtobufCMessage *in,
                   ProtobufCMessage *out)
{
    CLEANUP(buf_free) struct buf message = BUF(RPC_MESSAGE_BYTES_MAX), reply = BUF(RPC_MESSAGE_BYTES_MAX);
    struct http_header fields[FIELDS_MAX];

    /* Events of the other process do not drop what is kept here. */
    call_keep_nothing(caller);
    wire_to_binary(in, &message);
    if (buf_error(&message) < 0)
        return call_fail(caller, buf_error(&message), "request_too_large", NULL, "The call of %s is too large.",
                         method->service);
    TRY(fill_fields(caller, fields));
    const struct rpc_client_call call = {
        .service = method->service,
        .path = method->full_name,
        .fields = fields,
        .field_count = FIELDS_MAX,
        .message = buf_str(&message),
        .deadline_ns = caller->deadline_ns,
        .is_idempotent = method->idempotency != RPC_ONCE,
        .cancel = caller->cancel,
    };
    int result = rpc_client_call(caller->host->rpc_client, caller->arena, &call, &reply, &caller->problem);
    if (result == ERR_METHOD)
        return call_fail(caller, ERR_UNAVAILABLE, "service_unavailable", NULL,
                         "The process at the address of %s has no %s.", method->service, method->name);
    TRY(result);
    if (wire_from_binary(caller->arena, buf_str(&reply), out, &caller->problem) == 0)
        return 0;
    return call_fail(caller, ERR_INTERNAL, "malformed_reply", NULL, "The reply of %s is malformed.", method->service);
}
