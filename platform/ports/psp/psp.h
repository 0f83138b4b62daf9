/* The payment-provider port: money is authorised, captured and given back by somebody else, over a network that loses
 * answers.
 *
 * What holds for every adapter:
 *   - Each function that moves money takes a key. Repeating a call with the same key and the same arguments has no
 *     second effect, however often and from wherever it is repeated, for at least PSP_KEY_LIFETIME_MS; the repetition
 *     returns what the first call did.
 *   - ERR_DEADLINE and ERR_UNAVAILABLE do not say whether the provider acted. Repeat with the same key, or retrieve.
 *   - A payment method that the provider refuses is not an error of the call: the intent comes back with the status
 *     PSP_REQUIRES_PAYMENT_METHOD and says in its failure why.
 *   - Amounts are integers of minor units; currencies are ISO 4217 in upper case; times are milliseconds since 1970.
 *
 * Errors: ERR_DEADLINE, ERR_UNAVAILABLE, ERR_RATE_LIMITED (retriable); ERR_CONFLICT (the intent's state forbids it:
 * retrieve it and decide anew); ERR_UNPROCESSABLE (a key was used again with other arguments); ERR_DECLINED;
 * ERR_NOT_FOUND; ERR_INVALID (the provider refuses an argument); ERR_UNAUTHENTICATED (our key is not the provider's);
 * ERR_INTERNAL (an answer that is not one); ERR_NO_MEMORY. On an error *ret_failure says what the provider said.
 *
 * Every adapter passes test_psp_conformance.c; psp_faulty.h injects faults between a caller and an adapter. */
#pragma once

#include "platform/base/arena.h"
#include "platform/base/err.h"
#include "platform/base/str.h"

#define PSP_KEY_LIFETIME_MS (INT64_C(24) * 60 * 60 * 1000)
#define PSP_LIST_MAX 100

struct psp;

enum psp_status {
    PSP_REQUIRES_PAYMENT_METHOD, /* nothing is held: refused, or never tried */
    PSP_REQUIRES_CONFIRMATION,
    PSP_REQUIRES_ACTION,  /* the customer must authenticate at action_url */
    PSP_PROCESSING,       /* not decided yet; an event will say */
    PSP_REQUIRES_CAPTURE, /* authorised: the money is held */
    PSP_SUCCEEDED,        /* captured */
    PSP_CANCELLED,        /* for good; what was held is released */
};

/* Why the provider said no. By value, so that it outlives any arena; text that does not fit is cut. */
struct psp_failure {
    char code[64];         /* "card_declined"; empty where nothing went wrong */
    char decline_code[64]; /* "insufficient_funds"; may be empty */
    char message[240];     /* for the customer; no personal data */
};

struct psp_intent {
    struct str id; /* the provider's */
    enum psp_status status;
    int64_t amount;
    int64_t amount_capturable;
    int64_t amount_captured;
    int64_t amount_refunded; /* known to psp->retrieve_intent and list_intents; 0 from other calls */
    char currency[4];
    struct str reference;       /* as given to create_intent: the order's id; empty for a foreign intent */
    struct str tenant;          /* as given to create_intent */
    struct str action_url;      /* with PSP_REQUIRES_ACTION: where the customer authenticates */
    struct psp_failure failure; /* why the last attempt to pay failed */
    int64_t created_ms;
};

/* For whom the provider is asked: strings of its answer lie in the arena; the trace (W3C; empty: none) goes along, so
 * that what the provider does and tells can be told to belong to it. The asker waits until deadline_ns (of
 * clock_monotonic_ns; TASK_FOREVER: as long as the adapter does), and once that has passed the provider is not asked.
 */
struct psp_asker {
    struct arena *arena;
    struct str traceparent;
    int64_t deadline_ns;
};

struct psp_new_intent {
    int64_t amount;
    const char *currency;
    struct str payment_method;
    struct str reference;
    struct str tenant;
    struct str return_url; /* where the customer goes after authenticating; empty without */
};

enum psp_refund_status { PSP_REFUND_PENDING, PSP_REFUND_SUCCEEDED, PSP_REFUND_FAILED };

struct psp_refund {
    struct str id;
    struct str intent_id;
    struct str reference; /* as given to refund; empty for one that somebody else made */
    enum psp_refund_status status;
    int64_t amount;
    char currency[4];
    int64_t created_ms;
};

struct psp_new_refund {
    struct str intent_id;
    int64_t amount;
    struct str reference; /* our id of the refund */
};

enum psp_event_kind { PSP_EVENT_OTHER, PSP_EVENT_INTENT, PSP_EVENT_REFUND };

/* What the provider tells by itself, verified: at least once, in any order. */
struct psp_event {
    struct str id;            /* unique; the same for a repetition */
    struct str type;          /* the provider's word, for logs */
    enum psp_event_kind kind; /* which of the two below is filled, as it was when the event was made */
    struct psp_intent intent;
    struct psp_refund refund;
};

/* What an adapter implements; the first member of its own struct. Thread-safe. Strings in ret_ outputs lie in the
 * asker's arena. ret_failure may be NULL. */
struct psp {
    /* Creates an intent, confirms it with the payment method, and holds the money until it is captured. */
    int (*create_intent)(struct psp *psp, const struct psp_asker *asker, const struct psp_new_intent *intent,
                         struct str key, struct psp_intent *ret_intent, struct psp_failure *ret_failure);

    int (*retrieve_intent)(struct psp *psp, const struct psp_asker *asker, struct str id, struct psp_intent *ret_intent,
                           struct psp_failure *ret_failure);

    /* Takes the held amount, whole. ERR_CONFLICT unless the status is PSP_REQUIRES_CAPTURE. */
    int (*capture_intent)(struct psp *psp, const struct psp_asker *asker, struct str id, struct str key,
                          struct psp_intent *ret_intent, struct psp_failure *ret_failure);

    /* Ends an intent that was not captured. ERR_CONFLICT when it was, or is cancelled already. */
    int (*cancel_intent)(struct psp *psp, const struct psp_asker *asker, struct str id, struct str key,
                         struct psp_intent *ret_intent, struct psp_failure *ret_failure);

    /* Gives back a part of what was captured. ERR_CONFLICT when less than that is left. */
    int (*refund)(struct psp *psp, const struct psp_asker *asker, const struct psp_new_refund *refund, struct str key,
                  struct psp_refund *ret_refund, struct psp_failure *ret_failure);

    /* Intents created in [from_ms, to_ms], newest first, those behind the id after (empty: from the newest), at most
     * count ≤ PSP_LIST_MAX of them; *ret_count below count: there are no more. */
    int (*list_intents)(struct psp *psp, const struct psp_asker *asker, int64_t from_ms, int64_t to_ms,
                        struct str after, struct psp_intent *ret_intents, size_t count, size_t *ret_count,
                        struct psp_failure *ret_failure);

    /* Refunds made in [from_ms, to_ms] of the intent (empty: of all), whoever made them; else as list_intents. */
    int (*list_refunds)(struct psp *psp, const struct psp_asker *asker, struct str intent_id, int64_t from_ms,
                        int64_t to_ms, struct str after, struct psp_refund *ret_refunds, size_t count,
                        size_t *ret_count, struct psp_failure *ret_failure);

    /* Checks that the provider wrote the body, not long before now_ms, and reads it. ERR_UNAUTHENTICATED when it did
     * not; ERR_INVALID when it is not an event. */
    int (*verify_event)(struct psp *psp, struct arena *arena, struct str signature, struct str body, int64_t now_ms,
                        struct psp_event *ret_event);

    void (*free)(struct psp *psp);
};

/* Cuts text to the field. */
void psp_failure_set(struct psp_failure *failure, struct str code, struct str decline_code, struct str message);
