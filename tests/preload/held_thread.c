/* Holds the first thread of a name at its birth until a pipe is closed, so that a tracer can be attached to that thread
 * alone before it does anything. HELD_THREAD: the name. HELD_UNTIL: the descriptor of the pipe's reading end. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int pthread_setname_np(pthread_t thread, const char *name)
{
    int (*real)(pthread_t, const char *);
    *(void **)&real = dlsym(RTLD_NEXT, "pthread_setname_np");
    if (!real)
        abort();
    int result = real(thread, name);
    const char *held = getenv("HELD_THREAD");
    const char *until = getenv("HELD_UNTIL");
    if (held && until && pthread_equal(thread, pthread_self()) && strcmp(name, held) == 0) {
        char byte;
        while (read(atoi(until), &byte, 1) < 0 && errno == EINTR)
            continue;
    }
    return result;
}
