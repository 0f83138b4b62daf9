#include "platform/base/problem.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_problem__is_filled_and_returns_its_error(void **state)
{
    (void)state;
    struct problem problem = {.retry_after_ms = 7};
    assert_int_equal(problem_set(&problem, ERR_CONFLICT, "out_of_stock", "/items/0", "Only %d left.", 3), ERR_CONFLICT);
    assert_int_equal(problem.error, ERR_CONFLICT);
    assert_string_equal(problem.code, "out_of_stock");
    assert_string_equal(problem.pointer, "/items/0");
    assert_string_equal(problem.detail, "Only 3 left.");
    assert_int_equal(problem.retry_after_ms, 0);
    problem_set(&problem, ERR_INTERNAL, "internal", NULL, "%s", "");
    assert_string_equal(problem.pointer, "");
    assert_string_equal(problem.detail, "");
}

/* Every way in which a character of two to four bytes can meet the end of the buffer. */
static void test_problem__is_cut_between_characters(void **state)
{
    (void)state;
    static const char *const characters[] = {"x", "ü", "€", "😀"};
    for (size_t c = 0; c < 4; c++) {
        for (size_t shift = 0; shift < 4; shift++) {
            char text[PROBLEM_DETAIL_MAX * 2] = "";
            size_t len = shift;
            memset(text, 'a', shift);
            for (; len < PROBLEM_DETAIL_MAX + 8; len += strlen(characters[c]))
                memcpy(text + len, characters[c], strlen(characters[c]));
            struct problem problem;
            problem_set(&problem, ERR_INVALID, "invalid", text, "%s", text);
            assert_true(str_is_utf8(str_from_cstr(problem.detail)));
            assert_true(str_is_utf8(str_from_cstr(problem.pointer)));
            assert_in_range(strlen(problem.detail), PROBLEM_DETAIL_MAX - 4, PROBLEM_DETAIL_MAX - 1);
            assert_in_range(strlen(problem.pointer), PROBLEM_POINTER_MAX - 4, PROBLEM_POINTER_MAX - 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_problem__is_filled_and_returns_its_error),
        cmocka_unit_test(test_problem__is_cut_between_characters),
    };
    return cmocka_run_group_tests_name("problem", tests, NULL, NULL);
}
