/* Who takes the card on the page of the checkout: Stripe's own field, or the emulator's page in a frame. */
#include "platform/service/host.h"
#include "services/shell/page.h"
#include "shopstream/payments/v1/payments.rpc.h"

#include "platform/wire/wire.h"

static bool is_this_machine(struct str host)
{
    return str_equal_nocase(host, STR("localhost")) || str_equal(host, STR("127.0.0.1")) ||
           str_equal(host, STR("::1")) || str_equal(host, STR("[::1]"));
}

/* Where the browser has this page from, as the frame must know to whom it speaks: this machine goes by several names.
 */
static struct str origin_of(struct call *call)
{
    const struct http_request *http = call->http;
    struct str authority = http ? http_header_find(http, "host") : STR_EMPTY;

    if (!authority.len || !is_this_machine(http->host))
        return host_public_url(call->host);
    char *origin = arena_printf(call->arena, "%.*s://%.*s", STR_FORMAT(http->scheme), STR_FORMAT(authority));
    return origin ? str_from_cstr(origin) : host_public_url(call->host);
}

/* Nothing where nobody takes cards, or not yet: a page without a field says so. */
int page_add_card_field(struct page *page, Pages__CheckoutPage *shown)
{
    struct call *call = page->call;
    Payments__GetCardFieldRequest in = PAYMENTS__GET_CARD_FIELD_REQUEST__INIT;
    Payments__CardField out = PAYMENTS__CARD_FIELD__INIT;
    bool on_behalf = call->on_behalf;

    TRY(page_text(page, origin_of(call), &in.origin));
    call->on_behalf = false; /* the shop asks, for everybody alike */
    int result = payments_get_card_field(call, &in, &out);
    call->on_behalf = on_behalf;
    if (result == ERR_UNAVAILABLE) {
        call->problem = (struct problem){0};
        return 0;
    }
    TRY(result);
    if (!out.url && !out.publishable_key)
        return 0;
    Pages__CardField *field = (void *)wire_message_new(call->arena, &pages__card_field__descriptor);
    if (!field)
        return ERR_NO_MEMORY;
    field->kind = out.kind;
    field->url = out.url;
    field->publishable_key = out.publishable_key;
    shown->card_field = field;
    return 0;
}
