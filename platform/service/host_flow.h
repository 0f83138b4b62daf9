/* Events and workflows of a host; private to platform/service. */
#pragma once

struct service_host;
struct service_instance;

/* The event bus, with the response cache as its listener. */
int host_flow_open(struct service_host *host, char ret_message[512]);

/* The service's outbox as a log, and its workflow engine. */
int host_flow_add(struct service_instance *instance, char ret_message[512]);

/* Consumers and engines begin to run, once every service is there. */
int host_flow_start(struct service_host *host);
void host_flow_stop(struct service_host *host);
void host_flow_free(struct service_host *host);
