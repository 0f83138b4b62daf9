/* The fault-injecting decorator of the psp port, see platform/ports/fault.h: it does what networks do. A call that is
 * repeated is sent twice with the same key, as a proxy may. Checking an event's signature asks nobody and never fails.
 */
#pragma once

#include "platform/ports/fault.h"
#include "platform/ports/psp/psp.h"

/* Puts it in front of *psp, which it frees with itself. plan NULL: nothing is done. ERR_NO_MEMORY: *psp is as it was.
 */
int psp_faulty_wrap(struct psp **psp, struct fault_plan *plan);
