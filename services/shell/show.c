/* A page as it is asked for: as HTML by a browser, as JSON by a program; and who looks at it. */
#include "services/shell/href.h"
#include "services/shell/page.h"
#include "services/shell/session.h"

#include "platform/service/browser.h"
#include "platform/wire/wire.h"

#define HOME_OF_ACCOUNT "/account"

/* Who looks at a page of a person. In the pages of the shop everybody is a customer: staff sees its own orders there,
 * and not everybody's. */
static int act_for_person(struct page *page)
{
    struct call *call = page->call;

    if (!page->row->personal)
        return 0;
    TRY(session_visitor(call));
    call->on_behalf = true;
    if (call->who.user_id.len)
        call->who.roles = ROLE_CUSTOMER;
    return 0;
}

static int redirect(struct call *call, struct http_response *response, const char *href)
{
    TRY(call_answer(call, response, "text/plain; charset=utf-8", "private, no-store", STR_EMPTY));
    response->status = 303;
    http_response_header(response, STR("Location"), str_from_cstr(href));
    return 0;
}

static int send_to_sign_in(struct page *page, struct http_response *response)
{
    const struct href_pair pairs[] = {{"return_to", page->target}};
    char *href;

    TRY(href_make(page->call->arena, "/login", pairs, 1, &href));
    return redirect(page->call, response, href);
}

/* Who is signed in has no use for these. */
static bool is_way_in(const struct page *page)
{
    return strcmp(page->row->kind, "login") == 0 || strcmp(page->row->kind, "signup") == 0;
}

static int send_inside(struct page *page, struct http_response *response)
{
    char *href;
    struct str return_to = page->query.return_to;

    TRY(page_text(page, href_is_own(return_to) ? return_to : STR(HOME_OF_ACCOUNT), &href));
    return redirect(page->call, response, href);
}

int show_page(struct call *call, const struct http_request *request, struct http_response *response)
{
    Pages__Page *document = (void *)wire_message_new(call->arena, &pages__page__descriptor);
    struct page page;

    if (!document)
        return ERR_NO_MEMORY;
    TRY(page_find(call, request->target, document, &page));
    TRY(act_for_person(&page));
    if (is_way_in(&page) && call->who.user_id.len)
        return send_inside(&page, response);
    int result = page_fill(&page);
    if (result == ERR_UNAUTHENTICATED)
        return send_to_sign_in(&page, response);
    TRY(result);
    return page_write(&page, response);
}

int get_page(struct call *call, const Pages__GetPageRequest *in, Pages__Page *out)
{
    struct page page;

    TRY(page_find(call, str_from_cstr(in->path), out, &page));
    TRY(act_for_person(&page));
    return page_fill(&page);
}

/* -- Who looks ----------------------------------------------------------------------------------------------------- */

static int count_cart(struct call *call, Pages__VisitorStatus *out)
{
    Orders__GetCartRequest in = ORDERS__GET_CART_REQUEST__INIT;
    Orders__Cart cart = ORDERS__CART__INIT;

    TRY(orders_get_cart(call, &in, &cart));
    for (size_t i = 0; i < cart.n_items; i++)
        out->cart_count += cart.items[i]->quantity;
    return 0;
}

int get_visitor(struct call *call, const Pages__GetVisitorRequest *in, Pages__VisitorStatus *out)
{
    Identity__GetMeRequest me = IDENTITY__GET_ME_REQUEST__INIT;
    Identity__User user = IDENTITY__USER__INIT;

    (void)in;
    TRY(session_visitor(call));
    TRY(browser_set_csrf(call, false));
    call->on_behalf = true;
    out->has_signed_in = out->has_cart_count = true;
    out->signed_in = call->who.user_id.len > 0;
    if (out->signed_in) {
        TRY(identity_get_me(call, &me, &user));
        out->name = user.name;
    }
    return out->signed_in || call->who.guest_token.len ? count_cart(call, out) : 0;
}
