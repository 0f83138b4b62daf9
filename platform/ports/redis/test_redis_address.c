/* Addresses of Redis: what they say, and that what is wrong with one is told without a word of it. */
#include "platform/ports/redis/redis_address.h"

#include "platform/base/test_folder.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static char message[REDIS_MESSAGE_BYTES];

static void test_redis_address__says_all_of_it(void **state)
{
    (void)state;
    struct redis_address address;
    assert_int_equal(redis_address_parse(PORT_CACHE,
                                         "rediss://shop:s%40cret@redis.example:7000/3?ca_file=/etc/ssl/a%20b.pem",
                                         &address, message),
                     0);
    assert_string_equal(address.host, "redis.example");
    assert_int_equal(address.port, 7000);
    assert_int_equal(address.database, 3);
    assert_true(str_equal_cstr(secret_bytes(address.user), "shop"));
    assert_true(str_equal_cstr(secret_bytes(address.password), "s@cret"));
    assert_string_equal(address.authorities_path, "/etc/ssl/a b.pem");
    assert_true(address.has_tls);
    redis_address_free(&address);
}

static void test_redis_address__most_may_be_left_out(void **state)
{
    (void)state;
    struct redis_address address;
    assert_int_equal(redis_address_parse(PORT_CACHE, "redis://[::1]", &address, message), 0);
    assert_string_equal(address.host, "::1");
    assert_int_equal(address.port, REDIS_PORT_DEFAULT);
    assert_int_equal(address.database, 0);
    assert_null(address.user);
    assert_null(address.password);
    assert_false(address.has_tls);
    redis_address_free(&address);
    assert_int_equal(redis_address_parse(PORT_CACHE, "redis://:s3cret@127.0.0.1", &address, message), 0);
    assert_null(address.user);
    assert_true(str_equal_cstr(secret_bytes(address.password), "s3cret"));
    redis_address_free(&address);
}

static void test_redis_address__what_is_none_is_not_told(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "redis://",
        "redis:s3cret",
        "redis://shop:s3cret",
        "redis://shop:s3cret@",
        "redis://shop:a@s3cret@127.0.0.1",
        "redis://shop:s3cret#more@127.0.0.1",
        "redis://shop:s3cret%zz@127.0.0.1:port",
        "redis://shop:s3cret@127.0.0.1:0",
        "redis://shop:s3cret@127.0.0.1:65536",
        "redis://shop:s3cret@127.0.0.1/-1",
        "redis://shop:s3cret@127.0.0.1/one",
        "redis://shop:s3cret@127.0.0.1/99999999999999999999",
        "redis://shop:s3cret@127.0.0.1?nosuch=1",
        "rediss://shop:s3cret@redis.example?nosuch=1",
        "redis://shop:s3cret@127.0.0.1?password_file",
        "redis://shop:s3cret@127.0.0.1?password_file=",
        "redis://shop:s3cret@127.0.0.1?password_file=/also",
        "redis://shop:s3cret@127.0.0.1?ca_file=/without/tls",
    };
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct redis_address address;
        message[0] = '\0';
        if (redis_address_parse(PORT_STREAM, urls[i], &address, message) != ERR_INVALID)
            fail_msg("%s is taken", urls[i]);
        assert_non_null(strstr(message, "SHOPSTREAM_STREAM_URL"));
        assert_null(strstr(message, "s3cret"));
    }
}

/* In plain text a password, and what is kept there, would be anybody's on the way. */
static void test_redis_address__other_machines_are_reached_by_tls(void **state)
{
    (void)state;
    struct redis_address address;
    struct redis_reach reach;
    assert_int_equal(redis_address_parse(PORT_CACHE, "redis://:s3cret@redis.example", &address, message), ERR_INVALID);
    assert_non_null(strstr(message, "SHOPSTREAM_CACHE_URL names another machine"));
    assert_null(strstr(message, "s3cret"));
    assert_int_equal(redis_get_reach(PORT_CACHE, "redis://:s3cret@10.0.0.1", &reach, message), ERR_INVALID);
    assert_int_equal(redis_address_parse(PORT_CACHE, "rediss://:s3cret@redis.example", &address, message), 0);
    redis_address_free(&address);
}

static void test_redis_address__what_it_needs_is_known_before(void **state)
{
    (void)state;
    struct redis_reach reach;
    assert_int_equal(redis_get_reach(PORT_CACHE, "memory:", &reach, message), 0);
    assert_int_equal(reach.port_count + reach.file_count, 0);
    assert_int_equal(redis_get_reach(PORT_CACHE, "redis://127.0.0.1:7000", &reach, message), 0);
    assert_int_equal(reach.port_count, 1);
    assert_int_equal(reach.ports[0], 7000);
    assert_int_equal(redis_get_reach(PORT_CACHE, "rediss://redis.example?password_file=/a&ca_file=/b", &reach, message),
                     0);
    assert_int_equal(reach.port_count, 2);
    assert_int_equal(reach.ports[1], 53);
    assert_int_equal(reach.file_count, 2);
    assert_string_equal(reach.files[0], "/a");
    assert_string_equal(reach.files[1], "/b");
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void test_redis_address__a_password_may_be_in_a_file(void **state)
{
    (void)state;
    char folder[TEST_FOLDER_BYTES], path[TEST_FOLDER_BYTES + 16], url[2 * TEST_FOLDER_BYTES];
    struct redis_address address;
    struct secret *password;
    test_folder_make(folder);
    snprintf(path, sizeof(path), "%s/password", folder);
    snprintf(url, sizeof(url), "redis://localhost?password_file=%s", path);
    assert_int_equal(redis_address_parse(PORT_CACHE, url, &address, message), 0);
    assert_int_equal(redis_address_read_password(&address, &password, message), ERR_UNAVAILABLE);
    assert_non_null(strstr(message, path));
    write_file(path, "first\r\n");
    assert_int_equal(redis_address_read_password(&address, &password, message), 0);
    assert_true(str_equal_cstr(secret_bytes(password), "first"));
    secret_free(password);
    write_file(path, "second");
    assert_int_equal(redis_address_read_password(&address, &password, message), 0);
    assert_true(str_equal_cstr(secret_bytes(password), "second"));
    secret_free(password);
    write_file(path, "\n");
    assert_int_equal(redis_address_read_password(&address, &password, message), ERR_UNAVAILABLE);
    redis_address_free(&address);
    test_folder_remove(folder);
}

static void test_redis_address__authorities_that_cannot_be_read_are_named(void **state)
{
    (void)state;
    struct redis_address address;
    SSL_CTX *context = NULL;
    assert_int_equal(redis_address_parse(PORT_CACHE, "rediss://host?ca_file=/nonexistent/ca.pem", &address, message),
                     0);
    assert_int_equal(redis_address_make_tls(&address, &context, message), ERR_UNAVAILABLE);
    assert_null(context);
    assert_non_null(strstr(message, "/nonexistent/ca.pem"));
    redis_address_free(&address);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_redis_address__says_all_of_it),
        cmocka_unit_test(test_redis_address__most_may_be_left_out),
        cmocka_unit_test(test_redis_address__what_is_none_is_not_told),
        cmocka_unit_test(test_redis_address__other_machines_are_reached_by_tls),
        cmocka_unit_test(test_redis_address__what_it_needs_is_known_before),
        cmocka_unit_test(test_redis_address__a_password_may_be_in_a_file),
        cmocka_unit_test(test_redis_address__authorities_that_cannot_be_read_are_named),
    };
    return cmocka_run_group_tests_name("redis address", tests, NULL, NULL);
}
