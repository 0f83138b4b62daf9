/* The shop that a command speaks to: the running one through DATA/admin.sock, or else the stopped one, opened in this
 * process without listening and without anything that works on its own. A command does not see the difference. */
#pragma once

#include "cli/commands.h"
#include "platform/base/arena.h"
#include "platform/base/buf.h"
#include "platform/base/config.h"
#include "platform/base/err.h"

#define SHOP_JSON_BYTES_MAX ((size_t)400 << 20) /* of a request or a reply */

struct service_host;

struct shop {
    const struct command_options *options;
    struct config *config;
    const char *data_path;
    const char *tenant;
    char *socket_path;
    struct arena *arena;       /* where replies lie */
    struct service_host *host; /* once a stopped shop was opened */
};

/* Reads the configuration and finds the folder; opens nothing yet. A folder that holds no shop is refused, unless
 * may_make: then the first call makes one. Returns an exit status and has said what is wrong; close it in any case. */
int shop_open(struct shop *shop, const struct command_options *options, bool may_make);
void shop_close(struct shop *shop);

/* Calls a method with JSON; the reply lies in the shop's arena. Returns an exit status; what is wrong was said. */
int shop_call(struct shop *shop, const char *service, const char *method, struct str json, struct str *ret_reply);

/* As shop_call, with open files for the method; they stay the caller's. */
int shop_call_with_files(struct shop *shop, const char *service, const char *method, struct str json, const int *files,
                         size_t file_count, struct str *ret_reply);

/* As shop_call; with --json also prints the reply. *ret_printed: whether it did. */
int shop_ask(struct shop *shop, const char *service, const char *method, struct str json, struct str *ret_reply,
             bool *ret_printed);

/* Whether a process serves this folder now. */
bool shop_is_running(const struct shop *shop);

/* Whether the folder holds the database of any service, or should by its manifest. */
bool shop_exists(const char *data_path);

/* Makes the folder where it is missing. Returns an exit status. */
int shop_make_folder(const char *data_path);

/* -- JSON -------------------------------------------------------------------------------------------------------------
 */

/* Appends `"name":"value"`, after a comma unless it is the object's first. */
void json_add(struct buf *json, const char *name, const char *value);

/* The reply as a yyjson document, NULL when memory is short; to be freed by json_free. */
struct yyjson_doc;
struct yyjson_val;
struct yyjson_doc *json_read(struct str text);
void json_free(struct yyjson_doc **document); /* for CLEANUP() */

/* A member's text: a string as it is, a number in decimal (in the arena); NULL where there is none. */
const char *json_text(struct arena *arena, struct yyjson_val *object, const char *name);

/* Shows the objects of a list as a table whose columns are their members of these names (ends with NULL), or
 * when_empty. Returns an exit status. */
int shop_show_list(struct shop *shop, struct yyjson_val *list, const char *const *headings, const char *const *members,
                   const char *when_empty);
