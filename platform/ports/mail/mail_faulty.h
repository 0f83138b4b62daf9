/* The fault-injecting decorator of the mail port, see platform/ports/fault.h. */
#pragma once

#include "platform/ports/fault.h"
#include "platform/ports/mail/mail.h"

/* Puts it in front of *mail, which it frees with itself. plan NULL: nothing is done. ERR_NO_MEMORY: *mail is as it
 * was. */
int mail_faulty_wrap(struct mail **mail, struct fault_plan *plan);
