/* What identity does before the first request: it fills the process's key ring, its list of blocked tokens and its list
 * of tenants from the database, and makes what a first start needs. */
#include "platform/base/hash.h"
#include "platform/ports/idp/idp_faulty.h"
#include "platform/service/host.h"
#include "services/identity/identity.h"

#include <stdlib.h>

static int read_tenants(struct sql_tx *tx, void *argument)
{
    struct call *call = argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int row;
    TRY(sql_query(tx, &identity_sql_list_tenants, SQL_ARGS(sql_int(TENANTS_MAX)), &rows));
    while ((row = sql_next(rows)) > 0)
        TRY(tenants_add(call->host->tenants, sql_get_text(rows, 0), sql_get_text(rows, 1)));
    return row;
}

static int read_blocks(struct sql_tx *tx, void *argument)
{
    struct call *call = argument;
    struct token_ring *ring = call->host->tokens;
    int64_t now_ms = clock_steady_ms();
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int row;
    TRY(sql_query(tx, &identity_sql_list_token_blocks,
                  SQL_ARGS(sql_int(now_ms - TOKEN_BLOCK_KEPT_MS), sql_int(TOKEN_BLOCKS_MAX)), &rows));
    while ((row = sql_next(rows)) > 0)
        TRY(token_block_session(ring, sql_get_text(rows, 0), sql_get_int(rows, 1), now_ms));
    return row;
}

/* They come from the database's own secret: another use, so another key. */
static void derive_keys(struct call *call, struct identity *identity)
{
    struct str secret = str_from(call->instance->seal_key, sizeof(call->instance->seal_key));

    hash_hmac_sha256(secret, STR("one-time codes"), identity->code_key);
    hash_hmac_sha256(secret, STR("refresh tokens"), identity->refresh_key);
}

int identity_start(struct call *call, void **ret_state)
{
    struct identity *identity = calloc(1, sizeof(*identity));
    if (!identity)
        return ERR_NO_MEMORY;
    task_mutex_init(&identity->mutex);
    derive_keys(call, identity);
    const struct port_config config = host_port_config(call->host, PORT_IDP, NULL);
    char message[512] = "";
    int result = idp_open(&identity->idp, &config, message);
    if (result < 0 && message[0])
        call_fail(call, result, "configuration", NULL, "%s", message);
    if (result == 0)
        result = idp_faulty_wrap(&identity->idp, call->host->options.faults);
    if (result == 0)
        result = call_read(call, read_tenants, call);
    if (result == 0)
        result = call_read(call, read_blocks, call);
    if (result == 0)
        result = identity_refresh_keys(call);
    if (result == 0)
        result = identity_make_first_administrator(call, identity);
    if (result < 0) {
        identity_stop(identity);
        return result;
    }
    *ret_state = identity;
    return 0;
}

void identity_stop(void *state)
{
    struct identity *identity = state;
    if (!identity)
        return;
    idp_free(identity->idp);
    secret_free(identity->first_password);
    explicit_bzero(identity->code_key, sizeof(identity->code_key));
    explicit_bzero(identity->refresh_key, sizeof(identity->refresh_key));
    task_mutex_destroy(&identity->mutex);
    free(identity);
}
