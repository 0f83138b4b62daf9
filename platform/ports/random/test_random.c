/* Proves that what random gives out is given once: to a parent or to its child, and evenly below a bound. */
#include "platform/ports/random/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define DRAWN_BYTES 16

static void test_random__a_child_draws_what_its_parent_does_not(void **state)
{
    (void)state;
    unsigned char first[DRAWN_BYTES], of_parent[DRAWN_BYTES], of_child[DRAWN_BYTES];
    int ends[2];

    random_bytes(first, sizeof(first)); /* so that there are bytes that both could give out */
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        random_bytes(of_child, sizeof(of_child));
        _exit(write(ends[1], of_child, sizeof(of_child)) == (ssize_t)sizeof(of_child) ? 0 : 1);
    }
    random_bytes(of_parent, sizeof(of_parent));
    assert_int_equal(read(ends[0], of_child, sizeof(of_child)), sizeof(of_child));
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(ends[0]);
    close(ends[1]);
    assert_memory_not_equal(of_parent, of_child, DRAWN_BYTES);
    assert_memory_not_equal(first, of_parent, DRAWN_BYTES);
}

static void test_random__every_number_below_the_bound_comes(void **state)
{
    (void)state;
    bool seen[10] = {false};

    for (int i = 0; i < 2000; i++) {
        uint64_t drawn = random_below(10);
        assert_true(drawn < 10);
        seen[drawn] = true;
    }
    for (int i = 0; i < 10; i++)
        assert_true(seen[i]);
    assert_int_equal(random_below(1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random__a_child_draws_what_its_parent_does_not),
        cmocka_unit_test(test_random__every_number_below_the_bound_comes),
    };

    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
