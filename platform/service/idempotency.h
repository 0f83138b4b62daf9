/* The idempotency of mutating routes: the same key and body get the first status and body again.
 *
 * A record is written in the transaction of the effect that it speaks of, so there is never one without the other. Kept
 * for IDEMPOTENCY_TTL_MS. The scope of a key is the customer; a guest's key must be unguessable
 * (IDEMPOTENCY_GUEST_KEY_MIN characters), for it alone opens the recorded answer. */
#pragma once

#include "platform/service/call.h"

#define IDEMPOTENCY_TTL_MS (INT64_C(48) * 3600 * 1000)
#define IDEMPOTENCY_KEY_MAX 255
#define IDEMPOTENCY_GUEST_KEY_MIN 22 /* 128 bits in base64 */

struct idempotency {
    struct str scope; /* the customer, or "guest" */
    struct str key;
    unsigned char fingerprint[32]; /* SHA-256 of method, path, query and body */
    bool recorded;                 /* by this call */
    bool replayed;                 /* found: the members below are the first answer */
    int status;
    struct str etag;
    struct str body;
};

/* Checks the key and fills *ret_idempotency. ERR_INVALID with the call's problem. */
int idempotency_begin(struct call *call, struct str key, struct idempotency *ret_idempotency);

/* Looks the key up in the transaction: sets replayed when this very request was answered before. ERR_UNPROCESSABLE with
 * the call's problem when the key was used for another one. */
int idempotency_find(struct call *call, struct sql_tx *tx, struct idempotency *idempotency);

/* Writes the record of the answer. Again, for an answer that changed while the request ran (Prefer: wait). */
int idempotency_store(struct call *call, struct sql_tx *tx, struct idempotency *idempotency);

/* -- Requests under way in this process ---------------------------------------------------------------------------- */

struct in_flight;
struct in_flight *in_flight_new(void);
void in_flight_free(struct in_flight *in_flight);

/* False when a request of the same service, tenant, scope and key is under way. */
bool in_flight_enter(struct in_flight *in_flight, const struct call *call, const struct idempotency *idempotency);
void in_flight_leave(struct in_flight *in_flight, const struct call *call, const struct idempotency *idempotency);
