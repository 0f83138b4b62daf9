#include "platform/ports/idp/idp_adapter.h"

/* One row an adapter. */
static const struct {
    struct port_scheme scheme;
    int (*open)(struct idp **ret_idp, const struct port_config *config, char ret_message[512]);
} adapters[] = {
    {{"argon2id"}, idp_argon2_open},
    {{NULL}, NULL},
};

int idp_open(struct idp **ret_idp, const struct port_config *config, char ret_message[512])
{
    int row = port_find(PORT_IDP, config->url, adapters, sizeof(adapters[0]), ret_message);

    TRY(row);
    TRY(adapters[row].open(ret_idp, config, ret_message));
    ASSERT((*ret_idp)->adapter->version == IDP_ADAPTER_VERSION);
    return 0;
}

void idp_free(struct idp *idp)
{
    if (idp)
        idp->adapter->free(idp);
}

int idp_enrol(struct idp *idp, struct arena *arena, struct str subject, struct str password, int64_t deadline_ns,
              struct str *ret_credential)
{
    if (password.len > IDP_PASSWORD_BYTES_MAX)
        return ERR_INVALID;
    return idp->adapter->enrol(idp, arena, subject, password, deadline_ns, ret_credential);
}

int idp_check(struct idp *idp, struct str subject, struct str credential, struct str password, int64_t deadline_ns,
              bool *ret_matches)
{
    if (password.len > IDP_PASSWORD_BYTES_MAX)
        return ERR_INVALID;
    if (credential.len >= IDP_CREDENTIAL_BYTES_MAX)
        return ERR_CORRUPT;
    return idp->adapter->check(idp, subject, credential, password, deadline_ns, ret_matches);
}

bool idp_is_outdated(struct idp *idp, struct str credential)
{
    return idp->adapter->is_outdated(idp, credential);
}
