/* What a page is, in schema.org's words (https://schema.org), for search engines: JSON-LD. */
#include "platform/base/iso_code.h"
#include "platform/wire/json_writer.h"
#include "services/shell/head.h"
#include "services/shell/html.h"

#include <inttypes.h>
#include <stdio.h>

#define SEO_BYTES_MAX ((size_t)1 << 20)
#define ADDRESS_BYTES_MAX 4096

struct seo {
    const struct shell_state *shell;
    const Pages__Page *document;
    struct json_writer json;
};

static void begin(struct seo *seo, const char *type)
{
    json_begin_object(&seo->json);
    json_member_string(&seo->json, "@type", type);
}

static void write_address(struct seo *seo, const char *key, const char *path)
{
    CLEANUP(buf_free) struct buf address = BUF(ADDRESS_BYTES_MAX);

    buf_append_cstr(&address, seo->document->site->url);
    buf_append_cstr(&address, path);
    if (buf_error(&address))
        return;
    json_key(&seo->json, key);
    json_string(&seo->json, buf_str(&address));
}

/* -- A product ----------------------------------------------------------------------------------------------------- */

/* Schema.org takes decimals: 1234 of EUR is "12.34". */
static void write_price(struct seo *seo, const char *key, int64_t amount, struct str currency)
{
    char text[ISO_MONEY_BYTES];

    iso_money_format(amount, currency, text);
    struct str number = str_from_cstr(text);
    ptrdiff_t space = str_find_char(number, ' ');
    json_key(&seo->json, key);
    json_string(&seo->json, space < 0 ? number : str_slice(number, 0, (size_t)space));
}

struct price_range {
    const char *currency;
    int64_t low, high;
    size_t count;
    bool is_available;
};

static struct price_range range_of(const Catalog__Product *product)
{
    struct price_range range = {.low = INT64_MAX};

    for (size_t i = 0; i < product->n_skus; i++) {
        const Catalog__Sku *sku = product->skus[i];

        range.is_available |= sku->available > 0;
        if (!sku->price || !sku->price->currency)
            continue;
        range.currency = sku->price->currency;
        range.low = sku->price->amount < range.low ? sku->price->amount : range.low;
        range.high = sku->price->amount > range.high ? sku->price->amount : range.high;
        range.count++;
    }
    return range;
}

static void write_offers(struct seo *seo, const Catalog__Product *product)
{
    struct price_range range = range_of(product);

    if (range.count == 0)
        return;
    struct str currency = str_from_cstr(range.currency);
    json_key(&seo->json, "offers");
    begin(seo, range.low == range.high ? "Offer" : "AggregateOffer");
    if (range.low == range.high) {
        write_price(seo, "price", range.low, currency);
    } else {
        write_price(seo, "lowPrice", range.low, currency);
        write_price(seo, "highPrice", range.high, currency);
        json_member_int(&seo->json, "offerCount", (int64_t)range.count);
    }
    json_member_string(&seo->json, "priceCurrency", range.currency);
    json_member_string(&seo->json, "availability",
                       range.is_available ? "https://schema.org/InStock" : "https://schema.org/OutOfStock");
    write_address(seo, "url", seo->document->meta->canonical);
    json_end_object(&seo->json);
}

static void write_product(struct seo *seo, const Catalog__Product *product)
{
    CLEANUP(buf_free) struct buf image = BUF(ADDRESS_BYTES_MAX);

    begin(seo, "Product");
    json_member_string(&seo->json, "name", product->title);
    json_member_string(&seo->json, "description", product->description);
    write_address(seo, "url", seo->document->meta->canonical);
    if (head_write_image(seo->shell, seo->document, product->image_url, &image) && !buf_error(&image)) {
        json_key(&seo->json, "image");
        json_string(&seo->json, buf_str(&image));
    }
    if (product->brand && *product->brand) {
        json_key(&seo->json, "brand");
        begin(seo, "Brand");
        json_member_string(&seo->json, "name", product->brand);
        json_end_object(&seo->json);
    }
    write_offers(seo, product);
    json_end_object(&seo->json);
}

/* -- Where it stands ----------------------------------------------------------------------------------------------- */

static void write_crumb(struct seo *seo, int64_t position, const char *name, const char *path)
{
    begin(seo, "ListItem");
    json_member_int(&seo->json, "position", position);
    json_member_string(&seo->json, "name", name);
    write_address(seo, "item", path);
    json_end_object(&seo->json);
}

static void write_crumbs(struct seo *seo, const Pages__Link *category, const char *title)
{
    int64_t position = 1;

    begin(seo, "BreadcrumbList");
    json_member_array(&seo->json, "itemListElement");
    write_crumb(seo, position++, seo->document->site->name, "/");
    if (category)
        write_crumb(seo, position++, category->label, category->href);
    write_crumb(seo, position, title, seo->document->meta->canonical);
    json_end_array(&seo->json);
    json_end_object(&seo->json);
}

static void write_site(struct seo *seo)
{
    begin(seo, "Organization");
    json_member_string(&seo->json, "name", seo->document->site->name);
    write_address(seo, "url", "/");
    json_end_object(&seo->json);
    begin(seo, "WebSite");
    json_member_string(&seo->json, "name", seo->document->site->name);
    write_address(seo, "url", "/");
    json_member_object(&seo->json, "potentialAction");
    json_member_string(&seo->json, "@type", "SearchAction");
    write_address(seo, "target", "/search?q={search_term_string}");
    json_member_string(&seo->json, "query-input", "required name=search_term_string");
    json_end_object(&seo->json);
    json_end_object(&seo->json);
}

static void write_graph(struct seo *seo)
{
    const Pages__Page *document = seo->document;

    if (document->home)
        write_site(seo);
    if (document->product) {
        write_product(seo, document->product->product);
        write_crumbs(seo, document->product->category, document->product->product->title);
    }
    if (document->listing && document->listing->category)
        write_crumbs(seo, NULL, document->listing->title);
}

void seo_write(const struct shell_state *shell, const Pages__Page *document, struct buf *buf)
{
    CLEANUP(buf_free) struct buf text = BUF(SEO_BYTES_MAX);
    struct seo seo = {.shell = shell, .document = document, .json = {.buf = &text}};

    if (!document->home && !document->product && !(document->listing && document->listing->category))
        return;
    json_begin_object(&seo.json);
    json_member_string(&seo.json, "@context", "https://schema.org");
    json_member_array(&seo.json, "@graph");
    write_graph(&seo);
    json_end_array(&seo.json);
    json_end_object(&seo.json);
    if (buf_error(&text))
        return;
    buf_append(buf, STR("<script type=\"application/ld+json\">"));
    html_json(buf, buf_str(&text));
    buf_append(buf, STR("</script>\n"));
}
