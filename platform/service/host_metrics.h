/* What the process counts of its requests, and /metrics in Prometheus' text format; private to platform/service. */
#pragma once

#include "platform/base/buf.h"

struct service_host;
struct service_instance;

/* What an instance counts; free() ends it. NULL without memory. */
struct instance_metrics *instance_metrics_new(void);

/* instance may be NULL, for a path that no service has. */
void host_metrics_request(struct service_instance *instance, int status, int64_t duration_us);
void host_metrics_write(struct service_host *host, struct buf *buf);
