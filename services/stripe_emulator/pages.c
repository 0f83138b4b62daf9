#include "services/stripe_emulator/pages.h"

#include "platform/service/host.h"
#include "services/stripe_emulator/assets.h"

#define ADDRESS_BYTES_MAX 500
#define NOBODY STR("'none'")

void emulator_page_open(struct buf *page, const char *title, const char *class_name)
{
    buf_printf(page,
               "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
               "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
               "<meta name=\"color-scheme\" content=\"light dark\"><title>%s</title>"
               "<link rel=\"stylesheet\" href=\"/pages.css\"></head><body class=\"%s\"><main>",
               title, class_name);
}

void page_close(struct buf *page, const char *script)
{
    buf_append_cstr(page, "</main>");
    if (script)
        buf_printf(page, "<script src=\"%s\"></script>", script);
    buf_append_cstr(page, "</body></html>");
}

/* -- Addresses ----------------------------------------------------------------------------------------------------- */

/* Whether the address may stand in a header line. */
static bool is_clean(struct str url)
{
    for (size_t i = 0; i < url.len; i++) {
        unsigned char c = (unsigned char)url.ptr[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == ';' || c == ',')
            return false;
    }
    return true;
}

/* What is left of the address behind the origin is a path, a query or nothing. */
static bool ends_origin(struct str url, size_t at)
{
    return at == url.len || url.ptr[at] == '/' || url.ptr[at] == '?';
}

/* The length of "http://localhost:3000"; 0 when the address is not one of this machine. */
static size_t local_origin_length(struct str url)
{
    static const char *const heads[] = {"http://localhost",  "http://127.0.0.1",  "http://[::1]",
                                        "https://localhost", "https://127.0.0.1", "https://[::1]"};
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        struct str head = str_from_cstr(heads[i]);
        if (!str_starts_with(url, head))
            continue;
        size_t end = head.len;
        if (end < url.len && url.ptr[end] == ':') {
            end++;
            while (end < url.len && url.ptr[end] >= '0' && url.ptr[end] <= '9')
                end++;
        }
        if (ends_origin(url, end))
            return end;
    }
    return 0;
}

/* The same of the address by which customers reach the shop, where that is set. */
static size_t public_origin_length(struct call *call, struct str url)
{
    struct str shop = str_from_cstr(call->host->options.public_url);
    ptrdiff_t scheme = str_find(shop, STR("://"));
    if (scheme < 0)
        return 0;
    ptrdiff_t slash = str_find_char(str_skip(shop, (size_t)scheme + 3), '/');
    size_t length = slash < 0 ? shop.len : (size_t)scheme + 3 + (size_t)slash;
    return str_starts_with(url, str_slice(shop, 0, length)) && ends_origin(url, length) ? length : 0;
}

struct str page_shop_origin(struct call *call, struct str url)
{
    if (url.len > ADDRESS_BYTES_MAX || !is_clean(url))
        return STR_EMPTY;
    size_t length = local_origin_length(url);
    return str_slice(url, 0, length > 0 ? length : public_origin_length(call, url));
}

/* -- Answers ------------------------------------------------------------------------------------------------------- */

int emulator_page_answer(struct call *call, struct http_response *response, int status, struct buf *page,
                         struct str frame, struct str form)
{
    TRY(buf_error(page));
    response->body = arena_copy(call->arena, buf_str(page));
    /* Browsers check the redirect after a form against form-action too: so the shop's origin stands in it. */
    const char *policy =
        arena_printf(call->arena,
                     "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; "
                     "form-action 'self' %.*s; frame-ancestors %.*s",
                     STR_FORMAT(form), STR_FORMAT(frame.len > 0 ? frame : NOBODY));
    if (!response->body.ptr || !policy)
        return ERR_NO_MEMORY;
    response->status = status;
    http_response_header(response, STR("Content-Type"), STR("text/html; charset=utf-8"));
    http_response_header(response, STR("Content-Security-Policy"), str_from_cstr(policy));
    http_response_header(response, STR("Referrer-Policy"), STR("no-referrer"));
    http_response_header(response, STR("X-Content-Type-Options"), STR("nosniff"));
    http_response_header(response, STR("Cache-Control"), STR("no-store"));
    return 0;
}

int emulator_page_answer_message(struct call *call, struct http_response *response, int status, const char *title,
                                 const char *message)
{
    CLEANUP(buf_free) struct buf page = BUF(PAGE_BYTES_MAX);
    emulator_page_open(&page, title, "page");
    buf_printf(&page, "<h1>%s</h1><p>%s</p>", title, message);
    page_close(&page, NULL);
    return emulator_page_answer(call, response, status, &page, STR_EMPTY, STR_EMPTY);
}

static int answer_file(struct http_response *response, struct str body, struct str type)
{
    response->status = 200;
    response->body = body;
    http_response_header(response, STR("Content-Type"), type);
    http_response_header(response, STR("X-Content-Type-Options"), STR("nosniff"));
    http_response_header(response, STR("Cache-Control"), STR("no-cache"));
    return 0;
}

int style_route(struct call *call, const struct http_request *request, struct http_response *response)
{
    (void)call;
    (void)request;
    return answer_file(response, stripe_emulator_asset_pages_css, STR("text/css; charset=utf-8"));
}

int card_field_script_route(struct call *call, const struct http_request *request, struct http_response *response)
{
    (void)call;
    (void)request;
    return answer_file(response, stripe_emulator_asset_card_field_js, STR("text/javascript; charset=utf-8"));
}
