/* What the standard library leaves to everybody who writes to a file descriptor. */
#pragma once

#include "platform/base/err.h"
#include "platform/base/str.h"

/* Writes all of the bytes, however many calls that takes. False: errno says why, and a part may be written. */
bool descriptor_write(int descriptor, struct str bytes);

/* The error of a file that could not be made or written, by its errno: ERR_STORAGE_FULL when there is no room for it,
 * ERR_UNAVAILABLE otherwise. */
int descriptor_error(int cause);

/* For CLEANUP: closes an open one and leaves errno as it is. */
void descriptor_close(const int *descriptor);
