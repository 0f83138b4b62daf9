/* The make of random.h that the shop runs on: the kernel's generator. */
#include "platform/base/err.h"
#include "platform/ports/random/random.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/types.h>

void random_bytes(void *ret_bytes, size_t size)
{
    unsigned char *to = ret_bytes;
    while (size > 0) {
        ssize_t got = getrandom(to, size, 0);
        ASSERT(got > 0 || errno == EINTR);
        if (got > 0) {
            to += got;
            size -= (size_t)got;
        }
    }
}

uint64_t random_below(uint64_t bound)
{
    ASSERT(bound > 0);
    /* The lowest (2^64 mod bound) draws are refused, or the small results would come more often than the others. */
    uint64_t refused_below = (0 - bound) % bound;
    uint64_t draw;
    do {
        random_bytes(&draw, sizeof(draw));
    } while (draw < refused_below);
    return draw % bound;
}
