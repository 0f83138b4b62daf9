/* Positions, and what is kept for who comes back: pure functions. */
#include "services/realtime/recent.h"

#include "platform/base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_realtime_recent__a_position_is_read_as_it_was_written(void **state)
{
    (void)state;
    const struct position position = {{12, 0, INT64_MAX}};
    struct position read = {{0}};
    char text[POSITION_BYTES];

    position_format(&position, text);
    assert_string_equal(text, "c12.o0.p9223372036854775807");
    assert_int_equal(position_parse(str_from_cstr(text), &read), 0);
    assert_memory_equal(&read, &position, sizeof(read));
}

static void test_realtime_recent__others_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "c1",
                                        "c1.o2",
                                        "c1.o2.p",
                                        "c1.o2.p3.",
                                        "c1.o2.p3.q",
                                        "o1.c2.p3",
                                        "c-1.o2.p3",
                                        "c1.o2.p3 ",
                                        "c1,o2,p3",
                                        "c1.o2.px",
                                        "c1..o2.p3",
                                        "c1.o2.p99999999999999999999999999",
                                        "c1.o2.p3\nevent: x"};
    struct position position;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(position_parse(str_from_cstr(texts[i]), &position), ERR_INVALID);
    assert_int_equal(position_parse(STR_EMPTY, &position), ERR_INVALID);
}

static void add(struct recent *recent, enum realtime_source source, int64_t offset, size_t bytes)
{
    char *filler = calloc(1, bytes);
    struct http_blob *blob = http_blob_new(str_from(filler, bytes));

    recent_add(recent, source, offset, blob, blob);
    http_blob_unref(blob);
    free(filler);
}

static void assert_walk(const struct recent *recent, struct position from, const int64_t *offsets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct recent_event *event = recent_next(recent, &from);

        assert_non_null(event);
        assert_int_equal(event->offset, offsets[i]);
    }
    assert_null(recent_next(recent, &from));
}

/* What came behind a position, over all logs in the order in which it came; offsets may leave gaps. */
static void test_realtime_recent__is_walked_in_order(void **state)
{
    (void)state;
    struct recent *recent = calloc(1, sizeof(*recent));

    add(recent, SOURCE_ORDERS, 7, 10);
    add(recent, SOURCE_CATALOG, 100, 10);
    add(recent, SOURCE_ORDERS, 9, 10);
    add(recent, SOURCE_PAYMENTS, 3, 10);
    assert_walk(recent, (struct position){{99, 6, 2}}, (const int64_t[]){7, 100, 9, 3}, 4);
    assert_walk(recent, (struct position){{99, 8, 3}}, (const int64_t[]){100, 9}, 2);
    assert_walk(recent, recent->position, NULL, 0);
    assert_true(recent_knows(recent, SOURCE_ORDERS, 9));
    assert_false(recent_knows(recent, SOURCE_ORDERS, 10));
    recent_free(recent);
    free(recent);
}

/* It says so when something between may be missing: forgotten, never seen, or of a log that is not this one. */
static void test_realtime_recent__knows_how_far_back_it_reaches(void **state)
{
    (void)state;
    struct recent *recent = calloc(1, sizeof(*recent));
    const struct position start = {{0}};

    assert_true(recent_reaches(recent, &start));
    assert_false(recent_reaches(recent, &(struct position){{1, 0, 0}}));
    add(recent, SOURCE_CATALOG, 50, 10);
    assert_false(recent_reaches(recent, &start));
    assert_true(recent_reaches(recent, &(struct position){{49, 0, 0}}));
    for (int64_t i = 1; i <= RECENT_MAX; i++)
        add(recent, SOURCE_CATALOG, 50 + i, 10);
    assert_false(recent_reaches(recent, &(struct position){{49, 0, 0}}));
    assert_true(recent_reaches(recent, &(struct position){{50, 0, 0}}));
    assert_false(recent_reaches(recent, &(struct position){{50 + RECENT_MAX + 1, 0, 0}}));
    recent_free(recent);
    free(recent);
}

static void test_realtime_recent__is_bounded_by_bytes(void **state)
{
    (void)state;
    struct recent *recent = calloc(1, sizeof(*recent));

    for (int64_t i = 1; i <= 20; i++) /* each counts twice: as its text and as its channels */
        add(recent, SOURCE_ORDERS, i, RECENT_BYTES_MAX / 10);
    assert_true(recent->logs[SOURCE_ORDERS].bytes <= RECENT_BYTES_MAX);
    assert_false(recent_reaches(recent, &(struct position){{0, 10, 0}}));
    assert_true(recent_reaches(recent, &(struct position){{0, 16, 0}}));
    recent_free(recent);
    free(recent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_realtime_recent__a_position_is_read_as_it_was_written),
        cmocka_unit_test(test_realtime_recent__others_are_refused),
        cmocka_unit_test(test_realtime_recent__is_walked_in_order),
        cmocka_unit_test(test_realtime_recent__knows_how_far_back_it_reaches),
        cmocka_unit_test(test_realtime_recent__is_bounded_by_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
