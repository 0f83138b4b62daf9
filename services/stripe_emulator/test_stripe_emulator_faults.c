/* Proves what a test may ask to go wrong: answers that come too late after the work was done, requests that get lost,
 * errors; for the next so many, of the paths that are named. */
#include "services/stripe_emulator/emulator.h"
#include "services/stripe_emulator/test_stripe_emulator_fixture.h"

#define FAULTS "/test/faults"
#define BODY EUR_20 "&confirm=true&payment_method=pm_card_visa"

static int heal(void **state)
{
    (void)state;
    assert_int_equal(ask(HTTP_DELETE, FAULTS, NULL).status, 200);
    return 0;
}

static void set_faults(const char *json)
{
    assert_int_equal(ask(HTTP_POST, FAULTS, json).status, 200);
}

/* The purpose of keys: the same request again finds what was done. */
static void test_stripe_emulator_faults__a_time_out_after_success_is_found_again(void **state)
{
    (void)state;
    set_faults("{\"timeout_after_success\":1,\"hold_ms\":50}");
    int64_t start_ns = clock_monotonic_ns();
    assert_int_equal(ask_with_key(INTENTS, BODY, "fault-timeout").status, 504);
    assert_true(clock_monotonic_ns() - start_ns >= 50 * CLOCK_NS_PER_MS);
    struct http_client_response again = ask_with_key(INTENTS, BODY, "fault-timeout");
    assert_string_equal(text_of(again, "/status"), "succeeded");
    assert_string_equal(header_of(again, "idempotent-replayed"), "true");
}

static void test_stripe_emulator_faults__a_lost_request_was_not_done(void **state)
{
    const char *newest = text_of(ask(HTTP_GET, INTENTS "?limit=1", NULL), "/data/0/id");

    (void)state;
    set_faults("{\"lost\":1,\"hold_ms\":1}");
    assert_int_equal(ask_with_key(INTENTS, BODY, "fault-lost").status, 503);
    assert_string_equal(text_of(ask(HTTP_GET, INTENTS "?limit=1", NULL), "/data/0/id"), newest);
    struct http_client_response again = ask_with_key(INTENTS, BODY, "fault-lost");
    assert_int_equal(again.status, 200);
    assert_null(header_of(again, "idempotent-replayed"));
}

static void test_stripe_emulator_faults__errors_come_so_many_times_with_their_status(void **state)
{
    (void)state;
    set_faults("{\"errors\":2,\"error_status\":429}");
    assert_int_equal(ask(HTTP_POST, INTENTS, BODY).status, 429);
    assert_int_equal(ask(HTTP_GET, INTENTS, NULL).status, 200); /* reads are left alone */
    assert_int_equal(int_of(ask(HTTP_GET, FAULTS, NULL), "/errors"), 1);
    assert_string_equal(text_of(ask(HTTP_POST, INTENTS, BODY), "/error/type"), "api_error");
    assert_int_equal(ask(HTTP_POST, INTENTS, BODY).status, 200);
    set_faults("{\"errors\":1}");
    assert_int_equal(ask(HTTP_POST, INTENTS, BODY).status, 429); /* what was set before stays */
}

static void test_stripe_emulator_faults__only_on_the_path_that_is_named(void **state)
{
    (void)state;
    set_faults("{\"errors\":1,\"path\":\"/capture\"}");
    const char *id = text_of(pay("pm_card_visa", true), "/id");
    assert_string_not_equal(id, "");
    assert_int_equal(act(id, "capture", "").status, 500);
    assert_int_equal(act(id, "capture", "").status, 200);
}

static void test_stripe_emulator_faults__are_shown_and_healed(void **state)
{
    (void)state;
    /* Not one of webhooks: those of the tests before are still being sent, and would use it up. */
    set_faults("{\"timeout_after_success\":3,\"webhook_reorder\":true,\"errors\":5}");
    struct http_client_response faults = ask(HTTP_GET, FAULTS, NULL);
    assert_int_equal(int_of(faults, "/timeout_after_success"), 3);
    assert_string_equal(text_of(faults, "/webhook_reorder"), "true");
    assert_int_equal(int_of(faults, "/hold_ms"), 15000);
    faults = ask(HTTP_DELETE, FAULTS, NULL);
    assert_int_equal(int_of(faults, "/errors"), 0);
    assert_string_equal(text_of(faults, "/webhook_reorder"), "false");
    assert_int_equal(ask(HTTP_POST, INTENTS, BODY).status, 200);
}

static void test_stripe_emulator_faults__what_is_no_fault_is_refused(void **state)
{
    static const char *const bodies[] = {
        "{\"nonsense\":1}",       "{\"errors\":-1}",  "{\"errors\":\"1\"}",      "{\"errors\":1000001}",
        "{\"hold_ms\":60001}",    "{\"path\":1}",     "{\"webhook_reorder\":1}", "{\"error_status\":200}",
        "{\"error_status\":600}", "{\"errors\":1.5}", "{\"errors\":1",           "{} x",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        assert_int_equal(ask(HTTP_POST, FAULTS, bodies[i]).status, 400);
    assert_int_equal(ask(HTTP_POST, FAULTS, TEXT("{\"path\":\"%096d\"}", 1)).status, 400);
    assert_int_equal(int_of(ask(HTTP_GET, FAULTS, NULL), "/errors"), 0);
}

#define HEALED(test) cmocka_unit_test_setup(test, heal)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HEALED(test_stripe_emulator_faults__a_time_out_after_success_is_found_again),
        HEALED(test_stripe_emulator_faults__a_lost_request_was_not_done),
        HEALED(test_stripe_emulator_faults__errors_come_so_many_times_with_their_status),
        HEALED(test_stripe_emulator_faults__only_on_the_path_that_is_named),
        HEALED(test_stripe_emulator_faults__are_shown_and_healed),
        HEALED(test_stripe_emulator_faults__what_is_no_fault_is_refused),
    };

    return cmocka_run_group_tests_name("stripe_emulator_faults", tests, fixture_start, fixture_end);
}
