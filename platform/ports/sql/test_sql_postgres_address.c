/* Proves what an address of Postgres opens in the sandbox, and which are refused: all without a server. */
#include "platform/ports/sql/sql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define SAFE "?sslmode=verify-full&sslrootcert=/srv/ca.pem"

/* What libpq would take from it. */
static int forget_environment(void **state)
{
    static const char *const names[] = {"PGHOST",    "PGHOSTADDR",    "PGPORT",   "PGSERVICE",  "PGSSLMODE",
                                        "PGSSLCERT", "PGSSLROOTCERT", "PGSSLKEY", "PGPASSFILE", "PGSSLCRL"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        unsetenv(names[i]);
    return 0;
}

static void expect_ports(const char *url, size_t count, const unsigned short *ports)
{
    struct sql_reach reach;
    char message[512] = "";

    if (sql_get_reach(url, &reach, message) < 0)
        fail_msg("%s: %s", url, message);
    assert_int_equal(reach.port_count, count);
    if (count > 0)
        assert_memory_equal(reach.ports, ports, count * sizeof(ports[0]));
}
#define EXPECT_PORTS(url, ...)                                                                                         \
    expect_ports((url), COUNT_OF(((unsigned short[]){__VA_ARGS__})), (unsigned short[]){__VA_ARGS__})

static void expect_refused(const char *url, const char *why)
{
    struct sql_reach reach;
    char message[512] = "";

    assert_int_equal(sql_get_reach(url, &reach, message), ERR_INVALID);
    if (!strstr(message, why) || strstr(message, "s3cret"))
        fail_msg("%s: %s", url, message);
}

static void test_sql_postgres_address__its_ports_are_told(void **state)
{
    (void)state;
    expect_ports("sqlite:", 0, NULL);
    EXPECT_PORTS("postgres://shop:s3cret@127.0.0.1/shop", 5432);
    EXPECT_PORTS("postgresql://shop:s3cret@[::1]:6000/shop", 6000);
    EXPECT_PORTS("postgres://shop:s3cret@127.0.0.1:6000,127.0.0.2:6001/shop", 6000, 6001);
    EXPECT_PORTS("postgres://shop:s3cret@127.0.0.1:6000,127.0.0.2/shop", 6000, 5432);
    EXPECT_PORTS("postgres://shop:s3cret@10.0.0.1:6000/shop" SAFE, 6000);
    /* What is a name is looked up. */
    EXPECT_PORTS("postgres://shop:s3cret@localhost:6000/shop", 6000, 53);
    EXPECT_PORTS("postgres://shop:s3cret@db.internal:6000/shop" SAFE, 6000, 53);
    EXPECT_PORTS("postgres://shop:s3cret@db.internal:6000/shop" SAFE "&hostaddr=10.0.0.1", 6000);
}

static void test_sql_postgres_address__what_the_environment_adds_counts(void **state)
{
    (void)state;
    setenv("PGPORT", "7000", 1);
    EXPECT_PORTS("postgres://shop@127.0.0.1/shop", 7000);
    EXPECT_PORTS("postgres://shop@127.0.0.1:6000/shop", 6000);
    setenv("PGHOSTADDR", "10.0.0.1", 1);
    expect_refused("postgres://shop@127.0.0.1/shop", "another machine");
    setenv("PGSSLMODE", "verify-full", 1);
    EXPECT_PORTS("postgres://shop@127.0.0.1/shop", 7000);
}

static void test_sql_postgres_address__its_files_are_told(void **state)
{
    struct sql_reach reach;
    char message[512];

    (void)state;
    assert_int_equal(sql_get_reach("postgres://shop@10.0.0.1/shop" SAFE "&passfile=/srv/pass%20file", &reach, message),
                     0);
    assert_int_equal(reach.file_count, 2);
    assert_string_equal(reach.files[0], "/srv/ca.pem");
    assert_string_equal(reach.files[1], "/srv/pass file");
}

static void test_sql_postgres_address__what_leaves_the_machine_is_verified(void **state)
{
    static const char *const urls[] = {"postgres://shop:s3cret@10.0.0.1/shop",
                                       "postgres://shop:s3cret@db.internal/shop?sslmode=require",
                                       "postgres://shop:s3cret@db.internal/shop?sslmode=verify-ca",
                                       "postgres://shop:s3cret@127.0.0.1,10.0.0.1/shop",
                                       "postgres://shop:s3cret@127.example.com/shop",
                                       "postgres://shop:s3cret@127.0.0.1/shop?hostaddr=10.0.0.1"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(urls); i++)
        expect_refused(urls[i], "?sslmode=verify-full&sslrootcert=FILE");
}

static void test_sql_postgres_address__a_unix_socket_is_refused(void **state)
{
    static const char *const urls[] = {
        "postgres:///shop?user=shop&password=s3cret", "postgres:///shop?host=/run/postgresql&password=s3cret",
        "postgres://shop:s3cret@%2Frun%2Fpostgresql/shop", "postgres://shop:s3cret@127.0.0.1,/shop"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(urls); i++)
        expect_refused(urls[i], "must name a host");
}

static void test_sql_postgres_address__what_is_no_address_is_not_told(void **state)
{
    static const char *const urls[] = {"postgres://shop:s3cret%zz@127.0.0.1/shop",
                                       "postgres://shop:a@s3cret@127.0.0.1/shop",
                                       "postgres://shop:s3cret@127.0.0.1/shop?nosuch=1"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(urls); i++)
        expect_refused(urls[i], "postgres://USER:PASSWORD@HOST");
    expect_refused("postgres://shop:s3cret@127.0.0.1:70000/shop", "no port");
    expect_refused("nosuch:", "no adapter");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, forget_environment)
    const struct CMUnitTest tests[] = {
        TEST(test_sql_postgres_address__its_ports_are_told),
        TEST(test_sql_postgres_address__what_the_environment_adds_counts),
        TEST(test_sql_postgres_address__its_files_are_told),
        TEST(test_sql_postgres_address__what_leaves_the_machine_is_verified),
        TEST(test_sql_postgres_address__a_unix_socket_is_refused),
        TEST(test_sql_postgres_address__what_is_no_address_is_not_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
