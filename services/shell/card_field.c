/* Who takes the card on the page of the checkout: Stripe's own field, or the emulator's page in a frame. */
#include "platform/ports/psp/psp_config.h"
#include "platform/service/host.h"
#include "services/shell/href.h"
#include "services/shell/page.h"

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
        return shell_url(call);
    char *origin = arena_printf(call->arena, "%.*s://%.*s", STR_FORMAT(http->scheme), STR_FORMAT(authority));
    return origin ? str_from_cstr(origin) : shell_url(call);
}

static int use_emulator(struct page *page, int port, Pages__CardField *field)
{
    const struct href_pair pairs[] = {{"origin", origin_of(page->call)}};
    char *address;

    TRY(page_printf(page, &address, "http://localhost:%d/card-field", port));
    TRY(page_text(page, STR("emulator"), &field->kind));
    return href_make(page->call->arena, address, pairs, 1, &field->url);
}

static int use_stripe(struct page *page, struct str key, Pages__CardField *field)
{
    TRY(page_text(page, STR("stripe"), &field->kind));
    return page_text(page, key, &field->publishable_key);
}

int page_add_card_field(struct page *page, Pages__CheckoutPage *shown)
{
    struct service_host *host = page->call->host;
    const struct service_instance *emulator = host_instance(host, "stripe_emulator");
    int port = emulator ? __atomic_load_n(&emulator->listener_port, __ATOMIC_ACQUIRE) : 0;
    bool is_told = host_instance(host, "payments") != NULL;
    struct str url = is_told ? config_get_str(host->options.config, psp_config_url) : STR_EMPTY;
    struct str key = is_told ? config_get_str(host->options.config, psp_config_publishable_key) : STR_EMPTY;

    if (url.len ? !key.len : !port)
        return 0; /* a page without it says that no card can be taken */
    Pages__CardField *field = (void *)wire_message_new(page->call->arena, &pages__card_field__descriptor);
    if (!field)
        return ERR_NO_MEMORY;
    shown->card_field = field;
    return url.len ? use_stripe(page, key, field) : use_emulator(page, port, field);
}
