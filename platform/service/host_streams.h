/* Streams of a host: a task for each group that a service reads; private to platform/service. */
#pragma once

struct host_streams;
struct service_host;

int host_streams_start(struct service_host *host, struct host_streams **ret_streams);
void host_streams_stop(struct host_streams *streams); /* NULL is fine */

/* After the commit of call_append. */
void host_streams_wake(struct host_streams *streams);
