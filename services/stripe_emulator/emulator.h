/* The emulator's own header: its state, its rows, and how its parts fit together.
 *
 *   api.c        a request's way: key check, parameters, faults, idempotency, one transaction, Stripe's errors
 *   form.c       Stripe's nested form encoding
 *   cards.c      the test cards and what happens to them
 *   store.c      rows to structs and back
 *   render.c     structs to Stripe's JSON
 *   intents.c    PaymentIntents; charging.c decides what a card does; refunds.c, people.c, events.c the rest
 *   webhooks.c   the deliverer of the outbox
 *   pages.c      what its pages share; card_field.c and challenge.c are the pages
 *   faults.c     what tests may ask to go wrong */
#pragma once

#include "platform/base/buf.h"
#include "platform/base/secret.h"
#include "platform/base/task.h"
#include "platform/net/client.h"
#include "platform/ports/psp/psp_config.h"
#include "platform/service/call.h"
#include "services/stripe_emulator/form.h"

#define EMULATOR_API_VERSION "2024-06-20"
#define EMULATOR_BODY_BYTES_MAX ((size_t)512 << 10)
#define EMULATOR_LIST_MAX 100
#define EMULATOR_LIST_DEFAULT 10
#define EMULATOR_ENDPOINTS_MAX 16 /* as with Stripe */
#define EMULATOR_ID_BYTES 40
/* Stands for the address of the shop's payments service, which changes with the port that the shop is given. */
#define EMULATOR_SHOP_URL "shop:"
#define EMULATOR_REFUND_TURN_MS 2000
#define EMULATOR_KEY_LIFETIME_MS (INT64_C(24) * 60 * 60 * 1000)
#define EMULATOR_EVENT_LIFETIME_MS (INT64_C(30) * 24 * 60 * 60 * 1000)

/* -- State --------------------------------------------------------------------------------------------------------- */

/* What tests may ask to go wrong; see README.md. All zero: nothing does. */
struct faults {
    int64_t webhook_delay_ms;
    int64_t webhook_duplicates; /* further copies of each */
    bool webhook_reorder;
    int64_t webhook_drop;          /* the next so many deliveries are forgotten */
    int64_t timeout_after_success; /* the next so many mutations are done, and their answer held back */
    int64_t lost;                  /* the next so many mutations are held back and not done */
    int64_t errors;                /* the next so many mutations are answered with error_status, and not done */
    int64_t error_status;
    int64_t hold_ms;         /* how long answers are held back */
    int64_t refund_failures; /* the next so many refunds succeed at first, and fail later */
    int64_t refund_turn_ms;  /* how much later; 0: EMULATOR_REFUND_TURN_MS */
    char path[96];           /* only mutations whose path contains this; empty: all */
};

struct webhook_deliverer;

struct emulator {
    struct sql_db *db;
    struct service_host *host; /* where the shop listens; NULL in tests of parts */
    struct secret *secret_key;
    char publishable_key[PSP_PUBLISHABLE_KEY_BYTES];
    char base_url[128]; /* of the emulator itself, where the request names no host */
    struct task_mutex mutex;
    struct faults faults;                /* under the mutex */
    struct webhook_deliverer *deliverer; /* NULL where webhooks are not delivered (some tests) */
};

/* -- Cards --------------------------------------------------------------------------------------------------------- */

struct test_card {
    const char *name; /* what follows "pm_card_" and "tok_" */
    const char *number;
    const char *brand;
    bool authenticate;        /* 3-D Secure is asked for first */
    const char *failure_code; /* NULL: approved */
    const char *decline_code; /* may be NULL */
    const char *message;
};

/* What becomes of money that is given back to a card. */
enum refund_course { REFUND_STANDS, REFUND_FAILS_LATER, REFUND_PENDS_FIRST };

const struct test_card *card_by_name(struct str name);     /* NULL when there is none */
const struct test_card *card_by_number(struct str digits); /* NULL when it is not a test card */
bool card_number_is_valid(struct str digits);              /* 12 to 19 digits with Luhn's check digit */
struct str card_last4(const struct test_card *card);
bool card_is_blocked(const struct test_card *card); /* by the provider, before the bank is asked */
enum refund_course card_refund_course(const struct test_card *card);

/* -- Rows ---------------------------------------------------------------------------------------------------------- */

struct method_row {
    struct str id, card, customer;
    int64_t exp_month, exp_year, created_ms;
    struct str used_by; /* the intent that it pays; empty: none yet */
};

struct customer_row {
    struct str id, email, name, description, metadata;
    int64_t created_ms;
};

struct intent_row {
    struct str id, client_secret, status, currency, capture_method, payment_method, customer, description, metadata,
        return_url, latest_charge, last_payment_error, cancellation_reason, traceparent;
    int64_t amount, amount_received, canceled_at_ms, created_ms;
};

struct charge_row {
    struct str id, payment_intent, status, currency, failure_code, decline_code, failure_message, payment_method, card;
    int64_t amount, amount_captured, amount_refunded, created_ms;
    bool captured;
};

struct refund_row {
    struct str id, charge, payment_intent, status, currency, reason, metadata, failure_reason;
    struct str next_status; /* empty: it stays as it is */
    int64_t amount, created_ms, turn_due_ms /* steady time: when it turns to next_status */;
};

struct endpoint_row {
    struct str id, url, secret, enabled_events;
    int64_t created_ms;
};

/* Loading: ERR_NOT_FOUND when there is none. Strings lie in the arena; NULL columns are empty. */
int load_method(struct sql_tx *tx, struct arena *arena, struct str id, struct method_row *ret_row);
int load_customer(struct sql_tx *tx, struct arena *arena, struct str id, struct customer_row *ret_row);
int load_intent(struct sql_tx *tx, struct arena *arena, struct str id, struct intent_row *ret_row);
int load_charge(struct sql_tx *tx, struct arena *arena, struct str id, struct charge_row *ret_row);
int load_refund(struct sql_tx *tx, struct arena *arena, struct str id, struct refund_row *ret_row);
int read_intent_row(struct sql_rows *rows, struct arena *arena, struct intent_row *ret_row);
int read_charge_row(struct sql_rows *rows, struct arena *arena, struct charge_row *ret_row);
int read_refund_row(struct sql_rows *rows, struct arena *arena, struct refund_row *ret_row);
int read_endpoint_row(struct sql_rows *rows, struct arena *arena, struct endpoint_row *ret_row);
int store_method(struct sql_tx *tx, const struct method_row *row);
int store_customer(struct sql_tx *tx, const struct customer_row *row);
int store_intent(struct sql_tx *tx, const struct intent_row *row); /* a new one */
int update_intent(struct sql_tx *tx, const struct intent_row *row);
int store_charge(struct sql_tx *tx, const struct charge_row *row);
int update_charge(struct sql_tx *tx, const struct charge_row *row);
int store_refund(struct sql_tx *tx, const struct refund_row *row);
int store_turn(struct sql_tx *tx, const struct refund_row *row);

/* -- JSON ---------------------------------------------------------------------------------------------------------- */

/* Stripe's objects, appended as JSON. expanded: the intent's latest charge in full, or NULL for its id alone. */
void render_intent(struct buf *json, const struct intent_row *intent, const struct charge_row *expanded,
                   struct str base_url);
void render_charge(struct buf *json, const struct charge_row *charge);
void render_refund(struct buf *json, const struct refund_row *refund);
void render_method(struct buf *json, const struct method_row *method);
void render_customer(struct buf *json, const struct customer_row *customer);
void render_endpoint(struct buf *json, const struct endpoint_row *endpoint, bool with_secret);

/* A small writer: members of the object that was opened last. */
void member_open(struct buf *json, const char *name,
                 char bracket); /* '{' or '['; name NULL inside an array or at the top */
void member_close(struct buf *json, char bracket);
void member_text(struct buf *json, const char *name, struct str value); /* an empty value: null */
void member_int(struct buf *json, const char *name, int64_t value);
void member_bool(struct buf *json, const char *name, bool value);
void member_null(struct buf *json, const char *name);
void member_raw(struct buf *json, const char *name, struct str value); /* JSON already; empty: null */

/* -- Requests ------------------------------------------------------------------------------------------------------ */

struct api {
    struct emulator *emulator;
    struct arena *arena;
    const struct http_request *http;
    struct form form;    /* the parameters: of the body, or of the query */
    struct str id;       /* the path's third segment: "pi_…" */
    struct str base_url; /* as the client sees us */
    struct str key;      /* Idempotency-Key */
    struct str request_id;
    struct str traceparent; /* of the request */
    int64_t now_ms;         /* the provider's own clock, which a step of the shop's does not move */
    /* The answer. */
    int status;
    struct buf body;
    bool replayed;
    bool told;     /* an event was written: wake the deliverer */
    bool lacks_id; /* there was no room for one: what was done is to be undone */
};

/* Runs in one transaction: fills api->body. 0 commits, with whatever status; an error rolls back. */
typedef int api_operation(struct api *api, struct sql_tx *tx);

/* Answers the HTTP request by the operation, whatever it takes. is_write: in a write transaction, with idempotency. */
int api_answer(struct call *call, const struct http_request *request, struct http_response *response,
               api_operation *operation, bool is_write);

/* Refuses parameters: an error answer, rolled back and not remembered under the request's key. param may be NULL. */
int api_refuse(struct api *api, int status, const char *type, const char *code, const char *param, const char *format,
               ...) __attribute__((format(printf, 6, 7)));
int api_refuse_missing(struct api *api, const char *object, struct str id, const char *param);

/* Answers that the object's state forbids it: nothing was done, and the answer is remembered under the key. */
int api_forbid(struct api *api, const char *code, const struct intent_row *intent, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* A fresh id, "pi_" and 24 letters and digits, in the arena; empty when there is no room, which api->lacks_id tells. As
 * Stripe's it begins with the time, so that ids made one after the other lie side by side in an index. */
struct str api_new_id(struct api *api, const char *prefix);

/* The same, and nobody can guess any of it. */
struct str api_new_secret(struct api *api, const char *prefix);

/* An integer parameter: 0 and *ret_value, ERR_NOT_FOUND when it is not given, or a refusal. */
int api_int(struct api *api, const char *name, int64_t min, int64_t max, int64_t *ret_value);

/* metadata[…] of the request over the object old ("{}" for none), as JSON. */
int api_metadata(struct api *api, struct str old, struct str *ret_json);

/* Where a list starts and ends: limit, created[…], starting_after (whose position is asked by the statement). */
struct list_range {
    int64_t from_ms, to_ms, before_ms, limit;
    struct str before_id;
};
int api_list_range(struct api *api, struct sql_tx *tx, const struct sql_statement *position,
                   struct list_range *ret_range);
void api_list_open(struct api *api);
void api_list_close(struct api *api, bool has_more);

/* -- Parts that call each other ------------------------------------------------------------------------------------ */

/* Finds the payment method that the text names, for an intent (empty: for none): one that is stored and that no other
 * intent used up, or "pm_card_…", of which a new one is made. */
int use_method(struct api *api, struct sql_tx *tx, struct str text, struct str intent, const char *param,
               struct method_row *ret_method);

/* Charges the intent's payment method, or asks for authentication; writes the intent, the charge and the event, and
 * answers: 200 with the intent, or 402. authenticated: 3-D Secure is done. */
int charge_intent(struct api *api, struct sql_tx *tx, struct intent_row *intent, bool authenticated);

/* The customer refused to authenticate, or could not. */
int fail_authentication(struct api *api, struct sql_tx *tx, struct intent_row *intent);

/* Writes an event with the object as it is, and a delivery for each endpoint that listens. It belongs to the request's
 * trace; that of an intent, to the trace in which the intent was made. */
int tell(struct api *api, struct sql_tx *tx, const char *type, struct str object_json, struct str traceparent);
int tell_intent(struct api *api, struct sql_tx *tx, const char *type, const struct intent_row *intent);

/* A payment method from a card's parameters, as POST /v1/payment_methods and the card field make it. */
int create_method_from_card(struct api *api, struct sql_tx *tx, struct method_row *ret_method);

/* -- Webhooks and faults ------------------------------------------------------------------------------------------- */

int deliverer_start(struct emulator *emulator, struct http_client *client, struct webhook_deliverer **ret_deliverer);
void deliverer_stop(struct webhook_deliverer *deliverer); /* NULL is fine */
void deliverer_wake(struct webhook_deliverer *deliverer); /* NULL is fine */

/* What a mutation of that path should suffer; counts it. */
enum request_fault { REQUEST_UNHARMED, REQUEST_LOST, REQUEST_ERROR, REQUEST_TIMED_OUT };
enum request_fault faults_choose(struct emulator *emulator, struct str path, struct faults *ret_faults);
struct faults faults_get(struct emulator *emulator);
bool faults_take_drop(struct emulator *emulator);
bool faults_take_refund_failure(struct emulator *emulator);

/* A job: refunds whose time it is turn to what is to become of them. */
int turn_refunds(struct call *call);

/* -- Handlers, for the table --------------------------------------------------------------------------------------- */

raw_handler create_intent_route, list_intents_route, retrieve_intent_route, update_intent_route, confirm_intent_route,
    capture_intent_route, cancel_intent_route;
raw_handler create_refund_route, list_refunds_route, retrieve_refund_route, list_charges_route, retrieve_charge_route,
    retrieve_balance_route;
raw_handler create_method_route, retrieve_method_route, attach_method_route, create_customer_route,
    retrieve_customer_route, delete_customer_route;
raw_handler list_events_route, retrieve_event_route, create_endpoint_route, list_endpoints_route, delete_endpoint_route;
raw_handler card_field_route, card_field_script_route, style_route, challenge_page_route, challenge_submit_route;
raw_handler allow_origins_route;
raw_handler get_faults_route, set_faults_route, clear_faults_route;

/* Answers a request that is not the API's by the emulator's state: for the pages. */
static inline struct emulator *emulator_of(struct call *call)
{
    return (struct emulator *)call->state;
}

/* Declares the handler of a route that runs an operation. */
#define API_READ(operation_name)                                                                                       \
    int operation_name##_route(struct call *call, const struct http_request *request, struct http_response *response)  \
    {                                                                                                                  \
        return api_answer(call, request, response, operation_name, false);                                             \
    }
#define API_WRITE(operation_name)                                                                                      \
    int operation_name##_route(struct call *call, const struct http_request *request, struct http_response *response)  \
    {                                                                                                                  \
        return api_answer(call, request, response, operation_name, true);                                              \
    }
