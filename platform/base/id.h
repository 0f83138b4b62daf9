/* Ids: UUIDs of version 7 (RFC 9562), whose text sorts by the time of their making. */
#pragma once

#include "platform/base/str.h"

#define ID_BYTES 37 /* "0190163d-8694-739b-aea5-966c26f8ad91" and the NUL */

/* A new id, greater than all that this process made before, also when the wall clock steps back; 62 random bits. */
void id_new(char ret_id[ID_BYTES]);
