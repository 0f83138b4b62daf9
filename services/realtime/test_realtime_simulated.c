/* What takes time, on a simulated clock: heartbeats, tickets that expire, streams that end with their session or with
 * their age, and a sale of which each second one change is told. */
#include "platform/net/http_stream.h"
#include "platform/service/test_host.h"
#include "platform/service/test_simulated.h"
#include "services/realtime/hub.h"

extern const struct service catalog_service, realtime_service;

#define EVENTS "/api/realtime/v1/events"
#define TEXT_BYTES 4096
#define TICK_MS 1000

static struct test_host test;

/* -- A follower without a socket ----------------------------------------------------------------------------------- */

static struct http_stream *follow(const char *target, const char *bearer)
{
    const char *const headers[] = {"authorization", bearer, NULL};
    struct test_answer answer = test_host_http(&test, HTTP_GET, target, bearer ? headers : NULL, NULL);

    ASSERT(answer.status == 200 && answer.response.stream);
    return answer.response.stream;
}

/* Everything that was sent since the last time; ret_is_over tells whether the shop ended it. */
static const char *read_stream(struct http_stream *stream, bool *ret_is_over)
{
    char *text = arena_alloc(test.arena, TEXT_BYTES);
    struct http_blob *blob = NULL;
    enum http_stream_taken taken;
    size_t len = 0;

    ASSERT(text);
    while ((taken = http_stream_take(stream, &blob)) == HTTP_STREAM_PIECE) {
        struct str bytes = http_blob_bytes(blob);

        ASSERT(len + bytes.len < TEXT_BYTES);
        memcpy(text + len, bytes.ptr, bytes.len);
        len += bytes.len;
        http_blob_unref(blob);
    }
    text[len] = '\0';
    if (ret_is_over)
        *ret_is_over = taken == HTTP_STREAM_LAST;
    return text;
}

static void leave(struct http_stream *stream)
{
    http_stream_end(stream, HTTP_STREAM_GONE);
    http_stream_unref(stream);
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;

    for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
        count++;
    return count;
}

/* -- What is proved ------------------------------------------------------------------------------------------------ */

/* One in each span, with an id; none before. */
static void prove_heartbeats(void)
{
    struct http_stream *stream = follow(EVENTS "?channels=product:1", NULL);

    ASSERT(strstr(read_stream(stream, NULL), "retry: "));
    task_sleep_ms(4 * HEARTBEAT_S * TICK_MS + TICK_MS / 2);
    const char *text = read_stream(stream, NULL);
    ASSERT(count_of(text, ":\nid: c0.o0.p0\n\n") == 4);
    ASSERT(count_of(text, "data:") == 0);
    leave(stream);
}

static const char *ask_ticket(const char *bearer)
{
    const char *const headers[] = {"authorization", bearer, NULL};
    struct test_answer answer = test_host_http(&test, HTTP_POST, "/api/realtime/v1/tickets", bearer ? headers : NULL,
                                               "{\"channels\":[\"product:1\"]}");

    ASSERT(answer.status == 201);
    ptrdiff_t begin = str_find(answer.body, STR("\"ticket\":\"")), end;
    ASSERT(begin >= 0);
    struct str ticket = str_skip(answer.body, (size_t)begin + 10);
    ASSERT((end = str_find_char(ticket, '"')) > 0);
    return arena_printf(test.arena, EVENTS "?ticket=%.*s", (int)end, ticket.ptr);
}

/* Good until its time is up, and once. */
static void prove_tickets_end(void)
{
    const char *in_time = ask_ticket(NULL), *too_late = ask_ticket(NULL);

    task_sleep_ms(29000);
    leave(follow(in_time, NULL));
    ASSERT(test_host_http(&test, HTTP_GET, in_time, NULL, NULL).status == 401);
    task_sleep_ms(2000);
    ASSERT(test_host_http(&test, HTTP_GET, too_late, NULL, NULL).status == 401);
}

/* A stream of the session ends within a tick, by whatever it was opened; nobody else's does. */
static void prove_sessions_end(void)
{
    const char *bearer = test_host_bearer(&test, "ann", ROLE_CUSTOMER);
    struct http_stream *own[] = {follow(EVENTS "?channels=product:1", bearer), follow(ask_ticket(bearer), NULL)};
    struct http_stream *guest = follow(EVENTS "?channels=product:1", NULL);
    bool is_over = false;

    ASSERT(token_block_session(test.host->tokens, STR("s1"), clock_wall_ms() + 60000, clock_wall_ms()) == 0);
    task_sleep_ms(2 * TICK_MS);
    for (size_t i = 0; i < 2; i++) {
        read_stream(own[i], &is_over);
        ASSERT(is_over);
        leave(own[i]);
    }
    read_stream(guest, &is_over);
    ASSERT(!is_over);
    leave(guest);
}

static void prove_old_streams_end(void)
{
    struct http_stream *stream = follow(EVENTS "?channels=product:1", NULL);
    bool is_over = false;

    for (int i = 0; i < STREAM_LIFE_S / 60 - 1; i++) {
        task_sleep_ms(60 * TICK_MS);
        read_stream(stream, &is_over);
        ASSERT(!is_over);
    }
    task_sleep_ms(62 * TICK_MS);
    read_stream(stream, &is_over);
    ASSERT(is_over);
    leave(stream);
}

/* -- A sale: at the hub itself ------------------------------------------------------------------------------------- */

static void publish_as(struct hub *hub, int64_t offset, const char *data, const char *pace_key, bool is_past)
{
    const struct hub_event event = {.source = SOURCE_CATALOG,
                                    .offset = offset,
                                    .is_past = is_past,
                                    .type = STR("product.stock_changed"),
                                    .data = str_from_cstr(data),
                                    .channels = {STR("default\nproduct:1")},
                                    .channel_count = 1,
                                    .pace_key = str_from_cstr(pace_key)};

    ASSERT(hub_publish(hub, &event) == 0);
    ASSERT(hub_publish(hub, &event) == 0); /* seen twice, told once */
}

static void publish(struct hub *hub, int64_t offset, const char *data, const char *pace_key)
{
    publish_as(hub, offset, data, pace_key, false);
}

/* The first change at once, then the last of those within the pace; another SKU's and an edit wait for nobody, and
 * nothing older comes behind them. */
static void prove_sales_are_paced(void)
{
    struct hub *hub = NULL;
    struct http_stream *stream = NULL;
    const struct subscription subscription = {.channels = {STR("default\nproduct:1")}, .channel_count = 1};
    int64_t offset = 0;

    ASSERT(hub_new(&hub, NULL) == 0);
    ASSERT(hub_subscribe(hub, &subscription, &stream) == 0);
    read_stream(stream, NULL);
    publish(hub, ++offset, "10", "a");
    ASSERT(count_of(read_stream(stream, NULL), "data: 10\n") == 1);
    for (int i = 0; i < 8; i++)
        publish(hub, ++offset, "held", "a");
    publish(hub, ++offset, "last", "a");
    ASSERT(read_stream(stream, NULL)[0] == '\0');
    task_sleep_ms(2 * PACE_MS);
    const char *text = read_stream(stream, NULL);
    ASSERT(count_of(text, "data: ") == 1 &&
           count_of(text, "id: c10.o0.p0\nevent: product.stock_changed\ndata: last\n"));
    publish(hub, ++offset, "a1", "a");
    publish(hub, ++offset, "a2", "a");
    publish(hub, ++offset, "b1", "b");
    publish(hub, ++offset, "edit", "");
    text = read_stream(stream, NULL);
    const char *second = strstr(text, "data: a2"), *third = strstr(text, "data: b1"), *fourth = strstr(text, "edit");
    ASSERT(second && third && fourth && second < third && third < fourth);
    ASSERT(count_of(text, "data: edit\n") == 1);
    task_sleep_ms(2 * PACE_MS);
    ASSERT(count_of(read_stream(stream, NULL), "data: ") == 0);
    leave(stream);
    hub_free(hub);
}

/* -- A start ------------------------------------------------------------------------------------------------------- */

/* What is read again at a start is told to who comes back from before it, also before that is read, and to nobody who
 * is new: their page is newer. */
static void prove_past_is_for_who_is_back(void)
{
    struct hub *hub = NULL;
    struct http_stream *back = NULL, *new = NULL;
    struct subscription subscription = {.channels = {STR("default\nproduct:1")}, .channel_count = 1};

    ASSERT(hub_new(&hub, NULL) == 0);
    ASSERT(hub_subscribe(hub, &subscription, &new) == 0);
    subscription.last_event_id = STR("c2.o0.p0");
    ASSERT(hub_subscribe(hub, &subscription, &back) == 0);
    for (int64_t offset = 1; offset <= 3; offset++)
        publish_as(hub, offset, offset == 3 ? "missed" : "old", "", true);
    publish(hub, 4, "news", "");
    const char *text = read_stream(new, NULL);
    ASSERT(count_of(text, "data: ") == 1 && count_of(text, "data: news\n") == 1);
    text = read_stream(back, NULL);
    const char *missed = strstr(text, "data: missed\n");
    ASSERT(count_of(text, "data: old\n") == 0 && missed && strstr(missed, "data: news\n"));
    leave(new);
    leave(back);
    hub_free(hub);
}

static void run(void *argument, unsigned incarnation)
{
    static const struct service *const services[] = {&catalog_service, &realtime_service, NULL};

    (void)argument;
    (void)incarnation;
    test.sql_vfs = "realtime_disk";
    test_host_start(&test, services, NULL);
    prove_heartbeats();
    prove_tickets_end();
    prove_sessions_end();
    prove_old_streams_end();
    prove_sales_are_paced();
    prove_past_is_for_who_is_back();
    simulator_stop();
}

static void test_realtime__keeps_time(void **state)
{
    (void)state;
    test_simulate("realtime_disk", run, SIMULATOR_STOPPED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_realtime__keeps_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
