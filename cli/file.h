/* Files that a person names. Each function returns an exit status and has said what is wrong. */
#pragma once

#include "platform/base/buf.h"

/* Appends the whole file; "-" is stdin. Past the buffer's maximum it is refused. */
int file_read(const char *path, struct buf *to);

/* Writes the file anew, whole and synced before it has its name: what stood there stays where this fails. */
int file_write(const char *path, struct str bytes);
