#include "platform/ports/sql/folder_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define PID_TEXT_BYTES 32

struct folder_lock {
    int file;
};

/* The pid in the file, or "an unknown one" while its owner has not written it yet. */
static void describe_owner(int file, char ret_pid[PID_TEXT_BYTES])
{
    ssize_t size = pread(file, ret_pid, PID_TEXT_BYTES - 1, 0);
    ret_pid[size > 0 ? size : 0] = '\0';
    ret_pid[strcspn(ret_pid, "\n")] = '\0';
    if (ret_pid[0] == '\0')
        snprintf(ret_pid, PID_TEXT_BYTES, "not known yet");
}

static int write_pid(int file)
{
    char text[PID_TEXT_BYTES];
    int size = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(file, 0) != 0 || pwrite(file, text, (size_t)size, 0) != size)
        return errno == ENOSPC || errno == EDQUOT ? ERR_STORAGE_FULL : ERR_UNAVAILABLE;
    return 0;
}

static int lock_file(int file, const char *path, char ret_message[FOLDER_LOCK_MESSAGE_BYTES])
{
    if (flock(file, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) {
            snprintf(ret_message, FOLDER_LOCK_MESSAGE_BYTES, "the data folder %s cannot be locked: %s", path,
                     strerror(errno));
            return ERR_UNAVAILABLE;
        }
        char pid[PID_TEXT_BYTES];
        describe_owner(file, pid);
        snprintf(
            ret_message, FOLDER_LOCK_MESSAGE_BYTES,
            "the data folder %s is in use by another process (pid %s); stop that one, or name another folder by --data",
            path, pid);
        return ERR_CONFLICT;
    }
    int error = write_pid(file);
    if (error)
        snprintf(ret_message, FOLDER_LOCK_MESSAGE_BYTES, "the file %s/lock cannot be written: %s", path,
                 strerror(errno));
    return error;
}

int data_folder_lock(struct folder_lock **ret_lock, const char *path, char ret_message[FOLDER_LOCK_MESSAGE_BYTES])
{
    ret_message[0] = '\0';
    char lock_path[PATH_MAX];
    if (snprintf(lock_path, sizeof(lock_path), "%s/lock", path) >= (int)sizeof(lock_path)) {
        snprintf(ret_message, FOLDER_LOCK_MESSAGE_BYTES, "the name of the data folder is too long");
        return ERR_INVALID;
    }
    int file = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) {
        snprintf(ret_message, FOLDER_LOCK_MESSAGE_BYTES, "the data folder %s cannot be written to: %s", path,
                 strerror(errno));
        return errno == ENOSPC || errno == EDQUOT ? ERR_STORAGE_FULL : ERR_UNAVAILABLE;
    }
    int error = lock_file(file, path, ret_message);
    struct folder_lock *lock = error ? NULL : malloc(sizeof(*lock));
    if (!lock) {
        close(file);
        return error ? error : ERR_NO_MEMORY;
    }
    lock->file = file;
    *ret_lock = lock;
    return 0;
}

void data_folder_unlock(struct folder_lock *lock)
{
    if (!lock)
        return;
    close(lock->file);
    free(lock);
}
