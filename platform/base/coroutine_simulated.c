#include "platform/base/coroutine.h"
#include "platform/base/err.h"
#include "platform/base/sanitizer.h"

#include <stdint.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

/* Who switched last, so that the one that goes on can note the other's stack. */
static struct coroutine *last_switched;

static void before_switch(struct coroutine *from, struct coroutine *to, bool from_is_done)
{
    last_switched = from;
    __sanitizer_start_switch_fiber(from_is_done ? NULL : &from->fake_stack, to->stack, to->stack_size);
}

static void after_switch(struct coroutine *arrived)
{
    const void *stack;
    size_t size;
    __sanitizer_finish_switch_fiber(arrived->fake_stack, &stack, &size);
    last_switched->stack = (void *)(uintptr_t)stack;
    last_switched->stack_size = size;
}

/* A stack that is used again still has the red zones of the frames that were left for good. */
static void before_first_use(void *stack, size_t size)
{
    __asan_unpoison_memory_region(stack, size);
}
#else
static void before_switch(struct coroutine *from, struct coroutine *to, bool from_is_done)
{
    (void)from;
    (void)to;
    (void)from_is_done;
}

static void after_switch(struct coroutine *arrived)
{
    (void)arrived;
}

static void before_first_use(void *stack, size_t size)
{
    (void)stack;
    (void)size;
}
#endif

/* Called once on each new stack. */
__attribute__((visibility("hidden"), used)) _Noreturn void coroutine_main_(struct coroutine *coroutine);

void coroutine_main_(struct coroutine *coroutine)
{
    after_switch(coroutine);
    coroutine->fn(coroutine->argument);
    assert_failed("a coroutine never returns", __FILE__, __LINE__, __func__);
}

#ifdef COROUTINE_UCONTEXT

static void ucontext_main(unsigned high, unsigned low)
{
    coroutine_main_((struct coroutine *)(((uintptr_t)high << 32) | low));
}

void coroutine_init(struct coroutine *coroutine, void *stack, size_t stack_size, void (*fn)(void *argument),
                    void *argument)
{
    *coroutine = (struct coroutine){.stack = stack, .stack_size = stack_size, .fn = fn, .argument = argument};
    before_first_use(stack, stack_size);
    ASSERT(getcontext(&coroutine->context) == 0);
    coroutine->context.uc_stack.ss_sp = stack;
    coroutine->context.uc_stack.ss_size = stack_size;
    uint64_t address = (uint64_t)(uintptr_t)coroutine;
    makecontext(&coroutine->context, (void (*)(void))(void *)ucontext_main, 2, (unsigned)(address >> 32),
                (unsigned)address);
}

void coroutine_switch(struct coroutine *from, struct coroutine *to, bool from_is_done)
{
    before_switch(from, to, from_is_done);
    ASSERT(swapcontext(&from->context, &to->context) == 0);
    after_switch(from);
}

#else

/* Saves what a callee must keep (System V ABI, section 3.2.1) on the old stack and takes it from the new one. The
 * floating-point control words stay as they are, since nobody changes them. */
void coroutine_swap_(void **ret_old, void *new_stack_pointer);
void coroutine_start_(void);

__asm__(".text\n"
        ".p2align 4\n"
        ".globl coroutine_swap_\n"
        ".hidden coroutine_swap_\n"
        ".type coroutine_swap_, @function\n"
        "coroutine_swap_:\n"
        "    endbr64\n"
        "    pushq %rbp\n"
        "    pushq %rbx\n"
        "    pushq %r12\n"
        "    pushq %r13\n"
        "    pushq %r14\n"
        "    pushq %r15\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "    popq %r15\n"
        "    popq %r14\n"
        "    popq %r13\n"
        "    popq %r12\n"
        "    popq %rbx\n"
        "    popq %rbp\n"
        "    ret\n"
        ".size coroutine_swap_, .-coroutine_swap_\n"
        /* Where a new stack begins: the coroutine waits in r12. Debuggers stop unwinding here. */
        ".p2align 4\n"
        ".globl coroutine_start_\n"
        ".hidden coroutine_start_\n"
        ".type coroutine_start_, @function\n"
        "coroutine_start_:\n"
        "    .cfi_startproc\n"
        "    .cfi_undefined rip\n"
        "    endbr64\n"
        "    movq %r12, %rdi\n"
        "    call coroutine_main_\n"
        "    ud2\n"
        "    .cfi_endproc\n"
        ".size coroutine_start_, .-coroutine_start_\n");

void coroutine_init(struct coroutine *coroutine, void *stack, size_t stack_size, void (*fn)(void *argument),
                    void *argument)
{
    *coroutine = (struct coroutine){.stack = stack, .stack_size = stack_size, .fn = fn, .argument = argument};
    before_first_use(stack, stack_size);
    uintptr_t top = ((uintptr_t)stack + stack_size) & ~(uintptr_t)15;
    /* What coroutine_swap_ takes off: r15 r14 r13 r12 rbx rbp and the return address, which leaves the stack aligned as
     * before a call. */
    void **frame = (void **)(top - 7 * sizeof(void *));
    for (int i = 0; i < 7; i++)
        frame[i] = NULL;
    frame[3] = coroutine;
    frame[6] = (void *)(uintptr_t)coroutine_start_;
    coroutine->stack_pointer = frame;
}

void coroutine_switch(struct coroutine *from, struct coroutine *to, bool from_is_done)
{
    before_switch(from, to, from_is_done);
    coroutine_swap_(&from->stack_pointer, to->stack_pointer);
    after_switch(from);
}

#endif
