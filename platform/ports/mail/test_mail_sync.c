/* Proves that a mail has its name only when its bytes are on the disk, and that whoever sent it is told so only when
 * the name is, too: however many are sent together. The program's own calls stand before those of libc and keep count.
 */
#include "platform/base/test_folder.h"
#include "platform/ports/mail/mail.h"
#include "platform/ports/port.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

/* Inodes of what was changed and not synced since; a name changes its folder. */
static ino_t unsynced[MAIL_SEND_MAX + 1];
static size_t unsynced_count, renamed;

static ino_t inode_of(int file)
{
    struct stat status;
    assert_int_equal(fstat(file, &status), 0);
    return status.st_ino;
}

static bool is_unsynced(ino_t inode)
{
    for (size_t i = 0; i < unsynced_count; i++)
        if (unsynced[i] == inode)
            return true;
    return false;
}

static void change(ino_t inode)
{
    if (is_unsynced(inode))
        return;
    assert_true(unsynced_count < sizeof(unsynced) / sizeof(unsynced[0]));
    unsynced[unsynced_count++] = inode;
}

ssize_t write(int file, const void *bytes, size_t count)
{
    struct stat status;
    if (fstat(file, &status) == 0 && S_ISREG(status.st_mode) && file > STDERR_FILENO)
        change(status.st_ino);
    return syscall(SYS_write, file, bytes, count);
}

int fsync(int file)
{
    ino_t inode = inode_of(file);
    for (size_t i = 0; i < unsynced_count; i++)
        if (unsynced[i] == inode)
            unsynced[i--] = unsynced[--unsynced_count];
    return (int)syscall(SYS_fsync, file);
}

int renameat(int from, const char *old, int to, const char *new)
{
    struct stat status;
    assert_int_equal(fstatat(from, old, &status, 0), 0);
    assert_false(is_unsynced(status.st_ino));
    change(inode_of(to));
    renamed++;
    return (int)syscall(SYS_renameat, from, old, to, new);
}

static void test_mail_sync__a_mail_is_synced_before_it_has_its_name(void **state)
{
    (void)state;
    char data[TEST_FOLDER_BYTES], message[512];
    struct mail *mail;
    struct mail_message messages[MAIL_SEND_MAX];
    test_folder_make(data);
    assert_int_equal(mail_open(&mail, &(struct port_config){.url = "spool:", .data_path = data}, message), 0);
    for (size_t count = 1; count <= MAIL_SEND_MAX; count++) {
        int results[MAIL_SEND_MAX];
        messages[count - 1] = (struct mail_message){.from = STR("shop@example.com"),
                                                    .to = STR("ann@example.org"),
                                                    .subject = STR("One of some"),
                                                    .text = STR("Hello\n")};
        renamed = 0;
        mail_send_all(mail, messages, count, results);
        for (size_t i = 0; i < count; i++)
            assert_int_equal(results[i], 0);
        assert_int_equal(renamed, count);
        assert_int_equal(unsynced_count, 0);
    }
    mail_free(mail);
    test_folder_remove(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mail_sync__a_mail_is_synced_before_it_has_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
