/* A new shop's folder that is filled from elsewhere: whole, or not at all. What comes is put into DATA/.incoming first;
 * its files get their places when all of them are there, synced and checked. Each function returns an exit status and
 * has said what is wrong. */
#pragma once

#include "platform/base/arena.h"
#include "platform/service/service.h"

struct folder_lock;
struct folder_manifest;

struct incoming {
    const char *data_path;
    char *path; /* DATA/.incoming */
    struct folder_lock *lock;
};

/* Makes and locks the folder, which must be empty or missing. */
int incoming_begin(struct incoming *incoming, struct arena *arena, const char *data_path);

/* Puts the files in place; nothing is left of DATA/.incoming. */
int incoming_finish(struct incoming *incoming);

/* Removes what came, unless it was put in place, and unlocks. */
void incoming_end(struct incoming *incoming);

/* Removes a folder of ours with what is in it, four folders deep. */
void folder_remove(const char *path);

/* Opens PATH/<database>.db, making it where it is missing. */
int folder_open_database(const char *path, const char *database, struct sql_db **ret_db);

/* Makes a closed database in a folder of ours the manifest's shop's (folder_manifest_join). Its file is whole
 * afterwards, without a log beside it, and not synced again. */
int folder_mark_database(const char *path, const char *database, struct folder_manifest *manifest);
