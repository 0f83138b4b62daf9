/* Proves that an answer of any length is kept with its key, and found again byte by byte. */
#include "platform/ports/kv/kv.h"
#include "platform/service/idempotency.h"
#include "platform/service/test_host.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define HEAD_BYTES 40
#define ANSWER_BYTES_MAX ((size_t)4 << 20)

extern const struct service catalog_service;

static struct test_host test;

static int start(void **state)
{
    static const struct service *const services[] = {&catalog_service, NULL};

    (void)state;
    test_host_start(&test, services, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    test_host_end(&test);
    return 0;
}

struct keeping {
    struct call *call;
    struct idempotency *record;
    bool is_written;
};

static int run(struct sql_tx *tx, void *argument)
{
    struct keeping *keeping = argument;

    return keeping->is_written ? idempotency_store(keeping->call, tx, keeping->record)
                               : idempotency_find(keeping->call, tx, keeping->record);
}

static struct idempotency record_of(const char *key)
{
    return (struct idempotency){.scope = STR("ann"), .key = str_from_cstr(key), .fingerprint = "the request"};
}

/* Bytes of which no two neighbouring rows hold the same. */
static struct str body_of(size_t len)
{
    unsigned char *bytes = arena_alloc(test.arena, len + 1);

    for (size_t i = 0; i < len; i++)
        bytes[i] = (unsigned char)(i * 31 + i / 251 + len);
    return str_from(bytes, len);
}

static void store(const char *key, struct str body)
{
    struct idempotency record = record_of(key);
    struct keeping keeping = {test_host_call(&test, "catalog"), &record, true};

    record.status = 201;
    record.etag = STR("\"1-00ff\"");
    record.body = body;
    assert_int_equal(sql_write(keeping.call->db, run, &keeping), 0);
}

static struct idempotency find(const char *key)
{
    struct idempotency record = record_of(key);
    struct keeping keeping = {test_host_call(&test, "catalog"), &record, false};

    assert_int_equal(sql_read(keeping.call->db, run, &keeping), 0);
    return record;
}

static void assert_kept(const char *key, struct str body)
{
    struct idempotency found = find(key);

    assert_true(found.replayed);
    assert_int_equal(found.status, 201);
    assert_true(str_equal(found.etag, STR("\"1-00ff\"")));
    assert_true(str_equal(found.body, body));
}

static void test_idempotency__an_answer_of_any_length_is_kept(void **state)
{
    const size_t first_row = KV_VALUE_BYTES_MAX - HEAD_BYTES - STR("\"1-00ff\"").len;
    const size_t lengths[] = {0,
                              1,
                              first_row - 1,
                              first_row,
                              first_row + 1,
                              first_row + KV_VALUE_BYTES_MAX,
                              first_row + KV_VALUE_BYTES_MAX + 1,
                              ANSWER_BYTES_MAX};
    char key[32];

    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct str body = body_of(lengths[i]);

        snprintf(key, sizeof(key), "length-%zu", i);
        assert_false(find(key).replayed);
        store(key, body);
        assert_kept(key, body);
    }
}

/* As Prefer: wait does it. */
static void test_idempotency__an_answer_that_changed_is_kept_as_it_is_now(void **state)
{
    struct str longer = body_of(3 * KV_VALUE_BYTES_MAX), shorter = body_of(KV_VALUE_BYTES_MAX + 1);

    (void)state;
    store("changed", longer);
    store("changed", shorter);
    assert_kept("changed", shorter);
    store("changed", STR("short"));
    assert_kept("changed", STR("short"));
    store("changed", longer);
    assert_kept("changed", longer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idempotency__an_answer_of_any_length_is_kept),
        cmocka_unit_test(test_idempotency__an_answer_that_changed_is_kept_as_it_is_now),
    };

    return cmocka_run_group_tests(tests, start, end);
}
