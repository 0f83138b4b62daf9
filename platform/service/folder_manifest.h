/* DATA/shop.manifest: which shop a data folder is, and which databases belong to it. What it names and is not there was
 * lost: a start refuses that, where it would else make an empty one.
 *
 * Lines of text, so that a person can read it, and take a database out that is given up for good:
 *
 *     shopstream-folder 1
 *     shop 0190163d-8694-739b-aea5-966c26f8ad91
 *     new
 *     database catalog 3
 *     end
 *
 * The id is in each database as well (struct sql_mark); a backup, what is restored from it and what is loaded from a
 * dump have ids of their own, so one file of those is no database of this folder. "new" stands there until the shop was
 * open once. The number is that of the database's openings; its mark never says less, unless it is a copy from before
 * the last one. A line for a database is written when that is on disk with its mark, so what is not named may be half
 * made, and what is named is whole.
 *
 * Not seen: a file that was copied by hand from the folder itself since its last opening, and a crash's log (.db-wal)
 * that lies beside another file than its own.
 *
 * The file is replaced as a whole: it is there as before or as after, also when the power goes. */
#pragma once

#include "platform/ports/sql/sql.h"

#define FOLDER_MANIFEST_FILE "shop.manifest"
#define FOLDER_MANIFEST_DATABASES_MAX 64
#define FOLDER_MANIFEST_MESSAGE_BYTES 512
#define FOLDER_MANIFEST_RUNBOOK "docs/runbooks/database-missing.md"

struct folder_manifest {
    char shop[SQL_SHOP_BYTES];
    bool is_new;
    size_t count;
    struct {
        char name[64];
        int64_t openings;
    } databases[FOLDER_MANIFEST_DATABASES_MAX];
};

/* A shop of its own id, without databases. */
void folder_manifest_init(struct folder_manifest *ret_manifest);

/* The number of openings that it names for the database; 0 when it does not name it. */
int64_t folder_manifest_openings(const struct folder_manifest *manifest, const char *name);

/* Names a database, or changes its number. ERR_TOO_LARGE. */
int folder_manifest_put(struct folder_manifest *manifest, const char *name, int64_t openings);

/* 1 and the manifest, or 0 where the folder has none. ERR_CORRUPT, ERR_UNAVAILABLE; ret_message says what to do. */
int folder_manifest_read(const char *data_path, struct folder_manifest *ret_manifest,
                         char ret_message[FOLDER_MANIFEST_MESSAGE_BYTES]);

/* Returns when it is on disk, and with it the entries of the files that the folder had before. ERR_STORAGE_FULL,
 * ERR_UNAVAILABLE. */
int folder_manifest_write(const char *data_path, const struct folder_manifest *manifest,
                          char ret_message[FOLDER_MANIFEST_MESSAGE_BYTES]);

/* Whether a database that the manifest names is there, without opening it. ERR_NOT_FOUND: it is missing or empty. */
int folder_manifest_check(const struct sql_place *place, char ret_message[FOLDER_MANIFEST_MESSAGE_BYTES]);

/* Whether an open database is the one that belongs here, by its mark: manifest is NULL where the folder has none.
 * ERR_CORRUPT; ret_message says what it is instead. */
int folder_manifest_compare(const struct folder_manifest *manifest, const struct sql_place *place, struct sql_db *db,
                            char ret_message[FOLDER_MANIFEST_MESSAGE_BYTES]);

/* Says what is wrong with a database that stands in the place of the one that was here. ERR_CORRUPT. */
#define FOLDER_MANIFEST_NOTHING_OF_IT "is not the one that was here: it holds nothing of this shop"
int folder_manifest_refuse(const struct sql_place *place, const char *what,
                           char ret_message[FOLDER_MANIFEST_MESSAGE_BYTES]);

/* Says that a database that was opened cannot be used ("read", "written"): that it is damaged and what to do, or else
 * the error's name. Returns the error. */
int folder_manifest_unusable(const struct sql_place *place, const char *what, int error,
                             char ret_message[FOLDER_MANIFEST_MESSAGE_BYTES]);

/* Counts an opening in the database's mark, and then in the manifest, which is to be written afterwards. */
int folder_manifest_join(struct folder_manifest *manifest, const char *name, struct sql_db *db);
