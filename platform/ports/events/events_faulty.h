/* The fault-injecting decorator of the events port, see platform/ports/fault.h. Its calls: "append", "handle" (a
 * consumer's handler), "wake", "trim".
 *
 * An event that is handled "twice" is handled, undone, and handled again: each takes effect once. A wake that fails is
 * lost, and the consumer finds the event when it looks by itself. An append is not repeated: it is in a transaction. */
#pragma once

#include "platform/ports/events/events.h"
#include "platform/ports/fault.h"

/* Puts it in front of *bus, which has no sources, consumers and listeners yet, and frees it with itself. plan NULL:
 * nothing is done. ERR_NO_MEMORY: *bus is as it was. */
int event_bus_faulty_wrap(struct event_bus **bus, struct fault_plan *plan);
