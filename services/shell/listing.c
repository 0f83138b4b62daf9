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

struct listing {
    struct page *page;
    const char *path;
    bool is_search;
    struct page_query chosen; /* what is known of the query; the default order is left out */
    Pages__ListingPage *out;
};

/* What was not chosen is not asked for. */
static int text_where_given(struct page *page, struct str text, char **ret_text)
{
    return text.len ? page_text(page, text, ret_text) : 0;
}

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
    facet->values = arena_alloc_array(arena, values_max + 1, sizeof(facet->values[0]));
    return facet->name && facet->title && facet->values ? facet : NULL;
}

/* A value that is chosen links to the list without it. own: what the link chooses it by; chosen: the field of query
 * that the facet sets. The catalog asks for no more than the same letters, so an address that a person typed chooses
 * too. */
static int add_value(struct listing *listing, Pages__Facet *facet, const Catalog__FacetValue *value, struct str own,
                     struct page_query *query, struct str *chosen)
{
    Pages__FacetValue *shown = (void *)wire_message_new(listing->page->call->arena, &pages__facet_value__descriptor);

    if (!shown)
        return ERR_NO_MEMORY;
    shown->has_selected = shown->selected =
        str_equal_nocase(*chosen, own) || str_equal_nocase(*chosen, str_from_cstr(value->value));
    *chosen = shown->selected ? STR_EMPTY : own;
    query->cursor = STR_EMPTY;
    shown->label = value->title && *value->title ? value->title : value->value;
    shown->has_count = value->has_count;
    shown->count = value->count;
    TRY(make_href(listing, query, &shown->href));
    facet->values[facet->n_values++] = shown;
    return 0;
}

enum facet_kind { FACET_CATEGORY, FACET_BRAND };

static int add_facet(struct listing *listing, enum facet_kind kind, Catalog__FacetValue *const *values, size_t count)
{
    bool is_brand = kind == FACET_BRAND;
    Pages__Facet *facet = facet_new(listing, is_brand ? "brand" : "category", is_brand ? "Brand" : "Category", count);

    if (!facet)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        struct page_query query = listing->chosen;
        /* A brand is named as it is written, not by its folded key: addresses are read by people. */
        const char *own = is_brand && values[i]->title && *values[i]->title ? values[i]->title : values[i]->value;

        TRY(add_value(listing, facet, values[i], str_from_cstr(own), &query,
                      is_brand ? &query.brand : &query.category));
    }
    if (facet->n_values > 0)
        listing->out->facets[listing->out->n_facets++] = facet;
    return 0;
}

static int count_facets(struct listing *listing, Catalog__ListFacetsReply *out)
{
    struct page *page = listing->page;
    const struct page_query *query = &listing->chosen;
    Catalog__ListFacetsRequest in = CATALOG__LIST_FACETS_REQUEST__INIT;

    TRY(page_text(page, page->shell->currency, &in.currency));
    TRY(page_text(page, page->shell->country, &in.region));
    TRY(text_where_given(page, query->q, &in.q));
    TRY(text_where_given(page, query->category, &in.category));
    TRY(text_where_given(page, query->brand, &in.brand));
    if (!listing->is_search)
        TRY(page_text(page, STR("brand"), &in.facet)); /* a category has no others to choose from */
    return catalog_list_facets(page->call, &in, out);
}

static int add_facets(struct listing *listing)
{
    Pages__ListingPage *out = listing->out;
    Catalog__ListFacetsReply facets = CATALOG__LIST_FACETS_REPLY__INIT;

    TRY(count_facets(listing, &facets));
    out->has_total = facets.has_total && !facets.at_least;
    out->total = facets.total;
    out->facets = arena_alloc_array(listing->page->call->arena, 2, sizeof(out->facets[0]));
    if (!out->facets)
        return ERR_NO_MEMORY;
    if (listing->is_search)
        TRY(add_facet(listing, FACET_CATEGORY, facets.categories, facets.n_categories));
    return add_facet(listing, FACET_BRAND, facets.brands, facets.n_brands);
}

/* -- The list ------------------------------------------------------------------------------------------------------ */

static int ask_catalog(struct listing *listing, Catalog__ListProductsReply *out)
{
    struct page *page = listing->page;
    const struct page_query *query = &listing->chosen;
    Catalog__ListProductsRequest in = CATALOG__LIST_PRODUCTS_REQUEST__INIT;

    in.has_limit = true;
    in.limit = LISTING_PRODUCTS;
    TRY(page_text(page, page->shell->currency, &in.currency));
    TRY(page_text(page, page->shell->country, &in.region));
    TRY(text_where_given(page, query->q, &in.q));
    TRY(text_where_given(page, query->category, &in.category));
    TRY(text_where_given(page, query->brand, &in.brand));
    TRY(text_where_given(page, query->sort, &in.sort));
    TRY(text_where_given(page, query->cursor, &in.cursor));
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
    TRY(page_add_cards(page, reply.products, reply.n_products, &out->n_products, &out->products));
    TRY(add_sorts(&listing));
    TRY(add_facets(&listing));
    return add_ways(&listing, reply.next_cursor);
}
