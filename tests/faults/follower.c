/* A page that follows an article, as a browser's EventSource does. */
#include "platform/net/http_stream.h"
#include "tests/faults/faults.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char events[] = "/api/realtime/v1/events?channels=product:";

static void follow(struct shop *shop, struct follower *follower)
{
    char target[128];
    snprintf(target, sizeof(target), "%s%s", events, follower->article->product_id);
    const struct shop_request request = {.method = HTTP_GET, .target = target, .event = follower->last_event};
    follower->stream = must_answer(shop, "following a product", 200, request).stream;
    ASSERT(follower->stream);
}

/* The page is loaded anew. */
static int64_t ask_available(struct shop *shop, const struct article *article)
{
    char target[128];
    snprintf(target, sizeof(target), "/api/catalog/v1/skus/%s/stock", article->sku_id);
    struct str stock = must(shop, "stock", 200, (struct shop_request){.method = HTTP_GET, .target = target});
    const char *available = json_member(shop, stock, "available");
    return available ? atoll(available) : -1;
}

static void take_line(struct shop *shop, struct follower *follower, struct str line)
{
    struct str id = STR("id: ");
    if (str_starts_with(line, id)) {
        sweep_mute();
        follower->last_event = arena_cstr(shop->arena, str_skip(line, id.len));
        sweep_unmute();
    } else if (str_equal(line, STR("event: resync"))) {
        follower->available = ask_available(shop, follower->article);
    } else if (str_starts_with(line, STR("data: "))) {
        const char *available = json_member(shop, line, "available");
        follower->available = available ? atoll(available) : follower->available;
    }
}

static void take_piece(struct shop *shop, struct follower *follower, struct str piece)
{
    struct str line;
    while (piece.len > 0 && str_next_token(&piece, '\n', &line))
        take_line(shop, follower, line);
}

static void look(struct shop *shop, struct follower *follower)
{
    enum http_stream_taken taken;
    struct http_blob *blob = NULL;
    if (!follower->stream)
        follow(shop, follower);
    while ((taken = http_stream_take(follower->stream, &blob)) == HTTP_STREAM_PIECE) {
        take_piece(shop, follower, http_blob_bytes(blob));
        http_blob_unref(blob);
    }
    if (taken != HTTP_STREAM_EMPTY)
        follower_leave(follower);
}

void follower_start(struct shop *shop, struct follower *follower)
{
    for (int i = 0; i < LOOKS_MAX; i++) {
        look(shop, follower);
        if (follower->last_event)
            return;
        task_sleep_ms(LOOK_MS);
    }
    violated("a stream says from where on it tells", "not this one");
}

void follower_await(struct shop *shop, struct follower *follower, int64_t available)
{
    for (int i = 0; i < LOOKS_MAX; i++) {
        look(shop, follower);
        if (follower->available == available)
            return;
        task_sleep_ms(LOOK_MS);
    }
    violated("a follower hears of each change", "%" PRId64 " are available, and %" PRId64 " were told", available,
             follower->available);
}

void follower_leave(struct follower *follower)
{
    if (!follower->stream)
        return;
    http_stream_end(follower->stream, HTTP_STREAM_GONE);
    http_stream_unref(follower->stream);
    follower->stream = NULL;
}
