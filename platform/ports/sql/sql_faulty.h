/* A decorator of the sql port that goes wrong on purpose: an adapter that wraps another database.
 *
 * Each fault names a kind of call and which of them (the nth since the decorator was made) fails, is late, or says that
 * it failed after it has succeeded: the answer that was lost. For tests of what stands on the sql port. */
#pragma once

#include "platform/ports/sql/sql.h"

#define SQL_FAULTS_MAX 64

enum sql_fault_call { SQL_FAULT_ON_WRITE, SQL_FAULT_ON_READ, SQL_FAULT_ON_STATEMENT, SQL_FAULT_CALLS };

enum sql_fault_kind {
    SQL_FAULT_FAIL,       /* nothing was done */
    SQL_FAULT_FAIL_AFTER, /* it was done, and the caller is told that it was not */
    SQL_FAULT_DELAY,      /* it is done late */
};

struct sql_fault {
    enum sql_fault_call call;
    enum sql_fault_kind kind;
    uint64_t nth;     /* 1 is the first; 0 is every one */
    int error;        /* what the caller gets: ERR_UNAVAILABLE, ERR_STORAGE_FULL, … */
    int64_t delay_ms; /* of SQL_FAULT_DELAY */
};

/* The new database owns the inner one, which sql_close closes with it; on failure the inner one is the caller's still.
 * ERR_TOO_LARGE past SQL_FAULTS_MAX. */
int sql_faulty_new(struct sql_db **ret_db, struct sql_db *inner, const struct sql_fault *faults, size_t count);

/* How many calls of a kind there were, so that a test can sweep over every one. */
uint64_t sql_faulty_calls(struct sql_db *db, enum sql_fault_call call);
