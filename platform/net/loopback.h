/* Which hosts are this machine. What is said to another one in plain text can be read on the way. */
#pragma once

#include "platform/base/str.h"

/* By its name or address alone, without brackets; nothing is looked up, so that 127.example.com is elsewhere. */
bool is_loopback_host(struct str host);

/* Whether it is an address, for which no resolver is asked. */
bool is_numeric_host(struct str host);
