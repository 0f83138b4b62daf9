/* The queue port: slow work that must be done at least once, as sending mail. Its names begin with work_queue_:
 * a queue alone is too common a word in C.
 *
 * A message is enqueued in the transaction that makes the work necessary. A consumer claims messages for a time; what
 * it neither acknowledges nor fails in that time is given out again. A message that failed attempts_max times is dead:
 * it stays, with the last error, until a person replays it (`shopstream quarantine`). Delivery is at least once, so the
 * work is idempotent by the message's id. */
#pragma once

#include "platform/base/arena.h"
#include "platform/base/err.h"
#include "platform/base/str.h"
#include "platform/ports/sql/sql.h"

/* What every engine takes (SQS: 256 KiB a message). */
#define QUEUE_BODY_BYTES_MAX ((size_t)256 << 10)
#define QUEUE_NAME_BYTES_MAX 80
#define QUEUE_ERROR_BYTES_MAX 500
#define QUEUE_CLAIM_MAX 100
#define QUEUE_LIST_MAX 1000
#define QUEUE_COUNT_MAX 10000 /* where statistics stop counting: asking for them costs no more than that */

/* Wait before attempt n+1: first × 2^(n-1), up to max, of which up to a quarter is random so that failures spread. So n
 * attempts, from 13 on, take between 0.75 and 1 times (n - 12) hours and 8 minutes, besides their own time. */
#define QUEUE_BACKOFF_FIRST_MS 1000
#define QUEUE_BACKOFF_MAX_MS (60 * 60 * 1000)

/* The limits for what goes to the outside, as mail: 24 hours at least, for as long as mail servers try, too; but a
 * message by which the process dies each time does not stop it so often. */
#define QUEUE_ATTEMPTS_MAX 44
#define QUEUE_SILENT_MAX 10

struct work_queue;

struct work_queue_message {
    struct str id;
    struct str body; /* empty in a list of dead ones: it may hold personal data */
    int64_t attempt; /* 1 for the first; names this claim */
    int64_t enqueued_at_ms;
    int64_t dead_at_ms; /* 0 unless dead */
    struct str error;   /* of a dead message: why the last attempt failed */
};

struct work_queue_claim {
    struct str queue;
    size_t limit;          /* at most QUEUE_CLAIM_MAX */
    int64_t visibility_ms; /* how long the claim holds */
    int64_t attempts_max;  /* after so many attempts a message is dead */
    int64_t silent_max;    /* and after so many that all went unanswered; 0: no other limit */
};

/* Each of the counts is at most QUEUE_COUNT_MAX. */
struct work_queue_stats {
    int64_t ready;   /* could be claimed now */
    int64_t waiting; /* claimed, or not before later */
    int64_t dead;
    int64_t oldest_ready_ms; /* age of the oldest of those counted as ready, 0 when none */
};

/* Opens the adapter that the URL's scheme names. ERR_INVALID with a ret_message: there is none, or the URL is not as it
 * wants it; ERR_NO_MEMORY. */
int work_queue_open(struct work_queue **ret_queue, const struct port_config *config, char ret_message[512]);
void work_queue_free(struct work_queue *queue);

/* tx NULL: a write of its own. not_before_ms is wall-clock time, 0 for now. */
int work_queue_enqueue(struct work_queue *queue, struct sql_tx *tx, struct str name, struct str body,
                       int64_t not_before_ms);

/* Takes what is due, oldest first. The messages lie in the arena; *ret_count may be 0. Costs a read when nothing is
 * due. */
int work_queue_claim(struct work_queue *queue, const struct work_queue_claim *claim, struct arena *arena,
                     struct work_queue_message **ret_messages, size_t *ret_count);

/* Gives out again at once what is claimed for the first time. For a process that has the queue to itself, when it
 * starts: whoever claimed is dead. The attempt counts, so a message that kills its consumer is dead after
 * silent_max. */
int work_queue_release(struct work_queue *queue, struct str name);

/* The work is done: joins tx, so that the work's own effects and its end are one. ERR_STALE: the claim has run out and
 * somebody else has the message; the transaction should be rolled back. */
int work_queue_ack(struct work_queue *queue, struct sql_tx *tx, const struct work_queue_message *message);

/* The attempt failed: tried again after a back-off, or dead when attempts_max is reached. The text is cut at
 * QUEUE_ERROR_BYTES_MAX and must hold no personal data. ERR_STALE as above. */
int work_queue_fail(struct work_queue *queue, struct sql_tx *tx, const struct work_queue_message *message,
                    int64_t attempts_max, struct str error);

/* Dead messages of a queue after the id `after`, ordered by id. */
int work_queue_list_dead(struct work_queue *queue, struct str name, struct str after, size_t limit, struct arena *arena,
                         struct work_queue_message **ret_messages, size_t *ret_count);

/* Makes a dead message of the queue new again, due at once; with an empty id all of them. *ret_count: how many.
 * ERR_NOT_FOUND when none is: not dead, not there, or another queue's. */
int work_queue_replay(struct work_queue *queue, struct sql_tx *tx, struct str name, struct str id, int64_t *ret_count);

int work_queue_get_stats(struct work_queue *queue, struct str name, struct work_queue_stats *ret_stats);
