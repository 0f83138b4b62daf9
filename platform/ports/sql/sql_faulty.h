/* The fault-injecting decorator of the sql port, see platform/ports/fault.h: an adapter that wraps another database.
 *
 * A write that is repeated runs its closure, undoes what it did, and runs it again: what an engine does whose
 * transactions collide. A repeated read runs its closure twice. Statements and rows are never repeated, as no engine
 * does that; a statement's lost answer fails the closure that made it. */
#pragma once

#include "platform/ports/fault.h"
#include "platform/ports/sql/sql.h"

/* Puts it in front of *db, which sql_close closes with it. plan NULL: nothing is done. ERR_NO_MEMORY: *db is as it was.
 */
int sql_faulty_wrap(struct sql_db **db, struct fault_plan *plan);
