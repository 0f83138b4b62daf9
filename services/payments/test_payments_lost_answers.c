/* Proves that what the provider did and nobody heard of is neither done twice nor forgotten. */
#include "services/payments/test_payments.h"

/* -- Lost answers -------------------------------------------------------------------------------------------------- */

static void test_payments_lost_answers__lost_answers_never_charge_twice(void **state)
{
    struct fixture *fixture = *state;
    Payments__Payment payment;
    set_fault(fixture, FAULT_FAIL_AFTER, 1);
    assert_int_equal(authorise(fixture, "order-1", "pm_card_visa", &payment), 0);
    assert_string_equal(payment.status, "authorised");
    set_fault(fixture, FAULT_FAIL_AFTER, 0);
    assert_int_equal(authorise(fixture, "order-2", "pm_card_visa", &payment), ERR_DEADLINE);
    set_fault(fixture, FAULT_REPEAT, 0);
    assert_int_equal(authorise(fixture, "order-2", "pm_card_visa", &payment), 0);
    assert_string_equal(payment.status, "authorised");
    assert_intents(fixture, 2);
    set_fault(fixture, FAULT_FAIL_AFTER, 2);
    assert_int_equal(capture(fixture, "order-2", &payment), ERR_DEADLINE);
    assert_int_equal(capture(fixture, "order-2", &payment), 0);
    assert_string_equal(payment.status, "captured");
    assert_ledger(fixture, 2);
}

static void test_payments_lost_answers__money_of_a_lost_answer_is_returned(void **state)
{
    struct fixture *fixture = *state;
    Payments__Payment payment;
    set_fault(fixture, FAULT_FAIL_AFTER, 0);
    assert_int_equal(authorise(fixture, "order-1", "pm_card_visa", &payment), ERR_DEADLINE);
    clear_faults(fixture);
    assert_int_equal(return_all(fixture, "order-1", &payment), 0);
    assert_string_equal(payment.status, "voided");
    assert_string_equal(provider_status(fixture, payment.provider_id), "canceled");
    assert_intents(fixture, 1);
    assert_ledger(fixture, 0);
}

/* The request never arrived: asked for the money back, the payment asks once more with its key, so that whatever the
 * provider has of it is ended. */
static void test_payments_lost_answers__a_payment_that_never_arrived_is_ended(void **state)
{
    struct fixture *fixture = *state;
    Payments__Payment payment;
    set_fault(fixture, FAULT_FAIL, 0);
    assert_int_equal(authorise(fixture, "order-1", "pm_card_visa", &payment), ERR_UNAVAILABLE);
    assert_intents(fixture, 0);
    clear_faults(fixture);
    assert_int_equal(return_all(fixture, "order-1", &payment), 0);
    assert_string_equal(payment.status, "voided");
    assert_string_equal(provider_status(fixture, payment.provider_id), "canceled");
    assert_ledger(fixture, 0);
    /* A method that the provider refuses leaves nothing there to be ended. */
    set_fault(fixture, FAULT_FAIL, 0);
    assert_int_equal(authorise(fixture, "order-2", "pm_card_of_nobody", &payment), ERR_UNAVAILABLE);
    clear_faults(fixture);
    assert_int_equal(return_all(fixture, "order-2", &payment), 0);
    assert_true(has_status(fixture, "order-2", "voided") || has_status(fixture, "order-2", "failed"));
    assert_intents(fixture, 1);
}

/* -- What the provider has forgotten the key of -------------------------------------------------------------------- */

/* Two days pass, and the provider forgets its keys. */
enum clocks {
    CLOCKS_STEADY_STOOD, /* the machine was off: the steady clock knows nothing of it */
    CLOCKS_WALL_AHEAD,   /* by a year when the row was written, which is from the future now */
    CLOCKS_WALL_BACK,    /* it was set back by two days: what was written seems to be of now */
    CLOCKS_UNKNOWN, /* a version that did not note the steady time wrote the row, before the wall clock was set back */
    CLOCKS_COUNT,
};

static void age(struct fixture *fixture, enum clocks clocks)
{
    static const struct sql_statement forget = {"test_forget_keys", "DELETE FROM request_keys"};
    static const struct sql_statement payments[CLOCKS_COUNT] = {
        {"test_age_payments", "UPDATE payments SET created_ms = created_ms - 172800000"},
        {"test_newer_payments", "UPDATE payments SET created_ms = created_ms + 31536000000"},
        {"test_asked_payments", "UPDATE payments SET asked_ms = asked_ms - 172800000"},
        {"test_unknown_payments", "UPDATE payments SET asked_ms = NULL"},
    };
    static const struct sql_statement refunds[CLOCKS_COUNT] = {
        {"test_age_refunds", "UPDATE refunds SET created_ms = created_ms - 172800000"},
        {"test_newer_refunds", "UPDATE refunds SET created_ms = created_ms + 31536000000"},
        {"test_asked_refunds", "UPDATE refunds SET asked_ms = asked_ms - 172800000"},
        {"test_unknown_refunds", "UPDATE refunds SET asked_ms = NULL"},
    };

    run(fixture, "stripe_emulator", &forget, SQL_NO_ARGS);
    run(fixture, "payments", &payments[clocks], SQL_NO_ARGS);
    run(fixture, "payments", &refunds[clocks], SQL_NO_ARGS);
}

static void test_payments_lost_answers__a_charge_whose_key_is_forgotten_is_found(void **state)
{
    struct fixture *fixture = *state;
    drop_webhooks(fixture);
    Payments__Payment payment;
    for (int clocks = 0; clocks < CLOCKS_COUNT; clocks++) {
        char order_id[] = "order-0";
        order_id[6] = (char)('0' + clocks);
        set_fault(fixture, FAULT_FAIL_AFTER, 0);
        assert_int_equal(authorise(fixture, order_id, "pm_card_visa", &payment), ERR_DEADLINE);
        age(fixture, (enum clocks)clocks);
        clear_faults(fixture);
        assert_int_equal(authorise(fixture, order_id, "pm_card_visa", &payment), 0);
        assert_string_equal(payment.status, "authorised");
        assert_intents(fixture, clocks + 1);
    }
}

static void test_payments_lost_answers__a_charge_that_was_never_made_is_made_days_later(void **state)
{
    struct fixture *fixture = *state;
    drop_webhooks(fixture);
    Payments__Payment payment;
    set_fault(fixture, FAULT_FAIL, 0);
    assert_int_equal(authorise(fixture, "order-1", "pm_card_visa", &payment), ERR_UNAVAILABLE);
    age(fixture, CLOCKS_STEADY_STOOD);
    clear_faults(fixture);
    assert_int_equal(authorise(fixture, "order-1", "pm_card_visa", &payment), 0);
    assert_string_equal(payment.status, "authorised");
    assert_intents(fixture, 1);
}

static void test_payments_lost_answers__money_of_a_forgotten_charge_is_returned(void **state)
{
    struct fixture *fixture = *state;
    drop_webhooks(fixture);
    Payments__Payment payment;
    set_fault(fixture, FAULT_FAIL_AFTER, 0);
    assert_int_equal(authorise(fixture, "order-1", "pm_card_visa", &payment), ERR_DEADLINE);
    age(fixture, CLOCKS_STEADY_STOOD);
    clear_faults(fixture);
    assert_int_equal(return_all(fixture, "order-1", &payment), 0);
    assert_string_equal(payment.status, "voided");
    assert_string_equal(provider_status(fixture, payment.provider_id), "canceled");
    assert_intents(fixture, 1);
}

/* The job settles it: one that was made is booked, one that was not is made; neither is made twice. */
static void test_payments_lost_answers__a_refund_whose_key_is_forgotten_is_made_once(void **state)
{
    struct fixture *fixture = *state;
    drop_webhooks(fixture);
    for (int turn = 0; turn < 2 * CLOCKS_COUNT; turn++) {
        char order_id[] = "order-0";
        Payments__Refund refund;
        bool was_made = turn % 2 == 1;
        order_id[6] = (char)('0' + turn);
        Payments__Payment payment = captured(fixture, order_id);
        set_fault(fixture, was_made ? FAULT_FAIL_AFTER : FAULT_FAIL, 0);
        assert_int_equal(refund_part(fixture, payment.id, 1000, "key-1", &refund), 0);
        assert_string_equal(refund.status, "pending");
        age(fixture, (enum clocks)(turn / 2));
        clear_faults(fixture);
        await_status(fixture, order_id, "partially_refunded");
        const char *path = arena_printf(fixture->host.arena, "/v1/refunds?payment_intent=%s", payment.provider_id);
        const char *made =
            arena_cstr(fixture->host.arena, test_emulator_ask(&fixture->host, HTTP_GET, path, NULL, NULL).body);
        assert_non_null(strstr(made, "\"amount\":1000"));
        assert_null(strstr(strstr(made, "\"amount\":1000") + 1, "\"amount\":1000"));
        assert_int_equal(stored_payment(fixture, order_id).refunded_amount, 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PATIENT(test_payments_lost_answers__lost_answers_never_charge_twice),
        PATIENT(test_payments_lost_answers__money_of_a_lost_answer_is_returned),
        PATIENT(test_payments_lost_answers__a_payment_that_never_arrived_is_ended),
        PATIENT(test_payments_lost_answers__a_charge_whose_key_is_forgotten_is_found),
        PATIENT(test_payments_lost_answers__a_charge_that_was_never_made_is_made_days_later),
        PATIENT(test_payments_lost_answers__money_of_a_forgotten_charge_is_returned),
        PATIENT(test_payments_lost_answers__a_refund_whose_key_is_forgotten_is_made_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
