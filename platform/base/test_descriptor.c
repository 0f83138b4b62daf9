#include "platform/base/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

/* More than a pipe takes in one call: the rest follows. */
static void test_descriptor__writes_all_of_it(void **state)
{
    static char bytes[3 * 65536], got[sizeof(bytes)];
    int ends[2];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i % 251);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(descriptor_write(ends[1], str_from(bytes, sizeof(bytes))) ? 0 : 1);
    size_t length = 0;
    while (length < sizeof(got)) {
        ssize_t more = read(ends[0], got + length, sizeof(got) - length);

        assert_true(more > 0);
        length += (size_t)more;
    }
    assert_memory_equal(got, bytes, sizeof(bytes));
    close(ends[0]);
    close(ends[1]);
}

static void test_descriptor__says_why_it_was_not_written(void **state)
{
    CLEANUP(descriptor_close) int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

    (void)state;
    assert_true(full >= 0);
    assert_false(descriptor_write(full, STR("x")));
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(descriptor_error(ENOSPC), ERR_STORAGE_FULL);
    assert_int_equal(descriptor_error(EDQUOT), ERR_STORAGE_FULL);
    assert_int_equal(descriptor_error(EFBIG), ERR_STORAGE_FULL);
    assert_int_equal(descriptor_error(EACCES), ERR_UNAVAILABLE);
    assert_true(descriptor_write(full, STR_EMPTY));
}

static void test_descriptor__closing_keeps_the_error(void **state)
{
    int none = -1, closed = open("/dev/null", O_WRONLY | O_CLOEXEC);

    (void)state;
    assert_true(closed >= 0);
    errno = ENOSPC;
    descriptor_close(&none);
    descriptor_close(&closed);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(fcntl(closed, F_GETFD), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descriptor__writes_all_of_it),
        cmocka_unit_test(test_descriptor__says_why_it_was_not_written),
        cmocka_unit_test(test_descriptor__closing_keeps_the_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
