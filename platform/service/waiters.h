/* Requests that wait for an outcome (Prefer: wait) without holding a worker: parked under a key, and queued to the
 * worker pool again when the key is notified or their time is up. */
#pragma once

#include "platform/service/worker_pool.h"
#include "platform/base/str.h"

#include <stdint.h>

#define WAITERS_MAX 4096

struct waiters;

/* Starts the task that watches the deadlines. */
int waiters_new(struct waiters **ret_waiters, struct worker_pool *pool);

/* Ends the task, which queues everybody who still waits: whoever comes from now on does not wait. For the drain. NULL
 * is fine. */
void waiters_close(struct waiters *waiters);

/* Closes, and frees. NULL is fine. */
void waiters_free(struct waiters *waiters);

/* Parks the work (its run is called on a worker). The key must live as long. since_ns is when the awaited thing could
 * first happen: a notification after that counts, even if it came before this call. False when WAITERS_MAX wait: the
 * caller goes on without waiting. */
bool waiters_add(struct waiters *waiters, struct work *work, struct str key, int64_t since_ns, int64_t deadline_ns);

void waiters_notify(struct waiters *waiters, struct str key);
