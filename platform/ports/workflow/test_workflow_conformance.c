/* The conformance suite of the workflow port, written against workflow.h alone: an engine over an empty database must
 * drive these functions to their ends whatever fails between. */
#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/random/random.h"
#include "platform/ports/test_fault.h"
#include "platform/ports/workflow/migrations/migrations.h"
#include "platform/ports/workflow/test_workflow_conformance.sql.h"
#include "platform/ports/sql/sql_faulty.h"
#include "platform/ports/sql/test_database.h"
#include "platform/ports/workflow/workflow_faulty.h"
#include "shopstream/orders/v1/orders.pb-c.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define LONGER_THAN_THE_TEST_MS 3600000
#define WAIT_MAX_NS (60 * CLOCK_NS_PER_S)
#define CALLS_MAX 64

/* -- The workflows under test -------------------------------------------------------------------------------------- */

#define TEST_ACTIVITY(activity_name, ...)                                                                              \
    static const struct activity activity_name = {.name = #activity_name,                                              \
                                                  .input = &orders__place_order__descriptor,                           \
                                                  .output = &orders__order_outcome__descriptor,                        \
                                                  .first_retry_ms = 1,                                                 \
                                                  __VA_ARGS__}
TEST_ACTIVITY(reserve, .attempts_max = 3);
TEST_ACTIVITY(authorise, .attempts_max = 3);
TEST_ACTIVITY(record, .transactional = true, .attempts_max = 3);
TEST_ACTIVITY(finalise, .transactional = true, .attempts_max = 3);
TEST_ACTIVITY(release, .attempts_max = 1);
TEST_ACTIVITY(refund, .transactional = true, .attempts_max = 1);

static const Orders__PlaceOrder *order_of(const ProtobufCMessage *message)
{
    return (const Orders__PlaceOrder *)message;
}

static int run_place(struct workflow *w, const ProtobufCMessage *in, ProtobufCMessage *out)
{
    Orders__OrderOutcome reservation = ORDERS__ORDER_OUTCOME__INIT;
    TRY(workflow_run(w, &reserve, in, &reservation.base));
    TRY(workflow_compensate(w, &release, in));
    TRY(workflow_run(w, &record, in, NULL));
    TRY(workflow_run(w, &authorise, in, NULL));
    TRY(workflow_compensate(w, &refund, in));
    Orders__PaymentSignal signal = ORDERS__PAYMENT_SIGNAL__INIT;
    TRY(workflow_await(w, "payment", order_of(in)->payment_timeout_ms, &signal.base));
    if (signal.status && strcmp(signal.status, "failed") == 0)
        return workflow_fail(w, ERR_DECLINED, "card_declined", "The card was declined.");
    TRY(workflow_run(w, &finalise, in, NULL));
    ((Orders__OrderOutcome *)out)->status = reservation.status;
    return 0;
}

static int run_choice(struct workflow *w, const ProtobufCMessage *in, ProtobufCMessage *out)
{
    (void)in;
    TRY(workflow_sleep(w, 2));
    bool early = workflow_poll(w, "early", NULL);
    static const char *const names[] = {"left", "right", NULL};
    size_t index = 0;
    Orders__PaymentSignal left = ORDERS__PAYMENT_SIGNAL__INIT;
    Orders__PaymentSignal right = ORDERS__PAYMENT_SIGNAL__INIT;
    ProtobufCMessage *payloads[] = {&left.base, &right.base};
    TRY(workflow_await_any(w, names, WORKFLOW_NO_TIMEOUT, &index, payloads));
    const char *status = index == 0 ? left.payment_id : right.payment_id;
    ((Orders__OrderOutcome *)out)->status = (char *)(size_t)(early ? "early" : status);
    return 0;
}

static atomic_int drift; /* 1: run_drifting is another function than the one that was recorded */

static int run_drifting(struct workflow *w, const ProtobufCMessage *in, ProtobufCMessage *out)
{
    (void)out;
    TRY(workflow_run(w, drift == 1 ? &authorise : &reserve, in, NULL));
    return workflow_await(w, "go", WORKFLOW_NO_TIMEOUT, NULL);
}

#define TEST_TYPE(type_name)                                                                                           \
    static const struct workflow_type type_name = {.name = #type_name,                                                 \
                                                   .run = run_##type_name,                                             \
                                                   .input = &orders__place_order__descriptor,                          \
                                                   .output = &orders__order_outcome__descriptor}
TEST_TYPE(place);
TEST_TYPE(choice);
TEST_TYPE(drifting);
static const struct workflow_type *const types[] = {&place, &choice, &drifting, NULL};

/* -- The engine and its activities --------------------------------------------------------------------------------- */

static bool is_decorated; /* the suite runs once with activities as they are, and once behind the decorator */

struct fixture {
    struct sql_db *db;
    struct fault_plan *faults; /* NULL without the decorator */
    struct workflow_faulty activities;
    struct workflow_engine *engine;
    char folder[TEST_FOLDER_BYTES];
    char url[SQL_URL_BYTES];
    char message[512];
    size_t cached_bytes_max;

    struct task_mutex mutex;
    char calls[CALLS_MAX][64]; /* "reserve a/0", in order */
    size_t call_count;

    /* The first fail_count attempts of fail_name fail with fail_error. */
    const char *fail_name;
    int fail_error;
    int fail_count;

    atomic_bool hold; /* activities on workers wait while it is set */
    atomic_int held;
};

static int insert_effect(struct sql_tx *tx, struct str token, const char *name)
{
    return sql_exec(tx, &workflow_sql_test_insert_effect, SQL_ARGS(sql_text(token), sql_cstr(name)), NULL);
}

static int note_call(struct fixture *f, const struct activity_attempt *attempt)
{
    TASK_LOCKED(&f->mutex);
    if (f->call_count < CALLS_MAX)
        snprintf(f->calls[f->call_count++], sizeof(f->calls[0]), "%s %.*s", attempt->activity->name,
                 STR_FORMAT(attempt->token));
    bool fails = f->fail_name && strcmp(f->fail_name, attempt->activity->name) == 0;
    return fails && attempt->attempt <= (unsigned)f->fail_count ? f->fail_error : 0;
}

static int run_activity(void *context, const struct activity_attempt *attempt, struct problem *ret_problem)
{
    struct fixture *f = context;
    assert_non_null(attempt->in);
    assert_int_equal(attempt->tx != NULL, attempt->activity->transactional);
    /* The effect comes before the failure: what a failed attempt wrote must not stay. */
    if (attempt->tx)
        TRY(insert_effect(attempt->tx, attempt->token, attempt->activity->name));
    while (f->hold && !attempt->tx) {
        f->held++;
        task_sleep_ms(1);
    }
    int error = note_call(f, attempt);
    if (error < 0)
        return problem_set(ret_problem, error, "planted", NULL, "Planted in %s.", attempt->activity->name);
    ((Orders__OrderOutcome *)attempt->out)->status = arena_printf(attempt->arena, "%s", attempt->activity->name);
    return 0;
}

static void open_engine(struct fixture *f)
{
    static const struct sql_migration test_migrations[] = {
        {.number = 1, .name = "effect", .text = "CREATE TABLE effect (token TEXT PRIMARY KEY, name TEXT NOT NULL);"}};
    struct sql_config config = {.url = f->url};
    if (sql_open(&f->db, &config, f->message) < 0)
        fail_msg("%s", f->message);
    assert_int_equal(sql_migrate(f->db, "workflow", workflow_migrations, workflow_migration_count, f->message), 0);
    assert_int_equal(sql_migrate(f->db, "test", test_migrations, 1, f->message), 0);
    if (is_decorated)
        assert_int_equal(sql_faulty_wrap(&f->db, f->faults), 0);
    struct workflow_engine_config engine_config = {.url = "sql:",
                                                   .db = f->db,
                                                   .types = types,
                                                   .run_activity = is_decorated ? workflow_faulty_run : run_activity,
                                                   .context = is_decorated ? (void *)&f->activities : f,
                                                   .worker_count = 4,
                                                   .cached_bytes_max = f->cached_bytes_max};
    assert_int_equal(workflow_engine_open(&f->engine, &engine_config, f->message), 0);
    assert_int_equal(workflow_engine_start(f->engine), 0);
}

static void close_engine(struct fixture *f)
{
    workflow_engine_stop(f->engine);
    sql_close(f->db);
    workflow_engine_free(f->engine);
    f->engine = NULL;
    f->db = NULL;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    test_folder_make(f->folder);
    test_database_url(f->folder, "test", f->url);
    task_mutex_init(&f->mutex);
    f->faults = is_decorated ? fault_plan_new() : NULL;
    f->activities = (struct workflow_faulty){run_activity, f, f->faults};
    *state = f;
    drift = 0;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    if (f->db)
        close_engine(f);
    test_folder_remove(f->folder);
    fault_plan_free(f->faults);
    task_mutex_destroy(&f->mutex);
    free(f);
    return 0;
}

/* -- Short words --------------------------------------------------------------------------------------------------- */

static int64_t soon_ns(void)
{
    return clock_monotonic_ns() + WAIT_MAX_NS;
}

struct start_call {
    struct fixture *f;
    const struct workflow_type *type;
    const char *id;
    int64_t timeout_ms;
    int result;             /* of the closure after the start */
    const char *signals[3]; /* sent in the same transaction, with their names as payment_id */
};

static int send_in(struct sql_tx *tx, struct fixture *f, const char *id, const char *name)
{
    Orders__PaymentSignal payload = ORDERS__PAYMENT_SIGNAL__INIT;
    payload.payment_id = (char *)(size_t)name;
    return workflow_signal(f->engine, tx, str_from_cstr(id), name, &payload.base);
}

static int start_closure(struct sql_tx *tx, void *argument)
{
    struct start_call *call = argument;
    Orders__PlaceOrder input = ORDERS__PLACE_ORDER__INIT;
    input.order_id = (char *)(size_t)call->id;
    input.has_payment_timeout_ms = true;
    input.payment_timeout_ms = call->timeout_ms;
    struct workflow_start start = {
        .type = call->type, .id = str_from_cstr(call->id), .tenant = STR("default"), .input = &input.base};
    TRY(workflow_start(call->f->engine, tx, &start));
    for (size_t i = 0; call->signals[i]; i++)
        TRY(send_in(tx, call->f, call->id, call->signals[i]));
    return call->result;
}

static int start_timed(struct fixture *f, const struct workflow_type *type, const char *id, int64_t timeout_ms)
{
    struct start_call call = {.f = f, .type = type, .id = id, .timeout_ms = timeout_ms};
    return sql_write(f->db, start_closure, &call);
}

static int start(struct fixture *f, const struct workflow_type *type, const char *id)
{
    return start_timed(f, type, id, WAIT_MAX_NS / CLOCK_NS_PER_MS);
}

struct signal_call {
    struct fixture *f;
    const char *id, *name, *payment_id, *status;
};

static int signal_closure(struct sql_tx *tx, void *argument)
{
    struct signal_call *call = argument;
    Orders__PaymentSignal payload = ORDERS__PAYMENT_SIGNAL__INIT;
    payload.payment_id = (char *)(size_t)call->payment_id;
    payload.status = (char *)(size_t)call->status;
    return workflow_signal(call->f->engine, tx, str_from_cstr(call->id), call->name, &payload.base);
}

static int send(struct fixture *f, const char *id, const char *name, const char *payment_id, const char *status)
{
    struct signal_call call = {f, id, name, payment_id, status};
    return sql_write(f->db, signal_closure, &call);
}

static void assert_ends(struct fixture *f, const char *id, enum workflow_status expected)
{
    enum workflow_status status;
    assert_int_equal(workflow_wait(f->engine, str_from_cstr(id), soon_ns(), &status), 0);
    assert_string_equal(workflow_status_name(status), workflow_status_name(expected));
}

struct show_call {
    struct workflow_engine *engine;
    struct arena *arena;
    const char *id;
    struct workflow_row row;
    struct workflow_step_row *steps;
    size_t count;
};

static int show_closure(struct sql_tx *tx, void *argument)
{
    struct show_call *call = argument;
    return workflow_show(call->engine, tx, call->arena, str_from_cstr(call->id), &call->row, &call->steps,
                         &call->count);
}

/* The workflow as people see it; free the arena. */
static struct show_call show(struct fixture *f, const char *id)
{
    struct show_call call = {.engine = f->engine, .arena = arena_new((size_t)8 << 20), .id = id};
    assert_int_equal(sql_read(f->db, show_closure, &call), 0);
    return call;
}

static void assert_str(struct str actual, const char *expected)
{
    if (!str_equal_cstr(actual, expected))
        fail_msg("'%.*s' is not '%s'", STR_FORMAT(actual), expected);
}

struct count_query {
    const char *name;
    int64_t count;
};

static int count_closure(struct sql_tx *tx, void *argument)
{
    struct count_query *query = argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query_row(tx, query->name ? &workflow_sql_test_count_effects : &workflow_sql_test_count_unfinished,
                      query->name ? SQL_ARGS(sql_cstr(query->name)) : SQL_NO_ARGS, &rows));
    query->count = sql_get_int(rows, 0);
    return 0;
}

/* Effects of that activity; of unfinished workflows with NULL. */
static int64_t count(struct fixture *f, const char *name)
{
    struct count_query query = {.name = name};
    assert_int_equal(sql_read(f->db, count_closure, &query), 0);
    return query.count;
}

static void assert_calls(struct fixture *f, const char *const *expected)
{
    size_t i = 0;
    for (; expected[i]; i++)
        assert_string_equal(i < f->call_count ? f->calls[i] : "(none)", expected[i]);
    assert_int_equal(f->call_count, i);
}

static size_t count_calls(const struct fixture *f, const char *call)
{
    size_t calls = 0;
    for (size_t i = 0; i < f->call_count; i++)
        calls += strcmp(f->calls[i], call) == 0;
    return calls;
}

/* -- The straight way ---------------------------------------------------------------------------------------------- */

static void test_workflow__runs_its_steps_once_in_order(void **state)
{
    struct fixture *f = *state;
    open_engine(f);
    assert_int_equal(start(f, &place, "a"), 0);
    assert_int_equal(send(f, "a", "payment", "pi_1", "authorised"), 0);
    assert_ends(f, "a", WORKFLOW_COMPLETED);
    assert_calls(f, (const char *[]){"reserve a/0", "record a/1", "authorise a/2", "finalise a/4", NULL});
    struct show_call shown = show(f, "a");
    assert_str(shown.row.status, "completed");
    assert_str(shown.row.output, "{\"status\":\"reserve\"}");
    assert_int_equal(shown.count, 5);
    assert_str(shown.steps[3].kind, "await");
    assert_str(shown.steps[3].signal, "payment");
    arena_free(shown.arena);
}

static void test_workflow__an_id_starts_once(void **state)
{
    struct fixture *f = *state;
    open_engine(f);
    assert_int_equal(start(f, &place, "a"), 0);
    assert_int_equal(start(f, &place, "a"), ERR_CONFLICT);
    assert_int_equal(send(f, "a", "payment", "pi_1", "authorised"), 0);
    assert_ends(f, "a", WORKFLOW_COMPLETED);
    assert_int_equal(start(f, &choice, "a"), ERR_CONFLICT);
    assert_int_equal(start(f, &choice, ""), ERR_INVALID);
    assert_int_equal(count(f, "record"), 1);
}

/* A start that is rolled back never was. */
static void test_workflow__a_start_belongs_to_its_transaction(void **state)
{
    struct fixture *f = *state;
    open_engine(f);
    struct start_call call = {.f = f, .type = &place, .id = "a", .result = ERR_CONFLICT};
    assert_int_equal(sql_write(f->db, start_closure, &call), ERR_CONFLICT);
    assert_true(workflow_engine_settle(f->engine, soon_ns()));
    assert_int_equal(f->call_count, 0);
    enum workflow_status status;
    assert_int_equal(workflow_wait(f->engine, STR("a"), soon_ns(), &status), ERR_NOT_FOUND);
}

/* -- Signals ------------------------------------------------------------------------------------------------------- */

static void test_workflow__signals_are_kept_until_asked_for(void **state)
{
    struct fixture *f = *state;
    open_engine(f);
    struct start_call starts[] = {{.f = f, .type = &choice, .id = "a", .signals = {"right", "left"}},
                                  {.f = f, .type = &choice, .id = "b"},
                                  {.f = f, .type = &choice, .id = "c", .signals = {"early"}}};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(sql_write(f->db, start_closure, &starts[i]), 0);
    assert_ends(f, "a", WORKFLOW_COMPLETED);
    assert_int_equal(send(f, "b", "left", "late", NULL), 0); /* while it waits */
    assert_int_equal(send(f, "c", "left", "late", NULL), 0);
    assert_ends(f, "b", WORKFLOW_COMPLETED);
    assert_ends(f, "c", WORKFLOW_COMPLETED);
    static const char *const expected[][2] = {
        {"a", "{\"status\":\"right\"}"}, {"b", "{\"status\":\"late\"}"}, {"c", "{\"status\":\"early\"}"}};
    for (size_t i = 0; i < 3; i++) {
        struct show_call shown = show(f, expected[i][0]);
        assert_str(shown.row.output, expected[i][1]);
        arena_free(shown.arena);
    }
}

static void test_workflow__a_signal_needs_a_running_workflow(void **state)
{
    struct fixture *f = *state;
    open_engine(f);
    assert_int_equal(send(f, "a", "left", "x", NULL), ERR_NOT_FOUND);
    assert_int_equal(start(f, &choice, "a"), 0);
    assert_int_equal(send(f, "a", "left", "x", NULL), 0);
    assert_ends(f, "a", WORKFLOW_COMPLETED);
    assert_int_equal(send(f, "a", "left", "x", NULL), ERR_NOT_FOUND);
}

static void test_workflow__a_wait_times_out_and_compensates_in_reverse(void **state)
{
    struct fixture *f = *state;
    open_engine(f);
    assert_int_equal(start_timed(f, &place, "a", 5), 0);
    assert_ends(f, "a", WORKFLOW_FAILED);
    assert_calls(f, (const char *[]){"reserve a/0", "record a/1", "authorise a/2", "refund a/4", "release a/5", NULL});
    struct show_call shown = show(f, "a");
    assert_str(shown.row.status, "failed");
    assert_int_equal(shown.row.error, ERR_DEADLINE);
    assert_str(shown.row.code, "timed_out");
    arena_free(shown.arena);
}

/* -- Failures ------------------------------------------------------------------------------------------------------ */

static void test_workflow__an_attempt_that_may_succeed_is_retried(void **state)
{
    struct fixture *f = *state;
    f->fail_name = "record"; /* transactional: what the failed attempts wrote must be gone, or its key would clash */
    f->fail_error = ERR_UNAVAILABLE;
    f->fail_count = 2;
    open_engine(f);
    assert_int_equal(start(f, &place, "a"), 0);
    assert_int_equal(send(f, "a", "payment", "pi_1", "authorised"), 0);
    assert_ends(f, "a", WORKFLOW_COMPLETED);
    assert_int_equal(count(f, "record"), 1);
    struct show_call shown = show(f, "a");
    assert_int_equal(shown.steps[1].attempts, 3);
    arena_free(shown.arena);
}

static void test_workflow__attempts_end_and_what_was_done_is_undone(void **state)
{
    struct fixture *f = *state;
    f->fail_name = "authorise";
    f->fail_error = ERR_UNAVAILABLE;
    f->fail_count = 100;
    open_engine(f);
    assert_int_equal(start(f, &place, "a"), 0);
    assert_ends(f, "a", WORKFLOW_FAILED);
    assert_calls(f, (const char *[]){"reserve a/0", "record a/1", "authorise a/2", "authorise a/2", "authorise a/2",
                                     "release a/3", NULL});
    struct show_call shown = show(f, "a");
    assert_str(shown.row.code, "planted");
    assert_str(shown.row.detail, "Planted in authorise.");
    arena_free(shown.arena);
}

static void test_workflow__a_failure_for_good_is_not_retried(void **state)
{
    struct fixture *f = *state;
    f->fail_name = "reserve";
    f->fail_error = ERR_CONFLICT;
    f->fail_count = 1;
    open_engine(f);
    assert_int_equal(start(f, &place, "a"), 0);
    assert_ends(f, "a", WORKFLOW_FAILED);
    assert_calls(f, (const char *[]){"reserve a/0", NULL});
}

/* A compensation is repeated beyond its attempts, and after errors that would end an activity. */
static void test_workflow__a_compensation_is_never_given_up(void **state)
{
    struct fixture *f = *state;
    static const char *const undone[] = {"refund", "release"};
    open_engine(f);
    for (size_t i = 0; i < 2; i++) {
        const char *id = i == 0 ? "a" : "b";
        f->fail_name = undone[i];
        f->fail_error = ERR_CONFLICT;
        f->fail_count = 4;
        assert_int_equal(start(f, &place, id), 0);
        assert_int_equal(send(f, id, "payment", "pi_1", "failed"), 0);
        assert_ends(f, id, WORKFLOW_FAILED);
        struct show_call shown = show(f, id);
        assert_str(shown.row.code, "card_declined");
        assert_str(shown.steps[4].kind, "compensation");
        assert_int_equal(shown.steps[4 + i].attempts, 5);
        assert_str(shown.steps[4 + i].state, "done");
        arena_free(shown.arena);
    }
    assert_int_equal(count(f, "refund"), 2);
}

static int resume_closure(struct sql_tx *tx, void *argument)
{
    return workflow_resume(((struct fixture *)argument)->engine, tx, STR("a"));
}

static void test_workflow__a_changed_function_parks_its_workflow_alone(void **state)
{
    struct fixture *f = *state;
    open_engine(f);
    assert_int_equal(start(f, &drifting, "a"), 0);
    assert_true(workflow_engine_settle(f->engine, soon_ns()));
    drift = 1;
    assert_int_equal(send(f, "a", "go", NULL, NULL), 0);
    assert_ends(f, "a", WORKFLOW_STUCK);
    assert_int_equal(start(f, &choice, "b"), 0);
    assert_int_equal(send(f, "b", "left", "x", NULL), 0);
    assert_ends(f, "b", WORKFLOW_COMPLETED);
    struct show_call shown = show(f, "a");
    assert_str(shown.row.code, "nondeterministic");
    arena_free(shown.arena);
    drift = 0; /* mended: its signal was kept */
    assert_int_equal(sql_write(f->db, resume_closure, f), 0);
    assert_ends(f, "a", WORKFLOW_COMPLETED);
    assert_int_equal(sql_write(f->db, resume_closure, f), ERR_NOT_FOUND);
}

/* Lets no file of this process grow past that size; RLIM_INFINITY: any. */
static void limit_file_size(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* While nothing can be written, results wait in memory; when there is room again, they are recorded, and no activity
 * that succeeded is run a second time. */
static void test_workflow__results_outwait_a_full_disk(void **state)
{
    struct fixture *f = *state;
    f->hold = true;
    signal(SIGXFSZ, SIG_IGN);
    open_engine(f);
    assert_int_equal(start(f, &place, "a"), 0);
    assert_int_equal(send(f, "a", "payment", "pi_1", "authorised"), 0);
    while (f->held == 0)
        task_sleep_ms(1);
    limit_file_size(4096);
    f->hold = false;
    struct sql_stats stats;
    do {
        task_sleep_ms(1);
        sql_get_stats(f->db, &stats);
    } while (stats.failed_commits < 3);
    limit_file_size(RLIM_INFINITY);
    assert_ends(f, "a", WORKFLOW_COMPLETED);
    assert_int_equal(count_calls(f, "reserve a/0"), 1);
    assert_int_equal(count_calls(f, "authorise a/2"), 1);
    /* In each pass that was not kept, and in the one that was. */
    assert_in_range(count_calls(f, "record a/1"), 2, CALLS_MAX);
    assert_int_equal(count(f, "record"), 1);
}

/* -- Stops and crashes --------------------------------------------------------------------------------------------- */

/* What waits for a time, a retry or a signal goes on in the next engine, also when no history is kept in memory. */
static void test_workflow__waits_outlive_the_engine(void **state)
{
    struct fixture *f = *state;
    f->cached_bytes_max = 1;
    open_engine(f);
    assert_int_equal(start_timed(f, &place, "timed", 50), 0);
    assert_int_equal(start(f, &place, "signalled"), 0);
    assert_int_equal(start(f, &place, "kept"), 0);
    while (count(f, "record") < 3)
        task_sleep_ms(1);
    assert_int_equal(send(f, "kept", "payment", "pi_1", "authorised"), 0);
    close_engine(f);
    open_engine(f);
    assert_int_equal(send(f, "signalled", "payment", "pi_1", "authorised"), 0);
    assert_ends(f, "timed", WORKFLOW_FAILED);
    assert_ends(f, "signalled", WORKFLOW_COMPLETED);
    assert_ends(f, "kept", WORKFLOW_COMPLETED);
    assert_int_equal(count(f, "record"), 3);
    assert_int_equal(count(f, "finalise"), 2);
    assert_int_equal(count(f, NULL), 0);
}

#define CRASHES 12
#define CRASH_WORKFLOWS 40

/* The child of one round: starts what is missing, signals, and is killed somewhere in between. */
static void run_until_killed(struct fixture *f)
{
    open_engine(f);
    for (int i = 0; i < CRASH_WORKFLOWS; i++) {
        char id[16];
        snprintf(id, sizeof(id), "w%d", i);
        if (start(f, &place, id) == 0 || i % 2 == 0)
            send(f, id, "payment", "pi", i % 4 == 0 ? "failed" : "authorised");
    }
    for (;;)
        task_sleep_ms(1000);
}

/* Killed at random instants and opened again, every workflow ends as it should, and each transactional effect is there
 * exactly once (its key is the step's token; a second one would have been refused and have failed the workflow). */
static void test_workflow__survives_being_killed_at_any_instant(void **state)
{
    struct fixture *f = *state;
    for (int round = 0; round < CRASHES; round++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            run_until_killed(f);
            _exit(1);
        }
        task_sleep_ms(5 + (int64_t)random_below(60));
        assert_int_equal(kill(child, SIGKILL), 0);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
    open_engine(f);
    int64_t failed = 0, completed = 0;
    for (int i = 0; i < CRASH_WORKFLOWS; i++) {
        char id[16];
        snprintf(id, sizeof(id), "w%d", i);
        int error = start(f, &place, id);
        assert_true(error == 0 || error == ERR_CONFLICT);
        error = send(f, id, "payment", "pi", i % 4 == 0 ? "failed" : "authorised");
        assert_true(error == 0 || error == ERR_NOT_FOUND);
        assert_ends(f, id, i % 4 == 0 ? WORKFLOW_FAILED : WORKFLOW_COMPLETED);
        *(i % 4 == 0 ? &failed : &completed) += 1;
    }
    assert_int_equal(count(f, "record"), CRASH_WORKFLOWS);
    assert_int_equal(count(f, "finalise"), completed);
    assert_int_equal(count(f, "refund"), failed);
    assert_int_equal(count(f, NULL), 0);
}

/* -- The decorator's faults ---------------------------------------------------------------------------------------- */

static int calls_of(const struct fixture *f, const char *activity)
{
    int calls = 0;
    for (size_t i = 0; i < f->call_count; i++)
        calls += strncmp(f->calls[i], activity, strlen(activity)) == 0;
    return calls;
}

/* An attempt that fails is made again; one in a transaction is undone with it, and never made twice in one. */
static void test_workflow_faulty__does_what_the_plan_says(void **state)
{
    static const struct {
        const char *activity;
        enum fault_kind kind;
        int calls;
    } rows[] = {
        {"reserve", FAULT_FAIL, 1},  {"reserve", FAULT_FAIL_AFTER, 2}, {"reserve", FAULT_REPEAT, 2},
        {"reserve", FAULT_DELAY, 1}, {"record", FAULT_FAIL, 1},        {"record", FAULT_FAIL_AFTER, 2},
        {"record", FAULT_REPEAT, 1},
    };
    struct fixture *f = *state;
    open_engine(f);
    for (int i = 0; i < (int)(sizeof(rows) / sizeof(rows[0])); i++) {
        char id[16];
        snprintf(id, sizeof(id), "w%d", i);
        f->call_count = 0;
        test_fault_next(f->faults, FAULT_WORKFLOW, rows[i].activity, rows[i].kind);
        struct start_call call = {.f = f, .type = &place, .id = id, .timeout_ms = 60000, .signals = {"payment"}};
        assert_int_equal(sql_write(f->db, start_closure, &call), 0);
        assert_ends(f, id, WORKFLOW_COMPLETED);
        assert_int_equal(calls_of(f, rows[i].activity), rows[i].calls);
        assert_int_equal(fault_plan_faults(f->faults), 1);
        assert_int_equal(count(f, "record"), i + 1);
    }
}

/* What takes a signal is committed, and said to have failed: the signal is gone, and what it led to goes on. */
static void test_workflow_faulty__a_signal_outlives_a_commit_that_seems_to_fail(void **state)
{
    const struct fault_rule second = {.port = FAULT_SQL, .call = "write", .kind = FAULT_FAIL_AFTER, .nth = 2};
    struct fixture *f = *state;
    open_engine(f);
    assert_int_equal(start_timed(f, &place, "a", LONGER_THAN_THE_TEST_MS), 0);
    assert_true(workflow_engine_settle(f->engine, soon_ns()));
    assert_int_equal(fault_plan_set(f->faults, &second, 1), 0); /* the first is the sender's own */
    assert_int_equal(send(f, "a", "payment", "pi_1", "authorised"), 0);
    assert_ends(f, "a", WORKFLOW_COMPLETED);
    assert_int_equal(fault_plan_faults(f->faults), 1);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_workflow__runs_its_steps_once_in_order),
        CASE(test_workflow__an_id_starts_once),
        CASE(test_workflow__a_start_belongs_to_its_transaction),
        CASE(test_workflow__signals_are_kept_until_asked_for),
        CASE(test_workflow__a_signal_needs_a_running_workflow),
        CASE(test_workflow__a_wait_times_out_and_compensates_in_reverse),
        CASE(test_workflow__an_attempt_that_may_succeed_is_retried),
        CASE(test_workflow__attempts_end_and_what_was_done_is_undone),
        CASE(test_workflow__a_failure_for_good_is_not_retried),
        CASE(test_workflow__a_compensation_is_never_given_up),
        CASE(test_workflow__a_changed_function_parks_its_workflow_alone),
        CASE(test_workflow__waits_outlive_the_engine),
        CASE(test_workflow__survives_being_killed_at_any_instant),
    };
    const struct CMUnitTest faulty_tests[] = {
        CASE(test_workflow_faulty__does_what_the_plan_says),
        CASE(test_workflow_faulty__a_signal_outlives_a_commit_that_seems_to_fail),
    };
    /* Postgres' disk is not this process' own. */
    const struct CMUnitTest disk_tests[] = {CASE(test_workflow__results_outwait_a_full_disk)};
    int failed = test_database_is_postgres() ? 0 : cmocka_run_group_tests_name("full disk", disk_tests, NULL, NULL);
    failed += cmocka_run_group_tests_name("plain", tests, NULL, NULL);
    is_decorated = true;
    failed += cmocka_run_group_tests_name("decorated, without faults", tests, NULL, NULL);
    return failed + cmocka_run_group_tests_name("faulty", faulty_tests, NULL, NULL);
}
