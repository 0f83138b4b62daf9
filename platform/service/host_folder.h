/* The data folder under a host: nothing of it that was lost is made anew in silence; private to platform/service. A
 * host on another VFS has no folder, and all of this does nothing. */
#pragma once

#include <stdbool.h>

struct service_host;

/* Reads the folder's manifest, opens the databases that are there and compares them with it. Refuses a folder that
 * lacks one, or has another shop's or an older one. Changes no row and makes no database; but a log that a crash left
 * is merged into its own database, in whichever of them were opened by then. */
int host_folder_open(struct service_host *host, char ret_message[512]);

/* Before the first database is made. Where there is no manifest, writes one that names none yet: for a new shop, or for
 * the databases of a version that had none. */
int host_folder_begin(struct service_host *host, char ret_message[512]);

/* After the migrations: counts this opening in the databases' marks and then names them in the manifest. Where all were
 * named before, the start does not wait for that, nor fail with it: a commit a database is long, and disks are full. */
int host_folder_join(struct service_host *host, char ret_message[512]);

/* Whether the manifest says that the service's database was made and marked. */
bool host_folder_names(const struct service_host *host, const char *service);

/* Before the databases are closed: waits for the count. */
void host_folder_close(struct service_host *host);

/* The shop is open: it is new no more. */
void host_folder_settle(struct service_host *host);
