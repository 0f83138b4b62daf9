/* Rate limits: how often one customer, or one address, may do what. */
#pragma once

#include "platform/service/call.h"

/* Counts one use by the subject (a user's id, an address, an e-mail address): ERR_RATE_LIMITED with the call's problem
 * and Retry-After when it was one too many. For what a row does not say, as the tries of one account. Nothing is
 * counted while the limits are off. */
int rate_check(struct call *call, enum rate rate, struct str subject);
