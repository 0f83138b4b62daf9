/* A SQLite VFS that writes the frames of a commit in one call. It lies over any other VFS, and changes nothing of files
 * that are not a write-ahead log.
 *
 * SQLite writes each frame of the log by two calls, a header of 24 bytes and the page, each right behind the one
 * before. Here such bytes are gathered, and written when the last frame of the commit is there. What holds:
 *
 * - A commit's frames are in the file before SQLite goes on to sync them and to tell readers of them: the header of the
 *   frame that commits says so (bytes 4 to 7 are not zero), and with its page all is written, whatever `synchronous`
 * is. So another connection, which reads the frames of commits alone, never misses one.
 * - Whatever else is asked of the file (a read of what was gathered, its size, a sync, a cut, a write elsewhere) comes
 *   after that is written. Frames that SQLite spilled before the commit are thus read back as they are, and rewritten
 * in order.
 * - An error of the disk is the result of the call that wrote: of the commit's last frame, or of the read or sync
 * before it. Either fails the statement or the commit, as it did when each frame was written by itself. What could not
 * be written is kept, so that nothing later succeeds without it.
 * - Frames of a transaction that was rolled back are dropped when it gives its lock on writing back: they are never
 *   written behind another connection's. They had no commit frame, so the log means the same without them.
 * - A crash loses what was gathered: frames without their commit frame, which recovery would drop as well.
 *
 * Format of the log: https://www.sqlite.org/fileformat2.html#walformat; its locks:
 * https://www.sqlite.org/walformat.html, section 2.3. */
#pragma once

#include <sqlite3.h>

/* Bytes gathered at most, for each connection that writes: SQLite's own VFS passes at most 2^17 - 1 to one call of the
 * kernel. Taken at the first frame; without memory each frame is written by itself. */
#define VFS_LOG_GATHERED_BYTES_MAX ((1 << 17) - 1)

#define VFS_LOG_NAME_BYTES_MAX 80

/* The name of this VFS over the one of that name (NULL or "": over SQLite's default), registered at the first call; it
 * lives until the end of the program. NULL: there is no such VFS, or no memory. */
const char *vfs_log_over(const char *name);
