#include "services/catalog/view.h"

#include "platform/wire/wire.h"
#include "services/catalog/cards.h"
#include "services/catalog/sql/cards.sql.h"
#include "services/catalog/store.h"

int catalog_view_money(struct call *call, int64_t amount, struct str currency, Common__Money **ret_money)
{
    Common__Money *money = arena_alloc(call->arena, sizeof(*money));

    if (!money)
        return ERR_NO_MEMORY;
    common__money__init(money);
    money->has_amount = true;
    money->amount = amount;
    TRY(catalog_cstr(call, currency, &money->currency));
    *ret_money = money;
    return 0;
}

int catalog_view_attributes(struct call *call, struct str packed, const ProtobufCMessageDescriptor *entry,
                            size_t *ret_count, void ***ret_entries)
{
    struct attribute attributes[ATTRIBUTES_MAX];
    const char *reason;
    size_t count;
    void **entries;

    int result = sku_attributes_unpack(call->arena, packed, attributes, &count, &reason);
    if (result < 0)
        return result == ERR_NO_MEMORY ? result : ERR_CORRUPT;
    entries = arena_alloc_array(call->arena, count + 1, sizeof(*entries));
    if (!entries)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        /* The entries of every map<string, string> look alike. */
        Catalog__Sku__AttributesEntry *place = (void *)wire_message_new(call->arena, entry);

        if (!place)
            return ERR_NO_MEMORY;
        TRY(catalog_cstr(call, attributes[i].name, &place->key));
        TRY(catalog_cstr(call, attributes[i].value, &place->value));
        entries[i] = place;
    }
    *ret_count = count;
    *ret_entries = entries;
    return 0;
}

/* -- A batch of products ------------------------------------------------------------------------------------------- */

static int new_product(struct call *call, Catalog__Product **ret_view)
{
    Catalog__Product *view = arena_alloc(call->arena, sizeof(*view));

    if (!view)
        return ERR_NO_MEMORY;
    catalog__product__init(view);
    view->skus = arena_alloc_array(call->arena, CARD_LINES_MAX, sizeof(*view->skus));
    if (!view->skus)
        return ERR_NO_MEMORY;
    *ret_view = view;
    return 0;
}

static int read_product(struct call *call, struct sql_rows *rows, Catalog__Product *view)
{
    TRY(catalog_cstr(call, sql_get_text(rows, 1), &view->id));
    TRY(catalog_cstr(call, sql_get_text(rows, 2), &view->slug));
    TRY(catalog_cstr(call, sql_get_text(rows, 3), &view->title));
    TRY(catalog_cstr(call, sql_get_text(rows, 4), &view->brand));
    TRY(catalog_cstr(call, sql_get_text(rows, 5), &view->category));
    TRY(catalog_cstr(call, sql_get_text(rows, 6), &view->description));
    TRY(catalog_cstr(call, sql_get_text(rows, 7), &view->image_url));
    view->has_version = true;
    view->version = sql_get_int(rows, 8);
    return 0;
}

static int read_sku(struct call *call, struct sql_rows *rows, Catalog__Sku **ret_sku)
{
    Catalog__Sku *sku = arena_alloc(call->arena, sizeof(*sku));

    if (!sku)
        return ERR_NO_MEMORY;
    catalog__sku__init(sku);
    TRY(catalog_cstr(call, sql_get_text(rows, 1), &sku->id));
    TRY(catalog_cstr(call, sql_get_text(rows, 9), &sku->code));
    TRY(catalog_view_attributes(call, sql_get_text(rows, 10), &catalog__sku__attributes_entry__descriptor,
                                &sku->n_attributes, (void ***)&sku->attributes));
    TRY(catalog_view_money(call, sql_get_int(rows, 12), sql_get_text(rows, 11), &sku->price));
    sku->has_available = true;
    sku->available = sql_get_int(rows, 13);
    *ret_sku = sku;
    return 0;
}

/* Its SKUs stand by their lines, with gaps where one is left out. */
static int finish_product(Catalog__Product *product)
{
    if (!product || !product->id)
        return ERR_CORRUPT;
    for (size_t line = 0; line < CARD_LINES_MAX; line++) {
        Catalog__Sku *sku = product->skus[line];

        if (!sku)
            continue;
        if (!product->price || sku->price->amount < product->price->amount)
            product->price = sku->price;
        product->skus[product->n_skus++] = sku;
    }
    return 0;
}

static Catalog__Product **find_view(Catalog__Product **views, const int64_t *places, size_t count, int64_t place)
{
    for (size_t i = 0; i < count; i++)
        if (places[i] == place)
            return &views[i];
    return NULL;
}

/* A card's first line is the product, those that follow are its SKUs. */
static int read_line(struct call *call, struct sql_rows *rows, const int64_t *places, size_t count,
                     Catalog__Product **views)
{
    int64_t line = sql_get_int(rows, 0) % CARD_LINES_MAX;
    Catalog__Product **view = find_view(views, places, count, sql_get_int(rows, 0) - line);

    if (!view)
        return ERR_CORRUPT;
    if (!*view)
        TRY(new_product(call, view));
    if (line == 0)
        return read_product(call, rows, *view);
    return sql_is_null(rows, 12) ? 0 : read_sku(call, rows, &(*view)->skus[line]); /* without a price it is left out */
}

static int read_cards(struct call *call, const int64_t *places, size_t count, struct str currency, struct str region,
                      Catalog__Product **views)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    struct sql_value values[VIEW_BATCH + 3] = {sql_text(call->tenant), sql_text(currency), sql_text(region)};
    int more;

    for (size_t i = 0; i < VIEW_BATCH; i++)
        values[3 + i] = sql_int(i < count ? places[i] : 0);
    TRY(sql_query(call->tx, &catalog_sql_show_cards, (struct sql_args){values, VIEW_BATCH + 3}, &rows));
    while ((more = sql_next(rows)) == 1)
        TRY(read_line(call, rows, places, count, views));
    return more;
}

int catalog_view_products(struct call *call, const int64_t *places, size_t count, struct str currency,
                          struct str region, Catalog__Product ***ret_views)
{
    Catalog__Product **views = arena_alloc_array(call->arena, count + 1, sizeof(*views));

    if (!views)
        return ERR_NO_MEMORY;
    for (size_t start = 0; start < count; start += VIEW_BATCH) {
        size_t batch = count - start < VIEW_BATCH ? count - start : VIEW_BATCH;

        TRY(read_cards(call, places + start, batch, currency, region, views + start));
    }
    for (size_t i = 0; i < count; i++)
        TRY(finish_product(views[i]));
    *ret_views = views;
    return 0;
}

int catalog_view_product(struct call *call, int64_t place, struct str currency, struct str region,
                         Catalog__Product **ret_view)
{
    Catalog__Product **views;

    TRY(catalog_view_products(call, &place, 1, currency, region, &views));
    *ret_view = views[0];
    return 0;
}

/* -- Events and tags ----------------------------------------------------------------------------------------------- */

int catalog_view_publish(struct call *call, const char *type, int64_t place, Catalog__Product **ret_view)
{
    Catalog__ProductEvent event = CATALOG__PRODUCT_EVENT__INIT;
    Catalog__Product *view;

    TRY(catalog_view_product(call, place, STR(""), STR(""), &view));
    event.product_id = view->id;
    event.slug = view->slug;
    event.has_version = true;
    event.version = view->version;
    event.product = view;
    TRY(call_publish(call, CATALOG_TOPIC, type, str_from_cstr(view->id), &event.base));
    if (ret_view)
        *ret_view = view;
    return 0;
}

int catalog_view_tag_lists(struct call *call)
{
    TRY(call_cache_tag(call, CATALOG_CREATED, STR_EMPTY));
    TRY(call_cache_tag(call, CATALOG_UPDATED, STR_EMPTY));
    return call_cache_tag(call, CATALOG_DELETED, STR_EMPTY);
}
