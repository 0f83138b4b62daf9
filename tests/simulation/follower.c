/* Somebody who has a product's page open: follows it (Server-Sent Events), comes again by Last-Event-ID after a crash,
 * and reads it anew when told of a change, and now and then. */
#include "platform/net/http_stream.h"
#include "tests/simulation/books.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <yyjson.h>

#define FOLLOWERS_MAX 2
#define TURNS_MIN 4
#define TURNS_MAX 16
#define ARENA_BYTES ((size_t)1 << 20)
#define TEXT_BYTES ((size_t)256 << 10)
#define PIECE_END "\n\n"

struct follower {
    int tenant;
    char last_id[ID_BYTES];
    int64_t told; /* the last offset of the catalog's log that it heard of; negative: none yet */
    struct http_stream *stream;
    unsigned incarnation; /* that it is of */
    char *text;           /* what was sent since the last look */
    size_t length;
};

/* -- Reading ------------------------------------------------------------------------------------------------------- */

static int find_sku(int tenant, const char *id)
{
    int sku = 0;
    while (sku < SKUS && strcmp(simulation.goods[tenant].sku_ids[sku], id) != 0)
        sku++;
    return sku;
}

static void read_stock(int tenant, yyjson_val *product, struct shown_goods *ret_shown)
{
    yyjson_val *skus = yyjson_obj_get(product, "skus"), *sku;
    size_t index, count;
    yyjson_arr_foreach(skus, index, count, sku)
    {
        const char *id = yyjson_get_str(yyjson_obj_get(sku, "id"));
        int number = id ? find_sku(tenant, id) : SKUS;
        if (number == SKUS)
            violated("nobody reads what is not theirs", "SKU %s", id ? id : "without an id");
        ret_shown->available[number] = yyjson_get_sint(yyjson_obj_get(sku, "available"));
    }
    ret_shown->has_stock = count == SKUS;
}

/* The product's own document, or the list of products: each is kept by the response cache. */
static void look(int tenant)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    bool is_list = random_permille(300);
    struct goods_floor floor = book_goods_floor(tenant);
    ASSERT(arena);
    struct shop_request request = {
        .method = HTTP_GET,
        .target = is_list ? "/api/catalog/v1/products"
                          : arena_printf(arena, "/api/catalog/v1/products/%s", simulation.goods[tenant].product_id),
        .tenant = tenant,
        .arena = arena,
    };
    if (!shop_ask(&request) || request.status >= 500)
        return;
    yyjson_doc *doc = yyjson_read(request.answer.ptr, request.answer.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_val *product = is_list ? yyjson_arr_get_first(yyjson_obj_get(root, "products")) : root;
    if (request.status != 200 || !product)
        violated("a product is there", "%d %.*s", request.status, STR_FORMAT(request.answer));
    struct shown_goods shown = {
        .version = yyjson_get_sint(yyjson_obj_get(product, "version")),
        .price = yyjson_get_sint(yyjson_obj_get(yyjson_obj_get(product, "price"), "amount")),
    };
    if (!is_list)
        read_stock(tenant, product, &shown);
    yyjson_doc_free(doc);
    book_goods_shown(tenant, &floor, &shown);
    simulation.observations++;
}

/* -- Following ----------------------------------------------------------------------------------------------------- */

static void take_pieces(void *argument)
{
    struct follower *follower = argument;
    struct http_blob *blob = NULL;
    enum http_stream_taken taken;
    while ((taken = http_stream_take(follower->stream, &blob)) == HTTP_STREAM_PIECE) {
        struct str piece = http_blob_bytes(blob);
        ASSERT(follower->length + piece.len < TEXT_BYTES);
        memcpy(follower->text + follower->length, piece.ptr, piece.len);
        follower->length += piece.len;
        http_blob_unref(blob);
    }
    if (taken == HTTP_STREAM_EMPTY)
        return;
    http_stream_end(follower->stream, HTTP_STREAM_ENDED);
    http_stream_unref(follower->stream);
    follower->stream = NULL;
}

static void leave(void *argument)
{
    struct follower *follower = argument;
    http_stream_end(follower->stream, HTTP_STREAM_GONE);
    http_stream_unref(follower->stream);
}

static void join(struct follower *follower)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    ASSERT(arena);
    struct shop_request request = {
        .method = HTTP_GET,
        .target = arena_printf(arena, "/api/realtime/v1/events?channels=product:%s%s%s",
                               simulation.goods[follower->tenant].product_id,
                               follower->last_id[0] ? "&last_event_id=" : "", follower->last_id),
        .tenant = follower->tenant,
        .arena = arena,
    };
    unsigned incarnation = simulator_incarnation();
    bool is_heard = shop_ask(&request);
    if (incarnation != simulator_incarnation())
        return;
    follower->incarnation = incarnation;
    follower->stream = request.stream;
    if (!is_heard && request.stream) {
        simulator_call_process("leave", leave, follower);
        follower->stream = NULL;
    }
}

/* -- What is told -------------------------------------------------------------------------------------------------- */

/* The rest of the piece's line that begins so; empty without. */
static struct str field(struct str piece, struct str name)
{
    struct str line;
    while (str_next_token(&piece, '\n', &line)) {
        if (str_starts_with(line, name))
            return str_skip(line, name.len);
    }
    return STR_EMPTY;
}

static void hear_event(struct follower *follower, struct str type, struct str data)
{
    yyjson_doc *doc = yyjson_read(data.ptr, data.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc), *stock;
    size_t index, count;
    if (str_equal(type, STR("product.updated")))
        book_edit_is_known(follower->tenant, yyjson_get_sint(yyjson_obj_get(root, "version")));
    yyjson_arr_foreach(yyjson_obj_get(root, "stock"), index, count, stock)
        book_stock_told(follower->tenant, yyjson_get_str(yyjson_obj_get(stock, "sku_id")),
                        yyjson_get_sint(yyjson_obj_get(stock, "available")));
    yyjson_doc_free(doc);
}

/* True when it tells of a change. An event may come twice, and changes of stock that follow each other fast are told as
 * one; but no edit is left out. */
static bool hear(struct follower *follower, struct str piece)
{
    struct str id = field(piece, STR("id: ")), type = field(piece, STR("event: "));
    int64_t offset = id.len ? strtoll(id.ptr + 1, NULL, 10) : -1; /* c12.o3.p4 */
    bool is_resync = str_equal(type, STR("resync"));
    if (offset < 0)
        return false;
    if (type.len && !is_resync && offset > follower->told)
        book_follower_told(follower->tenant, follower->told, offset, type);
    if (is_resync || follower->told < 0) /* it reads all anew: what the shop reads again after a start is older */
        follower->told = book_catalog_end();
    if (type.len && offset > follower->told)
        follower->told = offset;
    snprintf(follower->last_id, sizeof(follower->last_id), "%.*s", STR_FORMAT(id));
    if (type.len && !is_resync)
        hear_event(follower, type, field(piece, STR("data: ")));
    return type.len > 0;
}

static bool hear_all(struct follower *follower)
{
    struct str rest = str_from(follower->text, follower->length);
    bool is_told = false;
    for (ptrdiff_t end; (end = str_find(rest, STR(PIECE_END))) >= 0;) {
        is_told |= hear(follower, str_slice(rest, 0, (size_t)end));
        rest = str_skip(rest, (size_t)end + strlen(PIECE_END));
    }
    follower->length = 0;
    return is_told;
}

static void follow(void *argument)
{
    struct follower *follower = argument;
    for (int64_t turns = random_between(TURNS_MIN, TURNS_MAX); turns > 0; turns--) {
        if (follower->stream && follower->incarnation != simulator_incarnation())
            follower->stream = NULL; /* gone with it */
        if (!follower->stream)
            join(follower);
        if (follower->stream && !simulator_call_process("take", take_pieces, follower))
            follower->stream = NULL;
        if (hear_all(follower) || random_permille(300))
            look(follower->tenant);
        sleep_between_ms(10, 3000);
    }
    if (follower->stream && follower->incarnation == simulator_incarnation())
        simulator_call_process("leave", leave, follower);
    free(follower->text);
    free(follower);
}

void followers_start(struct simulation *sim)
{
    (void)sim;
    for (int64_t i = random_between(1, FOLLOWERS_MAX); i > 0; i--) {
        struct follower *follower = calloc(1, sizeof(*follower));
        ASSERT(follower);
        *follower =
            (struct follower){.tenant = (int)random_between(0, TENANTS - 1), .told = -1, .text = malloc(TEXT_BYTES)};
        ASSERT(follower->text);
        actor_start("follower", follow, follower);
    }
}
