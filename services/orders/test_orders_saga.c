/* Proves what the saga does step by step, and that it undoes in reverse whatever it did: with doubles of catalog and
 * payments that answer as each test says and write down who was called. */
#include "platform/ports/events/events.h"
#include "services/orders/test_orders_fixture.h"
#include "shopstream/payments/v1/payments.rpc.h"

#define PRICE 1000
#define SHIPPING 390
#define TIMEOUT_MS 400
#define TIMEOUT_TEXT "400"
#define CALLS_MAX 400

/* -- The doubles --------------------------------------------------------------------------------------------------- */

enum step { RESERVE, AUTHORISE, CAPTURE, COMMIT, RELEASE, RETURN, STEP_COUNT };

static const char *const step_names[STEP_COUNT] = {"reserve", "authorise", "capture", "commit", "release", "return"};

/* What a step answers to its next calls. */
struct script {
    int error; /* while times > 0; then it succeeds */
    int times;
    const char *code;
};

static struct {
    struct task_mutex mutex;
    char calls[CALLS_MAX]; /* the steps in their order, each with a blank behind */
    struct script scripts[STEP_COUNT];
    const char *authorised_as; /* the status that authorising answers with */
    bool holds_commit;         /* until it is false again */
    bool is_at_commit;
    int64_t reserved_ms, asked_amount;
    char return_url[200];
} doubles;

/* Writes the call down, and answers as the script says. */
static int play(struct call *call, enum step step)
{
    struct script *script = &doubles.scripts[step];
    const char *code = script->code ? script->code : "scripted";

    TASK_LOCKED(&doubles.mutex);
    size_t length = strlen(doubles.calls);
    snprintf(doubles.calls + length, sizeof(doubles.calls) - length, "%s ", step_names[step]);
    if (script->times == 0)
        return 0;
    script->times--;
    return call_fail(call, script->error, code, NULL, "As the test asked for.");
}

static int get_skus(struct call *call, const Catalog__GetSkusRequest *in, Catalog__GetSkusReply *out)
{
    Catalog__SkuDetail *detail = arena_alloc(call->arena, sizeof(*detail));

    catalog__sku_detail__init(detail);
    detail->id = in->ids[0];
    detail->title = in->ids[0];
    detail->has_available = true;
    detail->available = 100;
    detail->price = money_new(call->arena, PRICE, STR("EUR"));
    out->skus = arena_alloc_array(call->arena, 1, sizeof(out->skus[0]));
    out->skus[0] = detail;
    out->n_skus = 1;
    return 0;
}

static int reserve_stock(struct call *call, const Catalog__ReserveStockRequest *in, Catalog__Reservation *out)
{
    (void)out;
    doubles.reserved_ms = in->ttl_ms;
    return play(call, RESERVE);
}

static bool may_commit(void *context)
{
    (void)context;
    TASK_LOCKED(&doubles.mutex);
    doubles.is_at_commit = true;
    return !doubles.holds_commit;
}

static int commit_stock(struct call *call, const Catalog__ReservationRequest *in, Catalog__Reservation *out)
{
    (void)in;
    (void)out;
    if (!test_host_await(may_commit, NULL))
        return ERR_INTERNAL;
    return play(call, COMMIT);
}

static int release_stock(struct call *call, const Catalog__ReservationRequest *in, Catalog__Reservation *out)
{
    (void)in;
    (void)out;
    return play(call, RELEASE);
}

static void fill_payment(struct call *call, const char *order_id, const char *status, Payments__Payment *out)
{
    out->id = arena_cstr(call->arena, STR("payment-1"));
    out->order_id = arena_cstr(call->arena, str_from_cstr(order_id));
    out->status = arena_cstr(call->arena, str_from_cstr(status));
    if (strcmp(status, "failed") != 0)
        return;
    out->failure = arena_alloc(call->arena, sizeof(*out->failure));
    common__failure__init(out->failure);
    out->failure->code = arena_cstr(call->arena, STR("card_declined"));
    out->failure->message = arena_cstr(call->arena, STR("Your card was declined."));
}

static int authorise_payment(struct call *call, const Payments__AuthorisePaymentRequest *in, Payments__Payment *out)
{
    doubles.asked_amount = in->amount->amount;
    snprintf(doubles.return_url, sizeof(doubles.return_url), "%s", in->return_url);
    fill_payment(call, in->order_id, doubles.authorised_as, out);
    return play(call, AUTHORISE);
}

static int capture_payment(struct call *call, const Payments__OrderPaymentRequest *in, Payments__Payment *out)
{
    fill_payment(call, in->order_id, "captured", out);
    return play(call, CAPTURE);
}

static int return_money(struct call *call, const Payments__OrderPaymentRequest *in, Payments__Payment *out)
{
    fill_payment(call, in->order_id, "refunded", out);
    return play(call, RETURN);
}

static const struct service catalog_double = {
    .name = "catalog",
    .no_database = true,
    .routes =
        (const struct route[]){
            {RPC(catalog, get_skus), .internal = true, .tx = TX_NONE},
            {RPC(catalog, reserve_stock), .internal = true, .tx = TX_NONE},
            {RPC(catalog, commit_stock), .internal = true, .tx = TX_NONE},
            {RPC(catalog, release_stock), .internal = true, .tx = TX_NONE},
            {0},
        },
};

static const struct service payments_double = {
    .name = "payments",
    .no_database = true,
    .routes =
        (const struct route[]){
            {RPC(payments, authorise_payment), .internal = true, .tx = TX_NONE},
            {RPC(payments, capture_payment), .internal = true, .tx = TX_NONE},
            {RPC(payments, return_money), .internal = true, .tx = TX_NONE},
            {0},
        },
};

static int start(void **state)
{
    static const struct service *const services[] = {&catalog_double, &payments_double, &orders_service, NULL};
    static char *environment[] = {"SHOPSTREAM_PAYMENT_TIMEOUT_MS=" TIMEOUT_TEXT, NULL};

    (void)state;
    log_configure(2, LOG_LEVEL_NONE, LOG_FORMAT_AUTOMATIC);
    task_mutex_init(&doubles.mutex);
    test_host_start(&fixture, services, environment);
    return 0;
}

/* Before each test: everything succeeds. */
static int forget(void **state)
{
    (void)state;
    TASK_LOCKED(&doubles.mutex);
    doubles.calls[0] = '\0';
    memset(doubles.scripts, 0, sizeof(doubles.scripts));
    doubles.authorised_as = "authorised";
    doubles.holds_commit = doubles.is_at_commit = false;
    return 0;
}

/* -- Asking -------------------------------------------------------------------------------------------------------- */

static void let_fail(enum step step, int error, int times, const char *code)
{
    doubles.scripts[step] = (struct script){error, times, code};
}

static bool calls_are(void *context)
{
    TASK_LOCKED(&doubles.mutex);
    return strcmp(doubles.calls, context) == 0;
}

static void assert_calls(const char *expected)
{
    const char *calls = expected[0] ? TEXT("%s ", expected) : "";

    if (!test_host_await(calls_are, (void *)(uintptr_t)calls))
        fail_msg("called: %s\nexpected: %s", doubles.calls, calls);
}

static const char *place_one(void)
{
    struct test_answer order = place(fixture_customer(), (struct wish){.items = item("sku-1", 2)}, 0);

    assert_int_equal(order.status, 201);
    assert_string_equal(fixture_text(order, "/status"), "pending");
    return fixture_text(order, "/id");
}

/* The order ends as failed with that code, after these calls. */
static void assert_order_failed(const char *id, const char *code, const char *calls)
{
    await_order(id, "/status", "failed");
    assert_string_equal(fixture_text(read_order(fixture_staff(ROLE_SUPPORT), id), "/failure/code"), code);
    assert_calls(calls);
}

struct telling {
    struct call *call;
    struct event event;
};

static int handle_event(struct sql_tx *tx, void *argument)
{
    struct telling *telling = argument;

    (void)tx;
    return orders_on_payment_event(telling->call, &telling->event);
}

/* What the payments service tells of an order, handled as a consumer does. */
static void tell(const char *type, const char *payload)
{
    struct telling telling = {.call = test_host_call(&fixture, "orders")};

    telling.event = (struct event){.topic = STR("payment.events"),
                                   .type = str_from_cstr(type),
                                   .tenant = STR(TENANT_DEFAULT),
                                   .payload = str_from_cstr(payload)};
    assert_int_equal(call_write(telling.call, handle_event, &telling), 0);
}

static void tell_payment(const char *type, const char *order_id, const char *status, int64_t refunded)
{
    tell(type,
         TEXT("{\"payment_id\":\"payment-1\",\"order_id\":\"%s\",\"status\":\"%s\",\"amount\":{\"amount\":2390,"
              "\"currency\":\"EUR\"},\"refunded\":{\"amount\":%" PRId64 ",\"currency\":\"EUR\"}%s}",
              order_id, status, refunded,
              strcmp(status, "failed") == 0 ? ",\"failure\":{\"code\":\"insufficient_funds\",\"message\":\"No funds.\"}"
                                            : ""));
}

/* -- Forward ------------------------------------------------------------------------------------------------------- */

static void test_orders_saga__reserves_authorises_captures_commits(void **state)
{
    const char *id = place_one();

    (void)state;
    await_order(id, "/status", "confirmed");
    assert_calls("reserve authorise capture commit");
    assert_int_equal(doubles.asked_amount, 2 * PRICE + SHIPPING);
    assert_string_equal(doubles.return_url, TEXT("%s/orders/%s", fixture.host->own_url, id));
    assert_true(doubles.reserved_ms >= TIMEOUT_MS + RESERVATION_MARGIN_MS); /* it outlives the payment's time */
    assert_string_equal(fixture_text(read_order(fixture_staff(ROLE_SUPPORT), id), "/payment/status"), "captured");
}

static void test_orders_saga__the_provider_sends_customers_to_the_public_address(void **state)
{
    static const char *const addresses[] = {"https://shop.example:8443", "https://shop.example:8443/"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        fixture.host->options.public_url = addresses[i];
        const char *id = place_one();
        await_order(id, "/status", "confirmed");
        assert_string_equal(doubles.return_url, TEXT("https://shop.example:8443/orders/%s", id));
    }
    fixture.host->options.public_url = NULL;
}

static void test_orders_saga__asks_again_while_a_service_is_away(void **state)
{
    let_fail(RESERVE, ERR_UNAVAILABLE, 2, NULL);
    let_fail(CAPTURE, ERR_DEADLINE, 1, NULL);
    const char *id = place_one();

    (void)state;
    await_order(id, "/status", "confirmed");
    assert_calls("reserve reserve reserve authorise capture capture commit");
}

static void test_orders_saga__waits_for_the_providers_word(void **state)
{
    doubles.authorised_as = "requires_action";
    const char *id = place_one();

    (void)state;
    await_order(id, "/payment/status", "requires_action");
    tell_payment("payment.authorised", id, "authorised", 0);
    await_order(id, "/status", "confirmed");
    assert_calls("reserve authorise capture commit");
}

/* -- Back ---------------------------------------------------------------------------------------------------------- */

static void test_orders_saga__without_stock_nothing_was_done(void **state)
{
    let_fail(RESERVE, ERR_CONFLICT, 1, "out_of_stock");

    (void)state;
    assert_order_failed(place_one(), "out_of_stock", "reserve");
}

static void test_orders_saga__declined_it_undoes_in_reverse(void **state)
{
    doubles.authorised_as = "failed";

    (void)state;
    assert_order_failed(place_one(), "card_declined", "reserve authorise return release");
}

/* An authorisation that is refused for good may have taken money all the same: it is asked to return it. */
static void test_orders_saga__an_authorisation_in_error_is_returned(void **state)
{
    let_fail(AUTHORISE, ERR_UNPROCESSABLE, 1, "other_amount");

    (void)state;
    assert_order_failed(place_one(), "other_amount", "reserve authorise return release");
}

static void test_orders_saga__a_failed_capture_returns_what_was_held(void **state)
{
    let_fail(CAPTURE, ERR_CONFLICT, 1, "authorisation_expired");

    (void)state;
    assert_order_failed(place_one(), "authorisation_expired", "reserve authorise capture return release");
}

static void test_orders_saga__a_lost_reservation_returns_what_was_taken(void **state)
{
    let_fail(COMMIT, ERR_CONFLICT, 1, "reservation_expired");

    (void)state;
    assert_order_failed(place_one(), "reservation_expired", "reserve authorise capture commit return release");
}

static void test_orders_saga__undoing_goes_on_until_it_is_done(void **state)
{
    doubles.authorised_as = "failed";
    let_fail(RETURN, ERR_UNAVAILABLE, 2, NULL);
    let_fail(RELEASE, ERR_UNAVAILABLE, 1, NULL);

    (void)state;
    assert_order_failed(place_one(), "card_declined", "reserve authorise return return return release release");
}

static void test_orders_saga__unanswered_it_fails_at_its_time(void **state)
{
    doubles.authorised_as = "requires_action";

    (void)state;
    assert_order_failed(place_one(), "payment_timeout", "reserve authorise return release");
}

static void test_orders_saga__refused_by_the_provider_it_says_why(void **state)
{
    doubles.authorised_as = "requires_action";
    const char *id = place_one();

    (void)state;
    await_order(id, "/payment/status", "requires_action");
    tell_payment("payment.failed", id, "failed", 0);
    assert_order_failed(id, "insufficient_funds", "reserve authorise return release");
}

static void test_orders_saga__cancelled_while_it_waits(void **state)
{
    doubles.authorised_as = "requires_action";
    const char *id = place_one();

    (void)state;
    await_order(id, "/payment/status", "requires_action");
    struct test_answer answer = act_on(fixture_staff(ROLE_SUPPORT), id, "cancel");
    assert_string_equal(fixture_text(answer, "/status"), "cancelled");
    assert_calls("reserve authorise return release");
}

static bool is_at_commit(void *context)
{
    (void)context;
    TASK_LOCKED(&doubles.mutex);
    return doubles.is_at_commit;
}

/* Asked to cancel when the money is taken and only the last step is missing: it does not confirm. */
static void test_orders_saga__cancelled_at_the_last_moment(void **state)
{
    doubles.holds_commit = true;
    const char *id = place_one();
    struct question question = {
        .method = HTTP_POST, .path = TEXT(ORDERS "/%s/cancel", id), .who = fixture_staff(ROLE_SUPPORT), .wait_s = 1};

    (void)state;
    assert_true(test_host_await(is_at_commit, NULL));
    assert_string_equal(fixture_text(fixture_ask(question), "/status"), "pending");
    task_mutex_lock(&doubles.mutex);
    doubles.holds_commit = false;
    task_mutex_unlock(&doubles.mutex);
    await_order(id, "/status", "cancelled");
    assert_calls("reserve authorise capture commit return release");
}

/* -- Late, twice, unknown ------------------------------------------------------------------------------------------ */

static void test_orders_saga__late_money_is_returned_once(void **state)
{
    doubles.authorised_as = "requires_action";
    const char *id = place_one();

    (void)state;
    assert_order_failed(id, "payment_timeout", "reserve authorise return release");
    for (int i = 0; i < 3; i++)
        tell_payment("payment.authorised", id, "authorised", 0);
    assert_calls("reserve authorise return release return");
    await_order(id, "/status", "failed");
    tell_payment("payment.authorised", id, "authorised", 0);
    assert_calls("reserve authorise return release return");
}

static void test_orders_saga__word_of_a_confirmed_order_changes_nothing(void **state)
{
    const char *id = place_one();

    (void)state;
    await_order(id, "/status", "confirmed");
    tell_payment("payment.authorised", id, "authorised", 0);
    tell_payment("payment.failed", id, "failed", 0);
    assert_string_equal(fixture_text(read_order(fixture_staff(ROLE_SUPPORT), id), "/status"), "confirmed");
    assert_calls("reserve authorise capture commit");
}

static void test_orders_saga__word_of_nobodys_order_is_passed_over(void **state)
{
    (void)state;
    tell_payment("payment.authorised", "0190b7b2-0000-7000-8000-000000000000", "authorised", 0);
    tell("payment.refunded", "{\"payment_id\":\"payment-1\",\"status\":\"refunded\"}");
    assert_calls("");
}

/* Only what was fulfilled becomes refunded, and only when all of it went back. */
static void test_orders_saga__a_refund_is_shown_and_ends_a_fulfilled_order(void **state)
{
    const char *id = place_one();

    (void)state;
    await_order(id, "/status", "confirmed");
    tell_payment("payment.refunded", id, "partially_refunded", 100);
    await_order(id, "/payment/status", "partially_refunded");
    assert_int_equal(act_on(fixture_staff(ROLE_SUPPORT), id, "fulfil").status, 200);
    tell_payment("payment.refunded", id, "partially_refunded", 2389);
    assert_string_equal(fixture_text(read_order(fixture_staff(ROLE_SUPPORT), id), "/status"), "fulfilled");
    tell_payment("payment.refunded", id, "refunded", 2390);
    assert_string_equal(fixture_text(read_order(fixture_staff(ROLE_SUPPORT), id), "/status"), "refunded");
}

#define SCRIPTED(test) cmocka_unit_test_setup(test, forget)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPTED(test_orders_saga__reserves_authorises_captures_commits),
        SCRIPTED(test_orders_saga__the_provider_sends_customers_to_the_public_address),
        SCRIPTED(test_orders_saga__asks_again_while_a_service_is_away),
        SCRIPTED(test_orders_saga__waits_for_the_providers_word),
        SCRIPTED(test_orders_saga__without_stock_nothing_was_done),
        SCRIPTED(test_orders_saga__declined_it_undoes_in_reverse),
        SCRIPTED(test_orders_saga__an_authorisation_in_error_is_returned),
        SCRIPTED(test_orders_saga__a_failed_capture_returns_what_was_held),
        SCRIPTED(test_orders_saga__a_lost_reservation_returns_what_was_taken),
        SCRIPTED(test_orders_saga__undoing_goes_on_until_it_is_done),
        SCRIPTED(test_orders_saga__unanswered_it_fails_at_its_time),
        SCRIPTED(test_orders_saga__refused_by_the_provider_it_says_why),
        SCRIPTED(test_orders_saga__cancelled_while_it_waits),
        SCRIPTED(test_orders_saga__cancelled_at_the_last_moment),
        SCRIPTED(test_orders_saga__late_money_is_returned_once),
        SCRIPTED(test_orders_saga__word_of_a_confirmed_order_changes_nothing),
        SCRIPTED(test_orders_saga__word_of_nobodys_order_is_passed_over),
        SCRIPTED(test_orders_saga__a_refund_is_shown_and_ends_a_fulfilled_order),
    };

    return cmocka_run_group_tests_name("orders_saga", tests, start, fixture_end);
}
