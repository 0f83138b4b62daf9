/* The host's clocks: what is known of them is kept, and told where it matters. See platform/ports/clock/clock.h. */
#pragma once

#include "platform/service/service.h"

struct service_host;

/* Lets the steady clock go on where the last process on the data folder left it. Before anything stored is looked at.
 */
void host_clock_keep(struct service_host *host);

/* Marks both clocks each minute, and tells of a wall clock that was moved. Ends with an empty row. */
extern const struct job host_clock_jobs[];
