/* Holds every service's table to what all of them promise. */
#include "platform/net/server.h"
#include "platform/ports/sql/test_database.h"
#include "platform/service/host.h"
#include "services/services.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The rows that change something and take no Idempotency-Key, and why. */
static const struct exception {
    const char *service, *path, *reason;
} exceptions[] = {
    {"identity", "/v1/signup", "sign-in route: a second try says the same, and mails no second account"},
    {"identity", "/v1/verify", "sign-in route: its code works once"},
    {"identity", "/v1/login", "sign-in route: a recorded answer would be tokens"},
    {"identity", "/v1/refresh",
     "sign-in route: a token used twice must be seen, and a recorded answer would be tokens"},
    {"identity", "/v1/password/forgot", "sign-in route: its answer says nothing that could differ"},
    {"identity", "/v1/password/reset", "sign-in route: its code works once; no digest of a password is to be kept"},
    {"identity", "/v1/password/change", "sign-in route: no digest of a password is to be kept"},
    {"shell", "/session", "sign-in route; signing out twice is signing out"},
    {"shell", "/session/refresh", "sign-in route: what is recorded is no cookie, and two of them may come at once"},
    {"realtime", "/v1/tickets", "a recorded answer would be a ticket; one that is not used is gone in 30 seconds"},
    {"payments", "/v1/webhooks/stripe", "the provider's events carry an id of their own, which is what is remembered"},
};

#define LARGE_BODIES_MIN 8 /* that the limit of all bodies must have room for */
#define EXCEPTIONS (sizeof(exceptions) / sizeof(exceptions[0]))

static bool changes_something(const struct route *route)
{
    return route->method && strcmp(route->method, "GET") != 0 && strcmp(route->method, "HEAD") != 0;
}

static const struct exception *find_exception(const struct service *service, const struct route *route)
{
    for (size_t i = 0; i < EXCEPTIONS; i++) {
        if (strcmp(exceptions[i].service, service->name) == 0 && strcmp(exceptions[i].path, route->path) == 0)
            return &exceptions[i];
    }
    return NULL;
}

/* A service on a listener of its own speaks a foreign API, with that API's rules. */
static void test_services__whatever_changes_something_takes_an_idempotency_key(void **state)
{
    (void)state;
    bool is_used[EXCEPTIONS] = {false};

    for (const struct service *const *service = all_services; *service; service++) {
        if ((*service)->own_listener)
            continue;
        for (const struct route *route = (*service)->routes; route->rpc || route->raw; route++) {
            const struct exception *exception = route->method ? find_exception(*service, route) : NULL;

            if (exception)
                is_used[exception - exceptions] = true;
            if (changes_something(route) && !route->idempotent && !exception)
                fail_msg("%s %s of %s takes no Idempotency-Key", route->method, route->path, (*service)->name);
            if (exception && route->idempotent)
                fail_msg("%s %s of %s is no exception any more", route->method, route->path, (*service)->name);
        }
    }
    for (size_t i = 0; i < EXCEPTIONS; i++) {
        if (!is_used[i])
            fail_msg("%s has no %s any more", exceptions[i].service, exceptions[i].path);
    }
}

/* -- Bodies -------------------------------------------------------------------------------------------------------- */

static void check_body(const struct service *service, const struct route *route)
{
    const char *path = route->path ? route->path : route->rpc->name;

    if (route->rpc && (route->takes || route->gives || route->gives_message))
        fail_msg("%s of %s: the messages of its method say what it takes and gives", path, service->name);
    if (route->gives && route->gives_message)
        fail_msg("%s of %s gives two things", path, service->name);
    if (route->body_bytes_max == 0)
        return;
    if (route->auth == AUTH_ANYONE || route->auth == AUTH_SHOPPER)
        fail_msg("%s of %s keeps a large body for anybody", path, service->name);
    if (route->body_bytes_max <= http_limits_default.body_bytes_max ||
        route->body_bytes_max > http_limits_default.bodies_bytes_max / LARGE_BODIES_MIN)
        fail_msg("%s of %s takes a body of %zu bytes", path, service->name, route->body_bytes_max);
}

/* A row that takes more than others do is for people who are known, several at a time; and what a raw row says of its
 * bodies, nobody else says. */
static void test_services__a_large_body_is_for_who_may_call(void **state)
{
    (void)state;
    for (const struct service *const *service = all_services; *service; service++) {
        for (const struct route *route = (*service)->routes; route->rpc || route->raw; route++)
            check_body(*service, route);
    }
}

/* -- Calls of each other ------------------------------------------------------------------------------------------- */

static void test_services__a_service_calls_others_that_there_are(void **state)
{
    size_t checked = 0;

    (void)state;
    for (const struct service *const *service = all_services; *service; service++) {
        for (const char *const *name = (*service)->calls; name && *name; name++, checked++) {
            if (!service_find(str_from_cstr(*name)) || strcmp(*name, (*service)->name) == 0)
                fail_msg("%s says that it calls %s", (*service)->name, *name);
        }
    }
    assert_true(checked > 0);
}

static void check_idempotency(const struct service *service, const struct route *route)
{
    bool reads = route->rpc->idempotency == RPC_NO_SIDE_EFFECTS;

    if (route->method && reads != (strcmp(route->method, "GET") == 0))
        fail_msg("%s of %s: the schema and the row do not agree on whether it changes something", route->rpc->name,
                 service->name);
    if (reads && route->tx == TX_WRITE)
        fail_msg("%s of %s has no side effects and a write transaction", route->rpc->name, service->name);
}

/* What a client may call twice, by the schema, is what a row only reads, or what may be repeated. */
static void test_services__what_has_no_side_effects_is_a_read(void **state)
{
    (void)state;
    for (const struct service *const *service = all_services; *service; service++) {
        for (const struct route *route = (*service)->routes; route->rpc || route->raw; route++) {
            if (route->rpc)
                check_idempotency(*service, route);
        }
    }
}

/* -- Personal data ------------------------------------------------------------------------------------------------- */

static bool has_column(const struct sql_table *table, struct str name)
{
    for (size_t i = 0; i < table->column_count; i++) {
        if (str_equal_cstr(name, table->columns[i]))
            return true;
    }
    return false;
}

static int check_personal_data(struct sql_tx *tx, void *argument)
{
    const struct service *service = argument;
    struct sql_table *tables;
    size_t count;

    TRY(sql_list_tables(tx, sql_tx_arena(tx), &tables, &count));
    for (const struct personal_data *row = service->personal_data; row->table; row++) {
        const struct sql_table *table = NULL;
        struct str rest = str_from_cstr(row->columns), name;

        for (size_t i = 0; i < count; i++)
            table = strcmp(tables[i].name, row->table) == 0 ? &tables[i] : table;
        if (!table)
            fail_msg("%s has no table %s", service->name, row->table);
        if (!has_column(table, str_from_cstr(row->subject_column)))
            fail_msg("%s.%s has no column %s", service->name, row->table, row->subject_column);
        while (str_next_token(&rest, ',', &name)) {
            if (!has_column(table, str_trim(name)))
                fail_msg("%s.%s has no column %.*s", service->name, row->table, STR_FORMAT(str_trim(name)));
        }
    }
    return 0;
}

/* What is said to hold personal data is there under that name. */
static void test_services__personal_data_is_where_the_tables_say(void **state)
{
    size_t checked = 0;

    (void)state;
    for (const struct service *const *service = all_services; *service; service++) {
        struct test_database database = {0};

        if (!(*service)->personal_data)
            continue;
        assert_int_equal(test_database_open(&database, "none", NULL, 0), 0);
        assert_int_equal(host_migrate(*service, database.db, database.message), 0);
        assert_int_equal(sql_read(database.db, check_personal_data, (void *)(uintptr_t)*service), 0);
        test_database_close(&database);
        checked++;
    }
    assert_true(checked > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_services__whatever_changes_something_takes_an_idempotency_key),
        cmocka_unit_test(test_services__a_large_body_is_for_who_may_call),
        cmocka_unit_test(test_services__a_service_calls_others_that_there_are),
        cmocka_unit_test(test_services__what_has_no_side_effects_is_a_read),
        cmocka_unit_test(test_services__personal_data_is_where_the_tables_say),
    };

    return cmocka_run_group_tests_name("services", tests, NULL, NULL);
}
