/* Somebody at the provider's own page, past the shop: gives back a part of a charge, charges an order a second time, or
 * charges nobody's. Often the shop is not told of it. */
#include "tests/simulation/books.h"

#include <inttypes.h>
#include <stdio.h>

#define FORM_BYTES 512
#define DEEDS_MAX 6
#define DONE_UNHEARD 504 /* timeout_after_success, as chaos.c asks for */

/* An order that is paid and stands; NULL when the one that was drawn does not. */
static const struct book_order *pick_order(void)
{
    size_t count = book_count();
    const struct book_order *order = count ? book_at(simulator_random_below(count)) : NULL;
    bool stands = order && (strcmp(order->status, "confirmed") == 0 || strcmp(order->status, "fulfilled") == 0);
    return stands && order->charge[0] && !order->cancel_requested ? order : NULL;
}

static void hush(void)
{
    if (random_permille(500))
        provider_ask("/test/faults", "application/json", "{\"webhook_drop\":2}");
}

static void give_back(void)
{
    const struct book_order *order = pick_order();
    char form[FORM_BYTES];
    if (!order || order->captured <= order->refunded || order->purchase->refund_count == REFUNDS_MAX)
        return;
    struct refund *refund = &order->purchase->refunds[order->purchase->refund_count++];
    memcpy(refund->order_id, order->id, ID_BYTES);
    int64_t left = order->captured - order->refunded;
    refund->amount = random_permille(700) ? random_between(1, left) : left;
    order->purchase->is_refunded_by_hand = true;
    snprintf(form, sizeof(form), "charge=%s&amount=%" PRId64, order->charge, refund->amount);
    hush();
    int status = provider_ask("/v1/refunds", "application/x-www-form-urlencoded", form);
    refund->is_refused = status != 200 && status != DONE_UNHEARD;
    note("the provider gives back %" PRId64 " of order %s by hand%s", refund->amount, order->id,
         refund->is_refused ? ": refused" : "");
}

static void charge(void)
{
    const struct book_order *order = pick_order();
    char form[FORM_BYTES], whose[FORM_BYTES / 2] = "";
    if (order)
        snprintf(whose, sizeof(whose), "&metadata[order_id]=%s&metadata[tenant]=%s", order->id, order->tenant);
    snprintf(form, sizeof(form),
             "amount=%" PRId64 "&currency=eur&payment_method=pm_card_visa&confirm=true&capture_method=%s"
             "&metadata[by_hand]=1%s",
             random_between(100, 5000), random_permille(500) ? "manual" : "automatic", whose);
    hush();
    int status = provider_ask("/v1/payment_intents", "application/x-www-form-urlencoded", form);
    note("the provider charges order %s by hand: %d", order ? order->id : "of nobody", status);
}

static void work(void *argument)
{
    (void)argument;
    for (int64_t i = random_between(1, DEEDS_MAX); i > 0; i--) {
        sleep_between_ms(2000, 20000);
        if (random_permille(600))
            give_back();
        else
            charge();
    }
}

void dashboard_start(struct simulation *sim)
{
    (void)sim;
    if (random_permille(600))
        actor_start("dashboard", work, NULL);
}
