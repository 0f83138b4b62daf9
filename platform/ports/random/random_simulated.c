/* The make of random.h for simulations: everything follows from the seed, by xoshiro256** (Blackman and Vigna,
 * "Scrambled Linear Pseudorandom Number Generators"). The stream goes on over crashes, or ids would come again. */
#include "platform/base/err.h"
#include "platform/base/simulator.h"
#include "platform/ports/random/random.h"

#include <string.h>

static uint64_t generator[4] = {1, 2, 3, 4};

static uint64_t rotate_left(uint64_t value, int bits)
{
    return (value << bits) | (value >> (64 - bits));
}

/* Spreads the seed over the state by splitmix64, as its authors advise. */
void random_simulated_seed(uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        seed += UINT64_C(0x9E3779B97F4A7C15);
        uint64_t mixed = seed;
        mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94D049BB133111EB);
        generator[i] = mixed ^ (mixed >> 31);
    }
}

static uint64_t next_draw(void)
{
    uint64_t draw = rotate_left(generator[1] * 5, 7) * 9;
    uint64_t shifted = generator[1] << 17;
    generator[2] ^= generator[0];
    generator[3] ^= generator[1];
    generator[1] ^= generator[2];
    generator[0] ^= generator[3];
    generator[2] ^= shifted;
    generator[3] = rotate_left(generator[3], 45);
    return draw;
}

void random_bytes(void *ret_bytes, size_t size)
{
    unsigned char *to = ret_bytes;
    while (size > 0) {
        uint64_t draw = next_draw();
        size_t part = size < sizeof(draw) ? size : sizeof(draw);
        memcpy(to, &draw, part);
        to += part;
        size -= part;
    }
}

uint64_t random_below(uint64_t bound)
{
    ASSERT(bound > 0);
    uint64_t refused_below = (0 - bound) % bound; /* as in random_system.c */
    uint64_t draw;
    do {
        draw = next_draw();
    } while (draw < refused_below);
    return draw % bound;
}
