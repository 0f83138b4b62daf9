/* A copy of a shop: a folder with its files and manifest.json, which names each with its size and SHA-256. The manifest
 * is written last: a folder without a manifest that fits is no whole copy. */
#pragma once

#include "platform/base/arena.h"
#include "platform/base/hash.h"

#define COPY_MANIFEST "manifest.json"
#define COPY_FILES_MAX 200000
#define COPY_MESSAGE_BYTES 512

struct copy_file {
    char *name; /* below the folder: "catalog.db", "mail/….eml" */
    int64_t size;
    char sha256[2 * HASH_SHA256_BYTES + 1];
};

struct copy {
    const char *folder;
    struct copy_file *files;
    size_t count;
    size_t capacity;
};

/* All of these: ERR_STORAGE_FULL, ERR_UNAVAILABLE, ERR_NO_MEMORY, ERR_TOO_LARGE; ret_message says what is wrong. */

/* Syncs a file that is in the folder already, and adds it to the copy. */
int copy_add(struct copy *copy, struct arena *arena, const char *name, char ret_message[COPY_MESSAGE_BYTES]);

/* Copies source_folder/name to folder/name, synced, readable by its owner alone. A source that is gone is
 * ERR_NOT_FOUND. */
int copy_file(const char *source_folder, const char *folder, const char *name, char ret_message[COPY_MESSAGE_BYTES]);

int copy_sync_folder(const char *path, char ret_message[COPY_MESSAGE_BYTES]);

/* Syncs the folder that a new file or folder lies in: before its entry is on disk, nothing in it is. */
int copy_sync_entry(const char *path, char ret_message[COPY_MESSAGE_BYTES]);

/* Writes the manifest of what was added. */
int copy_write_manifest(const struct copy *copy, char ret_message[COPY_MESSAGE_BYTES]);

/* Reads the folder's manifest and compares every file with it. ERR_CORRUPT when one is missing or differs. */
int copy_verify(struct copy *copy, struct arena *arena, const char *folder, char ret_message[COPY_MESSAGE_BYTES]);
