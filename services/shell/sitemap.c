/* What search engines are told of the shop: where not to look, and which pages there are. */
#include "platform/base/encode.h"
#include "platform/service/host.h"
#include "services/shell/href.h"
#include "services/shell/page.h"

#include "platform/wire/wire.h"

/* Of one category, the newest; a file may name 50,000 (https://www.sitemaps.org/protocol.html). */
#define PART_PRODUCTS_MAX 20000
#define LIST_PRODUCTS 100
#define SITEMAP_BYTES_MAX ((size_t)16 << 20)
#define SCRATCH_BYTES_MAX ((size_t)16 << 20)

#define XML_HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define XML_NAMESPACE " xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n"

int show_robots(struct call *call, const struct http_request *request, struct http_response *response)
{
    static const char *const closed[] = {"/api/",  "/cart",   "/checkout", "/orders", "/account",
                                         "/login", "/signup", "/verify",   "/forgot", "/visitor"};
    CLEANUP(buf_free) struct buf text = BUF(SITEMAP_BYTES_MAX);

    (void)request;
    buf_append(&text, STR("User-agent: *\n"));
    for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++)
        buf_printf(&text, "Disallow: %s\n", closed[i]);
    buf_append(&text, STR("\nSitemap: "));
    buf_append(&text, host_public_url(call->host));
    buf_append(&text, STR("/sitemap.xml\n"));
    TRY(buf_error(&text));
    return call_answer(call, response, "text/plain; charset=utf-8", "public, max-age=3600", buf_str(&text));
}

static void write_location(struct call *call, struct buf *xml, const char *element, const char *path)
{
    buf_printf(xml, "<%s><loc>", element);
    encode_html(xml, host_public_url(call->host));
    encode_html(xml, str_from_cstr(path));
    buf_printf(xml, "</loc></%s>\n", element);
}

static int answer_xml(struct call *call, struct http_response *response, const struct buf *xml)
{
    TRY(buf_error(xml));
    TRY(call_answer(call, response, "application/xml; charset=utf-8", "public, no-cache", STR_EMPTY));
    response->blob = http_blob_new(buf_str(xml));
    return response->blob ? 0 : ERR_NO_MEMORY;
}

static int list_categories(struct call *call, Catalog__ListCategoriesReply *out)
{
    Catalog__ListCategoriesRequest in = CATALOG__LIST_CATEGORIES_REQUEST__INIT;

    return catalog_list_categories(call, &in, out);
}

/* The index: one file for home and categories, one for the products of each category. */
int show_sitemap(struct call *call, const struct http_request *request, struct http_response *response)
{
    CLEANUP(buf_free) struct buf xml = BUF(SITEMAP_BYTES_MAX);
    Catalog__ListCategoriesReply categories = CATALOG__LIST_CATEGORIES_REPLY__INIT;

    (void)request;
    TRY(list_categories(call, &categories));
    buf_append(&xml, STR(XML_HEAD "<sitemapindex" XML_NAMESPACE));
    write_location(call, &xml, "sitemap", "/sitemap/pages.xml");
    for (size_t i = 0; i < categories.n_categories; i++) {
        char *path;

        TRY(href_below(call->arena, "/sitemap/products-", str_from_cstr(categories.categories[i]->slug), &path));
        path = arena_printf(call->arena, "%s.xml", path);
        if (!path)
            return ERR_NO_MEMORY;
        write_location(call, &xml, "sitemap", path);
    }
    buf_append(&xml, STR("</sitemapindex>\n"));
    return answer_xml(call, response, &xml);
}

static int write_pages(struct call *call, struct buf *xml)
{
    Catalog__ListCategoriesReply categories = CATALOG__LIST_CATEGORIES_REPLY__INIT;

    TRY(list_categories(call, &categories));
    write_location(call, xml, "url", "/");
    for (size_t i = 0; i < categories.n_categories; i++) {
        char *path;

        TRY(href_below(call->arena, "/c/", str_from_cstr(categories.categories[i]->slug), &path));
        write_location(call, xml, "url", path);
    }
    return 0;
}

static int write_some(struct call *call, const Catalog__ListProductsRequest *in, struct arena *kept, struct buf *xml,
                      char **ret_cursor)
{
    Catalog__ListProductsReply out = CATALOG__LIST_PRODUCTS_REPLY__INIT;

    *ret_cursor = NULL;
    TRY(catalog_list_products(call, in, &out));
    for (size_t i = 0; i < out.n_products; i++) {
        char *path;

        TRY(href_below(call->arena, "/products/", str_from_cstr(out.products[i]->slug), &path));
        write_location(call, xml, "url", path);
    }
    if (!out.next_cursor)
        return 0;
    *ret_cursor = arena_cstr(kept, str_from_cstr(out.next_cursor));
    return *ret_cursor ? 0 : ERR_NO_MEMORY;
}

/* A list says by its own tags that a product came, went or changed its slug: those of each product would be too many.
 * Each hundred of them has the scratch arena to itself. */
static int write_products(struct call *call, struct str category, struct buf *xml)
{
    CLEANUP(arena_cleanup) struct arena *scratch = arena_new(SCRATCH_BYTES_MAX);
    Catalog__ListProductsRequest in = CATALOG__LIST_PRODUCTS_REQUEST__INIT;
    struct arena *own = call->arena;
    int result = 0;

    in.has_limit = true;
    in.limit = LIST_PRODUCTS;
    in.category = arena_cstr(own, category);
    if (!in.category || !scratch)
        return ERR_NO_MEMORY;
    for (size_t written = 0; result >= 0 && written < PART_PRODUCTS_MAX; written += LIST_PRODUCTS) {
        char *cursor;

        call->arena = scratch;
        result = write_some(call, &in, own, xml, &cursor);
        call->arena = own;
        call->showing = NULL;
        arena_reset(scratch);
        if (!cursor)
            break;
        in.cursor = cursor;
    }
    return result;
}

/* "pages.xml", or "products-kitchen.xml". */
int show_sitemap_part(struct call *call, const struct http_request *request, struct http_response *response)
{
    CLEANUP(buf_free) struct buf xml = BUF(SITEMAP_BYTES_MAX);
    struct str name = str_skip(request->path, sizeof("/sitemap/") - 1);
    const struct str start = STR("products-"), end = STR(".xml");
    bool is_part = str_starts_with(name, start) && name.len > start.len + end.len &&
                   str_equal(str_skip(name, name.len - end.len), end);

    buf_append(&xml, STR(XML_HEAD "<urlset" XML_NAMESPACE));
    if (str_equal(name, STR("pages.xml")))
        TRY(write_pages(call, &xml));
    else if (is_part)
        TRY(write_products(call, str_slice(name, start.len, name.len - start.len - end.len), &xml));
    else
        return call_fail(call, ERR_NOT_FOUND, "no_such_sitemap", NULL, "There is no such part of the sitemap.");
    buf_append(&xml, STR("</urlset>\n"));
    return answer_xml(call, response, &xml);
}
