/* What the process counts of itself beyond what its ports count; private to platform/service, shown by metrics_write.
 */
#pragma once

#include <stdint.h>

struct service_host;
struct service_instance;

/* Counts an answered request by service and class of status. instance may be NULL, for a path that no service has. */
void host_metrics_request(const struct service_instance *instance, int status, int64_t duration_ns);

/* Counts what was refused before it was a request, and so has no duration. */
void host_metrics_refusal(int status);

/* Brings the gauges up to date: databases, queues, response cache, workflows. To be called before metrics_write. */
void host_metrics_update(struct service_host *host);
