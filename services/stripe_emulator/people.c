/* PaymentMethods and Customers. A card's number is looked up among the test cards and forgotten. */
#include "services/stripe_emulator/emulator.h"

#include "services/stripe_emulator/sql/objects.sql.h"

#define DIGITS_MAX 32
#define CVC_DIGITS_MIN 3
#define CVC_DIGITS_MAX 4
#define MONTHS 12
#define YEAR_MAX 2099
#define CENTURY 2000
#define MS_PER_YEAR INT64_C(31556952000)
#define YEAR_OF_EPOCH 1970

static int refuse_card(struct api *api, const char *code, const char *param, const char *message)
{
    return api_refuse(api, 402, "card_error", code, param, "%s", message);
}

/* Finds the test card of the digits, without the spaces that people type. */
static int take_card_number(struct api *api, struct str number, const struct test_card **ret_card)
{
    char digits[DIGITS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < number.len; i++) {
        if (number.ptr[i] == ' ' || number.ptr[i] == '-')
            continue;
        if (count == sizeof(digits))
            return refuse_card(api, "incorrect_number", "number", "Your card number is incorrect.");
        digits[count++] = number.ptr[i];
    }
    struct str text = str_from(digits, count);
    const struct test_card *card = card_number_is_valid(text) ? card_by_number(text) : NULL;
    bool is_number = card_number_is_valid(text);
    explicit_bzero(digits, sizeof(digits));
    if (!is_number)
        return refuse_card(api, "incorrect_number", "number", "Your card number is incorrect.");
    if (!card)
        return refuse_card(
            api, "card_declined", "number",
            "Your card was declined. Your request was in test mode, but used a non test (live) card. For "
            "a list of valid test cards, visit: https://stripe.com/docs/testing.");
    *ret_card = card;
    return 0;
}

static int take_expiry(struct api *api, struct method_row *method)
{
    int error = api_int(api, "card[exp_month]", INT64_MIN, INT64_MAX, &method->exp_month);
    if (error || method->exp_month < 1 || method->exp_month > MONTHS)
        return refuse_card(api, "invalid_expiry_month", "exp_month", "Your card's expiration month is invalid.");
    error = api_int(api, "card[exp_year]", INT64_MIN, INT64_MAX, &method->exp_year);
    if (error == 0 && method->exp_year >= 0 && method->exp_year < 100)
        method->exp_year += CENTURY;
    /* The year to within a day: enough to refuse cards of years gone by. */
    if (error || method->exp_year < YEAR_OF_EPOCH + api->now_ms / MS_PER_YEAR || method->exp_year > YEAR_MAX)
        return refuse_card(api, "invalid_expiry_year", "exp_year", "Your card's expiration year is invalid.");
    return 0;
}

int create_method_from_card(struct api *api, struct sql_tx *tx, struct method_row *ret_method)
{
    struct method_row method = {.id = api_new_id(api, "pm_1"), .created_ms = api->now_ms};
    const struct test_card *card = NULL;
    struct str token = form_find(&api->form, "card[token]");
    if (str_starts_with(token, STR("tok_"))) {
        card = card_by_name(str_skip(token, 4));
        if (!card)
            return api_refuse_missing(api, "token", token, "card[token]");
        method.exp_month = MONTHS;
        method.exp_year = YEAR_OF_EPOCH + api->now_ms / MS_PER_YEAR + 1;
    } else {
        TRY(take_card_number(api, form_find(&api->form, "card[number]"), &card));
        TRY(take_expiry(api, &method));
        struct str cvc = form_find(&api->form, "card[cvc]");
        int64_t value;
        if (cvc.ptr && (cvc.len < CVC_DIGITS_MIN || cvc.len > CVC_DIGITS_MAX || str_to_int64(cvc, &value) || value < 0))
            return refuse_card(api, "invalid_cvc", "cvc", "Your card's security code is invalid.");
    }
    method.card = str_from_cstr(card->name);
    TRY(store_method(tx, &method));
    *ret_method = method;
    return 0;
}

static int create_method(struct api *api, struct sql_tx *tx)
{
    if (!str_equal(form_find(&api->form, "type"), STR("card")))
        return api_refuse(api, 400, "invalid_request_error", "parameter_missing", "type",
                          "Only payment methods of type card can be made.");
    struct method_row method;
    TRY(create_method_from_card(api, tx, &method));
    render_method(&api->body, &method);
    return 0;
}
API_WRITE(create_method)

static int retrieve_method(struct api *api, struct sql_tx *tx)
{
    struct method_row method;
    int error = load_method(tx, api->arena, api->id, &method);
    if (error == ERR_NOT_FOUND)
        return api_refuse_missing(api, "PaymentMethod", api->id, "payment_method");
    TRY(error);
    render_method(&api->body, &method);
    return 0;
}
API_READ(retrieve_method)

static int attach_method(struct api *api, struct sql_tx *tx)
{
    struct method_row method;
    TRY(use_method(api, tx, api->id, STR_EMPTY, "payment_method", &method));
    struct customer_row customer;
    struct str id = form_find(&api->form, "customer");
    int error = load_customer(tx, api->arena, id, &customer);
    if (error == ERR_NOT_FOUND)
        return api_refuse_missing(api, "customer", id, "customer");
    TRY(error);
    method.customer = customer.id;
    TRY(sql_exec(tx, &stripe_emulator_sql_attach_payment_method, SQL_ARGS(sql_text(method.id), sql_text(customer.id)),
                 NULL));
    render_method(&api->body, &method);
    return 0;
}
API_WRITE(attach_method)

static int create_customer(struct api *api, struct sql_tx *tx)
{
    struct customer_row customer = {
        .id = api_new_id(api, "cus_"),
        .email = form_find(&api->form, "email"),
        .name = form_find(&api->form, "name"),
        .description = form_find(&api->form, "description"),
        .created_ms = api->now_ms,
    };
    TRY(api_metadata(api, STR("{}"), &customer.metadata));
    TRY(store_customer(tx, &customer));
    render_customer(&api->body, &customer);
    return 0;
}
API_WRITE(create_customer)

static int retrieve_customer(struct api *api, struct sql_tx *tx)
{
    struct customer_row customer;
    int error = load_customer(tx, api->arena, api->id, &customer);
    if (error == ERR_NOT_FOUND)
        return api_refuse_missing(api, "customer", api->id, "id");
    TRY(error);
    render_customer(&api->body, &customer);
    return 0;
}
API_READ(retrieve_customer)

static int delete_customer(struct api *api, struct sql_tx *tx)
{
    int64_t changed = 0;
    TRY(sql_exec(tx, &stripe_emulator_sql_delete_customer, SQL_ARGS(sql_text(api->id)), &changed));
    if (changed == 0)
        return api_refuse_missing(api, "customer", api->id, "id");
    member_open(&api->body, NULL, '{');
    member_text(&api->body, "id", api->id);
    member_text(&api->body, "object", STR("customer"));
    member_bool(&api->body, "deleted", true);
    member_close(&api->body, '}');
    return 0;
}
API_WRITE(delete_customer)
