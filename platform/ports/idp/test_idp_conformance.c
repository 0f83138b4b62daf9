/* What every adapter of the idp port does, run against argon2id, alone and behind the decorator; and what argon2id
 * alone promises. */
#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/idp/idp_adapter.h"
#include "platform/ports/idp/idp_faulty.h"
#include "platform/ports/test_fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct idp_argon2_config CHEAP = {.memory_kib = 64, .passes = 1, .lanes = 1};
static struct fault_plan *faults; /* NULL: without the decorator */

static struct idp *new_idp(const struct idp_argon2_config *config)
{
    struct idp *idp;
    assert_int_equal(idp_argon2_new(&idp, config), 0);
    assert_int_equal(idp_faulty_wrap(&idp, faults), 0);
    return idp;
}

static void test_idp__knows_its_password_and_no_other(void **state)
{
    (void)state;
    struct idp *idp;
    struct arena *arena = arena_new(1 << 16);
    struct str credential, again;
    bool matches = false;
    idp = new_idp(&CHEAP);
    assert_int_equal(idp_enrol(idp, arena, STR("u"), STR("correct horse"), TASK_FOREVER, &credential), 0);
    assert_int_equal(idp_enrol(idp, arena, STR("u"), STR("correct horse"), TASK_FOREVER, &again), 0);
    assert_false(str_equal(credential, again)); /* A salt of its own. */
    assert_int_equal(str_find(credential, STR("correct")), -1);
    assert_int_equal(idp_check(idp, STR("u"), credential, STR("correct horse"), TASK_FOREVER, &matches), 0);
    assert_true(matches);
    assert_int_equal(idp_check(idp, STR("u"), credential, STR("correct horsf"), TASK_FOREVER, &matches), 0);
    assert_false(matches);
    assert_int_equal(idp_check(idp, STR("u"), credential, STR_EMPTY, TASK_FOREVER, &matches), 0);
    assert_false(matches);
    idp_free(idp);
    idp_free(NULL);
    arena_free(arena);
}

static void test_idp__refuses_what_is_too_long_or_not_its_own(void **state)
{
    (void)state;
    struct idp *idp;
    struct arena *arena = arena_new(1 << 16);
    static char password[IDP_PASSWORD_BYTES_MAX + 1];
    struct str credential;
    bool matches = true;
    idp = new_idp(&CHEAP);
    memset(password, 'x', sizeof(password));
    struct str long_password = str_from(password, sizeof(password));
    assert_int_equal(idp_enrol(idp, arena, STR("u"), long_password, TASK_FOREVER, &credential), ERR_INVALID);
    assert_int_equal(idp_check(idp, STR("u"), STR("$2b$10$bcrypt"), STR("x"), TASK_FOREVER, &matches), ERR_CORRUPT);
    assert_int_equal(idp_check(idp, STR("u"), long_password, STR("x"), TASK_FOREVER, &matches), ERR_CORRUPT);
    assert_true(matches);
    struct idp_argon2_config bad = {.memory_kib = 4};
    struct idp *none;
    assert_int_equal(idp_argon2_new(&none, &bad), ERR_INVALID);
    idp_free(idp);
    arena_free(arena);
}

/* A credential says how it was made; a change of parameters shows. */
static void test_idp__knows_outdated_credentials(void **state)
{
    (void)state;
    struct idp *cheap, *owasp;
    struct arena *arena = arena_new(1 << 16);
    struct str old_credential, new_credential;
    bool matches = false;
    cheap = new_idp(&CHEAP);
    owasp = new_idp(NULL);
    assert_int_equal(idp_enrol(cheap, arena, STR("u"), STR("password"), TASK_FOREVER, &old_credential), 0);
    assert_int_equal(idp_enrol(owasp, arena, STR("u"), STR("password"), TASK_FOREVER, &new_credential), 0);
    assert_true(str_starts_with(new_credential, STR("$argon2id$v=19$m=19456,t=2,p=1$")));
    assert_true(idp_is_outdated(owasp, old_credential));
    assert_false(idp_is_outdated(owasp, new_credential));
    assert_int_equal(idp_check(owasp, STR("u"), old_credential, STR("password"), TASK_FOREVER, &matches), 0);
    assert_true(matches);
    idp_free(cheap);
    idp_free(owasp);
    arena_free(arena);
}

#define TIMED_ROUNDS 8

/* CPU time of checks against a credential that may be empty. */
static int64_t cost_ns(struct idp *idp, struct str credential)
{
    bool matches = true;
    int64_t start_ns = clock_cpu_ns();
    for (int i = 0; i < TIMED_ROUNDS; i++)
        assert_int_equal(idp_check(idp, STR("u"), credential, STR("guess"), TASK_FOREVER, &matches), 0);
    assert_false(matches);
    return clock_cpu_ns() - start_ns;
}

/* An unknown account costs what a wrong password costs; a short cut would show as a ratio of thousands. */
static void test_idp__unknown_account_takes_the_same_time(void **state)
{
    (void)state;
    struct idp *idp;
    struct arena *arena = arena_new(1 << 16);
    struct str credential;
    idp = new_idp(NULL);
    assert_int_equal(idp_enrol(idp, arena, STR("u"), STR("password"), TASK_FOREVER, &credential), 0);
    int64_t known_ns = cost_ns(idp, credential);
    int64_t unknown_ns = cost_ns(idp, STR_EMPTY);
    print_message("known %lld us, unknown %lld us\n", (long long)known_ns / 1000 / TIMED_ROUNDS,
                  (long long)unknown_ns / 1000 / TIMED_ROUNDS);
    assert_true(unknown_ns * 2 > known_ns && known_ns * 2 > unknown_ns);
    idp_free(idp);
    arena_free(arena);
}

#define RUSH 12

struct rush {
    struct idp *idp;
    int64_t deadline_ns;
    struct task_mutex mutex;
    int done, late, other;
};

static void sign_in(void *argument)
{
    struct rush *rush = argument;
    bool matches;
    int result = idp_check(rush->idp, STR("u"), STR_EMPTY, STR("guess"), rush->deadline_ns, &matches);
    TASK_LOCKED(&rush->mutex);
    rush->done += result == 0;
    rush->late += result == ERR_DEADLINE;
    rush->other += result != 0 && result != ERR_DEADLINE;
}

static void run_rush(struct rush *rush)
{
    struct task *tasks[RUSH];
    task_mutex_init(&rush->mutex);
    for (int i = 0; i < RUSH; i++)
        assert_int_equal(task_start(&tasks[i], "sign-in", sign_in, rush), 0);
    for (int i = 0; i < RUSH; i++)
        task_join(tasks[i]);
    task_mutex_destroy(&rush->mutex);
}

/* More than may hash at once: each gets its turn; whose time is up before it is told so, and the gate stays whole. */
static void test_idp__a_rush_waits_in_turn(void **state)
{
    (void)state;
    struct rush rush = {.deadline_ns = TASK_FOREVER};
    const struct idp_argon2_config slow = {.memory_kib = 19456, .passes = 8, .lanes = 1};
    rush.idp = new_idp(&slow);
    run_rush(&rush);
    assert_int_equal(rush.done, RUSH);
    struct rush hurried = {.idp = rush.idp, .deadline_ns = clock_monotonic_ns()};
    run_rush(&hurried);
    assert_int_equal(hurried.done + hurried.late, RUSH);
    assert_true(hurried.done >= IDP_HASHES_MAX);
    struct rush after = {.idp = rush.idp, .deadline_ns = TASK_FOREVER};
    run_rush(&after);
    assert_int_equal(after.done, RUSH);
    idp_free(rush.idp);
}

static void test_idp_faulty__does_what_the_plan_says(void **state)
{
    (void)state;
    struct idp *idp = new_idp(&CHEAP);
    struct arena *arena = arena_new(1 << 16);
    struct str credential = STR_EMPTY;
    bool matches = false;
    test_fault_next(faults, FAULT_IDP, "enrol", FAULT_FAIL);
    assert_int_equal(idp_enrol(idp, arena, STR("u"), STR("p"), TASK_FOREVER, &credential), ERR_UNAVAILABLE);
    assert_int_equal(credential.len, 0);
    test_fault_next(faults, FAULT_IDP, "enrol", FAULT_REPEAT);
    assert_int_equal(idp_enrol(idp, arena, STR("u"), STR("p"), TASK_FOREVER, &credential), 0);
    test_fault_next(faults, FAULT_IDP, "check", FAULT_FAIL_AFTER);
    assert_int_equal(idp_check(idp, STR("u"), credential, STR("p"), TASK_FOREVER, &matches), ERR_DEADLINE);
    test_fault_next(faults, FAULT_IDP, "check", FAULT_DELAY);
    int64_t started_ns = clock_monotonic_ns();
    assert_int_equal(idp_check(idp, STR("u"), credential, STR("p"), TASK_FOREVER, &matches), 0);
    assert_true(test_fault_was_late(started_ns) && matches);
    idp_free(idp);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idp__knows_its_password_and_no_other),
        cmocka_unit_test(test_idp__refuses_what_is_too_long_or_not_its_own),
        cmocka_unit_test(test_idp__knows_outdated_credentials),
        cmocka_unit_test(test_idp__unknown_account_takes_the_same_time),
        cmocka_unit_test(test_idp__a_rush_waits_in_turn),
    };
    const struct CMUnitTest decorated[] = {
        cmocka_unit_test(test_idp__knows_its_password_and_no_other),
        cmocka_unit_test(test_idp__refuses_what_is_too_long_or_not_its_own),
        cmocka_unit_test(test_idp__knows_outdated_credentials),
        cmocka_unit_test(test_idp_faulty__does_what_the_plan_says),
    };
    int failed = cmocka_run_group_tests_name("plain", tests, NULL, NULL);
    faults = fault_plan_new();
    failed += cmocka_run_group_tests_name("decorated", decorated, NULL, NULL);
    fault_plan_free(faults);
    return failed;
}
