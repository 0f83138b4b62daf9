#include "platform/rpc/rpc_cancel.h"

#include "platform/base/err.h"

void rpc_cancel_init(struct rpc_cancel *cancel, struct task_mutex *lock)
{
    *cancel = (struct rpc_cancel){.lock = lock};
}

void rpc_cancel_set(struct rpc_cancel *cancel)
{
    TASK_LOCKED(cancel->lock);
    bool was_set = cancel->is_set;
    cancel->is_set = true;
    if (!was_set && cancel->tell)
        cancel->tell(cancel->context);
}

bool rpc_cancel_is_set(struct rpc_cancel *cancel)
{
    if (!cancel)
        return false;
    TASK_LOCKED(cancel->lock);
    return cancel->is_set;
}

bool rpc_cancel_watch(struct rpc_cancel *cancel, rpc_cancelled *tell, void *context)
{
    if (!cancel)
        return true;
    TASK_LOCKED(cancel->lock);
    ASSERT(!cancel->tell);
    if (cancel->is_set)
        return false;
    cancel->tell = tell;
    cancel->context = context;
    return true;
}

void rpc_cancel_unwatch(struct rpc_cancel *cancel)
{
    if (!cancel)
        return;
    TASK_LOCKED(cancel->lock);
    cancel->tell = NULL;
}
