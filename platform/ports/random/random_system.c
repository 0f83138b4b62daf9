/* The make of random.h that the shop runs on: the kernel's generator, asked for some hundred bytes at a time, as an id
 * takes ten and a call into the kernel costs as much as a hash. */
#include "platform/base/err.h"
#include "platform/ports/random/random.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>

#define STOCK_BYTES 256
#define SMALL_BYTES_MAX 32 /* more than that is asked for directly */

/* Bytes that nobody has had yet; each is wiped as it is given out. */
struct stock {
    unsigned char bytes[STOCK_BYTES];
    size_t left;
    unsigned forks; /* as many as there were when it was filled */
};

/* A child of fork must not give out its parent's bytes. Counted, as asking for the process's id is a call into the
 * kernel. */
static atomic_uint fork_count;

static void count_fork(void)
{
    atomic_fetch_add_explicit(&fork_count, 1, memory_order_relaxed);
}

static void watch_forks(void)
{
    int error = pthread_atfork(NULL, NULL, count_fork);
    ASSERT(error == 0);
}

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
    static pthread_once_t watched = PTHREAD_ONCE_INIT;
    unsigned forks = atomic_load_explicit(&fork_count, memory_order_relaxed);
    if (size > SMALL_BYTES_MAX) {
        ask_kernel(ret_bytes, size);
        return;
    }
    if (stock.left < size || stock.forks != forks) {
        pthread_once(&watched, watch_forks);
        ask_kernel(stock.bytes, sizeof(stock.bytes));
        stock.left = sizeof(stock.bytes);
        stock.forks = forks;
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
