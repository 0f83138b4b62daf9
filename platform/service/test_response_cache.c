/* Proves that the response cache never keeps what may be stale, forgets by what an answer shows, and stays within its
 * bytes by forgetting what was not used for longest. */
#include "platform/service/response_cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define BYTES_MAX ((size_t)64 << 10)

static struct response_cache *cache;

static int start(void **state)
{
    (void)state;
    cache = response_cache_new(BYTES_MAX);
    return cache ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    response_cache_free(cache);
    return 0;
}

static uint64_t product(const char *id)
{
    return response_cache_tag(cache, STR("default"), STR("product.events"), str_from_cstr(id));
}

/* Keeps size bytes of the letter under the key, filed under the tags. */
static void keep(const char *key, uint64_t epoch, const uint64_t *tags, size_t tag_count, char letter, size_t size)
{
    char *bytes = malloc(size);

    assert_non_null(bytes);
    memset(bytes, letter, size);
    struct cached_response response = {
        .head = http_blob_new(STR("ETag: 1\r\n")), .body = http_blob_new(str_from(bytes, size)), .etag = "1"};
    response_cache_put(cache, str_from_cstr(key), epoch, tags, tag_count, &response);
    http_blob_unref(response.head);
    http_blob_unref(response.body);
    free(bytes);
}

/* The first letter of what is kept under the key; 0 when nothing is. */
static char kept(const char *key)
{
    struct cached_response response;

    if (!response_cache_get(cache, str_from_cstr(key), &response))
        return 0;
    char letter = http_blob_bytes(response.body).ptr[0];
    assert_string_equal(response.etag, "1");
    http_blob_unref(response.head);
    http_blob_unref(response.body);
    return letter;
}

static void test_response_cache__an_event_drops_what_shows_its_aggregate(void **state)
{
    uint64_t both[] = {product("a"), product("b")}, one[] = {product("b")}, epoch = response_cache_epoch(cache);

    (void)state;
    keep("list", epoch, both, 2, 'l', 10);
    keep("detail", epoch, one, 1, 'd', 10);
    assert_int_equal(kept("list"), 'l');
    response_cache_drop(cache, product("a"));
    assert_int_equal(kept("list"), 0);
    assert_int_equal(kept("detail"), 'd');
    response_cache_drop(cache, product("b"));
    assert_int_equal(kept("detail"), 0);
    struct response_cache_stats stats;
    response_cache_get_stats(cache, &stats);
    assert_int_equal(stats.entries, 0);
    assert_int_equal(stats.bytes, 0);
    assert_int_equal(stats.drops, 2);
    assert_int_equal(stats.hits, 2);
    assert_int_equal(stats.misses, 2);
}

/* The data was read before the change, and comes to be kept after it: it would show the past for ever. */
static void test_response_cache__an_answer_from_before_a_change_is_not_kept(void **state)
{
    uint64_t tag = product("a"), other = product("b"), epoch = response_cache_epoch(cache);
    struct response_cache_stats stats;

    (void)state;
    response_cache_drop(cache, tag);
    keep("late", epoch, &tag, 1, 'o', 10);
    assert_int_equal(kept("late"), 0);
    keep("other", epoch, &other, 1, 'n', 10);
    assert_int_equal(kept("other"), 'n');
    keep("late", response_cache_epoch(cache), &tag, 1, 'n', 10);
    assert_int_equal(kept("late"), 'n');
    response_cache_get_stats(cache, &stats);
    assert_int_equal(stats.refused, 1);
}

static void test_response_cache__tags_are_of_one_tenant_and_kind(void **state)
{
    uint64_t tag = product("a"), epoch = response_cache_epoch(cache);

    (void)state;
    keep("list", epoch, &tag, 1, 'l', 10);
    response_cache_drop(cache, response_cache_tag(cache, STR("acme"), STR("product.events"), STR("a")));
    response_cache_drop(cache, response_cache_tag(cache, STR("default"), STR("product.created"), STR("a")));
    assert_int_equal(kept("list"), 'l');
}

static void test_response_cache__the_newest_of_a_key_is_kept(void **state)
{
    uint64_t old_tag = product("a"), new_tag = product("b"), epoch = response_cache_epoch(cache);

    (void)state;
    keep("list", epoch, &old_tag, 1, '1', 10);
    keep("list", epoch, &new_tag, 1, '2', 10);
    assert_int_equal(kept("list"), '2');
    response_cache_drop(cache, old_tag); /* of the one that was replaced */
    assert_int_equal(kept("list"), '2');
}

static void test_response_cache__what_was_not_used_for_longest_leaves_first(void **state)
{
    uint64_t tag = product("a"), epoch = response_cache_epoch(cache);
    struct response_cache_stats stats;
    char key[16];

    (void)state;
    keep("used", epoch, &tag, 1, 'u', BYTES_MAX / 5);
    keep("unused", epoch, &tag, 1, 'x', BYTES_MAX / 5);
    for (int i = 0; i < 10; i++) {
        snprintf(key, sizeof(key), "more-%d", i);
        keep(key, epoch, &tag, 1, 'm', BYTES_MAX / 5);
        assert_int_equal(kept("used"), 'u');
        response_cache_get_stats(cache, &stats);
        assert_true(stats.bytes <= BYTES_MAX);
    }
    assert_int_equal(kept("unused"), 0);
    assert_int_equal(kept("more-9"), 'm');
}

/* One answer must not push out all others. */
static void test_response_cache__what_is_too_large_is_not_kept(void **state)
{
    uint64_t tag = product("a"), epoch = response_cache_epoch(cache);

    (void)state;
    keep("small", epoch, &tag, 1, 's', 10);
    keep("large", epoch, &tag, 1, 'l', BYTES_MAX / 4 + 1);
    assert_int_equal(kept("large"), 0);
    assert_int_equal(kept("small"), 's');
}

/* Whoever is reading while everything is cleared must not bring the past back. */
static void test_response_cache__cleared_it_is_empty_and_takes_nothing_older(void **state)
{
    uint64_t tag = product("a"), epoch = response_cache_epoch(cache);

    (void)state;
    keep("one", epoch, &tag, 1, '1', 10);
    response_cache_clear(cache);
    assert_int_equal(kept("one"), 0);
    keep("one", epoch, &tag, 1, '1', 10);
    assert_int_equal(kept("one"), 0);
    keep("one", response_cache_epoch(cache), &tag, 1, '1', 10);
    assert_int_equal(kept("one"), '1');
}

/* What was given out outlives its place in the cache. */
static void test_response_cache__an_answer_outlives_its_entry(void **state)
{
    uint64_t tag = product("a");
    struct cached_response response;

    (void)state;
    keep("one", response_cache_epoch(cache), &tag, 1, '1', 10);
    assert_true(response_cache_get(cache, STR("one"), &response));
    response_cache_drop(cache, tag);
    assert_int_equal(http_blob_bytes(response.body).ptr[9], '1');
    http_blob_unref(response.head);
    http_blob_unref(response.body);
}

#define EMPTY(test) cmocka_unit_test_setup_teardown(test, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EMPTY(test_response_cache__an_event_drops_what_shows_its_aggregate),
        EMPTY(test_response_cache__an_answer_from_before_a_change_is_not_kept),
        EMPTY(test_response_cache__tags_are_of_one_tenant_and_kind),
        EMPTY(test_response_cache__the_newest_of_a_key_is_kept),
        EMPTY(test_response_cache__what_was_not_used_for_longest_leaves_first),
        EMPTY(test_response_cache__what_is_too_large_is_not_kept),
        EMPTY(test_response_cache__cleared_it_is_empty_and_takes_nothing_older),
        EMPTY(test_response_cache__an_answer_outlives_its_entry),
    };

    return cmocka_run_group_tests_name("response_cache", tests, NULL, NULL);
}
