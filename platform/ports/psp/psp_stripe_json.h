/* Reads Stripe's objects as JSON: within the Stripe adapter alone. */
#pragma once

#include "platform/ports/psp/psp.h"

#include <yyjson.h>

/* Reads a PaymentIntent into the arena. ERR_INTERNAL when it is not one, ERR_NO_MEMORY. */
int psp_stripe_read_intent(struct arena *arena, yyjson_val *object, struct psp_intent *ret_intent);

/* Reads a Refund. */
int psp_stripe_read_refund(struct arena *arena, yyjson_val *object, struct psp_refund *ret_refund);

/* Reads the object "error" of an answer: code, decline_code, message. */
void psp_stripe_read_failure(yyjson_val *error, struct psp_failure *ret_failure);

/* A string member as a view into the document; empty when it is absent or null. */
struct str psp_stripe_text(yyjson_val *object, const char *name);

static inline void psp_stripe_doc_cleanup(yyjson_doc **doc)
{
    yyjson_doc_free(*doc);
}
