/* What the SQLite adapter makes of writes that wait together: one commit, in which each stands or falls alone. */
#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/sql/test_database.h"
#include "platform/ports/sql/test_sql_items.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define WAIT_MAX_NS (60 * CLOCK_NS_PER_S)

/* Holds the writer in a closure until the batch behind it is complete. */
struct gate {
    struct task_mutex mutex;
    struct task_cond changed;
    bool is_entered;
    bool is_open;
    int finished;
    int results[8];
    char log[64]; /* the order of hooks and completions */
};

static int wait_at_gate(struct sql_tx *tx, void *argument)
{
    (void)tx;
    struct gate *gate = argument;
    TASK_LOCKED(&gate->mutex);
    gate->is_entered = true;
    task_cond_broadcast(&gate->changed);
    while (!gate->is_open)
        task_cond_wait(&gate->changed, &gate->mutex);
    return 0;
}

struct async_write {
    struct sql_write_job job;
    struct gate *gate;
    struct item item;
    int index;
};

static void note(struct gate *gate, char what)
{
    TASK_LOCKED(&gate->mutex);
    size_t length = strlen(gate->log);
    gate->log[length] = what;
    gate->log[length + 1] = '\0';
}

static void hook_committed(bool committed, void *argument)
{
    struct async_write *write = argument;
    note(write->gate, (char)((committed ? 'A' : 'a') + write->index));
}

static int insert_with_hook(struct sql_tx *tx, void *argument)
{
    struct async_write *write = argument;
    TRY(sql_tx_on_commit(tx, hook_committed, write));
    return insert_item(tx, &write->item);
}

static void note_done(int result, void *argument)
{
    struct async_write *write = argument;
    note(write->gate, (char)('0' + write->index));
    TASK_LOCKED(&write->gate->mutex);
    write->gate->results[write->index] = result;
    write->gate->finished++;
    task_cond_broadcast(&write->gate->changed);
}

static void init_gate(struct gate *gate)
{
    *gate = (struct gate){0};
    task_mutex_init(&gate->mutex);
    task_cond_init(&gate->changed);
}

static void wait_until_entered(struct gate *gate)
{
    TASK_LOCKED(&gate->mutex);
    while (!gate->is_entered)
        assert_true(task_cond_wait_until(&gate->changed, &gate->mutex, clock_monotonic_ns() + WAIT_MAX_NS));
}

static void open_gate_and_wait(struct gate *gate, int count)
{
    TASK_LOCKED(&gate->mutex);
    gate->is_open = true;
    task_cond_broadcast(&gate->changed);
    while (gate->finished < count)
        assert_true(task_cond_wait_until(&gate->changed, &gate->mutex, clock_monotonic_ns() + WAIT_MAX_NS));
}

static void start_async(struct test_database *t, struct async_write *write, struct gate *gate, int index,
                        struct item item)
{
    *write = (struct async_write){.gate = gate, .item = item, .index = index};
    write->job = (struct sql_write_job){.closure = insert_with_hook, .argument = write, .done = note_done};
    sql_write_async(t->db, &write->job);
}

struct held_writer {
    struct test_database *t;
    struct gate *gate;
};

static void hold_writer(void *argument)
{
    struct held_writer *held = argument;
    assert_int_equal(sql_write(held->t->db, wait_at_gate, held->gate), 0);
}

/* Writes that wait together behind one that is held: they are one batch. */
static void run_batch_of(struct test_database *t, struct gate *gate, const struct item *items, int count)
{
    struct async_write writes[4];
    struct held_writer held = {t, gate};
    struct task *task;
    init_gate(gate);
    assert_int_equal(task_start(&task, "test-gate", hold_writer, &held), 0);
    wait_until_entered(gate);
    for (int i = 0; i < count; i++)
        start_async(t, &writes[i], gate, i, items[i]);
    open_gate_and_wait(gate, count);
    task_join(task);
}

/* One batch of four: what fails goes alone, its hook told so; hooks run before anybody is told; one commit carries the
 * others. */
static void test_sqlite__batch_isolates_failures_and_orders_hooks(void **state)
{
    struct test_database *t = *state;
    struct gate gate;
    struct sql_stats before, after;
    const struct item items[] = {
        {"a", 1, NULL, 0}, {"b", 1, NULL, ERR_DECLINED}, {"c", -1, NULL, 0}, {"d", 1, NULL, 0}};
    sql_get_stats(t->db, &before);
    run_batch_of(t, &gate, items, 4);
    sql_get_stats(t->db, &after);
    /* A run that is taken back drops its hooks, and may come before the one that counts. */
    const char *end = gate.log + strspn(gate.log, "abcd");
    assert_non_null(memchr(gate.log, 'b', (size_t)(end - gate.log)));
    assert_non_null(memchr(gate.log, 'c', (size_t)(end - gate.log)));
    assert_string_equal(end, "AD0123");
    assert_int_equal(gate.results[0], 0);
    assert_int_equal(gate.results[1], ERR_DECLINED);
    assert_int_equal(gate.results[2], ERR_CONFLICT);
    assert_int_equal(gate.results[3], 0);
    assert_int_equal(row_count(t->db), 2);
    assert_int_equal(after.commits - before.commits, 2); /* the gate's own, and one for both */
    assert_int_equal(after.writes - before.writes, 3);
}

/* What fails without having changed anything leaves the others as they are: none of them is run again. */
static void test_sqlite__batch_goes_on_behind_a_refusal(void **state)
{
    struct test_database *t = *state;
    struct gate gate;
    const struct item items[] = {{"a", 1, NULL, 0}, {"b", -1, NULL, 0}, {"c", 1, NULL, 0}};
    run_batch_of(t, &gate, items, 3);
    assert_string_equal(gate.log, "bAC012");
    assert_int_equal(gate.results[0], 0);
    assert_int_equal(gate.results[1], ERR_CONFLICT);
    assert_int_equal(gate.results[2], 0);
    assert_int_equal(row_count(t->db), 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_items_set_up, test_items_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_sqlite__batch_isolates_failures_and_orders_hooks),
        TEST(test_sqlite__batch_goes_on_behind_a_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
