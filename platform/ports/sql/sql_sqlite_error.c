/* SQLite's results as our errors, and what to tell a person about them. */
#include "platform/base/descriptor.h"
#include "platform/base/log.h"
#include "platform/ports/sql/sql_sqlite.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* An I/O error is a full disk when the system says so: a short write is reported either way. */
static int io_error(sqlite3 *handle, int result)
{
    if (result == SQLITE_IOERR_NOMEM)
        return ERR_NO_MEMORY;
    int cause = handle ? sqlite3_system_errno(handle) : 0;
    return descriptor_error(cause);
}

int sqlite_error(sqlite3 *handle, int result)
{
    switch (result & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_CONSTRAINT:
        return ERR_CONFLICT;
    case SQLITE_FULL:
        return ERR_STORAGE_FULL;
    case SQLITE_IOERR:
        return io_error(handle, result);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_PROTOCOL:
    case SQLITE_NOLFS:
        return ERR_UNAVAILABLE;
    case SQLITE_NOMEM:
        return ERR_NO_MEMORY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_CORRUPT;
    case SQLITE_TOOBIG:
        return ERR_TOO_LARGE;
    default:
        return ERR_INTERNAL;
    }
}

void sqlite_report(sqlite3 *handle, const char *statement_name)
{
    log_error(NULL, "statement failed", LOG_CSTR("statement", statement_name),
              LOG_CSTR("detail", sqlite3_errmsg(handle)));
}

/* The folder part of the path, "." when there is none. */
static void folder_of(const char *path, char ret_folder[SQLITE_PATH_BYTES])
{
    snprintf(ret_folder, SQLITE_PATH_BYTES, "%s", path);
    char *slash = strrchr(ret_folder, '/');
    if (!slash)
        snprintf(ret_folder, SQLITE_PATH_BYTES, ".");
    else if (slash == ret_folder)
        slash[1] = '\0';
    else
        *slash = '\0';
}

static int unavailable_message(const struct sqlite_db *db, sqlite3 *handle, char ret_message[SQL_MESSAGE_BYTES])
{
    char folder[SQLITE_PATH_BYTES];
    folder_of(db->path, folder);
    /* Another VFS has its own files: what the system's say of the path means nothing there. */
    bool is_system = db->vfs[0] == '\0';
    if (is_system && access(folder, F_OK) != 0)
        sql_message(ret_message,
                    "the folder %s of the database %s does not exist; create it, or name another by --data", folder,
                    db->path);
    else if (is_system && access(folder, W_OK | X_OK) != 0)
        sql_message(ret_message,
                    "the folder %s of the database %s cannot be written to (%s); give this user the right to", folder,
                    db->path, strerror(errno));
    else if (is_system && access(db->path, F_OK) == 0 && access(db->path, R_OK | W_OK) != 0)
        sql_message(ret_message, "the database %s cannot be written to (%s); give this user the right to", db->path,
                    strerror(errno));
    else if (handle && (sqlite3_errcode(handle) == SQLITE_BUSY || sqlite3_errcode(handle) == SQLITE_LOCKED))
        sql_message(ret_message, "the database %s is locked by another process; stop that one first", db->path);
    else
        sql_message(ret_message, "the database %s cannot be opened: %s", db->path,
                    handle ? sqlite3_errmsg(handle) : "no memory");
    return ERR_UNAVAILABLE;
}

int sqlite_open_message(const struct sqlite_db *db, sqlite3 *handle, int error, char ret_message[SQL_MESSAGE_BYTES])
{
    if (!ret_message)
        return error;
    switch (error) {
    case ERR_CORRUPT:
        sql_message(ret_message, "the database %s is damaged or is not a database (%s); restore it from a backup (%s)",
                    db->path, sqlite3_errmsg(handle), SQL_DAMAGE_RUNBOOK);
        return error;
    case ERR_NOT_FOUND:
        sql_message(ret_message, "the database %s holds nothing of this program; restore it from a backup", db->path);
        return error;
    case ERR_STORAGE_FULL:
        sql_message(ret_message, "there is no room on the disk of the database %s; free some and start again",
                    db->path);
        return error;
    case ERR_UNAVAILABLE:
        return unavailable_message(db, handle, ret_message);
    default:
        sql_message(ret_message, "the database %s cannot be opened: %s", db->path,
                    handle ? sqlite3_errmsg(handle) : "no memory");
        return error;
    }
}
