#include "platform/ports/psp/psp_stripe_json.h"

#include "platform/ports/clock/clock.h"

struct status_row {
    const char *name;
    enum psp_status status;
};

/* https://docs.stripe.com/payments/paymentintents/lifecycle */
static const struct status_row intent_statuses[] = {
    {"requires_payment_method", PSP_REQUIRES_PAYMENT_METHOD},
    {"requires_confirmation", PSP_REQUIRES_CONFIRMATION},
    {"requires_action", PSP_REQUIRES_ACTION},
    {"processing", PSP_PROCESSING},
    {"requires_capture", PSP_REQUIRES_CAPTURE},
    {"succeeded", PSP_SUCCEEDED},
    {"canceled", PSP_CANCELLED},
};

static void copy_cut(char *ret_field, size_t size, struct str text)
{
    size_t length = text.len < size ? text.len : size - 1;
    if (length > 0)
        memcpy(ret_field, text.ptr, length);
    ret_field[length] = '\0';
}

void psp_failure_set(struct psp_failure *failure, struct str code, struct str decline_code, struct str message)
{
    if (!failure)
        return;
    copy_cut(failure->code, sizeof(failure->code), code);
    copy_cut(failure->decline_code, sizeof(failure->decline_code), decline_code);
    copy_cut(failure->message, sizeof(failure->message), message);
}

struct str psp_stripe_text(yyjson_val *object, const char *name)
{
    yyjson_val *value = yyjson_obj_get(object, name);
    return yyjson_is_str(value) ? str_from(yyjson_get_str(value), yyjson_get_len(value)) : STR_EMPTY;
}

void psp_stripe_read_failure(yyjson_val *error, struct psp_failure *ret_failure)
{
    struct str code = psp_stripe_text(error, "code");
    psp_failure_set(ret_failure, code.len > 0 ? code : psp_stripe_text(error, "type"),
                    psp_stripe_text(error, "decline_code"), psp_stripe_text(error, "message"));
}

static int64_t integer_member(yyjson_val *object, const char *name)
{
    return yyjson_get_sint(yyjson_obj_get(object, name));
}

/* Stripe writes currencies in lower case. */
static int read_currency(yyjson_val *object, char ret_currency[4])
{
    struct str currency = psp_stripe_text(object, "currency");
    if (currency.len != 3)
        return ERR_INTERNAL;
    for (size_t i = 0; i < 3; i++) {
        char c = currency.ptr[i];
        ret_currency[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    ret_currency[3] = '\0';
    return 0;
}

/* A copied string member; an absent one is empty and no error. */
static int copy_text(struct arena *arena, yyjson_val *object, const char *name, struct str *ret_text)
{
    struct str text = psp_stripe_text(object, name);
    struct str copy = arena_copy(arena, text);
    if (text.len > 0 && !copy.ptr)
        return ERR_NO_MEMORY;
    *ret_text = copy;
    return 0;
}

static int read_status(yyjson_val *object, enum psp_status *ret_status)
{
    struct str name = psp_stripe_text(object, "status");
    for (size_t i = 0; i < sizeof(intent_statuses) / sizeof(intent_statuses[0]); i++) {
        if (str_equal_cstr(name, intent_statuses[i].name)) {
            *ret_status = intent_statuses[i].status;
            return 0;
        }
    }
    return ERR_INTERNAL;
}

int psp_stripe_read_intent(struct arena *arena, yyjson_val *object, struct psp_intent *ret_intent)
{
    if (!str_equal(psp_stripe_text(object, "object"), STR("payment_intent")))
        return ERR_INTERNAL;
    struct psp_intent intent = {
        .amount = integer_member(object, "amount"),
        .amount_capturable = integer_member(object, "amount_capturable"),
        .amount_captured = integer_member(object, "amount_received"),
        /* latest_charge is an object only where the request asked to expand it. */
        .amount_refunded = integer_member(yyjson_obj_get(object, "latest_charge"), "amount_refunded"),
        .created_ms = integer_member(object, "created") * CLOCK_MS_PER_S,
    };
    TRY(read_status(object, &intent.status));
    TRY(read_currency(object, intent.currency));
    TRY(copy_text(arena, object, "id", &intent.id));
    yyjson_val *metadata = yyjson_obj_get(object, "metadata");
    TRY(copy_text(arena, metadata, "order_id", &intent.reference));
    TRY(copy_text(arena, metadata, "tenant", &intent.tenant));
    yyjson_val *redirect = yyjson_obj_get(yyjson_obj_get(object, "next_action"), "redirect_to_url");
    TRY(copy_text(arena, redirect, "url", &intent.action_url));
    yyjson_val *error = yyjson_obj_get(object, "last_payment_error");
    if (yyjson_is_obj(error))
        psp_stripe_read_failure(error, &intent.failure);
    if (intent.id.len == 0 || intent.amount < 0)
        return ERR_INTERNAL;
    *ret_intent = intent;
    return 0;
}

int psp_stripe_read_refund(struct arena *arena, yyjson_val *object, struct psp_refund *ret_refund)
{
    if (!str_equal(psp_stripe_text(object, "object"), STR("refund")))
        return ERR_INTERNAL;
    struct psp_refund refund = {
        .amount = integer_member(object, "amount"),
        .created_ms = integer_member(object, "created") * CLOCK_MS_PER_S,
    };
    struct str status = psp_stripe_text(object, "status");
    if (str_equal(status, STR("succeeded")))
        refund.status = PSP_REFUND_SUCCEEDED;
    else if (str_equal(status, STR("failed")) || str_equal(status, STR("canceled")))
        refund.status = PSP_REFUND_FAILED;
    else
        refund.status = PSP_REFUND_PENDING;
    TRY(read_currency(object, refund.currency));
    TRY(copy_text(arena, object, "id", &refund.id));
    TRY(copy_text(arena, object, "payment_intent", &refund.intent_id));
    TRY(copy_text(arena, yyjson_obj_get(object, "metadata"), "refund_id", &refund.reference));
    if (refund.id.len == 0 || refund.amount < 0)
        return ERR_INTERNAL;
    *ret_refund = refund;
    return 0;
}
