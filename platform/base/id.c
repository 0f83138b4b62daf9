#include "platform/base/id.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/random/random.h"

#include <stdatomic.h>

#define COUNTER_BITS 12
#define COUNTER_START_MAX 1024u /* leaves three quarters of the counter for more ids of the same millisecond */

/* Milliseconds and counter of the last id: the first 60 bits of it that vary. */
static _Atomic uint64_t last_tick;

/* The larger of now and the tick after the last one (RFC 9562, section 6.2, "Fixed Bit-Length Dedicated Counter"); when
 * the counter runs over, the ids are a millisecond ahead of the clock. */
static uint64_t next_tick(uint64_t now_tick)
{
    uint64_t last = atomic_load(&last_tick);
    uint64_t next;
    do {
        next = now_tick > last ? now_tick : last + 1;
    } while (!atomic_compare_exchange_weak(&last_tick, &last, next));
    return next;
}

static void put_hex(char *to, uint64_t value, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        to[i] = "0123456789abcdef"[value & 0xF];
        value >>= 4;
    }
}

void id_new(char ret_id[ID_BYTES])
{
    uint64_t random[2];
    random_bytes(random, sizeof(random));
    uint64_t now_tick = (uint64_t)clock_wall_ms() << COUNTER_BITS | random[1] % COUNTER_START_MAX;
    uint64_t tick = next_tick(now_tick);
    uint64_t tail = (random[0] & (UINT64_MAX >> 2)) | UINT64_C(1) << 63; /* the variant of the RFC */
    put_hex(ret_id, tick >> (COUNTER_BITS + 16), 8);
    put_hex(ret_id + 9, tick >> COUNTER_BITS, 4);
    put_hex(ret_id + 14, 7 << COUNTER_BITS | (tick & 0xFFF), 4);
    put_hex(ret_id + 19, tail >> 48, 4);
    put_hex(ret_id + 24, tail, 12);
    ret_id[8] = ret_id[13] = ret_id[18] = ret_id[23] = '-';
    ret_id[36] = '\0';
}
