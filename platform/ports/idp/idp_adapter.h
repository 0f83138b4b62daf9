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
