#include "platform/base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Each code of the list has a name of its own, and the HTTP status that its comment promises. */
static void test_err__every_code_has_a_name_and_a_status(void **state)
{
    (void)state;
    for (int error = -1; error >= ERR_DECLINED; error--) {
        assert_string_not_equal(error_name(error), "err_unknown");
        assert_in_range(error_http_status(error), 400, 599);
        for (int other = -1; other > error; other--)
            assert_string_not_equal(error_name(error), error_name(other));
    }
    assert_int_equal(error_http_status(ERR_STALE), 412);
    assert_int_equal(error_http_status(ERR_DECLINED), 402);
    assert_string_equal(error_name(ERR_INVALID), "err_invalid");
}

static void test_err__unknown_codes_are_internal_errors(void **state)
{
    (void)state;
    assert_string_equal(error_name(-1000), "err_unknown");
    assert_string_equal(error_name(7), "err_unknown");
    assert_int_equal(error_http_status(-1000), 500);
    assert_int_equal(error_http_status(ERR_DECLINED - 1), 500);
    assert_false(error_is_retriable(-1000));
}

/* A caller retries what passes by itself, and nothing that it must change first. */
static void test_err__retriable_is_what_passes_by_itself(void **state)
{
    (void)state;
    assert_true(error_is_retriable(ERR_UNAVAILABLE));
    assert_true(error_is_retriable(ERR_STORAGE_FULL));
    assert_false(error_is_retriable(ERR_INVALID));
    assert_false(error_is_retriable(ERR_DECLINED));
}

static int fail_with(int error, int *ret_reached)
{
    TRY(error);
    *ret_reached = 1;
    return 0;
}

static void test_err__try_returns_at_the_first_error(void **state)
{
    (void)state;
    int reached = 0;
    assert_int_equal(fail_with(ERR_CONFLICT, &reached), ERR_CONFLICT);
    assert_int_equal(reached, 0);
    assert_int_equal(fail_with(1, &reached), 0);
    assert_int_equal(reached, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_err__every_code_has_a_name_and_a_status),
        cmocka_unit_test(test_err__unknown_codes_are_internal_errors),
        cmocka_unit_test(test_err__retriable_is_what_passes_by_itself),
        cmocka_unit_test(test_err__try_returns_at_the_first_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
