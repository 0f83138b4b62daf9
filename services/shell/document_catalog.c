/* Home, categories, search results, products: what the catalog tells anybody. */
#include "services/shell/href.h"
#include "services/shell/listing.h"

#include "platform/wire/wire.h"

#define NEW_ARRIVALS 8
#define TILES_MAX 12
#define RELATED_MAX 4

/* Products in the shop's currency, the newest first; category may be NULL. */
static int list_newest(struct page *page, const char *category, int32_t limit, Catalog__ListProductsReply *out)
{
    Catalog__ListProductsRequest in = CATALOG__LIST_PRODUCTS_REQUEST__INIT;

    in.has_limit = true;
    in.limit = limit;
    in.category = (char *)(uintptr_t)category;
    TRY(page_text(page, page->shell->currency, &in.currency));
    TRY(page_text(page, page->shell->country, &in.region));
    return catalog_list_products(page->call, &in, out);
}

/* -- Home ---------------------------------------------------------------------------------------------------------- */

static char *find_cover(const Catalog__ListCoversReply *reply, const char *category)
{
    for (size_t i = 0; i < reply->n_covers; i++) {
        if (strcmp(reply->covers[i]->category, category) == 0)
            return reply->covers[i]->image_url;
    }
    return NULL;
}

static int add_tile(struct page *page, const Catalog__Category *category, char *image_url, Pages__HomePage *home)
{
    Pages__CategoryTile *tile = (void *)wire_message_new(page->call->arena, &pages__category_tile__descriptor);

    if (!tile)
        return ERR_NO_MEMORY;
    tile->slug = category->slug;
    tile->title = category->title;
    tile->has_product_count = category->has_product_count;
    tile->product_count = category->product_count;
    tile->image_url = image_url;
    home->categories[home->n_categories++] = tile;
    return page_add_gallery(page, image_url, false);
}

static int list_covers(struct page *page, Catalog__ListCoversReply *out)
{
    Catalog__ListCoversRequest in = CATALOG__LIST_COVERS_REQUEST__INIT;

    in.has_limit = true;
    in.limit = TILES_MAX;
    TRY(page_text(page, page->shell->currency, &in.currency));
    TRY(page_text(page, page->shell->country, &in.region));
    return catalog_list_covers(page->call, &in, out);
}

static int add_tiles(struct page *page, Pages__HomePage *home)
{
    const Pages__Site *site = page->document->site;
    Catalog__ListCoversReply covers = CATALOG__LIST_COVERS_REPLY__INIT;

    TRY(list_covers(page, &covers));
    home->categories = arena_alloc_array(page->call->arena, TILES_MAX, sizeof(home->categories[0]));
    if (!home->categories)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < site->n_categories && i < TILES_MAX; i++)
        TRY(add_tile(page, site->categories[i], find_cover(&covers, site->categories[i]->slug), home));
    return 0;
}

int fill_home(struct page *page)
{
    Catalog__ListProductsReply newest = CATALOG__LIST_PRODUCTS_REPLY__INIT;
    Pages__HomePage *home = (void *)wire_message_new(page->call->arena, &pages__home_page__descriptor);

    if (!home)
        return ERR_NO_MEMORY;
    page->document->home = home;
    TRY(list_newest(page, NULL, NEW_ARRIVALS + 1, &newest));
    if (newest.n_products > 0) {
        TRY(page_add_card(page, newest.products[0], &home->featured));
        TRY(page_add_cards(page, newest.products + 1, newest.n_products - 1, &home->n_new_arrivals,
                           &home->new_arrivals));
    }
    TRY(add_tiles(page, home));
    TRY(page_text(page, page->shell->name, &page->document->meta->title));
    TRY(page_printf(page, &page->document->meta->description,
                    "%.*s: things for the house and for outside, with live stock and prices.",
                    STR_FORMAT(page->shell->name)));
    return page_text(page, STR("/"), &page->document->meta->canonical);
}

/* -- Lists --------------------------------------------------------------------------------------------------------- */

static int new_listing(struct page *page, Pages__ListingPage **ret_listing)
{
    Pages__ListingPage *listing = (void *)wire_message_new(page->call->arena, &pages__listing_page__descriptor);

    if (!listing)
        return ERR_NO_MEMORY;
    page->document->listing = *ret_listing = listing;
    return 0;
}

int fill_category(struct page *page)
{
    Pages__ListingPage *listing;
    char *slug, *path;

    TRY(page_text(page, page->parameter, &slug));
    const Catalog__Category *category = page_find_category(page, slug);
    if (!category)
        return call_fail(page->call, ERR_NOT_FOUND, "no_such_category", NULL, "There is no such category.");
    TRY(href_below(page->call->arena, "/c/", page->parameter, &path));
    TRY(new_listing(page, &listing));
    listing->title = category->title;
    listing->category = category->slug;
    TRY(listing_fill(page, path, slug, listing));
    if (listing->n_products > 0)
        page->document->meta->image = listing->products[0]->image_url;
    char *description;
    TRY(page_printf(page, &description, "%s at %.*s: %lld products.", category->title, STR_FORMAT(page->shell->name),
                    (long long)category->product_count));
    return page_describe(page, category->title, description, path);
}

int fill_search(struct page *page)
{
    Pages__ListingPage *listing;
    char *canonical, *title, *description;
    const struct href_pair pairs[] = {{"q", page->query.q}};

    TRY(new_listing(page, &listing));
    TRY(page_text(page, page->query.q, &listing->q));
    TRY(listing_fill(page, "/search", NULL, listing));
    TRY(href_make(page->call->arena, "/search", pairs, 1, &canonical));
    if (page->query.q.len)
        TRY(page_printf(page, &title, "“%.*s”", STR_FORMAT(page->query.q)));
    else
        TRY(page_text(page, STR("All products"), &title));
    listing->title = title;
    TRY(page_printf(page, &description, "%s at %.*s, with live stock and prices.", title,
                    STR_FORMAT(page->shell->name)));
    return page_describe(page, title, description, canonical);
}

/* -- A product ----------------------------------------------------------------------------------------------------- */

static int add_category(struct page *page, Pages__ProductPage *shown)
{
    const Catalog__Category *category = page_find_category(page, shown->product->category);

    if (!category)
        return 0;
    shown->category = (void *)wire_message_new(page->call->arena, &pages__link__descriptor);
    if (!shown->category)
        return ERR_NO_MEMORY;
    shown->category->label = category->title;
    return href_below(page->call->arena, "/c/", str_from_cstr(category->slug), &shown->category->href);
}

/* Others of its category. */
static int add_related(struct page *page, Pages__ProductPage *shown)
{
    Catalog__ListProductsReply others = CATALOG__LIST_PRODUCTS_REPLY__INIT;

    TRY(list_newest(page, shown->product->category, RELATED_MAX + 1, &others));
    Catalog__Product *related[RELATED_MAX];
    size_t count = 0;
    for (size_t i = 0; i < others.n_products && count < RELATED_MAX; i++) {
        if (strcmp(others.products[i]->id, shown->product->id) != 0)
            related[count++] = others.products[i];
    }
    return page_add_cards(page, related, count, &shown->n_related, &shown->related);
}

static int read_product(struct page *page, Catalog__Product **ret_product)
{
    Catalog__GetProductRequest in = CATALOG__GET_PRODUCT_REQUEST__INIT;
    Catalog__Product *product = (void *)wire_message_new(page->call->arena, &catalog__product__descriptor);

    if (!product)
        return ERR_NO_MEMORY;
    TRY(page_text(page, page->parameter, &in.id));
    TRY(page_text(page, page->shell->currency, &in.currency));
    TRY(page_text(page, page->shell->country, &in.region));
    TRY(catalog_get_product(page->call, &in, product));
    *ret_product = product;
    return 0;
}

int fill_product(struct page *page)
{
    Pages__ProductPage *shown = (void *)wire_message_new(page->call->arena, &pages__product_page__descriptor);
    char *path;

    if (!shown)
        return ERR_NO_MEMORY;
    page->document->product = shown;
    TRY(read_product(page, &shown->product));
    TRY(page_add_gallery(page, shown->product->image_url, true));
    TRY(add_category(page, shown));
    TRY(add_related(page, shown));
    page->document->meta->image = shown->product->image_url;
    TRY(href_below(page->call->arena, "/products/", str_from_cstr(shown->product->slug), &path));
    return page_describe(page, shown->product->title, shown->product->description, path);
}
