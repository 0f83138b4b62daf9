#include "platform/service/host.h"
#include "services/realtime/realtime.h"
#include "shopstream/orders/v1/orders.rpc.h"

#define ID_BYTES_MAX 64

enum kind { KIND_PRODUCT, KIND_ORDER, KIND_USER, KIND_COUNT };

/* Which service's events it takes. */
static const struct {
    const char *name;
    const char *service;
} kinds[KIND_COUNT] = {
    [KIND_PRODUCT] = {"product", "catalog"}, [KIND_ORDER] = {"order", "orders"}, [KIND_USER] = {"user", "orders"}};

struct str channel_name(struct call *call, const char *kind, struct str id)
{
    char *name = arena_printf(call->arena, "%.*s\n%s:%.*s", STR_FORMAT(call->tenant), kind, STR_FORMAT(id));

    return str_from_cstr(name);
}

static bool is_id(struct str id)
{
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_'))
            return false;
    }
    return id.len > 0 && id.len <= ID_BYTES_MAX;
}

static int refuse(struct call *call)
{
    return call_fail(call, ERR_INVALID, "invalid_channel", "?channels",
                     "A channel is product:ID, order:ID or user:ID; at most %u of them, with commas between.",
                     CHANNELS_OF_SUBSCRIBER_MAX);
}

static int parse(struct call *call, struct str channel, enum kind *ret_kind, struct str *ret_id)
{
    ptrdiff_t colon = str_find_char(channel, ':');
    struct str name = str_slice(channel, 0, colon < 0 ? 0 : (size_t)colon);

    for (int kind = 0; kind < KIND_COUNT; kind++) {
        if (!str_equal_cstr(name, kinds[kind].name))
            continue;
        *ret_id = str_skip(channel, (size_t)colon + 1);
        *ret_kind = (enum kind)kind;
        return is_id(*ret_id) ? 0 : refuse(call);
    }
    return refuse(call);
}

static int check_order(struct call *call, struct str id)
{
    Orders__CheckOrderAccessRequest in = ORDERS__CHECK_ORDER_ACCESS_REQUEST__INIT;
    Common__Empty out = COMMON__EMPTY__INIT;

    in.order_id = arena_cstr(call->arena, id);
    in.user_id = arena_cstr(call->arena, call->who.user_id);
    in.guest_token = arena_cstr(call->arena, call->who.guest_token);
    in.has_is_staff = in.is_staff = call_is_staff(call);
    if (!in.order_id || !in.user_id || !in.guest_token)
        return ERR_NO_MEMORY;
    return orders_check_order_access(call, &in, &out);
}

static int check_user(struct call *call, struct str id)
{
    if (call->who.user_id.len == 0)
        return call_fail(call, ERR_UNAUTHENTICATED, "sign_in_required", NULL, "Sign in first: this is your own alone.");
    if (!str_equal(call->who.user_id, id))
        return call_fail(call, ERR_FORBIDDEN, "not_yours", NULL, "This is somebody else's.");
    return 0;
}

static int check(struct call *call, enum kind kind, struct str id)
{
    switch (kind) {
    case KIND_ORDER:
        return check_order(call, id);
    case KIND_USER:
        return check_user(call, id);
    default:
        return 0;
    }
}

static int add(struct call *call, struct str channel, bool is_allowed, struct subscription *subscription)
{
    enum kind kind = KIND_PRODUCT;
    struct str id;

    TRY(parse(call, str_trim(channel), &kind, &id));
    if (subscription->channel_count == CHANNELS_OF_SUBSCRIBER_MAX)
        return refuse(call);
    if (!host_hears(call->host, kinds[kind].service))
        return call_fail(call, ERR_UNAVAILABLE, "service_unavailable", NULL,
                         "The %s service does not run in this process: its events do not reach it.",
                         kinds[kind].service);
    if (!is_allowed)
        TRY(check(call, kind, id));
    struct str name = channel_name(call, kinds[kind].name, id);
    if (!name.ptr)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < subscription->channel_count; i++)
        if (str_equal(subscription->channels[i], name))
            return 0;
    subscription->channels[subscription->channel_count++] = name;
    return 0;
}

int channel_add(struct call *call, struct str channel, struct subscription *subscription)
{
    return add(call, channel, false, subscription);
}

int channel_add_allowed(struct call *call, struct str channel, struct subscription *subscription)
{
    return add(call, channel, true, subscription);
}
