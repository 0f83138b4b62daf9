#define ITEMS 500 /* of each producer */

#include "platform/base/test_queue_traffic.h"
#include "platform/ports/clock/clock.h"

#include <string.h>

static void test_queue__every_item_comes_out_once(void **state)
{
    (void)state;
    static struct traffic traffic;
    memset(&traffic, 0, sizeof(traffic));
    run_traffic(&traffic);
    assert_each_once(&traffic);
}

static void test_queue__is_bounded_ordered_and_closable(void **state)
{
    (void)state;
    int a, b, c;
    void *items[] = {&a, &b, &c};
    void *out[3];
    struct queue *queue = queue_new(2);
    assert_int_equal(queue_pop_many(queue, out, 3, clock_monotonic_ns()), 0);
    assert_int_equal(queue_try_push_all(queue, items, 3), 2);
    assert_int_equal(queue_pop_many(queue, out, 1, TASK_FOREVER), 1);
    assert_ptr_equal(out[0], &a);
    assert_int_equal(queue_push(queue, &c), 0);
    queue_close(queue);
    size_t pushed = 9;
    assert_int_equal(queue_push_all(queue, items, 3, &pushed), ERR_CANCELLED);
    assert_int_equal(pushed, 0);
    assert_int_equal(queue_try_push_all(queue, items, 1), 0);
    assert_int_equal(queue_pop_many(queue, out, 3, TASK_FOREVER), 2);
    assert_ptr_equal(out[0], &b);
    assert_ptr_equal(out[1], &c);
    assert_int_equal(queue_pop_many(queue, out, 3, TASK_FOREVER), 0);
    queue_free(queue);
    queue_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queue__every_item_comes_out_once),
        cmocka_unit_test(test_queue__is_bounded_ordered_and_closable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
