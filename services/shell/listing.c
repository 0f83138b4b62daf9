#include "services/shell/listing.h"

#include "platform/wire/wire.h"
#include "services/shell/href.h"

static const struct {
    const char *name, *label;
} sorts[] = {
    {"newest", "Newest"},
    {"price_asc", "Price: low to high"},
    {"price_desc", "Price: high to low"},
    {"title", "A to Z"},
};

#define SORT_COUNT (sizeof(sorts) / sizeof(sorts[0]))
#define BRANDS_MAX LISTING_PRODUCTS

struct listing {
    struct page *page;
    const char *path;
    bool is_search;
    struct page_query chosen; /* what is known of the query; the default order is left out */
    Pages__ListingPage *out;
};

/* -- Links --------------------------------------------------------------------------------------------------------- */

static int make_href(struct listing *listing, const struct page_query *query, char **ret_href)
{
    const struct href_pair pairs[] = {
        {"q", query->q},           {"category", listing->is_search ? query->category : STR_EMPTY},
        {"brand", query->brand},   {"sort", query->sort},
        {"cursor", query->cursor},
    };

    return href_make(listing->page->call->arena, listing->path, pairs, sizeof(pairs) / sizeof(pairs[0]), ret_href);
}

/* An order that nobody knows is the default's: an old link still shows its list. */
static struct str known_sort(struct str name)
{
    for (size_t i = 1; i < SORT_COUNT; i++) {
        if (str_equal_cstr(name, sorts[i].name))
            return name;
    }
    return STR_EMPTY;
}

static int add_sorts(struct listing *listing)
{
    struct arena *arena = listing->page->call->arena;
    Pages__ListingPage *out = listing->out;

    out->sorts = arena_alloc_array(arena, SORT_COUNT, sizeof(out->sorts[0]));
    if (!out->sorts)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < SORT_COUNT; i++) {
        struct page_query query = listing->chosen;
        Pages__Link *link = (void *)wire_message_new(arena, &pages__link__descriptor);

        if (!link)
            return ERR_NO_MEMORY;
        query.cursor = STR_EMPTY;
        query.sort = i > 0 ? str_from_cstr(sorts[i].name) : STR_EMPTY;
        link->has_selected = link->selected = str_equal(query.sort, listing->chosen.sort);
        TRY(page_text(listing->page, str_from_cstr(sorts[i].label), &link->label));
        TRY(make_href(listing, &query, &link->href));
        out->sorts[out->n_sorts++] = link;
    }
    return 0;
}

static int add_ways(struct listing *listing, const char *next_cursor)
{
    struct page_query query = listing->chosen;
    Pages__ListingPage *out = listing->out;

    if (next_cursor) {
        query.cursor = str_from_cstr(next_cursor);
        TRY(make_href(listing, &query, &out->next_href));
    }
    query.cursor = STR_EMPTY;
    if (listing->chosen.cursor.len)
        TRY(make_href(listing, &query, &out->first_href));
    if (!query.brand.len && !(listing->is_search && query.category.len))
        return 0;
    query.brand = query.category = STR_EMPTY;
    return make_href(listing, &query, &out->clear_href);
}

/* -- Facets -------------------------------------------------------------------------------------------------------- */

static Pages__Facet *facet_new(struct listing *listing, const char *name, const char *title, size_t values_max)
{
    struct arena *arena = listing->page->call->arena;
    Pages__Facet *facet = (void *)wire_message_new(arena, &pages__facet__descriptor);

    if (!facet)
        return NULL;
    facet->name = arena_cstr(arena, str_from_cstr(name));
    facet->title = arena_cstr(arena, str_from_cstr(title));
    facet->values = arena_alloc_array(arena, values_max, sizeof(facet->values[0]));
    return facet->name && facet->title && facet->values ? facet : NULL;
}

/* A value that is chosen links to the list without it. */
static int add_value(struct listing *listing, Pages__Facet *facet, const char *label, struct str value,
                     struct str *chosen, struct page_query *query)
{
    Pages__FacetValue *shown = (void *)wire_message_new(listing->page->call->arena, &pages__facet_value__descriptor);
    bool is_chosen = str_equal(*chosen, value);

    if (!shown)
        return ERR_NO_MEMORY;
    *chosen = is_chosen ? STR_EMPTY : value;
    query->cursor = STR_EMPTY;
    shown->has_selected = shown->selected = is_chosen;
    TRY(page_text(listing->page, str_from_cstr(label), &shown->label));
    TRY(make_href(listing, query, &shown->href));
    facet->values[facet->n_values++] = shown;
    return 0;
}

static int add_categories(struct listing *listing)
{
    const Pages__Site *site = listing->page->document->site;
    Pages__Facet *facet = facet_new(listing, "category", "Category", site->n_categories + 1);

    if (!facet)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < site->n_categories; i++) {
        struct page_query query = listing->chosen;

        TRY(add_value(listing, facet, site->categories[i]->title, str_from_cstr(site->categories[i]->slug),
                      &query.category, &query));
    }
    listing->out->facets[listing->out->n_facets++] = facet;
    return 0;
}

static bool has_value(const Pages__Facet *facet, const char *label)
{
    for (size_t i = 0; i < facet->n_values; i++) {
        if (strcmp(facet->values[i]->label, label) == 0)
            return true;
    }
    return false;
}

static int add_brands(struct listing *listing)
{
    Pages__ListingPage *out = listing->out;
    Pages__Facet *facet = facet_new(listing, "brand", "Brand", BRANDS_MAX + 1);

    if (!facet)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < out->n_products && facet->n_values < BRANDS_MAX; i++) {
        const char *brand = out->products[i]->brand;
        struct page_query query = listing->chosen;

        if (brand && *brand && !has_value(facet, brand))
            TRY(add_value(listing, facet, brand, str_from_cstr(brand), &query.brand, &query));
    }
    if (facet->n_values > 0)
        out->facets[out->n_facets++] = facet;
    return 0;
}

static int add_facets(struct listing *listing)
{
    Pages__ListingPage *out = listing->out;

    out->facets = arena_alloc_array(listing->page->call->arena, 2, sizeof(out->facets[0]));
    if (!out->facets)
        return ERR_NO_MEMORY;
    if (listing->is_search)
        TRY(add_categories(listing));
    return add_brands(listing);
}

/* -- The list ------------------------------------------------------------------------------------------------------ */

void listing_shorten(Catalog__Product *const *products, size_t count)
{
    for (size_t i = 0; i < count; i++)
        products[i]->description = NULL;
}

static int ask_catalog(struct listing *listing, Catalog__ListProductsReply *out)
{
    struct page *page = listing->page;
    const struct page_query *query = &listing->chosen;
    Catalog__ListProductsRequest in = CATALOG__LIST_PRODUCTS_REQUEST__INIT;

    in.has_limit = true;
    in.limit = LISTING_PRODUCTS;
    TRY(page_text(page, page->shell->currency, &in.currency));
    TRY(page_text(page, page->shell->country, &in.region));
    if (query->q.len)
        TRY(page_text(page, query->q, &in.q));
    if (query->category.len)
        TRY(page_text(page, query->category, &in.category));
    if (query->brand.len)
        TRY(page_text(page, query->brand, &in.brand));
    if (query->sort.len)
        TRY(page_text(page, query->sort, &in.sort));
    if (query->cursor.len)
        TRY(page_text(page, query->cursor, &in.cursor));
    return catalog_list_products(page->call, &in, out);
}

static int choose(struct listing *listing, const char *category)
{
    struct page_query *chosen = &listing->chosen;
    const struct page_query *asked = &listing->page->query;

    chosen->sort = known_sort(asked->sort);
    chosen->brand = asked->brand;
    chosen->cursor = asked->cursor;
    chosen->q = listing->is_search ? asked->q : STR_EMPTY;
    chosen->category = listing->is_search ? asked->category : str_from_cstr(category);
    return 0;
}

int listing_fill(struct page *page, const char *path, const char *category, Pages__ListingPage *out)
{
    struct listing listing = {.page = page, .path = path, .is_search = !category, .out = out};
    Catalog__ListProductsReply reply = CATALOG__LIST_PRODUCTS_REPLY__INIT;

    TRY(choose(&listing, category));
    TRY(ask_catalog(&listing, &reply));
    out->products = reply.products;
    out->n_products = reply.n_products;
    listing_shorten(out->products, out->n_products);
    for (size_t i = 0; i < out->n_products; i++)
        TRY(page_add_gallery(page, out->products[i]->image_url, false));
    TRY(add_sorts(&listing));
    TRY(add_facets(&listing));
    return add_ways(&listing, reply.next_cursor);
}
