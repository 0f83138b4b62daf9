/* What was asked of the provider so long ago that it may have forgotten the key. Asking again could then be a second
 * charge, or a second refund; so it is looked for first, and only what is not there is asked for again. */
#include "services/payments/payments.h"

#include "platform/ports/clock/clock.h"
#include "services/payments/sql/payments.sql.h"

/* The provider's memory, with an hour to spare: for a clock that was wrong, and for the way there. */
#define SPARE_MS (INT64_C(60) * 60 * 1000)
#define KEY_SAFE_MS (PSP_KEY_LIFETIME_MS - SPARE_MS)

/* Younger than nothing: written when the clock was ahead, and nobody can tell how long ago that was. */
static bool is_safe(int64_t age_ms)
{
    return age_ms <= KEY_SAFE_MS && age_ms >= -SPARE_MS;
}

/* The wall clock may have been set back by as much as has passed; the steady one does not know how long the machine was
 * off. To look first costs little, so either is believed. */
bool key_may_be_forgotten(const struct call *call, int64_t created_ms, int64_t asked_ms)
{
    return !is_safe(call_now_ms(call) - created_ms) || !is_safe(clock_steady_ms() - asked_ms);
}

/* -- Charges ------------------------------------------------------------------------------------------------------- */

int find_listed_intent(struct call *call, struct str tenant, struct str order_id, int64_t from_ms, int64_t to_ms,
                       struct psp_intent *ret_intent)
{
    struct psp *psp = payments_psp(call);
    struct psp_intent *intents = arena_alloc_array(call->arena, PSP_LIST_MAX, sizeof(*intents));
    struct str after = STR_EMPTY;
    if (!psp)
        return provider_failed(call, ERR_UNAVAILABLE, &(struct psp_failure){"not_listening", "", ""});
    if (!intents)
        return ERR_NO_MEMORY;
    for (int page = 0; page < PROVIDER_PAGES_MAX; page++) {
        struct psp_failure failure = {0};
        size_t count = 0;
        int error =
            psp->list_intents(psp, PSP_ASKER(call), from_ms, to_ms, after, intents, PSP_LIST_MAX, &count, &failure);
        TRY(provider_failed(call, error, &failure));
        for (size_t i = 0; i < count; i++) {
            if (!str_equal(intents[i].reference, order_id) || !str_equal(intents[i].tenant, tenant))
                continue;
            *ret_intent = intents[i];
            return 0;
        }
        if (count < PSP_LIST_MAX)
            return ERR_NOT_FOUND;
        after = intents[count - 1].id;
    }
    return call_fail(call, ERR_CONFLICT, "outcome_unknown", NULL, "Nobody knows whether the payment was made.");
}

int find_forgotten_intent(struct call *call, const struct payment_row *payment, struct psp_intent *ret_intent)
{
    return find_listed_intent(call, payment->tenant, payment->order_id, 0, EVER_MS, ret_intent);
}

/* -- Refunds ------------------------------------------------------------------------------------------------------- */

/* The newest of them that was made for ours: one before it failed. */
int find_forgotten_refund(struct call *call, const struct payment_row *payment, const struct refund_row *refund,
                          struct psp_refund *ret_refund)
{
    struct psp *psp = payments_psp(call);
    struct psp_refund *refunds = arena_alloc_array(call->arena, PSP_LIST_MAX, sizeof(*refunds));
    struct str after = STR_EMPTY;
    if (!psp)
        return provider_failed(call, ERR_UNAVAILABLE, &(struct psp_failure){"not_listening", "", ""});
    if (!refunds)
        return ERR_NO_MEMORY;
    for (int page = 0; page < PROVIDER_PAGES_MAX; page++) {
        struct psp_failure failure = {0};
        size_t count = 0;
        int error = psp->list_refunds(psp, PSP_ASKER(call), payment->provider_id, 0, EVER_MS, after, refunds,
                                      PSP_LIST_MAX, &count, &failure);
        TRY(provider_failed(call, error, &failure));
        for (size_t i = 0; i < count; i++) {
            if (!str_equal(refunds[i].reference, refund->id))
                continue;
            *ret_refund = refunds[i];
            return 0;
        }
        if (count < PSP_LIST_MAX)
            return ERR_NOT_FOUND;
        after = refunds[count - 1].id;
    }
    return call_fail(call, ERR_CONFLICT, "refund_unknown", NULL, "Nobody knows whether the refund was made.");
}
