/* Proves that keys are forgotten after a day and events after thirty, and not before. */
#include "services/stripe_emulator/emulator.h"
#include "services/stripe_emulator/test_stripe_emulator_fixture.h"

#define HOUR_MS (INT64_C(60) * 60 * 1000)

struct change {
    const struct sql_statement *statement;
    int64_t number;
};

static int run_change(struct sql_tx *tx, void *argument)
{
    const struct change *change = argument;

    return sql_exec(tx, change->statement, SQL_ARGS(sql_int(change->number)), NULL);
}

static void make(const struct sql_statement *statement, int64_t number)
{
    struct change change = {statement, number};

    assert_int_equal(sql_write(host_instance(fixture.host, "stripe_emulator")->db, run_change, &change), 0);
}

static const struct sql_statement age_keys = {"test_age_keys", "UPDATE request_keys SET created_ms = $1"};
static const struct sql_statement age_events = {"test_age_events", "UPDATE provider_events SET created_ms = $1"};
static const struct sql_statement forget_deliveries = {"test_forget_deliveries",
                                                       "DELETE FROM webhook_deliveries WHERE due_ms > $1"};

/* Runs the service's job of that name, as its time had come. */
static void run_job(const char *name)
{
    for (const struct job *job = stripe_emulator_service.jobs; job->name; job++) {
        if (strcmp(job->name, name) == 0) {
            assert_int_equal(job->run(test_host_call(&fixture, "stripe_emulator")), 0);
            return;
        }
    }
    fail_msg("there is no job %s", name);
}

static void test_stripe_emulator_purge__a_key_lives_for_a_day(void **state)
{
    const char *first = text_of(ask_with_key(INTENTS, EUR_20, "key-old"), "/id");
    int64_t now_ms = clock_wall_ms();

    (void)state;
    make(&age_keys, now_ms - 23 * HOUR_MS);
    run_job("purge");
    assert_string_equal(text_of(ask_with_key(INTENTS, EUR_20, "key-old"), "/id"), first);
    make(&age_keys, now_ms - 25 * HOUR_MS);
    /* Its time is up whether or not the job has come by. */
    assert_string_not_equal(text_of(ask_with_key(INTENTS, EUR_20, "key-old"), "/id"), first);
    make(&age_keys, now_ms - 25 * HOUR_MS);
    run_job("purge");
    assert_int_equal(ask_with_key(INTENTS, "amount=1&currency=eur", "key-old").status, 200);
}

static void test_stripe_emulator_purge__an_event_lives_for_thirty_days(void **state)
{
    int64_t now_ms = clock_wall_ms();
    const char *type = "/v1/events?type=payment_intent.succeeded";

    (void)state;
    pay("pm_card_visa", false);
    const char *id = text_of(ask(HTTP_GET, type, NULL), "/data/0/id");
    make(&forget_deliveries, 0); /* it is owed to nobody */
    make(&age_events, now_ms - 29 * 24 * HOUR_MS);
    run_job("purge");
    assert_int_equal(retrieve("events", id).status, 200);
    make(&age_events, now_ms - 31 * 24 * HOUR_MS);
    run_job("purge");
    assert_int_equal(retrieve("events", id).status, 404);
}

/* What is still to be told is kept, however old. */
static void test_stripe_emulator_purge__an_event_that_is_owed_is_kept(void **state)
{
    (void)state;
    assert_int_equal(ask(HTTP_POST, "/test/faults", "{\"webhook_delay_ms\":3600000}").status, 200);
    pay("pm_card_visa", false);
    const char *id = text_of(ask(HTTP_GET, "/v1/events?limit=1", NULL), "/data/0/id");
    make(&age_events, clock_wall_ms() - 31 * 24 * HOUR_MS);
    run_job("purge");
    assert_int_equal(retrieve("events", id).status, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stripe_emulator_purge__a_key_lives_for_a_day),
        cmocka_unit_test(test_stripe_emulator_purge__an_event_lives_for_thirty_days),
        cmocka_unit_test(test_stripe_emulator_purge__an_event_that_is_owed_is_kept),
    };

    return cmocka_run_group_tests_name("stripe_emulator_purge", tests, fixture_start, fixture_end);
}
