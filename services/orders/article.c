#include "services/orders/article.h"

#include "platform/wire/wire.h"

#define SHOWN_BYTES_MAX ((size_t)64 << 10) /* ten attributes and an address, each byte of them escaped */

/* The entries of every map<string, string> look alike; entry is the descriptor of those that are made. */
static int copy_attributes(struct call *call, const Catalog__SkuDetail *detail, const ProtobufCMessageDescriptor *entry,
                           size_t *ret_count, void ***ret_entries)
{
    void **entries = arena_alloc_array(call->arena, detail->n_attributes + 1, sizeof(*entries));

    if (!entries)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < detail->n_attributes; i++) {
        Orders__OrderLine__AttributesEntry *copy = (void *)wire_message_new(call->arena, entry);

        if (!copy)
            return ERR_NO_MEMORY;
        copy->key = detail->attributes[i]->key;
        copy->value = detail->attributes[i]->value;
        entries[i] = copy;
    }
    *ret_count = detail->n_attributes;
    *ret_entries = entries;
    return 0;
}

int article_show_in_cart(struct call *call, const Catalog__SkuDetail *detail, Orders__CartItem *item)
{
    item->title = detail->title;
    item->product_slug = detail->product_slug;
    item->image_url = detail->image_url;
    item->has_available = true;
    item->available = detail->available;
    return copy_attributes(call, detail, &orders__cart_item__attributes_entry__descriptor, &item->n_attributes,
                           (void ***)&item->attributes);
}

int article_show_in_line(struct call *call, const Catalog__SkuDetail *detail, Orders__OrderLine *line)
{
    line->title = detail->title;
    line->product_slug = detail->product_slug;
    line->image_url = detail->image_url;
    return copy_attributes(call, detail, &orders__order_line__attributes_entry__descriptor, &line->n_attributes,
                           (void ***)&line->attributes);
}

int article_pack(struct call *call, const Orders__OrderLine *line, struct str *ret_shown)
{
    CLEANUP(buf_free) struct buf json = BUF(SHOWN_BYTES_MAX);
    Orders__OrderLine shown = ORDERS__ORDER_LINE__INIT;

    shown.product_slug = line->product_slug;
    shown.image_url = line->image_url;
    shown.n_attributes = line->n_attributes;
    shown.attributes = line->attributes;
    wire_to_json(&shown.base, &json);
    TRY(buf_error(&json));
    *ret_shown = arena_copy(call->arena, buf_str(&json));
    return ret_shown->ptr ? 0 : ERR_NO_MEMORY;
}

int article_unpack(struct call *call, struct str shown, Orders__OrderLine *line)
{
    struct problem problem;
    int result = wire_from_json(call->arena, shown, &line->base, &problem);

    return result == ERR_INVALID ? ERR_CORRUPT : result;
}
