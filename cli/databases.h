/* The databases of a shop's folder, as a command finds them. A process may serve a part of them only: the rest is used
 * by nobody, for the folder is that process's alone, so a command may open those itself. */
#pragma once

#include "platform/service/folder_manifest.h"

struct shop;

struct databases {
    struct folder_manifest manifest; /* without a shop where the folder has none */
    const char *names[FOLDER_MANIFEST_DATABASES_MAX];
    size_t count;
    size_t served_count; /* the first of the names, in the order in which the process lists them */
};

/* Where the database of that name lies. */
struct sql_place databases_place(const struct shop *shop, const char *name);

/* Lists those that the running process serves, or else this one, which opens the stopped shop for it; then those that
 * the manifest names or that lie in the folder. The names are in the shop's arena. Returns an exit status and has said
 * what is wrong. */
int databases_list(struct shop *shop, struct databases *ret_databases);

/* The same without those that a process serves: asks nobody and opens nothing. */
int databases_list_folder(struct shop *shop, struct databases *ret_databases);

/* Opens one that no process serves, and compares it with the manifest (folder_manifest_compare). None is made; no row
 * is changed, but a log that a crash left is merged into it. ERR_NOT_FOUND: it is missing or empty. */
int databases_open(const struct shop *shop, const struct databases *databases, const char *name, struct sql_db **ret_db,
                   char ret_message[FOLDER_MANIFEST_MESSAGE_BYTES]);
