/* The conformance suite of the psp port: what each adapter must do, run against the Stripe adapter in front of the
 * emulator, behind the decorator with nothing planned, and behind it with each call sent twice. */
#include "platform/ports/psp/psp_faulty.h"
#include "platform/ports/psp/psp_signature.h"
#include "platform/ports/psp/psp_stripe.h"
#include "platform/ports/test_fault.h"
#include "services/stripe_emulator/test_emulator.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct fixture {
    struct test_host host;
    struct psp *psp;
    struct fault_plan *faults; /* NULL without the decorator */
    int key_count;
};

static char *environment[] = {"SHOPSTREAM_STRIPE_SECRET_KEY=" TEST_SECRET_KEY,
                              "SHOPSTREAM_STRIPE_WEBHOOK_SECRET=" TEST_WEBHOOK_SECRET, NULL};

static struct psp *new_psp(struct fixture *fixture, int64_t timeout_ms)
{
    struct psp *psp = NULL;
    const struct psp_stripe_config config = {
        .base_url = str_from_cstr(test_emulator_url(&fixture->host)),
        .secret_key = STR(TEST_SECRET_KEY),
        .webhook_secret = STR(TEST_WEBHOOK_SECRET),
        .timeout_ms = timeout_ms,
        .client = fixture->host.host->http_client,
    };
    assert_int_equal(psp_stripe_new(&psp, &config), 0);
    return psp;
}

static int start(void **state, struct fault_plan *faults)
{
    /* payments is there for its settings: the emulator reads them. */
    static const struct service *const services[] = {&stripe_emulator_service, &payments_service, NULL};
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    test_emulator_start(&fixture->host, services, environment);
    fixture->faults = faults;
    fixture->psp = new_psp(fixture, 20000);
    assert_int_equal(psp_faulty_wrap(&fixture->psp, faults), 0);
    *state = fixture;
    return 0;
}

static int start_plain(void **state)
{
    return start(state, NULL);
}

static int start_decorated(void **state)
{
    return start(state, fault_plan_new());
}

static int start_repeating(void **state)
{
    const struct fault_rule always = {.port = FAULT_PSP, .kind = FAULT_REPEAT};
    struct fault_plan *faults = fault_plan_new();
    return fault_plan_set(faults, &always, 1) < 0 ? -1 : start(state, faults);
}

static int end(void **state)
{
    struct fixture *fixture = *state;
    fixture->psp->free(fixture->psp);
    fault_plan_free(fixture->faults);
    test_host_end(&fixture->host);
    free(fixture);
    return 0;
}

/* Traced, as a request of the shop is. */
#define ASKER(fixture)                                                                                                 \
    (&(const struct psp_asker){(fixture)->host.arena, STR("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),  \
                               TASK_FOREVER})

static struct str next_key(struct fixture *fixture)
{
    return str_from_cstr(arena_printf(fixture->host.arena, "key-%d", ++fixture->key_count));
}

static int create(struct fixture *fixture, const char *method, struct str key, struct psp_intent *ret_intent,
                  struct psp_failure *ret_failure)
{
    const struct psp_new_intent intent = {
        .amount = 1999,
        .currency = "EUR",
        .payment_method = str_from_cstr(method),
        .reference = STR("order-7"),
        .tenant = STR("default"),
        .return_url = STR("http://localhost:3000/orders/7?a=b"),
    };
    return fixture->psp->create_intent(fixture->psp, ASKER(fixture), &intent, key, ret_intent, ret_failure);
}

static struct psp_intent created(struct fixture *fixture, const char *method)
{
    struct psp_intent intent = {0};
    assert_int_equal(create(fixture, method, next_key(fixture), &intent, NULL), 0);
    return intent;
}

static struct psp_intent captured(struct fixture *fixture)
{
    struct psp_intent intent = created(fixture, "pm_card_visa");
    assert_int_equal(
        fixture->psp->capture_intent(fixture->psp, ASKER(fixture), intent.id, next_key(fixture), &intent, NULL), 0);
    return intent;
}

static struct psp_intent retrieved(struct fixture *fixture, struct str id)
{
    struct psp_intent intent = {0};
    assert_int_equal(fixture->psp->retrieve_intent(fixture->psp, ASKER(fixture), id, &intent, NULL), 0);
    return intent;
}

static void test_psp__holds_the_money_and_says_whose_it_is(void **state)
{
    struct fixture *fixture = *state;
    struct psp_intent intent = created(fixture, "pm_card_visa");
    assert_int_equal(intent.status, PSP_REQUIRES_CAPTURE);
    assert_int_equal(intent.amount, 1999);
    assert_int_equal(intent.amount_capturable, 1999);
    assert_int_equal(intent.amount_captured, 0);
    assert_string_equal(intent.currency, "EUR");
    struct psp_intent again = retrieved(fixture, intent.id);
    assert_true(str_equal(again.reference, STR("order-7")));
    assert_true(str_equal(again.tenant, STR("default")));
    assert_int_equal(again.status, PSP_REQUIRES_CAPTURE);
}

static void test_psp__one_key_is_one_charge(void **state)
{
    struct fixture *fixture = *state;
    struct psp_intent first = {0}, second = {0};
    struct str key = next_key(fixture);
    assert_int_equal(create(fixture, "pm_card_visa", key, &first, NULL), 0);
    assert_int_equal(create(fixture, "pm_card_visa", key, &second, NULL), 0);
    assert_true(str_equal(first.id, second.id));
    assert_int_equal(create(fixture, "pm_card_mastercard", key, &second, NULL), ERR_UNPROCESSABLE);
    struct psp_intent list[PSP_LIST_MAX];
    size_t count = 0;
    assert_int_equal(fixture->psp->list_intents(fixture->psp, ASKER(fixture), 0, first.created_ms + 60000, STR_EMPTY,
                                                list, PSP_LIST_MAX, &count, NULL),
                     0);
    assert_int_equal(count, 1);
}

static void test_psp__a_refused_card_is_an_answer(void **state)
{
    static const struct {
        const char *method, *code, *decline_code;
    } cards[] = {
        {"pm_card_chargeDeclined", "card_declined", "generic_decline"},
        {"pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"},
        {"pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"},
        {"pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof(cards) / sizeof(cards[0]); i++) {
        struct psp_intent intent = created(fixture, cards[i].method);
        assert_int_equal(intent.status, PSP_REQUIRES_PAYMENT_METHOD);
        assert_string_equal(intent.failure.code, cards[i].code);
        assert_string_equal(intent.failure.decline_code, cards[i].decline_code);
        assert_true(strlen(intent.failure.message) > 10);
        assert_int_equal(retrieved(fixture, intent.id).amount_capturable, 0);
    }
    struct psp_intent none;
    struct psp_failure failure = {0};
    assert_int_equal(create(fixture, "pm_card_of_nobody", next_key(fixture), &none, &failure), ERR_NOT_FOUND);
    assert_string_equal(failure.code, "resource_missing");
}

static void test_psp__authentication_is_asked_for_at_an_address(void **state)
{
    struct fixture *fixture = *state;
    struct psp_intent intent = created(fixture, "pm_card_authenticationRequired");
    assert_int_equal(intent.status, PSP_REQUIRES_ACTION);
    assert_true(str_starts_with(intent.action_url, STR("http://127.0.0.1:")));
    assert_int_equal(intent.amount_capturable, 0);
}

static void test_psp__captures_once(void **state)
{
    struct fixture *fixture = *state;
    struct psp_intent intent = captured(fixture), other;
    assert_int_equal(intent.status, PSP_SUCCEEDED);
    assert_int_equal(intent.amount_captured, 1999);
    assert_int_equal(
        fixture->psp->capture_intent(fixture->psp, ASKER(fixture), intent.id, next_key(fixture), &other, NULL),
        ERR_CONFLICT);
    assert_int_equal(
        fixture->psp->cancel_intent(fixture->psp, ASKER(fixture), intent.id, next_key(fixture), &other, NULL),
        ERR_CONFLICT);
}

static void test_psp__cancels_what_is_held(void **state)
{
    struct fixture *fixture = *state;
    struct psp_intent intent = created(fixture, "pm_card_visa"), other;
    assert_int_equal(
        fixture->psp->cancel_intent(fixture->psp, ASKER(fixture), intent.id, next_key(fixture), &intent, NULL), 0);
    assert_int_equal(intent.status, PSP_CANCELLED);
    assert_int_equal(
        fixture->psp->capture_intent(fixture->psp, ASKER(fixture), intent.id, next_key(fixture), &other, NULL),
        ERR_CONFLICT);
    assert_int_equal(retrieved(fixture, intent.id).status, PSP_CANCELLED);
}

static int refund(struct fixture *fixture, struct str intent_id, int64_t amount, struct str key,
                  struct psp_refund *ret_refund)
{
    const struct psp_new_refund asked = {.intent_id = intent_id, .amount = amount, .reference = STR("refund-1")};
    return fixture->psp->refund(fixture->psp, ASKER(fixture), &asked, key, ret_refund, NULL);
}

static void test_psp__refunds_parts_and_never_more(void **state)
{
    struct fixture *fixture = *state;
    struct psp_intent intent = captured(fixture);
    struct psp_refund first = {0}, again = {0}, rest = {0};
    struct str key = next_key(fixture);
    assert_int_equal(refund(fixture, intent.id, 500, key, &first), 0);
    assert_int_equal(refund(fixture, intent.id, 500, key, &again), 0);
    assert_true(str_equal(first.id, again.id));
    assert_true(str_equal(first.reference, STR("refund-1")));
    assert_int_equal(retrieved(fixture, intent.id).amount_refunded, 500);
    assert_int_equal(refund(fixture, intent.id, 1500, next_key(fixture), &rest), ERR_CONFLICT);
    assert_int_equal(refund(fixture, intent.id, 1499, next_key(fixture), &rest), 0);
    assert_int_equal(rest.status, PSP_REFUND_SUCCEEDED);
    assert_int_equal(refund(fixture, intent.id, 1, next_key(fixture), &rest), ERR_CONFLICT);
    assert_int_equal(retrieved(fixture, intent.id).amount_refunded, 1999);
}

/* Newest first, page by page, of one intent or of all, and whoever made them. */
static void test_psp__lists_refunds_page_by_page(void **state)
{
    struct fixture *fixture = *state;
    struct psp *psp = fixture->psp;
    struct psp_intent intent = captured(fixture), other = captured(fixture);
    struct psp_refund made[3], list[2], none;
    int64_t to_ms = intent.created_ms + 60000;
    size_t count = 0;
    for (int i = 0; i < 3; i++)
        assert_int_equal(refund(fixture, intent.id, 100 + i, next_key(fixture), &made[i]), 0);
    assert_int_equal(refund(fixture, other.id, 7, next_key(fixture), &none), 0);
    struct str after = STR_EMPTY;
    int64_t sum = 0;
    for (int page = 0; page < 2; page++) {
        assert_int_equal(psp->list_refunds(psp, ASKER(fixture), intent.id, 0, to_ms, after, list, 2, &count, NULL), 0);
        assert_int_equal(count, page == 0 ? 2 : 1);
        for (size_t i = 0; i < count; i++) {
            assert_true(str_equal(list[i].intent_id, intent.id));
            assert_true(str_equal(list[i].reference, STR("refund-1")));
            assert_int_equal(list[i].status, PSP_REFUND_SUCCEEDED);
            assert_true(list[i].created_ms >= intent.created_ms && list[i].created_ms <= to_ms);
            sum += list[i].amount;
        }
        after = list[count - 1].id;
    }
    assert_int_equal(sum, 303);
    assert_int_equal(psp->list_refunds(psp, ASKER(fixture), STR_EMPTY, 0, to_ms, made[0].id, list, 2, &count, NULL), 0);
    assert_int_equal(psp->list_refunds(psp, ASKER(fixture), STR_EMPTY, 0, 1000, STR_EMPTY, list, 2, &count, NULL), 0);
    assert_int_equal(count, 0);
}

static void test_psp__refuses_to_refund_what_is_only_held(void **state)
{
    struct fixture *fixture = *state;
    struct psp_intent intent = created(fixture, "pm_card_visa");
    struct psp_refund none;
    assert_int_equal(refund(fixture, intent.id, 1, next_key(fixture), &none), ERR_CONFLICT);
}

static void test_psp__unknown_and_ill_formed_ids_are_not_found(void **state)
{
    struct fixture *fixture = *state;
    struct psp_intent none;
    assert_int_equal(fixture->psp->retrieve_intent(fixture->psp, ASKER(fixture), STR("pi_none"), &none, NULL),
                     ERR_NOT_FOUND);
    assert_int_equal(fixture->psp->retrieve_intent(fixture->psp, ASKER(fixture), STR("../v1/events"), &none, NULL),
                     ERR_NOT_FOUND);
}

static void test_psp__lists_page_by_page(void **state)
{
    struct fixture *fixture = *state;
    struct psp_intent list[2];
    struct str after = STR_EMPTY;
    size_t total = 0, count = 2;
    for (int i = 0; i < 5; i++)
        created(fixture, "pm_card_visa");
    for (int page = 0; page < 4 && count == 2; page++) {
        assert_int_equal(fixture->psp->list_intents(fixture->psp, ASKER(fixture), 0, INT64_C(32000000000000) / 16,
                                                    after, list, 2, &count, NULL),
                         0);
        total += count;
        if (count > 0)
            after = list[count - 1].id;
    }
    assert_int_equal(total, 5);
    assert_int_equal(
        fixture->psp->list_intents(fixture->psp, ASKER(fixture), 0, 1000, STR_EMPTY, list, 2, &count, NULL), 0);
    assert_int_equal(count, 0);
}

static void test_psp__events_are_verified_and_read(void **state)
{
    struct fixture *fixture = *state;
    struct str body =
        STR("{\"id\":\"evt_1\",\"type\":\"payment_intent.succeeded\",\"data\":{\"object\":{\"object\":"
            "\"payment_intent\",\"id\":\"pi_1\",\"status\":\"succeeded\",\"amount\":5,\"amount_received\":5,"
            "\"currency\":\"eur\",\"metadata\":{\"order_id\":\"o1\",\"tenant\":\"default\"}}}}");
    char header[PSP_SIGNATURE_HEADER_MAX];
    struct psp_event event = {0};
    assert_int_equal(psp_signature_write(STR(TEST_WEBHOOK_SECRET), 1700000000, body, header), 0);
    assert_int_equal(fixture->psp->verify_event(fixture->psp, fixture->host.arena, str_from_cstr(header), body,
                                                INT64_C(1700000000000), &event),
                     0);
    assert_int_equal(event.kind, PSP_EVENT_INTENT);
    assert_int_equal(event.intent.status, PSP_SUCCEEDED);
    assert_true(str_equal(event.intent.reference, STR("o1")));
    assert_int_equal(fixture->psp->verify_event(fixture->psp, fixture->host.arena, str_from_cstr(header), body,
                                                INT64_C(1700000301000), &event),
                     ERR_UNAUTHENTICATED);
    assert_int_equal(fixture->psp->verify_event(fixture->psp, fixture->host.arena, STR("t=1700000000,v1=00"), body,
                                                INT64_C(1700000000000), &event),
                     ERR_UNAUTHENTICATED);
    struct str broken = STR("{\"id\":");
    assert_int_equal(psp_signature_write(STR(TEST_WEBHOOK_SECRET), 1700000000, broken, header), 0);
    assert_int_equal(fixture->psp->verify_event(fixture->psp, fixture->host.arena, str_from_cstr(header), broken,
                                                INT64_C(1700000000000), &event),
                     ERR_INVALID);
}

static void test_psp_stripe__a_time_out_after_success_is_resolved_by_the_same_key(void **state)
{
    struct fixture *fixture = *state;
    struct psp *patient = fixture->psp;
    struct psp *hasty = new_psp(fixture, 300);
    struct psp_intent intent = {0};
    struct str key = next_key(fixture);
    test_emulator_ask(&fixture->host, HTTP_POST, "/test/faults", "{\"timeout_after_success\":1,\"hold_ms\":900}", NULL);
    fixture->psp = hasty;
    assert_int_equal(create(fixture, "pm_card_visa", key, &intent, NULL), ERR_DEADLINE);
    fixture->psp = patient;
    assert_int_equal(create(fixture, "pm_card_visa", key, &intent, NULL), 0);
    struct psp_intent list[4];
    size_t count = 0;
    assert_int_equal(
        patient->list_intents(patient, ASKER(fixture), 0, intent.created_ms + 60000, STR_EMPTY, list, 4, &count, NULL),
        0);
    assert_int_equal(count, 1);
    hasty->free(hasty);
}

static void test_psp_stripe__errors_say_whether_to_try_again(void **state)
{
    static const struct {
        const char *faults;
        int error;
    } rows[] = {
        {"{\"errors\":1,\"error_status\":500}", ERR_UNAVAILABLE},
        {"{\"errors\":1,\"error_status\":429}", ERR_RATE_LIMITED},
        {"{\"errors\":1,\"error_status\":409}", ERR_UNAVAILABLE},
        {"{\"errors\":1,\"error_status\":401}", ERR_UNAUTHENTICATED},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct psp_intent intent;
        test_emulator_ask(&fixture->host, HTTP_POST, "/test/faults", rows[i].faults, NULL);
        assert_int_equal(create(fixture, "pm_card_visa", next_key(fixture), &intent, NULL), rows[i].error);
    }
}

static void test_psp_faulty__does_what_the_plan_says(void **state)
{
    struct fixture *fixture = *state;
    struct psp *psp = fixture->psp;
    struct psp_intent intent = {0};
    struct str key = next_key(fixture);
    test_fault_next(fixture->faults, FAULT_PSP, "create_intent", FAULT_FAIL);
    assert_int_equal(create(fixture, "pm_card_visa", key, &intent, NULL), ERR_UNAVAILABLE);
    test_fault_next(fixture->faults, FAULT_PSP, "create_intent", FAULT_FAIL_AFTER);
    assert_int_equal(create(fixture, "pm_card_visa", key, &intent, NULL), ERR_DEADLINE);
    assert_int_equal(fault_plan_faults(fixture->faults), 1);
    test_fault_next(fixture->faults, FAULT_PSP, "create_intent", FAULT_DELAY);
    int64_t started_ns = clock_monotonic_ns();
    assert_int_equal(create(fixture, "pm_card_visa", key, &intent, NULL), 0);
    assert_true(test_fault_was_late(started_ns));
    struct psp_intent list[4];
    size_t count = 0;
    assert_int_equal(
        psp->list_intents(psp, ASKER(fixture), 0, intent.created_ms + 60000, STR_EMPTY, list, 4, &count, NULL), 0);
    assert_int_equal(count, 1); /* The lost call never arrived; the one that timed out did. */
}

#define EACH(test)                                                                                                     \
    cmocka_unit_test_setup_teardown(test, start_plain, end),                                                           \
        cmocka_unit_test_setup_teardown(test, start_decorated, end),                                                   \
        cmocka_unit_test_setup_teardown(test, start_repeating, end)

int main(void)
{
    log_configure(2, LOG_LEVEL_ERROR, LOG_FORMAT_AUTOMATIC);
    const struct CMUnitTest tests[] = {
        EACH(test_psp__holds_the_money_and_says_whose_it_is),
        EACH(test_psp__one_key_is_one_charge),
        EACH(test_psp__a_refused_card_is_an_answer),
        EACH(test_psp__authentication_is_asked_for_at_an_address),
        EACH(test_psp__captures_once),
        EACH(test_psp__cancels_what_is_held),
        EACH(test_psp__refunds_parts_and_never_more),
        EACH(test_psp__lists_refunds_page_by_page),
        EACH(test_psp__refuses_to_refund_what_is_only_held),
        EACH(test_psp__unknown_and_ill_formed_ids_are_not_found),
        EACH(test_psp__lists_page_by_page),
        EACH(test_psp__events_are_verified_and_read),
        cmocka_unit_test_setup_teardown(test_psp_stripe__a_time_out_after_success_is_resolved_by_the_same_key,
                                        start_plain, end),
        cmocka_unit_test_setup_teardown(test_psp_stripe__errors_say_whether_to_try_again, start_plain, end),
        cmocka_unit_test_setup_teardown(test_psp_faulty__does_what_the_plan_says, start_decorated, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
