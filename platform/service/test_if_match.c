/* Proves that If-Match is read as RFC 9110, 13.1.1 says, and that versions alone are compared. */
#include "platform/base/err.h"
#include "platform/service/if_match.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static bool holds(const char *header, int64_t version)
{
    struct if_match if_match;

    assert_int_equal(if_match_parse(str_from_cstr(header), &if_match), 0);
    return if_match_holds(&if_match, version);
}

static void test_if_match__without_one_everything_matches(void **state)
{
    const struct if_match none = {0};

    (void)state;
    assert_true(if_match_holds(&none, 0));
    assert_true(if_match_holds(&none, 7));
}

static void test_if_match__the_version_alone_counts(void **state)
{
    (void)state;
    assert_true(holds("\"7-00ff\"", 7));
    assert_true(holds("\"7-other\"", 7));
    assert_true(holds("\"7\"", 7));
    assert_true(holds("7", 7));
    assert_true(holds("\"0-00ff\"", 0));
    assert_false(holds("\"7-00ff\"", 8));
    assert_false(holds("\"70-00ff\"", 7));
}

static void test_if_match__a_star_is_any_version(void **state)
{
    (void)state;
    assert_true(holds("*", 1));
    assert_true(holds(" * ", 99));
    assert_false(holds("\"*\"", 1)); /* a tag that somebody else made */
}

static void test_if_match__a_weak_tag_never_matches(void **state)
{
    (void)state;
    assert_false(holds("W/\"7-00ff\"", 7));
    assert_true(holds("W/\"7-00ff\", \"7-00ff\"", 7));
}

static void test_if_match__one_tag_of_a_list_is_enough(void **state)
{
    (void)state;
    assert_true(holds("\"5-a\", \"7-b\"", 7));
    assert_true(holds("\"5-a\",\"7-b\"", 5));
    assert_true(holds(", ,\"5-a\" ,", 5));
    assert_true(holds("\"a,7-\\\", \"7-b\"", 7)); /* a comma, and a backslash, are parts of a tag */
    assert_false(holds("\"5-a\", \"6-b\"", 7));
    assert_false(holds("\"foreign\", \"-7\", \"7x-1\", \"99999999999999999999-1\"", 7));
}

static void test_if_match__what_is_no_list_of_tags_is_refused(void **state)
{
    static const char *const bad[] = {
        "",         " ",           ",",      "x",        "\"7-a",    "7-a\"",          "w/\"7-a\"", "W/7",
        "W/ \"7\"", "\"7\" \"8\"", "\"7\"x", "*, \"7\"", "\"7\", *", "\"7 8\", \"9\"", "7 8",       "-7"};
    struct if_match if_match = {.count = 3};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (if_match_parse(str_from_cstr(bad[i]), &if_match) != ERR_INVALID)
            fail_msg("%s was taken", bad[i]);
    }
    assert_int_equal(if_match.count, 3);
}

static void test_if_match__names_a_bounded_number_of_versions(void **state)
{
    struct if_match if_match;

    (void)state;
    assert_true(holds("1,2,3,4,5,6,7,8", 8));
    assert_int_equal(if_match_parse(STR("1,2,3,4,5,6,7,8,9"), &if_match), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_if_match__without_one_everything_matches),
        cmocka_unit_test(test_if_match__the_version_alone_counts),
        cmocka_unit_test(test_if_match__a_star_is_any_version),
        cmocka_unit_test(test_if_match__a_weak_tag_never_matches),
        cmocka_unit_test(test_if_match__one_tag_of_a_list_is_enough),
        cmocka_unit_test(test_if_match__what_is_no_list_of_tags_is_refused),
        cmocka_unit_test(test_if_match__names_a_bounded_number_of_versions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
