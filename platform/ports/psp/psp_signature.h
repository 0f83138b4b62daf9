/* Stripe's signature of webhooks, https://docs.stripe.com/webhooks#verify-manually:
 *
 *   Stripe-Signature: t=<seconds>,v1=<hex HMAC-SHA256 of "<seconds>.<body>">[,v1=…]
 *
 * Several v1 come while the secret is being changed; any one that fits is enough. Other schemes are passed over, so
 * that nobody can fall back to a weak one. */
#pragma once

#include "platform/base/str.h"

#define PSP_SIGNATURE_HEX_LENGTH 64
#define PSP_SIGNATURE_HEADER_MAX 128 /* of those that psp_signature_write makes, with the NUL */
#define PSP_SIGNATURES_MAX 8         /* v1 values that are looked at in one header */

/* Writes "t=…,v1=…". ERR_INTERNAL when the library refuses. */
int psp_signature_write(struct str secret, int64_t time_s, struct str body, char ret_header[PSP_SIGNATURE_HEADER_MAX]);

/* 0, or ERR_UNAUTHENTICATED: malformed, no v1 that fits, or a time that is more than tolerance_s away from now_s. The
 * comparison takes the same time wherever two signatures differ. */
int psp_signature_check(struct str secret, struct str header, struct str body, int64_t now_s, int64_t tolerance_s);
