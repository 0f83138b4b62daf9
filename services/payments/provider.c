#include "services/payments/handlers.h"

#include "platform/base/encode.h"
#include "platform/base/task.h"
#include "platform/ports/psp/psp_config.h"
#include "platform/ports/psp/psp_faulty.h"
#include "platform/ports/psp/psp_stripe.h"
#include "platform/service/host.h"

#include <stdio.h>
#include <stdlib.h>

#define URL_BYTES_MAX 256
#define CARD_FIELD_URL_BYTES_MAX ((size_t)2048)
#define EMULATOR_NAME "stripe_emulator"
#define TIMEOUT_MS_DEFAULT 8000
#define RECONCILE_AGE_MS_DEFAULT (INT64_C(2) * 60 * 1000)

struct payments_state {
    struct psp_secrets secrets;
    struct str publishable_key; /* as configured; empty: it is not */
    int64_t timeout_ms;
    int64_t reconcile_age_ms;
    struct task_mutex mutex;
    struct psp *psp; /* made when its address is known; under the mutex, then constant */
};

int payments_start(struct call *call, void **ret_state)
{
    const struct host_options *options = &call->host->options;
    struct payments_state *state = calloc(1, sizeof(*state));
    if (!state)
        return ERR_NO_MEMORY;
    char message[512];
    int error =
        psp_secrets_open(options->config, options->sql_vfs ? NULL : options->data_path, &state->secrets, message);
    if (error) {
        free(state);
        return call_fail(call, error, "secrets", NULL, "%s", message);
    }
    const struct config *config = options->config;
    state->timeout_ms = config ? config_get_int(config, psp_config_timeout) : TIMEOUT_MS_DEFAULT;
    state->reconcile_age_ms = config ? config_get_int(config, psp_config_reconcile_age) : RECONCILE_AGE_MS_DEFAULT;
    state->publishable_key = config ? config_get_str(config, psp_config_publishable_key) : STR_EMPTY;
    task_mutex_init(&state->mutex);
    *ret_state = state;
    return 0;
}

void payments_stop(void *argument)
{
    struct payments_state *state = argument;
    if (!state)
        return;
    if (state->psp)
        state->psp->free(state->psp);
    psp_secrets_free(&state->secrets);
    task_mutex_destroy(&state->mutex);
    free(state);
}

/* The configured address, or the emulator's in this process. False while the emulator does not listen yet. */
static bool find_url(struct service_host *host, char ret_url[URL_BYTES_MAX])
{
    struct str configured = host->options.config ? config_get_str(host->options.config, psp_config_url) : STR_EMPTY;
    if (configured.len > 0) {
        snprintf(ret_url, URL_BYTES_MAX, "%.*s", STR_FORMAT(configured));
        return true;
    }
    struct service_instance *emulator = host_instance(host, EMULATOR_NAME);
    if (!emulator)
        return false;
    int port = __atomic_load_n(&emulator->listener_port, __ATOMIC_ACQUIRE);
    /* In the simulation nothing listens, and requests to the usual port are answered in process. */
    if (port == 0 && !host->options.sql_vfs)
        return false;
    snprintf(ret_url, URL_BYTES_MAX, "http://127.0.0.1:%d", port > 0 ? port : emulator->service->port);
    return true;
}

struct psp *payments_psp(struct call *call)
{
    struct payments_state *state = call->state;
    TASK_LOCKED(&state->mutex);
    char url[URL_BYTES_MAX];
    if (state->psp || !find_url(call->host, url))
        return state->psp;
    const struct psp_stripe_config config = {
        .base_url = str_from_cstr(url),
        .secret_key = secret_bytes(state->secrets.secret_key),
        .webhook_secret = secret_bytes(state->secrets.webhook_secret),
        .timeout_ms = state->timeout_ms,
        .client = call->host->http_client,
    };
    int error = psp_stripe_new(&state->psp, &config);
    if (error == 0)
        error = psp_faulty_wrap(&state->psp, call->host->options.faults);
    if (error)
        log_error(&call->log, "the payment provider cannot be reached as configured", LOG_ERR(error));
    return state->psp;
}

static int show_emulator(struct call *call, const char *base_url, const char *origin, Payments__CardField *out)
{
    CLEANUP(buf_free) struct buf url = BUF(CARD_FIELD_URL_BYTES_MAX);
    buf_printf(&url, "%s/card-field?origin=", base_url);
    encode_percent(&url, origin ? str_from_cstr(origin) : host_public_url(call->host));
    TRY(buf_error(&url));
    out->kind = arena_cstr(call->arena, STR("emulator"));
    out->url = arena_cstr(call->arena, buf_str(&url));
    return out->kind && out->url ? 0 : ERR_NO_MEMORY;
}

/* Stripe is reached by https alone; what stands on this machine is an emulator. */
int get_card_field(struct call *call, const Payments__GetCardFieldRequest *in, Payments__CardField *out)
{
    const struct payments_state *state = call->state;
    char url[URL_BYTES_MAX];
    if (!find_url(call->host, url))
        return call_fail(call, ERR_UNAVAILABLE, "provider_unavailable", NULL, "The payment provider is not there yet.");
    if (str_starts_with(str_from_cstr(url), STR("http://")))
        return show_emulator(call, url, in->origin, out);
    out->kind = arena_cstr(call->arena, STR("stripe"));
    if (state->publishable_key.len > 0)
        out->publishable_key = arena_cstr(call->arena, state->publishable_key);
    return out->kind && (out->publishable_key || state->publishable_key.len == 0) ? 0 : ERR_NO_MEMORY;
}

int64_t payments_deadline_ns(struct call *call)
{
    call->must_finish = true;
    return call->deadline_ns;
}

int64_t payments_reconcile_age_ms(struct call *call)
{
    return ((const struct payments_state *)call->state)->reconcile_age_ms;
}

struct str provider_key(struct call *call, const char *step, struct str tenant, struct str id)
{
    return str_from_cstr(arena_printf(call->arena, "%s-%.*s-%.*s", step, STR_FORMAT(tenant), STR_FORMAT(id)));
}

int provider_failed(struct call *call, int error, const struct psp_failure *failure)
{
    if (error == 0 || error == ERR_NO_MEMORY)
        return error;
    log_warning(&call->log, "the payment provider refused a call", LOG_ERR(error),
                LOG_CSTR("provider_code", failure->code));
    if (error_is_retriable(error))
        return call_fail(call, error, "provider_unavailable", NULL,
                         "The payment provider did not answer. Nothing is lost; try again.");
    return call_fail(call, error, "provider_refused", NULL, "The payment provider refused (%s).", failure->code);
}
