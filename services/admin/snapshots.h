/* All databases of the process as they were at one moment.
 *
 * Services follow each other's events: a copy in which a consumer's offset is ahead of the log that it reads would lose
 * events once it is restored. So for an instant no database commits, a read begins in each, and everything goes on; a
 * copy then takes as long as it likes. */
#pragma once

#include "platform/service/host.h"

struct snapshot {
    const struct service_instance *instance;
    struct sql_tx *tx; /* a read that stays open until the function returns */
};

typedef int snapshots_fn(struct call *call, const struct snapshot *snapshots, size_t count, void *argument);

/* Calls the function with a snapshot of each service of the process that has a database. Its error is returned. */
int with_snapshots(struct call *call, snapshots_fn *function, void *argument);
