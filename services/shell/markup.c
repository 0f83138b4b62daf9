/* A page's HTML and the headers that it goes with. */
#include "platform/base/encode.h"
#include "platform/base/log.h"
#include "platform/wire/wire.h"
#include "services/shell/head.h"
#include "services/shell/html.h"
#include "services/shell/web.h"

#define JSON_BYTES_MAX ((size_t)4 << 20)
#define HTML_BYTES_MAX ((size_t)16 << 20)
#define LINK_BYTES_MAX (4u << 10)

#define STRIPE_SCRIPT "https://js.stripe.com"

/* -- Headers ------------------------------------------------------------------------------------------------------- */

/* "http://localhost:4242" of "http://localhost:4242/card-field?…". */
static struct str origin_of(struct str url)
{
    ptrdiff_t scheme = str_find(url, STR("://"));
    if (scheme < 0)
        return STR_EMPTY;
    size_t start = (size_t)scheme + 3;
    ptrdiff_t slash = str_find_char(str_skip(url, start), '/');

    return slash < 0 ? url : str_slice(url, 0, start + (size_t)slash);
}

static void write_policy(const Pages__Page *document, struct buf *buf)
{
    const Pages__CardField *card = document->checkout ? document->checkout->card_field : NULL;
    bool is_stripe = card && card->publishable_key;
    struct str frame = card ? origin_of(str_from_cstr(card->url)) : STR_EMPTY;

    buf_append(buf, STR("default-src 'self'; script-src 'self'"));
    buf_append(buf, is_stripe ? STR(" " STRIPE_SCRIPT) : STR_EMPTY);
    buf_append(buf, STR("; style-src 'self'; img-src 'self' data: https:; connect-src 'self'"));
    buf_append(buf, is_stripe ? STR(" https://api.stripe.com; frame-src " STRIPE_SCRIPT " https://hooks.stripe.com")
                              : STR("; frame-src "));
    if (!is_stripe)
        buf_append(buf, frame.len ? frame : STR("'none'"));
    buf_append(buf, STR("; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"));
}

static int copy_header(struct page *page, struct http_response *response, const char *name, const struct buf *value)
{
    struct str copy = arena_copy(page->call->arena, buf_str(value));

    TRY(buf_error(value));
    if (!value->len)
        return 0;
    if (!copy.ptr)
        return ERR_NO_MEMORY;
    http_response_header(response, str_from_cstr(name), copy);
    return 0;
}

static int add_headers(struct page *page, struct http_response *response)
{
    CLEANUP(buf_free) struct buf policy = BUF(LINK_BYTES_MAX);
    CLEANUP(buf_free) struct buf links = BUF(LINK_BYTES_MAX);
    bool is_kept = !page->row->personal && response->status == 200 && !page->is_makeshift;

    http_response_header(response, STR("Content-Type"), STR("text/html; charset=utf-8"));
    http_response_header(response, STR("Cache-Control"), is_kept ? STR("public, no-cache") : STR("private, no-store"));
    http_response_header(response, STR("Referrer-Policy"), STR("strict-origin-when-cross-origin"));
    http_response_header(response, STR("Cross-Origin-Opener-Policy"), STR("same-origin"));
    http_response_header(response, STR("Permissions-Policy"),
                         STR("camera=(), geolocation=(), microphone=(), payment=(self)"));
    write_policy(page->document, &policy);
    head_write_links(page->shell, page->document->kind, &links);
    TRY(copy_header(page, response, "Content-Security-Policy", &policy));
    return copy_header(page, response, "Link", &links);
}

/* -- HTML ---------------------------------------------------------------------------------------------------------- */

static int encode(const Pages__Page *document, struct buf *json)
{
    wire_to_json(&document->base, json);
    return buf_error(json);
}

/* For who has no scripts, where the page was left to them: what it is, and what may help. */
static void write_apology(const struct page *page, struct buf *html)
{
    const Pages__ErrorPage *error = page->document->error;

    buf_append(html, STR("<noscript>\n<h1>"));
    encode_html(html, str_from_cstr(error ? error->title : page->document->meta->title));
    buf_append(html, STR("</h1>\n<p>"));
    encode_html(html, error
                          ? str_from_cstr(error->detail)
                          : STR("This page could not be prepared for a browser without scripts just now. Try again in "
                                "a moment; nothing was ordered or charged by it."));
    buf_append(html, STR("</p>\n<p><a href=\"/\">To the first page</a></p>\n</noscript>\n"));
}

static int write_html(struct page *page, struct buf *html)
{
    CLEANUP(buf_free) struct buf json = BUF(JSON_BYTES_MAX);

    TRY(encode(page->document, &json));
    buf_append(html, STR("<!doctype html>\n<html lang=\"en\" data-kind=\""));
    encode_html(html, str_from_cstr(page->document->kind));
    buf_append(html, STR("\">\n<head>\n"));
    head_write(page->shell, page->document, html);
    buf_append(html, STR("</head>\n<body>\n<div id=\"root\">"));
    bool is_rendered = page_render(page, buf_str(&json), html);
    buf_append(html, STR("</div>\n"));
    if (!is_rendered)
        write_apology(page, html);
    buf_append(html, STR("<script id=\"page\" type=\"application/json\">"));
    html_json(html, buf_str(&json));
    buf_append(html, STR("</script>\n</body>\n</html>\n"));
    return buf_error(html);
}

/* In place of the page that tells a problem, which is not built either. */
static int answer_unbuilt(struct page *page, struct http_response *response)
{
    static const char text[] =
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>No pages</title></head>\n<body>\n"
        "<h1>The pages of this shop are not built</h1>\n<p>`make build` builds them, or SHOPSTREAM_WEB says where they "
        "are. The API answers: <a href=\"/api/docs\">/api/docs</a>.</p>\n</body>\n</html>\n";
    int status = response->status;

    TRY(call_answer(page->call, response, "text/html; charset=utf-8", "no-store", STR(text)));
    response->status = status;
    return 0;
}

int page_write(struct page *page, struct http_response *response)
{
    CLEANUP(buf_free) struct buf html = BUF(HTML_BYTES_MAX);

    if (!web_is_built(page->shell->web) && page->document->error)
        return answer_unbuilt(page, response);
    if (!web_is_built(page->shell->web))
        return call_fail(page->call, ERR_NOT_FOUND, "pages_not_built", NULL, "The pages of this shop are not built.");
    TRY(write_html(page, &html));
    if (page->is_makeshift)
        call_keep_nothing(page->call);
    TRY(add_headers(page, response));
    response->blob = http_blob_new(buf_str(&html));
    return response->blob ? 0 : ERR_NO_MEMORY;
}
