/* What an adapter of the idp port implements: idp.h's functions in the same words. idp.c has checked the sizes. */
#pragma once

#include "platform/ports/idp/idp.h"

#define IDP_ADAPTER_VERSION 1

struct idp_adapter {
    unsigned version;
    void (*free)(struct idp *idp);
    int (*enrol)(struct idp *idp, struct arena *arena, struct str subject, struct str password, int64_t deadline_ns,
                 struct str *ret_credential);
    int (*check)(struct idp *idp, struct str subject, struct str credential, struct str password, int64_t deadline_ns,
                 bool *ret_matches);
    bool (*is_outdated)(struct idp *idp, struct str credential);
};

/* The first member of each adapter's own struct. */
struct idp {
    const struct idp_adapter *adapter;
};

/* argon2id in this process. */
int idp_argon2_open(struct idp **ret_idp, const struct port_config *config, char ret_message[512]);

struct idp_argon2_config {
    uint32_t memory_kib; /* 0: 19456 (19 MiB) */
    uint32_t passes;     /* 0: 2 */
    uint32_t lanes;      /* 0: 1 */
};

/* config NULL: OWASP's parameters. Others are for tests, and for a change of mind: idp_is_outdated finds credentials of
 * before it. ERR_INVALID for parameters that argon2 does not take. */
int idp_argon2_new(struct idp **ret_idp, const struct idp_argon2_config *config);
