/* What a host does by itself: jobs by the clock, and messages of queues; private to platform/service. */
#pragma once

#include "platform/service/service.h"

struct host_jobs;
struct host_workers;
struct service_host;
struct service_instance;

/* Starts the task that queues each due job of each service to the worker pool; a job never runs twice at a time. */
int host_jobs_start(struct service_host *host, struct host_jobs **ret_jobs);

/* No job is queued any more; those that run go on in the pool. NULL is fine. */
void host_jobs_stop(struct host_jobs *jobs);
void host_jobs_free(struct host_jobs *jobs);

/* Starts some tasks for each queue that a service works on. */
int host_workers_start(struct service_host *host, struct host_workers **ret_workers);
void host_workers_stop(struct host_workers *workers);

/* Wakes a task of each of the service's queues; after the commit of call_enqueue. NULL is fine. */
void host_workers_wake(struct host_workers *workers, const struct service_instance *instance);
