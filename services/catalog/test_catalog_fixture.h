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

/* Cards (cards.h) and the tables that they repeat, line by line: what is in one of them and not in the other; and the
 * words by titles likewise. */
static inline int fixture_count_stale_lines(struct sql_tx *tx, void *argument)
{
    static const struct sql_statement stale = {
        "test_count_stale_lines",
        "WITH told AS (SELECT tenant, place, id, slug, title, brand, category, description, image_url, version, code, "
        "attributes, currency, amount, available FROM card_line), "
        "meant AS (SELECT tenant, place, id, slug, title, brand, category, description, image_url, version, "
        "NULL AS code, NULL AS attributes, NULL AS currency, NULL AS amount, NULL AS available FROM product "
        "UNION ALL SELECT s.tenant, p.place + 1 + s.position, s.id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, s.code, "
        "s.attributes, s.currency, s.amount, t.on_hand - t.reserved "
        "FROM sku s JOIN product p ON p.tenant = s.tenant AND p.id = s.product_id "
        "JOIN stock t ON t.tenant = s.tenant AND t.sku_id = s.id) "
        "SELECT (SELECT count(*) FROM (SELECT * FROM told EXCEPT SELECT * FROM meant) AS a) + "
        "(SELECT count(*) FROM (SELECT * FROM meant EXCEPT SELECT * FROM told) AS b) + "
        "(SELECT count(*) FROM lowest_price l JOIN product p ON p.tenant = l.tenant AND p.id = l.product_id "
        "WHERE l.place <> p.place) + "
        "(SELECT count(*) FROM (SELECT tenant, word, title_key, product_id, place FROM word_by_title EXCEPT "
        "SELECT w.tenant, w.word, p.title_key, p.id, p.place FROM product_word w "
        "JOIN product p ON p.tenant = w.tenant AND p.id = w.product_id) AS c) + "
        "(SELECT count(*) FROM (SELECT w.tenant, w.word, p.title_key, w.product_id, p.place FROM product_word w "
        "LEFT JOIN product p ON p.tenant = w.tenant AND p.id = w.product_id EXCEPT "
        "SELECT tenant, word, title_key, product_id, place FROM word_by_title) AS d)"};
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(tx, &stale, SQL_NO_ARGS, &rows);

    TRY(found);
    *(int64_t *)argument = sql_get_int(rows, 0);
    return 0;
}

/* After whatever the tests of a file did to products and stock, lists show it. */
static inline int fixture_end(void **state)
{
    int64_t stale = -1;

    (void)state;
    if (sql_read(host_instance(fixture.host, "catalog")->db, fixture_count_stale_lines, &stale) || stale != 0) {
        fprintf(stderr, "test catalog: %lld lines of cards and words are not what the tables say\n", (long long)stale);
        exit(1);
    }
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
