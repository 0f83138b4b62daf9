/* Stacks of their own that one thread switches between: what the simulated tasks run on.
 *
 * A switch on x86-64 is a dozen instructions; elsewhere it goes through ucontext, whose two system calls a switch cost
 * about half a microsecond. ASan is told of every switch. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#if !defined(__x86_64__) && !defined(COROUTINE_UCONTEXT)
#define COROUTINE_UCONTEXT 1
#endif

#ifdef COROUTINE_UCONTEXT
#include <ucontext.h>
#endif

struct coroutine {
    void *stack_pointer;
    void *stack; /* the lowest address */
    size_t stack_size;
    void *fake_stack; /* ASan's */
    void (*fn)(void *argument);
    void *argument;
#ifdef COROUTINE_UCONTEXT
    ucontext_t context;
#endif
};

/* Prepares fn(argument) on the given stack, for the first switch to it. fn must not return: it ends by a switch with
 * from_is_done. The coroutine of the thread's own stack needs no preparation but zeroes. */
void coroutine_init(struct coroutine *coroutine, void *stack, size_t stack_size, void (*fn)(void *argument),
                    void *argument);

/* Goes on with to, where it last switched away or at its start; returns when somebody switches back to from. */
void coroutine_switch(struct coroutine *from, struct coroutine *to, bool from_is_done);
