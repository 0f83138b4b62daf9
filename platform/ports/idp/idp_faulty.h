/* The fault-injecting decorator of the idp port, see platform/ports/fault.h. */
#pragma once

#include "platform/ports/fault.h"
#include "platform/ports/idp/idp.h"

/* Puts it in front of *idp, which it frees with itself. plan NULL: nothing is done. ERR_NO_MEMORY: *idp is as it
 * was. */
int idp_faulty_wrap(struct idp **idp, struct fault_plan *plan);
