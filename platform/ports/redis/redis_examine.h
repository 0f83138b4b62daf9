/* For people who set up a shop: whether a Redis server is there, lets us in, and is fit for what stands on it. */
#pragma once

#include "platform/ports/redis/redis_address.h"

/* 0 and which server it is; else what is wrong and what to do, in one line. ERR_INVALID: the address; ERR_UNAVAILABLE:
 * the server is not there or does not want us; ERR_UNPROCESSABLE: it is not set up as the port needs it. */
int redis_examine(enum port port, const char *url, char ret_message[REDIS_MESSAGE_BYTES]);
