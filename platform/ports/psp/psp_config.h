/* Where the payment provider is, and the secrets that are shared with it: read by the payments service, and by the
 * emulator that stands in for Stripe.
 *
 * Where nothing is configured, the emulator in the same process is meant, and the secrets are made up at the first
 * start: they lie in the data folder, readable by its owner alone, and are never logged. */
#pragma once

#include "platform/base/config.h"

extern const struct config_row psp_config[]; /* the table, for the service that owns it */
extern const struct config_row *const psp_config_url;
extern const struct config_row *const psp_config_publishable_key; /* which is no secret */
extern const struct config_row *const psp_config_timeout;
extern const struct config_row *const psp_config_reconcile_age;

/* The check of the service that owns the table. Payments and the provider's key go to the address, so it is HTTPS but
 * on this machine, and elsewhere the secrets are the provider's: made-up ones are for the emulator. */
int psp_config_check(const struct config *config, char ret_message[512]);

#define PSP_PUBLISHABLE_KEY_BYTES 208

struct psp_secrets {
    struct secret *secret_key;     /* "sk_test_…" */
    struct secret *webhook_secret; /* "whsec_…" */
    /* "pk_test_…", which everybody may read. */
    char publishable_key[PSP_PUBLISHABLE_KEY_BYTES];
};

/* What is configured, and for the rest what lies in the folder (NULL: a folder that cannot be had, as in the
 * simulation; the secrets are then fixed ones). ERR_UNAVAILABLE when the folder cannot be read or written, ERR_CORRUPT
 * when the file in it is cut, ERR_NO_MEMORY; ret_message says what to do. config may be NULL. Free with
 * psp_secrets_free. */
int psp_secrets_open(const struct config *config, const char *data_path, struct psp_secrets *ret_secrets,
                     char ret_message[512]);
void psp_secrets_free(struct psp_secrets *secrets);
