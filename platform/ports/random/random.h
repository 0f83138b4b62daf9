/* The random port. Chosen when a program is linked: random_system.c (getrandom), or the simulation's seeded generator.
 *
 * Every byte is fit for keys and tokens. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Fills the bytes; aborts when the kernel has no randomness to give, for nothing can be signed without it. */
void random_bytes(void *ret_bytes, size_t size);

/* Uniform in [0, bound); bound must not be 0. */
uint64_t random_below(uint64_t bound);
