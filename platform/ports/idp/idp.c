#include "platform/ports/idp/idp_adapter.h"

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
