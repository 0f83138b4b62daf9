/* Files that a person names. Each function returns an exit status and has said what is wrong. */
#pragma once

#include "platform/base/buf.h"

/* Appends the whole file; "-" is stdin. Past the buffer's maximum it is refused. */
int file_read(const char *path, struct buf *to);

/* Writes the file anew, whole and synced before it has its name: what stood there stays where this fails. */
int file_write(const char *path, struct str bytes);

/* The path from the root, for a process with another working folder; the file itself need not exist. NULL, and it was
 * said, when its folder does not. In the arena. */
struct arena;
const char *file_absolute(struct arena *arena, const char *path);
