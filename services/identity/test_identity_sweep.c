/* Proves that the sweep takes away what time has ended, and nothing else. */
#include "platform/service/test_host.h"
#include "services/identity/identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define DAY_MS (INT64_C(24) * 3600 * 1000)

extern const struct service identity_service;

static struct test_host shop;

static int start(void **state)
{
    static const struct service *const services[] = {&identity_service, NULL};
    static char *environment[] = {"SHOPSTREAM_ADMIN_EMAIL=root@example.com", "SHOPSTREAM_ADMIN_PASSWORD=root-password",
                                  NULL};

    (void)state;
    test_host_start(&shop, services, environment);
    return 0;
}

static int end(void **state)
{
    (void)state;
    test_host_end(&shop);
    return 0;
}

struct row {
    const struct sql_statement *statement;
    const char *id;
    int64_t number, time_ms;
};

static int insert(struct sql_tx *tx, void *argument)
{
    const struct row *row = argument;

    return sql_exec(tx, row->statement, SQL_ARGS(sql_cstr(row->id), sql_int(row->number), sql_int(row->time_ms)), NULL);
}

static struct sql_db *database(void)
{
    return host_instance(shop.host, "identity")->db;
}

static void add(const struct sql_statement *statement, const char *id, int64_t number, int64_t time_ms)
{
    struct row row = {statement, id, number, time_ms};

    assert_int_equal(sql_write(database(), insert, &row), 0);
}

struct counting {
    const char *id;
    int64_t count;
};

static int count_rows(struct sql_tx *tx, void *argument)
{
    static const struct sql_statement statement = {
        "test_count",
        "SELECT (SELECT count(*) FROM account WHERE id = $1) + (SELECT count(*) FROM session WHERE id = $1)"
        " + (SELECT count(*) FROM one_time_code WHERE id = $1)"
        " + (SELECT count(*) FROM token_block WHERE session_id = $1)"};
    struct counting *counting = argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;

    assert_int_equal(sql_query_row(tx, &statement, SQL_ARGS(sql_cstr(counting->id)), &rows), 1);
    counting->count = sql_get_int(rows, 0);
    return 0;
}

/* How many rows of any table have the id. */
static int64_t rows_of(const char *id)
{
    struct counting counting = {.id = id};

    assert_int_equal(sql_read(database(), count_rows, &counting), 0);
    return counting.count;
}

static void sweep(void)
{
    assert_int_equal(identity_sweep(test_host_call(&shop, "identity")), 0);
}

static const struct sql_statement insert_account = {
    "test_account", "INSERT INTO account (tenant, id, email, name, credential, roles, email_verified, version, "
                    "created_at_ms) VALUES ('default', $1, $1 || '@example.com', '', '', 1, $2, 1, $3)"};
static const struct sql_statement insert_session = {
    "test_session", "INSERT INTO session (tenant, id, user_id, created_at_ms, last_used_at_ms, expires_at_ms, address, "
                    "user_agent) VALUES ('default', $1, 'kept', $2, $2, $3, '', '')"};
static const struct sql_statement insert_code = {
    "test_code", "INSERT INTO one_time_code (tenant, id, user_id, purpose, hash, credential, name, attempts, "
                 "expires_at_ms) VALUES ('default', $1, 'kept', 'reset', '', '', '', $2, $3)"};
static const struct sql_statement insert_block = {
    "test_block", "INSERT INTO token_block (session_id, until_ms) VALUES ($1, $2 + $3)"};

/* Accounts whose address nobody confirmed go after seven days; those that were confirmed stay, however old. */
static void test_identity_sweep__unverified_accounts_end_after_a_week(void **state)
{
    int64_t now_ms = clock_wall_ms();

    (void)state;
    add(&insert_account, "kept", 1, now_ms - 400 * DAY_MS);
    add(&insert_account, "young", 0, now_ms - 6 * DAY_MS);
    add(&insert_account, "old", 0, now_ms - 8 * DAY_MS);
    sweep();
    assert_int_equal(rows_of("kept"), 1);
    assert_int_equal(rows_of("young"), 1);
    assert_int_equal(rows_of("old"), 0);
}

static void test_identity_sweep__sessions_codes_and_blocks_end_at_their_time(void **state)
{
    static const struct sql_statement *const statements[] = {&insert_session, &insert_code, &insert_block};
    int64_t now_ms = clock_wall_ms();

    (void)state;
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
        const char *over = arena_printf(shop.arena, "over-%zu", i), *good = arena_printf(shop.arena, "good-%zu", i);
        /* A block is there for longer than its tokens: the clock may have been ahead, and go back. */
        int64_t kept_ms = statements[i] == &insert_block ? TOKEN_BLOCK_KEPT_MS : 0;
        add(statements[i], over, 0, now_ms - kept_ms - 1000);
        add(statements[i], good, 0, now_ms - kept_ms + DAY_MS / 24);
        assert_int_equal(rows_of(over), 1);
        sweep();
        assert_int_equal(rows_of(over), 0);
        assert_int_equal(rows_of(good), 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity_sweep__unverified_accounts_end_after_a_week),
        cmocka_unit_test(test_identity_sweep__sessions_codes_and_blocks_end_at_their_time),
    };

    log_configure(2, LOG_LEVEL_NONE, LOG_FORMAT_AUTOMATIC);
    return cmocka_run_group_tests_name("identity_sweep", tests, start, end);
}
