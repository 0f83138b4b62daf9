/* What only the Postgres adapter has: connections and servers that are lost in the middle, transactions that stand in
 * each other's way, and a server that is not there, not ours, or not the one that it says it is.
 *
 * Run by the suite tests/engines/postgres, which starts the server again whenever this kills it, and says by
 * SHOPSTREAM_TEST_POSTGRES_CERTIFICATES in which folder the server's authority (ca.pem) and a stranger's (other.pem)
 * are. */
#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/sql/sql_postgres.h"
#include "platform/ports/sql/test_database.h"
#include "platform/ports/sql/test_sql_items.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>

#include <cmocka.h>

#define WRITERS 16
#define WAIT_MAX_NS (60 * CLOCK_NS_PER_S)
#define TERMINATIONS 30
#define KILLS 3

/* The first value of what a statement of the test's own gives, in a session of its own; NULL where there is none. The
 * caller frees it. */
static char *ask(const char *text)
{
    PGconn *handle = PQconnectdb(getenv(TEST_POSTGRES_VARIABLE));
    PGresult *result = PQexec(handle, text);
    char *answer = PQntuples(result) > 0 ? strdup(PQgetvalue(result, 0, 0)) : NULL;
    PQclear(result);
    PQfinish(handle);
    return answer;
}

/* -- Losing what one stands on ------------------------------------------------------------------------------------ */

/* Each write adds a row and one to the quantity of the row "sum", which is wrong by whatever was done twice or half. */
struct adder {
    struct sql_db *db;
    unsigned number, made, acknowledged;
    atomic_bool *is_over;
};

static int add_one(struct sql_tx *tx, void *argument)
{
    struct item *item = argument;
    int64_t changed = 0;
    TRY(insert_item(tx, item));
    TRY(sql_exec(tx, &ports_sql_test_update, SQL_ARGS(sql_cstr("sum"), sql_int(1)), &changed));
    return changed == 1 ? 0 : ERR_CORRUPT;
}

static void add_until_over(void *argument)
{
    struct adder *adder = argument;
    while (!*adder->is_over) {
        char id[32];
        snprintf(id, sizeof(id), "%u-%u", adder->number, adder->made++);
        struct item item = {.id = id, .quantity = 0};
        int result = sql_write(adder->db, add_one, &item);
        if (result == 0)
            adder->acknowledged++;
        else
            assert_int_equal(result, ERR_UNAVAILABLE);
    }
}

static void terminate_sessions(void)
{
    for (int i = 0; i < TERMINATIONS; i++) {
        free(ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                 " AND backend_type = 'client backend'"));
        task_sleep_ms(20 + i);
    }
}

static void wait_for_answer(void)
{
    int64_t deadline_ns = clock_monotonic_ns() + WAIT_MAX_NS;
    for (char *answer = NULL; !answer; free(answer)) {
        assert_true(clock_monotonic_ns() < deadline_ns);
        answer = ask("SELECT 1");
        if (answer)
            return free(answer);
        task_sleep_ms(10);
    }
}

static void kill_server(void)
{
    for (int i = 0; i < KILLS; i++) {
        char *pid = ask("SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)");
        assert_non_null(pid);
        assert_int_equal(kill((pid_t)atol(pid), SIGKILL), 0);
        free(pid);
        wait_for_answer();
        task_sleep_ms(100 + 50 * i);
    }
}

/* What was acknowledged is there, and what is there was done once and whole, whatever was lost meanwhile. */
static void add_while(struct test_database *t, void (*destroy)(void))
{
    atomic_bool is_over = false;
    struct adder adders[WRITERS];
    struct task *tasks[WRITERS];
    struct item sum = {.id = "sum"};
    unsigned made = 0, acknowledged = 0;
    assert_int_equal(sql_write(t->db, insert_item, &sum), 0);
    for (unsigned i = 0; i < WRITERS; i++) {
        adders[i] = (struct adder){.db = t->db, .number = i, .is_over = &is_over};
        assert_int_equal(task_start(&tasks[i], "test-adder", add_until_over, &adders[i]), 0);
    }
    destroy();
    is_over = true;
    for (unsigned i = 0; i < WRITERS; i++) {
        task_join(tasks[i]);
        made += adders[i].made;
        acknowledged += adders[i].acknowledged;
    }
    assert_int_equal(sql_read(t->db, get_item, &sum), 0);
    assert_int_equal(row_count(t->db), sum.quantity + 1);
    assert_in_range(sum.quantity, acknowledged, made);
    print_message("%u writes, %u of them acknowledged, %lld kept\n", made, acknowledged, (long long)sum.quantity);
    assert_in_range(acknowledged, 1, made);
}

static void test_postgres__outlives_its_connections(void **state)
{
    add_while(*state, terminate_sessions);
}

static void test_postgres__outlives_its_server(void **state)
{
    add_while(*state, kill_server);
}

/* -- Standing in each other's way --------------------------------------------------------------------------------- */

#define ACCOUNTS 3
#define TRANSFERS_EACH 40
#define OPENING_QUANTITY 1000

struct transfer {
    struct sql_db *db;
    unsigned number;
    const char *from, *to;
};

static int move_one(struct sql_tx *tx, void *argument)
{
    const struct transfer *transfer = argument;
    TRY(sql_exec(tx, &ports_sql_test_update, SQL_ARGS(sql_cstr(transfer->from), sql_int(-1)), NULL));
    return sql_exec(tx, &ports_sql_test_update, SQL_ARGS(sql_cstr(transfer->to), sql_int(1)), NULL);
}

static void transfer_much(void *argument)
{
    static const char *const accounts[ACCOUNTS] = {"a", "b", "c"};
    struct transfer *transfer = argument;
    for (unsigned i = 0; i < TRANSFERS_EACH; i++) {
        transfer->from = accounts[(transfer->number + i) % ACCOUNTS];
        transfer->to = accounts[(transfer->number + i + 1 + i % 2) % ACCOUNTS];
        assert_int_equal(sql_write(transfer->db, move_one, transfer), 0);
    }
}

/* Many writers of few rows, in every order: each deadlock and each refusal is run again until it is done. */
static void test_postgres__contention_is_nobodys_error(void **state)
{
    struct test_database *t = *state;
    struct transfer transfers[WRITERS];
    struct task *tasks[WRITERS];
    int64_t counts[2];
    for (const char *const *id = (const char *const[]){"a", "b", "c", NULL}; *id; id++)
        assert_int_equal(sql_write(t->db, insert_item, &(struct item){.id = *id, .quantity = OPENING_QUANTITY}), 0);
    for (unsigned i = 0; i < WRITERS; i++) {
        transfers[i] = (struct transfer){.db = t->db, .number = i};
        assert_int_equal(task_start(&tasks[i], "test-transfer", transfer_much, &transfers[i]), 0);
    }
    for (unsigned i = 0; i < WRITERS; i++)
        task_join(tasks[i]);
    assert_int_equal(sql_read(t->db, count_items, counts), 0);
    assert_int_equal(counts[1], ACCOUNTS * OPENING_QUANTITY);
    print_message("%llu runs again\n", (unsigned long long)postgres_db_of(t->db)->reruns);
    assert_true(postgres_db_of(t->db)->reruns > 0);
}

struct skew {
    struct sql_db *db;
    const char *mine;
    atomic_int *readers;
    bool has_read; /* this closure ran before */
    int result;
};

/* Takes all from its row where both together have enough left: what two may not do at the same time. */
static int take_where_both_have(struct sql_tx *tx, void *argument)
{
    struct skew *skew = argument;
    int64_t counts[2];
    TRY(count_items(tx, counts));
    if (!skew->has_read) {
        skew->has_read = true;
        (*skew->readers)++;
    }
    while (*skew->readers < 2)
        task_sleep_ms(1);
    if (counts[1] < 2)
        return ERR_DECLINED;
    return sql_exec(tx, &ports_sql_test_update, SQL_ARGS(sql_cstr(skew->mine), sql_int(-1)), NULL);
}

static void take(void *argument)
{
    struct skew *skew = argument;
    skew->result = sql_write(skew->db, take_where_both_have, skew);
}

/* As if one after the other: no write is founded on what another one changes meanwhile. */
static void test_postgres__writes_are_serial(void **state)
{
    struct test_database *t = *state;
    atomic_int readers = 0;
    struct skew skews[2] = {{t->db, "a", &readers, false, 0}, {t->db, "b", &readers, false, 0}};
    struct task *tasks[2];
    int64_t counts[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(sql_write(t->db, insert_item, &(struct item){.id = skews[i].mine, .quantity = 1}), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(task_start(&tasks[i], "test-take", take, &skews[i]), 0);
    for (int i = 0; i < 2; i++)
        task_join(tasks[i]);
    assert_int_equal(skews[0].result + skews[1].result, ERR_DECLINED);
    assert_int_equal(sql_read(t->db, count_items, counts), 0);
    assert_int_equal(counts[1], 1);
}

/* -- Migrations --------------------------------------------------------------------------------------------------- */

#define MIGRATORS 4

struct migrator {
    char url[SQL_URL_BYTES], message[512];
    int result;
};

static const struct sql_migration slow_migrations[] = {
    {.number = 1, .name = "slow", .text = "SELECT pg_sleep(0.3); CREATE TABLE slow (id text PRIMARY KEY);"},
    {.number = 2, .name = "more", .text = "CREATE TABLE more (id text PRIMARY KEY);"},
};

static void migrate(void *argument)
{
    struct migrator *migrator = argument;
    struct sql_db *db = NULL;
    migrator->result = sql_open(&db, &(struct sql_config){.url = migrator->url}, migrator->message);
    if (migrator->result == 0)
        migrator->result = sql_migrate(db, "slow", slow_migrations, 2, migrator->message);
    sql_close(db);
}

/* Processes that start together: one makes the schema and migrates, the others wait for it. */
static void test_postgres__one_process_migrates(void **state)
{
    struct test_database *t = *state;
    struct migrator migrators[MIGRATORS] = {0};
    struct task *tasks[MIGRATORS];
    for (int i = 0; i < MIGRATORS; i++) {
        test_database_url(t->folder, "fresh", migrators[i].url);
        assert_int_equal(task_start(&tasks[i], "test-migrator", migrate, &migrators[i]), 0);
    }
    for (int i = 0; i < MIGRATORS; i++) {
        task_join(tasks[i]);
        if (migrators[i].result)
            fail_msg("%s: %s", error_name(migrators[i].result), migrators[i].message);
    }
}

/* -- Opening ------------------------------------------------------------------------------------------------------ */

static int try_open(const char *url, char ret_message[512])
{
    struct sql_db *db = NULL;
    int result = sql_open(&db, &(struct sql_config){.url = url}, ret_message);
    sql_close(db);
    return result;
}

/* The test's address with another user, port or tail. */
static void make_url(const char *credentials, const char *tail, char ret_url[SQL_URL_BYTES])
{
    const char *place = strchr(getenv(TEST_POSTGRES_VARIABLE), '@');
    snprintf(ret_url, SQL_URL_BYTES, "postgres://%s%.200s%s#opened", credentials, place, tail);
}

static void test_postgres__a_wrong_password_is_not_told(void **state)
{
    (void)state;
    char url[SQL_URL_BYTES], message[512] = "";
    int64_t started_ns = clock_monotonic_ns();
    make_url("shop:s3cret-guess", "", url);
    assert_int_equal(try_open(url, message), ERR_UNAVAILABLE);
    assert_non_null(strstr(message, "password authentication failed"));
    assert_null(strstr(message, "s3cret"));
    assert_true(clock_monotonic_ns() - started_ns < POSTGRES_START_MS * CLOCK_NS_PER_MS); /* no use in waiting */
}

/* What is no address, or has a password with letters that end one, is refused without a word of it. */
static void test_postgres__an_address_that_is_none_is_not_told(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "postgres://shop:s3cret%zz@127.0.0.1/shop#opened", "postgres://shop:a@s3cret@127.0.0.1/shop#opened",
        "postgres://shop:s3cret@127.0.0.1/shop?nosuch=1#opened", "postgres://shop:s3cret@[127.0.0.1/shop#opened"};
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        char message[512] = "";
        assert_int_equal(try_open(urls[i], message), ERR_INVALID);
        assert_non_null(strstr(message, "postgres://USER:PASSWORD@HOST"));
        assert_null(strstr(message, "s3cret"));
    }
}

static void test_postgres__a_server_that_is_not_there_is_waited_for(void **state)
{
    (void)state;
    char message[512] = "";
    int64_t started_ns = clock_monotonic_ns();
    assert_int_equal(try_open("postgres://shop:s3cret@127.0.0.1:1/shop#opened", message), ERR_UNAVAILABLE);
    assert_non_null(strstr(message, "Connection refused"));
    assert_null(strstr(message, "s3cret"));
    assert_true(clock_monotonic_ns() - started_ns >= POSTGRES_START_MS * CLOCK_NS_PER_MS);
}

static void test_postgres__a_server_that_starts_is_waited_for(void **state)
{
    struct test_database *t = *state;
    char url[SQL_URL_BYTES];
    char *pid = ask("SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)");
    make_url("shop:open-sesame-of-the-tests", "", url);
    assert_int_equal(kill((pid_t)atol(pid), SIGKILL), 0);
    free(pid);
    if (try_open(url, t->message) != 0)
        fail_msg("%s", t->message);
}

/* The server's certificate is held to the authority and to the name that we called. */
static void test_postgres__tls_is_verified(void **state)
{
    struct test_database *t = *state;
    const char *folder = getenv("SHOPSTREAM_TEST_POSTGRES_CERTIFICATES");
    char url[SQL_URL_BYTES], tail[512];
    assert_non_null(folder);
    snprintf(tail, sizeof(tail), "?sslmode=verify-full&sslrootcert=%s/ca.pem", folder);
    make_url("shop:open-sesame-of-the-tests", tail, url);
    if (try_open(url, t->message) != 0)
        fail_msg("%s", t->message);
    snprintf(tail, sizeof(tail), "?sslmode=verify-full&sslrootcert=%s/other.pem", folder);
    make_url("shop:open-sesame-of-the-tests", tail, url);
    assert_int_equal(try_open(url, t->message), ERR_UNAVAILABLE);
    assert_non_null(strstr(t->message, "certificate verify failed"));
}

/* Copies are Postgres' own business, which is said. */
static void test_postgres__a_backup_is_refused(void **state)
{
    struct test_database *t = *state;
    char path[TEST_FOLDER_BYTES + 16];
    snprintf(path, sizeof(path), "%s/backup", t->folder);
    assert_int_equal(sql_backup(t->db, path, t->message), ERR_UNPROCESSABLE);
    assert_non_null(strstr(t->message, "pg_basebackup"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_items_set_up, test_items_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_postgres__outlives_its_connections),
        TEST(test_postgres__outlives_its_server),
        TEST(test_postgres__contention_is_nobodys_error),
        TEST(test_postgres__writes_are_serial),
        TEST(test_postgres__one_process_migrates),
        TEST(test_postgres__a_wrong_password_is_not_told),
        TEST(test_postgres__an_address_that_is_none_is_not_told),
        TEST(test_postgres__a_server_that_is_not_there_is_waited_for),
        TEST(test_postgres__a_server_that_starts_is_waited_for),
        TEST(test_postgres__tls_is_verified),
        TEST(test_postgres__a_backup_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
