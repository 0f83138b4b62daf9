/* What the tests of the catalog's handlers share: a host with the catalog alone, and short ways to its RPCs. */
#pragma once

#include "platform/service/test_host.h"
#include "services/catalog/catalog.h"
#include "services/catalog/test_catalog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct test_host fixture;

static inline int fixture_start(void **state)
{
    static const struct service *const services[] = {&catalog_service, NULL};

    (void)state;
    test_host_start(&fixture, services, NULL);
    return 0;
}

static inline int fixture_end(void **state)
{
    (void)state;
    test_host_end(&fixture);
    return 0;
}

static inline struct call *fixture_call(void)
{
    return test_host_call(&fixture, "catalog");
}

/* The header of somebody who may edit. */
static inline const char *fixture_bearer(unsigned roles)
{
    return test_host_bearer(&fixture, "u1", roles);
}

/* Creates a product of one SKU by RPC; the reply lies in the host's arena. */
static inline Catalog__Product *fixture_create(const struct test_product *product)
{
    return test_catalog_create(&fixture, product);
}

static inline bool fixture_has(struct str text, const char *part)
{
    return str_find(text, str_from_cstr(part)) >= 0;
}

static inline struct test_answer fixture_get(const char *target)
{
    return test_host_http(&fixture, HTTP_GET, target, NULL, NULL);
}

static inline const char *fixture_header(const struct test_answer *answer, const char *name)
{
    return test_host_header(&fixture, answer, name);
}
