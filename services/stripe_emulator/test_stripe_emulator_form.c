/* Proves that Stripe's nested form encoding is read as it is written, and that nothing else passes for it. */
#include "services/stripe_emulator/form.h"

#include "platform/base/err.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define ARENA_BYTES ((size_t)256 << 10)

static int start(void **state)
{
    *state = arena_new(ARENA_BYTES);
    return *state ? 0 : -1;
}

static int end(void **state)
{
    arena_free(*state);
    return 0;
}

static struct form parse(void **state, const char *encoded)
{
    struct form form = {0};

    assert_int_equal(form_parse(*state, str_from_cstr(encoded), &form), 0);
    return form;
}

static void assert_value(const struct form *form, const char *name, const char *value)
{
    struct str found = form_find(form, name);

    assert_non_null(found.ptr);
    assert_true(str_equal_cstr(found, value));
}

static void test_stripe_emulator_form__decodes_names_and_values(void **state)
{
    struct form form =
        parse(state, "amount=1999&description=two+%26+three%20%C3%A9&metadata%5Border_id%5D=7&empty=&bare");

    assert_int_equal(form.count, 5);
    assert_value(&form, "amount", "1999");
    assert_value(&form, "description", "two & three \xC3\xA9");
    assert_value(&form, "metadata[order_id]", "7");
    assert_value(&form, "empty", "");
    assert_value(&form, "bare", "");
    assert_null(form_find(&form, "metadata").ptr);
    assert_null(form_find(&form, "Amount").ptr);
}

static void test_stripe_emulator_form__the_first_of_a_name_counts(void **state)
{
    struct form form = parse(state, "amount=1&amount=2");

    assert_value(&form, "amount", "1");
}

static void test_stripe_emulator_form__nothing_is_an_empty_form(void **state)
{
    assert_int_equal(parse(state, "").count, 0);
    assert_null(form_find(&(struct form){0}, "amount").ptr);
}

static void test_stripe_emulator_form__refuses_broken_escapes(void **state)
{
    static const char *const broken[] = {"a=%", "a=%4", "a=%zz", "%00=1", "a=%ff"};
    struct form form;

    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
        assert_int_equal(form_parse(*state, str_from_cstr(broken[i]), &form), ERR_INVALID);
}

static void test_stripe_emulator_form__has_a_limit_of_fields(void **state)
{
    char encoded[4 * (FORM_FIELDS_MAX + 1) + 1] = "";
    struct form form = {0};

    for (int i = 0; i < FORM_FIELDS_MAX; i++)
        memcpy(encoded + 4 * i, "a=1&", 5);
    assert_int_equal(form_parse(*state, str_from_cstr(encoded), &form), 0);
    assert_int_equal(form.count, FORM_FIELDS_MAX);
    memcpy(encoded + sizeof(encoded) - 5, "b=2&", 5);
    assert_int_equal(form_parse(*state, str_from_cstr(encoded), &form), ERR_TOO_LARGE);
}

static void test_stripe_emulator_form__walks_the_keys_of_a_prefix(void **state)
{
    struct form form = parse(state, "metadata[a]=1&metadata=x&metadata[]=y&metadatas[b]=z&metadata[c=w&metadata[b]=2");
    size_t position = 0;
    struct str key, value;

    assert_true(form_next_key(&form, "metadata", &position, &key, &value));
    assert_true(str_equal(key, STR("a")) && str_equal(value, STR("1")));
    assert_true(form_next_key(&form, "metadata", &position, &key, &value)); /* an element of an array */
    assert_true(key.len == 0 && str_equal(value, STR("y")));
    assert_true(form_next_key(&form, "metadata", &position, &key, &value));
    assert_true(str_equal(key, STR("b")) && str_equal(value, STR("2")));
    assert_false(form_next_key(&form, "metadata", &position, &key, &value));
}

static void test_stripe_emulator_form__expands_what_is_named(void **state)
{
    struct form form = parse(state, "expand[]=latest_charge&expand[1]=customer&expanded[]=invoice");

    assert_true(form_expands(&form, "latest_charge"));
    assert_true(form_expands(&form, "customer"));
    assert_false(form_expands(&form, "invoice"));
    assert_false(form_expands(&form, "latest"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stripe_emulator_form__decodes_names_and_values),
        cmocka_unit_test(test_stripe_emulator_form__the_first_of_a_name_counts),
        cmocka_unit_test(test_stripe_emulator_form__nothing_is_an_empty_form),
        cmocka_unit_test(test_stripe_emulator_form__refuses_broken_escapes),
        cmocka_unit_test(test_stripe_emulator_form__has_a_limit_of_fields),
        cmocka_unit_test(test_stripe_emulator_form__walks_the_keys_of_a_prefix),
        cmocka_unit_test(test_stripe_emulator_form__expands_what_is_named),
    };

    return cmocka_run_group_tests_name("stripe_emulator_form", tests, start, end);
}
