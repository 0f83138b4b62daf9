/* What must not be called: forced before every file of ours but the makes of the task, clock and random headers.
 *
 * Threads, time and randomness have one door each (platform/base/task.h, platform/ports/clock/clock.h,
 * platform/ports/random/random.h); a call past it could not be simulated. The string functions without a bound, and
 * jumps that skip clean-up, are refused as well. A use fails to compile, and the unknown name in the compiler's message
 * says what to use instead (after git's banned.h).
 *
 * The headers that declare these functions come first. The macros take arguments, so that a variable or a member of the
 * same name (`time`, `random`) remains possible. */
#pragma once

#ifndef SHOPSTREAM_SYSTEM_DOOR

#include <alloca.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#define BANNED_TASK(name) name##_is_banned__use_platform_base_task_h
#define BANNED_CLOCK(name) name##_is_banned__use_platform_ports_clock_clock_h
#define BANNED_RANDOM(name) name##_is_banned__use_platform_ports_random_random_h
#define BANNED_STRING(name) name##_is_banned__use_platform_base_str_h_or_buf_h
#define BANNED_JUMP(name) name##_is_banned__return_an_error_instead
#define BANNED_STACK(name) name##_is_banned__use_platform_base_arena_h

/* Threads, locks, waits, sleeps. */
#define pthread_create(...) BANNED_TASK(pthread_create)
#define pthread_join(...) BANNED_TASK(pthread_join)
#define pthread_detach(...) BANNED_TASK(pthread_detach)
#define pthread_exit(...) BANNED_TASK(pthread_exit)
#define pthread_cancel(...) BANNED_TASK(pthread_cancel)
#define pthread_kill(...) BANNED_TASK(pthread_kill)
#define pthread_self(...) BANNED_TASK(pthread_self)
#define pthread_once(...) BANNED_TASK(pthread_once)
#define pthread_setname_np(...) BANNED_TASK(pthread_setname_np)
#define pthread_key_create(...) BANNED_TASK(pthread_key_create)
#define pthread_getspecific(...) BANNED_TASK(pthread_getspecific)
#define pthread_setspecific(...) BANNED_TASK(pthread_setspecific)
#define pthread_mutex_init(...) BANNED_TASK(pthread_mutex_init)
#define pthread_mutex_destroy(...) BANNED_TASK(pthread_mutex_destroy)
#define pthread_mutex_lock(...) BANNED_TASK(pthread_mutex_lock)
#define pthread_mutex_trylock(...) BANNED_TASK(pthread_mutex_trylock)
#define pthread_mutex_timedlock(...) BANNED_TASK(pthread_mutex_timedlock)
#define pthread_mutex_unlock(...) BANNED_TASK(pthread_mutex_unlock)
#define pthread_cond_init(...) BANNED_TASK(pthread_cond_init)
#define pthread_cond_destroy(...) BANNED_TASK(pthread_cond_destroy)
#define pthread_cond_wait(...) BANNED_TASK(pthread_cond_wait)
#define pthread_cond_timedwait(...) BANNED_TASK(pthread_cond_timedwait)
#define pthread_cond_signal(...) BANNED_TASK(pthread_cond_signal)
#define pthread_cond_broadcast(...) BANNED_TASK(pthread_cond_broadcast)
#define pthread_rwlock_init(...) BANNED_TASK(pthread_rwlock_init)
#define pthread_rwlock_rdlock(...) BANNED_TASK(pthread_rwlock_rdlock)
#define pthread_rwlock_wrlock(...) BANNED_TASK(pthread_rwlock_wrlock)
#define pthread_rwlock_unlock(...) BANNED_TASK(pthread_rwlock_unlock)
#define pthread_spin_init(...) BANNED_TASK(pthread_spin_init)
#define pthread_spin_lock(...) BANNED_TASK(pthread_spin_lock)
#define pthread_spin_unlock(...) BANNED_TASK(pthread_spin_unlock)
#define pthread_barrier_init(...) BANNED_TASK(pthread_barrier_init)
#define pthread_barrier_wait(...) BANNED_TASK(pthread_barrier_wait)
#define thrd_create(...) BANNED_TASK(thrd_create)
#define thrd_join(...) BANNED_TASK(thrd_join)
#define thrd_sleep(...) BANNED_TASK(thrd_sleep)
#define thrd_yield(...) BANNED_TASK(thrd_yield)
#define mtx_init(...) BANNED_TASK(mtx_init)
#define mtx_lock(...) BANNED_TASK(mtx_lock)
#define mtx_unlock(...) BANNED_TASK(mtx_unlock)
#define cnd_init(...) BANNED_TASK(cnd_init)
#define cnd_wait(...) BANNED_TASK(cnd_wait)
#define cnd_signal(...) BANNED_TASK(cnd_signal)
#define sem_init(...) BANNED_TASK(sem_init)
#define sem_wait(...) BANNED_TASK(sem_wait)
#define sem_timedwait(...) BANNED_TASK(sem_timedwait)
#define sem_post(...) BANNED_TASK(sem_post)
#define sched_yield(...) BANNED_TASK(sched_yield)
#define sleep(...) BANNED_TASK(sleep)
#define usleep(...) BANNED_TASK(usleep)
#define nanosleep(...) BANNED_TASK(nanosleep)
#define clock_nanosleep(...) BANNED_TASK(clock_nanosleep)

/* Clocks, and the functions around them that keep their answer in a global. */
#define time(...) BANNED_CLOCK(time)
#define clock(...) BANNED_CLOCK(clock)
#define clock_gettime(...) BANNED_CLOCK(clock_gettime)
#define timespec_get(...) BANNED_CLOCK(timespec_get)
#define gettimeofday(...) BANNED_CLOCK(gettimeofday)
#define gmtime(...) BANNED_CLOCK(gmtime)
#define localtime(...) BANNED_CLOCK(localtime)
#define ctime(...) BANNED_CLOCK(ctime)
#define asctime(...) BANNED_CLOCK(asctime)

/* Randomness. */
#define rand(...) BANNED_RANDOM(rand)
#define rand_r(...) BANNED_RANDOM(rand_r)
#define srand(...) BANNED_RANDOM(srand)
#define random(...) BANNED_RANDOM(random)
#define srandom(...) BANNED_RANDOM(srandom)
#define drand48(...) BANNED_RANDOM(drand48)
#define lrand48(...) BANNED_RANDOM(lrand48)
#define getrandom(...) BANNED_RANDOM(getrandom)
#define getentropy(...) BANNED_RANDOM(getentropy)
#define arc4random(...) BANNED_RANDOM(arc4random)
#define arc4random_buf(...) BANNED_RANDOM(arc4random_buf)
#define arc4random_uniform(...) BANNED_RANDOM(arc4random_uniform)

/* Strings without a bound, or with one that nobody gets right. */
#undef strcpy
#define strcpy(...) BANNED_STRING(strcpy)
#undef strcat
#define strcat(...) BANNED_STRING(strcat)
#undef strncpy
#define strncpy(...) BANNED_STRING(strncpy)
#undef strncat
#define strncat(...) BANNED_STRING(strncat)
#undef stpcpy
#define stpcpy(...) BANNED_STRING(stpcpy)
#undef strtok
#define strtok(...) BANNED_STRING(strtok)
#undef sprintf
#define sprintf(...) BANNED_STRING(sprintf)
#undef vsprintf
#define vsprintf(...) BANNED_STRING(vsprintf)
#define gets(...) BANNED_STRING(gets)

/* Jumps and growing stacks. */
#undef setjmp
#define setjmp(...) BANNED_JUMP(setjmp)
#undef sigsetjmp
#define sigsetjmp(...) BANNED_JUMP(sigsetjmp)
#undef longjmp
#define longjmp(...) BANNED_JUMP(longjmp)
#undef siglongjmp
#define siglongjmp(...) BANNED_JUMP(siglongjmp)
#undef alloca
#define alloca(...) BANNED_STACK(alloca)

#endif
