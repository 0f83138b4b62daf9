/* The exclusive lock of a data folder: two processes on one folder would each believe to be the only writer.
 *
 * The lock is flock(2) on FOLDER/lock, which the kernel releases when the process ends in whatever way; the file holds
 * the owner's pid for a person to read. It is never deleted, for a deleted lock file can be locked twice. */
#pragma once

#include "platform/base/err.h"

#define FOLDER_LOCK_MESSAGE_BYTES 512

struct folder_lock;

/* Locks the folder, which must exist. ERR_CONFLICT: another process (or another lock of this one) has it, ret_message
 * names its pid. ERR_UNAVAILABLE: the lock file cannot be written; ERR_STORAGE_FULL. */
int data_folder_lock(struct folder_lock **ret_lock, const char *path, char ret_message[FOLDER_LOCK_MESSAGE_BYTES]);

/* Releases the lock. NULL is fine. */
void data_folder_unlock(struct folder_lock *lock);
