/* The Stripe adapter of the psp port: Stripe's HTTP API, form-encoded, https://docs.stripe.com/api.
 *
 * The same adapter speaks to Stripe and to the emulator of services/stripe_emulator; only the address and the secrets
 * differ. */
#pragma once

#include "platform/net/client.h"
#include "platform/ports/psp/psp.h"

/* The version of Stripe's API that the requests and the reading of the answers are written for. */
#define PSP_STRIPE_VERSION "2024-06-20"

/* How far an event's time may lie from ours, as Stripe's own libraries have it. */
#define PSP_STRIPE_TOLERANCE_MS (INT64_C(5) * 60 * 1000)

struct psp_stripe_config {
    struct str base_url;        /* "https://api.stripe.com", without a slash at its end */
    struct str secret_key;      /* "sk_test_…"; copied, never logged */
    struct str webhook_secret;  /* "whsec_…"; copied, never logged */
    int64_t timeout_ms;         /* of one request */
    struct http_client *client; /* outlives the adapter */
};

/* ERR_INVALID without an address or keys, ERR_NO_MEMORY. */
int psp_stripe_new(struct psp **ret_psp, const struct psp_stripe_config *config);
