/* The payments service's own header: its state and rows, and how its parts fit together.
 *
 *   handlers.c   AuthorisePayment, CapturePayment, GetPayment
 *   giveback.c   ReturnMoney, CreateRefund, and the refunds that are still open
 *   apply.c      the one place where a payment's status moves: by the provider's object, never backwards
 *   webhook.c    what the provider tells
 *   ledger.c     the books
 *   learn.c      what the provider knows of a payment, told or asked for
 *   stray.c      charges that no payment stands for: adopted by their order, or given back
 *   reconcile.c  payments held against their orders; provider_list.c: the provider's charges and refunds against ours;
 *                order_walk.c: orders against the provider
 *   store.c      rows to structs and back; provider.c the port; reply.c the messages
 *
 * The provider is asked outside of transactions: first the intention is durable, then the provider is called with a key
 * made from the order's id, then its answer is applied. Whoever dies in between is repeated with the same key. */
#pragma once

#include "platform/base/task.h"
#include "platform/ports/psp/psp.h"
#include "platform/service/call.h"
#include "shopstream/payments/v1/payments.rpc.h"

#define PROVIDER_ATTEMPTS 2 /* of one call, before the caller's retry takes over */
#define EVER_MS                                                                                                        \
    (INT64_C(2147483647) * 1000) /* the end of a span of the provider's time, which ours says nothing of               \
                                  */
#define CHECK_AGAIN_MS (INT64_C(30) * 1000)
/* Money that is owed and whose refund failed is asked to go back again after the reconciliation's age, but no sooner
 * than the first, and twice as late after each further failure, up to the second; and so on, as long as it is owed. */
#define REFUND_RETRY_MIN_MS INT64_C(1000)
#define REFUND_RETRY_MAX_MS (INT64_C(12) * 60 * 60 * 1000)
#define PROVIDER_PAGES_MAX 50 /* of a list of the provider's, in one go */
#define PROVIDER_ID_BYTES 256
#define PAYMENTS_TOPIC "payment.events"

struct payment_row {
    struct str id, tenant, order_id, status, currency, payment_method, return_url, provider_id, action_url,
        failure_code, failure_message;
    int64_t amount, captured_amount, refunded_amount, created_ms, updated_ms, version;
    int64_t check_due_ms, refund_due_ms, asked_ms; /* steady time (clock.h) */
    bool return_requested;
    bool order_confirmed;
};

struct refund_row {
    struct str id, tenant, payment_id, request_key, currency, status, provider_id;
    int64_t amount, created_ms;
    int64_t asked_ms; /* steady time */
};

/* -- Rows (store.c). ERR_NOT_FOUND when there is none; strings lie in the arena ------------------------------------ */

int find_payment(struct sql_tx *tx, struct arena *arena, struct str tenant, struct str id, struct payment_row *ret_row);
int find_payment_by_order(struct sql_tx *tx, struct arena *arena, struct str tenant, struct str order_id,
                          struct payment_row *ret_row);
int find_payment_by_provider(struct sql_tx *tx, struct arena *arena, struct str provider_id,
                             struct payment_row *ret_row);
int insert_payment(struct sql_tx *tx, const struct payment_row *row);
int update_payment(struct sql_tx *tx, struct payment_row *row, int64_t now_ms); /* raises the version */
int find_refund(struct sql_tx *tx, struct arena *arena, const struct sql_statement *statement, struct sql_args args,
                struct refund_row *ret_row);
int insert_refund(struct sql_tx *tx, const struct refund_row *row);
int update_refund(struct sql_tx *tx, const struct refund_row *row, int64_t now_ms);

/* Writes down what does not fit together, once, and logs it. */
int write_finding(struct call *call, struct str tenant, const char *kind, struct str reference, const char *action);

/* Findings about the order (or charge) of money that goes back: "returning" until it is back, then "returned". */
int move_findings(struct call *call, const struct payment_row *payment, const char *from, const char *to);

/* -- Status (apply.c). All of them in a write transaction ---------------------------------------------------------- */

static inline bool payment_is(const struct payment_row *payment, const char *status)
{
    return str_equal_cstr(payment->status, status);
}

/* Whether apply_intent would change anything. This one needs no write transaction. */
bool intent_is_news(const struct payment_row *payment, const struct psp_intent *intent);

/* Moves the payment to where the provider's object says it is, if that is further on: status, books, event. Money that
 * nobody wants any more is marked to be returned. */
int apply_intent(struct call *call, struct payment_row *payment, const struct psp_intent *intent);

/* Whether nothing of the payment is with us any more, or ever was. */
bool payment_is_back(const struct payment_row *payment);

/* Moves a refund on, and the payment with it. Where it fails and the payment's money is to go back, that is found, and
 * when it is asked for again. */
int apply_refund(struct call *call, struct payment_row *payment, struct refund_row *refund,
                 const struct psp_refund *told);

/* -- What the provider knows (learn.c) ----------------------------------------------------------------------------- */

/* The payment of an intent: by the provider's id, or by the order that the intent names, when our own answer is still
 * on its way. */
int find_told_payment(struct sql_tx *tx, struct arena *arena, const struct psp_intent *intent,
                      struct payment_row *ret_payment);

/* The provider's charge as it now is. ERR_NOT_FOUND without a problem when it has none of that id. */
int ask_charge(struct call *call, struct str intent_id, struct psp_intent *ret_intent);

/* Applies what the provider says of the payment's charge, and each refund that the books do not have. Outside of
 * transactions; *payment is read anew before the refunds are taken. */
int learn_charge(struct call *call, struct payment_row *payment, const struct psp_intent *intent);

/* Books a refund that the provider tells of, whoever made it; once. In a write transaction. */
int take_refund(struct call *call, const struct psp_refund *told);

/* A span of one of the provider's lists, by the provider's clock. */
struct provider_span {
    int64_t from_ms, to_ms;
    int64_t newest_ms; /* of what was in it; 0: nothing */
    bool is_complete;  /* false when there was more than PROVIDER_PAGES_MAX */
};

/* One page of it, the newest first. */
struct provider_page {
    char after[PROVIDER_ID_BYTES]; /* the id that it comes behind; empty for the first page */
    size_t count;                  /* out: of what is on it */
    int64_t newest_ms;             /* out, unless it is empty: when its first was made */
    struct str last_id;            /* out, likewise */
};

/* Fetches the page and deals with what is in it. */
typedef int provider_page_fn(struct call *call, void *context, const struct provider_span *span,
                             struct provider_page *page);

/* Goes through the span page by page, each in an arena of its own that call->arena is meanwhile, so that a span takes
 * no more memory than a page. Outside of transactions (learn.c). */
int walk_span(struct call *call, struct provider_span *span, provider_page_fn *read_page, void *context);

/* The same for all refunds of the intent (empty: of all intents) in the span. Outside of transactions. */
int learn_refunds(struct call *call, struct str intent_id, struct provider_span *span);

/* -- Charges that no payment stands for (stray.c) ------------------------------------------------------------------ */

enum order_state { ORDER_GONE, ORDER_UNDECIDED, ORDER_STANDS, ORDER_FALLEN };

struct order_word {
    enum order_state state;
    struct str payment_id; /* may be empty */
    struct str currency;
    int64_t total;
};

/* What the orders service says of an order; an error when it cannot be asked. Strings lie in the arena. */
int ask_order(struct call *call, struct str tenant, struct str order_id, struct order_word *ret_word);

/* Gives a charge that no payment knows a payment: the order's that it names, if that stands; else its money goes back.
 * Outside of transactions. */
int adopt_charge(struct call *call, const struct psp_intent *intent);

/* The same for a charge of an order that has another one. In a write transaction; finish_open gives it back. */
int take_second_charge(struct call *call, const struct payment_row *first, const struct psp_intent *intent);

/* -- The books (ledger.c) ------------------------------------------------------------------------------------------ */

/* Books the amount from the credit to the debit account; once for each kind and reference. ERR_CORRUPT (which rolls the
 * write back) when debits and credits differ. */
int ledger_book(struct call *call, const struct payment_row *payment, const char *kind, struct str reference,
                const char *debit_account, const char *credit_account, int64_t amount);

/* -- The provider (provider.c) ------------------------------------------------------------------------------------- */

int payments_start(struct call *call, void **ret_state);
void payments_stop(void *state);

/* The provider is asked for the call, in its trace and for as long as it has time. What the provider was asked for is
 * written down, however late it answered. */
#define PSP_ASKER(call) (&(const struct psp_asker){(call)->arena, (call)->traceparent, payments_deadline_ns(call)})
int64_t payments_deadline_ns(struct call *call);

/* The port; NULL while the provider's address is not known. */
struct psp *payments_psp(struct call *call);
int64_t payments_reconcile_age_ms(struct call *call);

/* The key of a step of an order's payment, in the arena; empty when there is no room. */
struct str provider_key(struct call *call, const char *step, struct str tenant, struct str id);

/* Says why the provider could not be asked, unless the error is 0. */
int provider_failed(struct call *call, int error, const struct psp_failure *failure);

/* Asks the provider to hold the money; the same question again gets the same answer. A payment method that the provider
 * does not take at all comes back as an intent without an id, whose failure says why. */
int ask_authorisation(struct call *call, const struct payment_row *payment, struct psp_intent *ret_intent);

/* Gives the money of an order back, or sees to it that none is taken, and applies what the provider says. The payment
 * is read anew. Called outside of transactions; repeatable. */
int give_back(struct call *call, struct str tenant, struct str order_id, struct payment_row *ret_payment);

/* -- What the provider may have forgotten (forgotten.c) ------------------------------------------------------------ */

/* Whether a key that was first used then may be one that the provider does not know any more: by the wall clock, or by
 * the steady one (0: that is not known). */
bool key_may_be_forgotten(const struct call *call, int64_t created_ms, int64_t asked_ms);

/* The newest intent of the order that the provider made in the span. ERR_NOT_FOUND: there is none; ERR_CONFLICT with
 * the call's problem when there are too many to tell. */
int find_listed_intent(struct call *call, struct str tenant, struct str order_id, int64_t from_ms, int64_t to_ms,
                       struct psp_intent *ret_intent);

/* The intent of the payment, if the provider has one; the refund, if it was made. ERR_NOT_FOUND: it has not, so it may
 * be asked for. ERR_CONFLICT with the call's problem when nobody can tell. */
int find_forgotten_intent(struct call *call, const struct payment_row *payment, struct psp_intent *ret_intent);
int find_forgotten_refund(struct call *call, const struct payment_row *payment, const struct refund_row *refund,
                          struct psp_refund *ret_refund);

/* Asks the provider for an open refund, or again for one whose answer was lost, and applies the answer. */
int settle_refund(struct call *call, struct str refund_id, struct refund_row *ret_refund);

/* -- Replies (reply.c) --------------------------------------------------------------------------------------------- */

int fill_payment(struct call *call, const struct payment_row *row, Payments__Payment *out);
int fill_refund(struct call *call, const struct refund_row *row, Payments__Refund *out);
int publish_payment(struct call *call, const struct payment_row *row, const char *type);

/* Runs the closure in a write transaction that does not record the request's idempotency key: for an intention, whose
 * answer is still to come. call->tx is set meanwhile. */
int write_intention(struct call *call, sql_closure *closure, void *argument);

/* -- Jobs and consumers -------------------------------------------------------------------------------------------- */

int reconcile(struct call *call);   /* provider_list.c */
int hold_orders(struct call *call); /* order_walk.c */
int finish_open(struct call *call); /* reconcile.c */
event_handler on_order_event;
