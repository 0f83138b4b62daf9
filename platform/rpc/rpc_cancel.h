/* Whether who asked has given a call up, for all that works on it: the handler between its steps, and a call to another
 * process, which is given up too. */
#pragma once

#include "platform/base/task.h"

/* Told on any task, under the lock: it must neither block nor come back here. */
typedef void rpc_cancelled(void *context);

/* Needs no release: the lock is its owner's, for any number of calls, and outlives them. */
struct rpc_cancel {
    struct task_mutex *lock;
    bool is_set;
    rpc_cancelled *tell; /* who waits on behalf of it; at most one at a time */
    void *context;
};

void rpc_cancel_init(struct rpc_cancel *cancel, struct task_mutex *lock);

/* Any task, any number of times. */
void rpc_cancel_set(struct rpc_cancel *cancel);

/* NULL is never given up. */
bool rpc_cancel_is_set(struct rpc_cancel *cancel);

/* False when it is given up already, and tell is not called. */
bool rpc_cancel_watch(struct rpc_cancel *cancel, rpc_cancelled *tell, void *context);

/* When it returns, tell is not called any more. */
void rpc_cancel_unwatch(struct rpc_cancel *cancel);
