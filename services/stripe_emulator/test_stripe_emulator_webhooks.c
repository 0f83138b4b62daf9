/* Proves that events reach who listens: signed, until they are accepted, and late, twice, shuffled or never where a
 * test asks for that; and what may be registered. */
#include "services/stripe_emulator/emulator.h"
#include "services/stripe_emulator/test_stripe_emulator_fixture.h"

#define ENDPOINTS "/v1/webhook_endpoints"
#define MANY 60

/* Before each test: nothing goes wrong, and nothing has come yet. */
static int forget(void **state)
{
    (void)state;
    assert_int_equal(ask(HTTP_DELETE, "/test/faults", NULL).status, 200);
    TASK_LOCKED(&shop.mutex);
    shop.count = 0;
    shop.refusals = 0;
    return 0;
}

static void set_faults(const char *json)
{
    assert_int_equal(ask(HTTP_POST, "/test/faults", json).status, 200);
}

/* The events of a type, newest first, as the API lists them. */
static struct http_client_response list_events(const char *type, int limit)
{
    return ask(HTTP_GET, TEXT("/v1/events?type=%s&limit=%d", type, limit), NULL);
}

/* The id of the newest event of the type. */
static const char *newest_event(const char *type)
{
    return text_of(list_events(type, 1), "/data/0/id");
}

struct expectation {
    const char *event_id;
    size_t count;
};

static size_t times_delivered(const char *event_id)
{
    size_t times = 0;

    TASK_LOCKED(&shop.mutex);
    for (size_t i = 0; i < shop.count; i++)
        times += !event_id || strcmp(shop.deliveries[i].id, event_id) == 0;
    return times;
}

static bool has_come(void *context)
{
    const struct expectation *expected = context;

    return times_delivered(expected->event_id) >= expected->count;
}

/* Waits for so many deliveries of the event (NULL: of all together). */
static void await_deliveries(const char *event_id, size_t count)
{
    struct expectation expected = {event_id, count};

    if (!test_host_await(has_come, &expected))
        fail_msg("%zu of %zu deliveries of %s", times_delivered(event_id), count, event_id ? event_id : "any");
}

/* -- What is told -------------------------------------------------------------------------------------------------- */

static void test_stripe_emulator_webhooks__each_step_is_told_and_signed(void **state)
{
    static const char *const types[] = {"payment_intent.amount_capturable_updated",
                                        "payment_intent.succeeded",
                                        "refund.created",
                                        "payment_intent.canceled",
                                        "payment_intent.payment_failed",
                                        "payment_intent.requires_action"};
    const char *id = text_of(pay("pm_card_visa", true), "/id"), *held = text_of(pay("pm_card_visa", true), "/id");

    (void)state;
    act(id, "capture", "");
    ask(HTTP_POST, "/v1/refunds", TEXT("payment_intent=%s", id));
    act(held, "cancel", "");
    pay("pm_card_chargeDeclined", true);
    pay("pm_card_authenticationRequired", true);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        await_deliveries(newest_event(types[i]), 1);
    await_deliveries(NULL, 7);
    TASK_LOCKED(&shop.mutex);
    for (size_t i = 0; i < shop.count; i++)
        assert_true(shop.deliveries[i].is_signed);
}

static void test_stripe_emulator_webhooks__an_event_shows_the_object_as_it_was(void **state)
{
    const char *id = text_of(pay("pm_card_visa", true), "/id");
    const char *event_id = newest_event("payment_intent.amount_capturable_updated");

    (void)state;
    act(id, "capture", "");
    struct http_client_response event = retrieve("events", event_id);
    assert_string_equal(text_of(event, "/object"), "event");
    assert_string_equal(text_of(event, "/data/object/id"), id);
    assert_string_equal(text_of(event, "/data/object/status"), "requires_capture");
    assert_string_equal(text_of(event, "/api_version"), EMULATOR_API_VERSION);
    assert_error(retrieve("events", "evt_unknown"), 404, "resource_missing", "id");
    struct http_client_response list = ask(HTTP_GET, "/v1/events?limit=1", NULL);
    assert_string_equal(text_of(list, "/data/0/type"), "payment_intent.succeeded");
    assert_string_equal(text_of(list, "/has_more"), "true");
    await_deliveries(NULL, 2); /* or the next test's double would be told */
}

/* What was rolled back or refused tells nothing. */
static void test_stripe_emulator_webhooks__a_refused_request_tells_nothing(void **state)
{
    const char *before = text_of(ask(HTTP_GET, "/v1/events?limit=1", NULL), "/data/0/id");

    (void)state;
    act(text_of(ask(HTTP_POST, INTENTS, EUR_20), "/id"), "capture", "");
    ask(HTTP_POST, "/v1/refunds", "payment_intent=pi_unknown");
    assert_string_equal(text_of(ask(HTTP_GET, "/v1/events?limit=1", NULL), "/data/0/id"), before);
}

/* -- How it is delivered ------------------------------------------------------------------------------------------- */

static void test_stripe_emulator_webhooks__are_repeated_until_they_are_accepted(void **state)
{
    (void)state;
    task_mutex_lock(&shop.mutex);
    shop.refusals = 2;
    task_mutex_unlock(&shop.mutex);
    pay("pm_card_visa", false);
    const char *id = newest_event("payment_intent.succeeded");
    await_deliveries(id, 3);
    TASK_LOCKED(&shop.mutex);
    /* With growing distances: 250 ms, 500 ms. */
    assert_true(shop.deliveries[1].at_ms - shop.deliveries[0].at_ms >= 200);
    assert_true(shop.deliveries[2].at_ms - shop.deliveries[1].at_ms >= 450);
    assert_int_equal(shop.count, 3);
}

static void test_stripe_emulator_webhooks__come_late(void **state)
{
    (void)state;
    set_faults("{\"webhook_delay_ms\":400}");
    int64_t asked_ms = clock_wall_ms();
    pay("pm_card_visa", false);
    await_deliveries(newest_event("payment_intent.succeeded"), 1);
    TASK_LOCKED(&shop.mutex);
    assert_true(shop.deliveries[0].at_ms - asked_ms >= 400);
}

static void test_stripe_emulator_webhooks__come_more_than_once(void **state)
{
    (void)state;
    set_faults("{\"webhook_duplicates\":2}");
    pay("pm_card_visa", false);
    await_deliveries(newest_event("payment_intent.succeeded"), 3);
}

/* How far the deliveries stand from the places at which their events were made, all together. */
static size_t displacement(struct http_client_response events)
{
    size_t sum = 0;

    for (size_t place = 0; place < MANY; place++) {
        const char *id = text_of(events, TEXT("/data/%zu/id", MANY - 1 - place));
        size_t at = 0;
        while (at < MANY && strcmp(shop.deliveries[1 + at].id, id) != 0)
            at++;
        assert_true(at < MANY);
        assert_int_equal(times_delivered(id), 1);
        sum += at > place ? at - place : place - at;
    }
    return sum;
}

/* While the first is being answered the others come together; they are a batch, each of it once and in any order.
 * Shuffled, they stand a third of the batch away from their places; sent at one moment, a few. */
static void test_stripe_emulator_webhooks__come_in_another_order(void **state)
{
    (void)state;
    set_faults("{\"webhook_reorder\":true}");
    task_mutex_lock(&shop.mutex);
    shop.holds = true;
    task_mutex_unlock(&shop.mutex);
    for (int i = 0; i < 1 + MANY; i++)
        pay("pm_card_visa", false);
    task_mutex_lock(&shop.mutex);
    shop.holds = false;
    task_mutex_unlock(&shop.mutex);
    await_deliveries(NULL, 1 + MANY);
    assert_true(displacement(list_events("payment_intent.succeeded", MANY)) > MANY * MANY / 7);
}

static void test_stripe_emulator_webhooks__get_lost(void **state)
{
    (void)state;
    set_faults("{\"webhook_drop\":1}");
    pay("pm_card_visa", false);
    const char *lost = newest_event("payment_intent.succeeded");
    struct http_client_response faults;
    do {
        faults = ask(HTTP_GET, "/test/faults", NULL);
    } while (int_of(faults, "/webhook_drop") > 0);
    pay("pm_card_visa", false);
    await_deliveries(newest_event("payment_intent.succeeded"), 1);
    assert_int_equal(times_delivered(lost), 0);
}

/* -- Endpoints ----------------------------------------------------------------------------------------------------- */

/* A second address of the double; what comes there is counted with the rest. */
static const char *double_url(void)
{
    return TEXT("http%%3A%%2F%%2F127.0.0.1%%3A%d%%2Fapi%%2Fpayments%%2Fv1%%2Fwebhooks%%2Fstripe",
                http_server_port(fixture.host->listener));
}

static void test_stripe_emulator_webhooks__an_endpoint_gets_what_it_listens_to(void **state)
{
    const char *form = TEXT("url=%s&enabled_events[]=charge.refunded&enabled_events[]=refund.created", double_url());
    struct http_client_response endpoint = ask(HTTP_POST, ENDPOINTS, form);
    const char *id = text_of(endpoint, "/id"), *path = TEXT(ENDPOINTS "/%s", id);

    (void)state;
    assert_int_equal(endpoint.status, 200);
    assert_int_equal(strncmp(text_of(endpoint, "/secret"), "whsec_", 6), 0);
    struct http_client_response list = ask(HTTP_GET, ENDPOINTS, NULL);
    assert_int_equal(test_json_count(list.body, "/data"), 2); /* the shop's own, and this one */
    assert_true(str_find(list.body, STR("whsec_")) < 0);      /* the secret is shown once */
    ask(HTTP_POST, "/v1/refunds", TEXT("payment_intent=%s", text_of(pay("pm_card_visa", false), "/id")));
    await_deliveries(newest_event("charge.refunded"), 1); /* to it alone */
    await_deliveries(newest_event("refund.created"), 2);  /* to both */
    assert_string_equal(text_of(ask(HTTP_DELETE, path, NULL), "/deleted"), "true");
    assert_error(ask(HTTP_DELETE, path, NULL), 404, "resource_missing", "id");
    pay("pm_card_visa", false);
    await_deliveries(newest_event("payment_intent.succeeded"), 1);
}

static void test_stripe_emulator_webhooks__an_endpoint_is_on_this_machine(void **state)
{
    static const char *const urls[] = {"", "https://example.com/hook", "http://127.0.0.1/hook",
                                       "http://localhost:80@example.com/", "http://localhost.example.com:80/"};

    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
        assert_error(ask(HTTP_POST, ENDPOINTS, TEXT("url=%s&enabled_events[]=*", urls[i])), 400, "url_invalid", "url");
    assert_error(ask(HTTP_POST, ENDPOINTS, "url=http://localhost:9/hook"), 400, "parameter_missing", "enabled_events");
}

/* As many as are told; one more would be registered and never hear of anything. */
static void test_stripe_emulator_webhooks__endpoints_have_a_limit(void **state)
{
    const char *ids[EMULATOR_ENDPOINTS_MAX];

    (void)state;
    for (int i = 1; i < EMULATOR_ENDPOINTS_MAX; i++) {
        struct http_client_response answer =
            ask(HTTP_POST, ENDPOINTS, "url=http://127.0.0.1:9/hook&enabled_events[]=account.updated");
        assert_int_equal(answer.status, 200);
        ids[i] = text_of(answer, "/id");
    }
    assert_error(ask(HTTP_POST, ENDPOINTS, "url=http://127.0.0.1:9/hook&enabled_events[]=*"), 400,
                 "resource_limit_exceeded", "");
    for (int i = 1; i < EMULATOR_ENDPOINTS_MAX; i++)
        assert_int_equal(ask(HTTP_DELETE, TEXT(ENDPOINTS "/%s", ids[i]), NULL).status, 200);
}

#define FROM_NEW(test) cmocka_unit_test_setup(test, forget)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FROM_NEW(test_stripe_emulator_webhooks__each_step_is_told_and_signed),
        FROM_NEW(test_stripe_emulator_webhooks__an_event_shows_the_object_as_it_was),
        FROM_NEW(test_stripe_emulator_webhooks__a_refused_request_tells_nothing),
        FROM_NEW(test_stripe_emulator_webhooks__are_repeated_until_they_are_accepted),
        FROM_NEW(test_stripe_emulator_webhooks__come_late),
        FROM_NEW(test_stripe_emulator_webhooks__come_more_than_once),
        FROM_NEW(test_stripe_emulator_webhooks__come_in_another_order),
        FROM_NEW(test_stripe_emulator_webhooks__get_lost),
        FROM_NEW(test_stripe_emulator_webhooks__an_endpoint_gets_what_it_listens_to),
        FROM_NEW(test_stripe_emulator_webhooks__an_endpoint_is_on_this_machine),
        FROM_NEW(test_stripe_emulator_webhooks__endpoints_have_a_limit),
    };

    return cmocka_run_group_tests_name("stripe_emulator_webhooks", tests, fixture_start, fixture_end);
}
