/* The make of random.h that the shop runs on: the kernel's generator, asked for some hundred bytes at a time, as an id
 * takes ten and a call into the kernel costs as much as a hash. */
#include "platform/base/err.h"
#include "platform/ports/random/random.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/types.h>
#include <unistd.h>

#define STOCK_BYTES 256
#define SMALL_BYTES_MAX 32 /* more than that is asked for directly */

/* Bytes that nobody has had yet; each is wiped as it is given out. A child of fork must not give out its parent's. */
struct stock {
    unsigned char bytes[STOCK_BYTES];
    size_t left;
    pid_t owner;
};

static void ask_kernel(void *ret_bytes, size_t size)
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

void random_bytes(void *ret_bytes, size_t size)
{
    static _Thread_local struct stock stock;
    if (size > SMALL_BYTES_MAX) {
        ask_kernel(ret_bytes, size);
        return;
    }
    if (stock.left < size || stock.owner != getpid()) {
        ask_kernel(stock.bytes, sizeof(stock.bytes));
        stock.left = sizeof(stock.bytes);
        stock.owner = getpid();
    }
    stock.left -= size;
    memcpy(ret_bytes, stock.bytes + stock.left, size);
    explicit_bzero(stock.bytes + stock.left, size);
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
