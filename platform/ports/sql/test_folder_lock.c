/* Proves that one owner has a data folder at a time, and that who is refused is told by whom or why. */
#include "platform/ports/sql/folder_lock.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static char folder[] = "/tmp/shopstream-lock-XXXXXX";
static char lock_path[sizeof(folder) + 8];
static char message[FOLDER_LOCK_MESSAGE_BYTES];

static int start(void **state)
{
    (void)state;
    snprintf(lock_path, sizeof(lock_path), "%s/lock", mkdtemp(folder));
    return 0;
}

static int end(void **state)
{
    (void)state;
    unlink(lock_path);
    return rmdir(folder);
}

static void test_folder_lock__one_owner_at_a_time(void **state)
{
    struct folder_lock *lock = NULL, *second = NULL;
    char pid[32];

    (void)state;
    assert_int_equal(data_folder_lock(&lock, folder, message), 0);
    assert_string_equal(message, "");
    assert_int_equal(data_folder_lock(&second, folder, message), ERR_CONFLICT);
    assert_null(second);
    snprintf(pid, sizeof(pid), "(pid %ld)", (long)getpid());
    assert_non_null(strstr(message, pid));
    assert_non_null(strstr(message, folder));
    data_folder_unlock(lock);
    assert_int_equal(access(lock_path, F_OK), 0); /* never deleted: a deleted lock can be locked twice */
    assert_int_equal(data_folder_lock(&second, folder, message), 0);
    data_folder_unlock(second);
    data_folder_unlock(NULL);
}

/* An owner that has the lock and has not written its pid yet. */
static void test_folder_lock__an_owner_without_a_name_is_said_to_be_unknown(void **state)
{
    struct folder_lock *lock = NULL, *second = NULL;

    (void)state;
    assert_int_equal(data_folder_lock(&lock, folder, message), 0);
    assert_int_equal(truncate(lock_path, 0), 0);
    assert_int_equal(data_folder_lock(&second, folder, message), ERR_CONFLICT);
    assert_non_null(strstr(message, "(pid not known yet)"));
    data_folder_unlock(lock);
}

static void test_folder_lock__a_folder_that_cannot_be_is_named_with_the_reason(void **state)
{
    struct folder_lock *lock = NULL;
    char long_path[PATH_MAX + 1];

    (void)state;
    assert_int_equal(data_folder_lock(&lock, "/tmp/shopstream-no-such-folder", message), ERR_UNAVAILABLE);
    assert_non_null(strstr(message, "/tmp/shopstream-no-such-folder cannot be written to: No such file"));
    assert_int_equal(data_folder_lock(&lock, "/dev/null", message), ERR_UNAVAILABLE);
    assert_non_null(strstr(message, "Not a directory"));
    memset(long_path, 'x', PATH_MAX);
    long_path[PATH_MAX] = '\0';
    assert_int_equal(data_folder_lock(&lock, long_path, message), ERR_INVALID);
    assert_non_null(strstr(message, "too long"));
    assert_null(lock);
}

static void test_folder_lock__a_lock_that_cannot_be_written_is_none(void **state)
{
    struct folder_lock *lock = NULL;

    (void)state;
    unlink(lock_path);
    assert_int_equal(symlink("/dev/full", lock_path), 0);
    assert_true(data_folder_lock(&lock, folder, message) < 0);
    assert_non_null(strstr(message, "/lock cannot be written"));
    assert_null(lock);
    unlink(lock_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folder_lock__one_owner_at_a_time),
        cmocka_unit_test(test_folder_lock__an_owner_without_a_name_is_said_to_be_unknown),
        cmocka_unit_test(test_folder_lock__a_folder_that_cannot_be_is_named_with_the_reason),
        cmocka_unit_test(test_folder_lock__a_lock_that_cannot_be_written_is_none),
    };

    return cmocka_run_group_tests_name("folder_lock", tests, start, end);
}
