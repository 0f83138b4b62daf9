/* What the tests of the catalog's handlers share: a host with the catalog alone, and short ways to its RPCs. */
#pragma once

#include "platform/service/test_host.h"
#include "platform/ports/clock/clock.h"
#include "platform/service/token.h"
#include "services/catalog/catalog.h"

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
    CLEANUP(buf_free) struct buf pem = BUF(1 << 16);
    struct token_claims claims = {.user_id = "u1",
                                  .session_id = "s1",
                                  .token_id = "t1",
                                  .tenant = TENANT_DEFAULT,
                                  .roles = roles,
                                  .issued_at_s = clock_wall_ms() / 1000,
                                  .expires_at_s = clock_wall_ms() / 1000 + 500};
    char kid[TOKEN_KID_BYTES];
    struct str token;

    if (token_sign(fixture.host->tokens, fixture.arena, &claims, &token) != 0) {
        assert_int_equal(token_key_generate(&pem), 0);
        assert_int_equal(token_ring_add_private(fixture.host->tokens, buf_str(&pem), kid), 0);
        assert_int_equal(token_ring_set_signer(fixture.host->tokens, str_from_cstr(kid)), 0);
        assert_int_equal(token_sign(fixture.host->tokens, fixture.arena, &claims, &token), 0);
    }
    return arena_printf(fixture.arena, "Bearer %.*s", STR_FORMAT(token));
}

struct fixture_product {
    const char *title, *brand, *category, *code, *description;
    int64_t amount;
    int64_t available;
    Catalog__SkuPrice **prices;
    size_t price_count;
};

/* Creates a product of one SKU by RPC; the reply lies in the host's arena. */
static inline Catalog__Product *fixture_create(const struct fixture_product *product)
{
    Catalog__CreateProductRequest in = CATALOG__CREATE_PRODUCT_REQUEST__INIT;
    Catalog__NewSku sku = CATALOG__NEW_SKU__INIT, *skus[] = {&sku};
    Common__Money price = COMMON__MONEY__INIT;
    Catalog__Product *out = arena_alloc(fixture.arena, sizeof(*out));
    struct call *call = fixture_call();

    price.has_amount = true;
    price.amount = product->amount;
    price.currency = (char *)"EUR";
    sku.code = (char *)product->code;
    sku.has_available = true;
    sku.available = product->available;
    sku.prices = product->prices;
    sku.n_prices = product->price_count;
    in.title = (char *)product->title;
    in.brand = (char *)product->brand;
    in.category = (char *)(product->category ? product->category : "things");
    in.description = (char *)product->description;
    in.price = &price;
    in.skus = skus;
    in.n_skus = 1;
    catalog__product__init(out);
    int error = catalog_create_product(call, &in, out);
    if (error)
        print_error("create: %s\n", call->problem.detail);
    assert_int_equal(error, 0);
    return out;
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
    for (size_t i = 0; i < answer->response.header_count; i++)
        if (str_equal_nocase(answer->response.headers[i].name, str_from_cstr(name)))
            return arena_cstr(fixture.arena, answer->response.headers[i].value);
    return NULL;
}
