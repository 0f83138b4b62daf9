/* Makes the shop do a little more than it has to, for tests/costs, which must see it: each answer allocates once more
 * and calls the system once more, a database's sync does so some times, and a mail and its folder are synced twice. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#define TIMES_A_SYNC 20 /* so that an order, which is some twenty of them, goes beyond what orders differ by */

static void *next_of(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (!found)
        abort();
    return found;
}

static void waste(int file, int times)
{
    for (int i = 0; i < times; i++) {
        void *volatile block = malloc(1);
        free(block);
        fcntl(file, F_GETFD);
    }
}

ssize_t write(int file, const void *bytes, size_t len)
{
    ssize_t (*real)(int, const void *, size_t);
    *(void **)&real = next_of("write");
    waste(file, 1);
    return real(file, bytes, len);
}

ssize_t writev(int file, const struct iovec *pieces, int count)
{
    ssize_t (*real)(int, const struct iovec *, int);
    *(void **)&real = next_of("writev");
    waste(file, 1);
    return real(file, pieces, count);
}

int fdatasync(int file)
{
    int (*real)(int);
    *(void **)&real = next_of("fdatasync");
    waste(file, TIMES_A_SYNC);
    return real(file);
}

int fsync(int file)
{
    int (*real)(int);
    *(void **)&real = next_of("fsync");
    real(file);
    return real(file);
}
