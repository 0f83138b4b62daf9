/* `shopstream torture`: a shop of its own is killed again and again while many buyers want few units, and is then
 * audited from outside, by what any client, operator or provider can see.
 *
 * The shop is this very program as a child process, in a folder below TMPDIR (/var/tmp without it) that goes when all
 * is well, on ports of loopback that are free, with an environment that has nothing of the caller's: no setting of a
 * real shop, above all no real provider's key, reaches it. With --data it serves a copy of that shop's backup.
 *
 * The main task drives; buyers and the watcher are tasks of their own, which touch only what is marked so. */
#pragma once

#include "platform/base/arena.h"
#include "platform/base/buf.h"
#include "platform/base/err.h"
#include "platform/base/hash.h"
#include "platform/base/id.h"
#include "platform/base/task.h"
#include "platform/net/client.h"

#include <stdatomic.h>
#include <sys/types.h>

#define TORTURE_UNITS 60          /* of each article */
#define TORTURE_ATTEMPTS 180      /* of buyers, for each article: more than there is */
#define TORTURE_LATE_ATTEMPTS 120 /* for what declined cards gave back after the rush */
#define TORTURE_ROUNDS_MAX 4000   /* articles */
#define TORTURE_PATH_BYTES 512
#define TORTURE_TOKEN_BYTES 128
#define TORTURE_PATIENCE_MS INT64_C(60000) /* for anything that must come true */
#define TORTURE_POLL_MS 5
#define TORTURE_CHECKS_MAX 16
#define TORTURE_DETAIL_BYTES 240

/* One buyer's wish under one Idempotency-Key, and what became of it. */
struct torture_attempt {
    int status;              /* of the first answer that ends it: 201, or 409 for sold out; 0: none yet */
    char order_id[ID_BYTES]; /* of a 201 */
    char guest_token[TORTURE_TOKEN_BYTES];
    unsigned char body_hash[HASH_SHA256_BYTES];
    bool is_declined;  /* pays by a card that is refused */
    bool is_confirmed; /* the order's end, by the audit */
    int64_t total;     /* of the order, by the audit */
    int64_t kept;      /* what the provider took for it and still has, by the audit */
    unsigned charges;  /* that took anything, by the audit */
    unsigned mails;    /* that told of its end, repeated ones once, by the audit */
};

/* One article and all who want it. */
struct torture_round {
    char sku_id[ID_BYTES];
    size_t attempt_count;
    struct torture_attempt attempts[TORTURE_ATTEMPTS + TORTURE_LATE_ATTEMPTS];
};

struct torture_check {
    const char *name;
    bool passed;
    char detail[TORTURE_DETAIL_BYTES];
};

struct torture {
    int64_t seconds; /* for the sale; the audit comes after it */
    int64_t started_wall_ms;
    char folder[TORTURE_PATH_BYTES];
    char data[TORTURE_PATH_BYTES];
    char socket_path[TORTURE_PATH_BYTES];
    char log_path[TORTURE_PATH_BYTES];
    char binary[TORTURE_PATH_BYTES];
    int port;
    pid_t process; /* 0: none runs */
    struct http_client *client;
    struct arena *arena; /* of the main task; reset between steps */

    struct torture_round *rounds[TORTURE_ROUNDS_MAX];
    size_t round_count;

    atomic_bool is_up;          /* buyers hold back while it is not */
    atomic_bool is_given_up;    /* the shop does not come back: nobody waits any more */
    atomic_uint interrupted;    /* requests that a death cut */
    atomic_uint odd_answers;    /* neither 201, nor 409, nor 503 */
    atomic_uint watched;        /* looks at the stock */
    atomic_uint below_zero;     /* looks that saw less than nothing */
    atomic_ullong life_commits; /* durable commits, as last seen of this life */
    unsigned long long commits; /* of the lives before */

    unsigned kills;
    int64_t recovery_ms[2 * TORTURE_ROUNDS_MAX];
    size_t recovery_count;
    int64_t first_start_ms;
    bool is_stuck;        /* an article's reservations did not end: what follows is the audit */
    int64_t books_before; /* sales less refunds, when it began */

    struct torture_check checks[TORTURE_CHECKS_MAX];
    size_t check_count;
};

/* -- process.c: the shop as a child ------------------------------------------------------------------------------- */

/* Starts it and waits until it is ready; the time that took. Returns an exit status and has said what is wrong. */
int torture_start(struct torture *torture, int64_t *ret_ms);

/* Kills it with SIGKILL, starts it on the same folder and counts both. Returns an exit status. */
int torture_kill_and_recover(struct torture *torture);

/* SIGTERM; whether it ended with 0 in time. */
bool torture_stop(struct torture *torture);

/* SIGKILL, where it still runs. */
void torture_end(struct torture *torture);

/* Runs this program to its end with the words (NULL at their end); whether it ended with 0. */
bool torture_run_self(struct torture *torture, const char *const *words);

/* -- request.c: what a client asks --------------------------------------------------------------------------------- */

struct torture_request {
    enum http_method method;
    int port_distance; /* 0: the shop; TORTURE_PROVIDER: the provider's emulator */
    const char *path;
    const char *key;         /* Idempotency-Key, or NULL */
    const char *guest_token; /* or NULL */
    struct str body;
};

#define TORTURE_PROVIDER 11

/* 0 with a status and a body in the arena for any answer of HTTP; else what http_client_fetch returns. Any task. */
int torture_ask(struct torture *torture, struct arena *arena, const struct torture_request *request, int *ret_status,
                struct str *ret_body);

/* As an administrator asks, through DATA/admin.sock; main task. Returns an error of err.h. */
int torture_ask_admin(struct torture *torture, const char *service, const char *method, const char *json,
                      struct str *ret_reply);

/* on hand, reserved and available of an article. */
struct torture_stock {
    int64_t on_hand, reserved, available;
};
int torture_ask_stock(struct torture *torture, struct arena *arena, const char *sku_id,
                      struct torture_stock *ret_stock);

/* -- buyer.c ------------------------------------------------------------------------------------------------------- */

/* Sends the order of an attempt, again and again under its key while there is no answer. Any task, one an attempt. */
void torture_buy(struct torture *torture, struct arena *arena, size_t round, size_t index);

/* Sends it once more; whether the answer is the first one, bytes and all. */
bool torture_buys_the_same(struct torture *torture, struct arena *arena, size_t round, size_t index);

/* Asks for the order of an attempt until it has ended, or the deadline has come; fills in is_confirmed and total. An
 * order that failed for another reason than a refused card or sold-out stock has no end that counts. */
bool torture_find_end(struct torture *torture, struct arena *arena, size_t round, size_t index, int64_t deadline_ns);

/* -- sale.c -------------------------------------------------------------------------------------------------------- */

/* Sells article after article while killing, until the time is up. Returns an exit status. */
int torture_sell(struct torture *torture);

/* -- audit.c, audit_money.c, audit_mail.c -------------------------------------------------------------------------- */

/* Adds a check's result and prints it. */
void torture_report_check(struct torture *torture, const char *name, bool passed, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Every order's attempt by its order's id. */
struct map *torture_map_orders(struct torture *torture);

void torture_audit(struct torture *torture);
void torture_audit_charges(struct torture *torture);
void torture_audit_books(struct torture *torture);
void torture_audit_mails(struct torture *torture);

/* Sales less refunds over the whole ledger, and the number of transactions whose debits and credits differ. */
int torture_read_books(struct torture *torture, int64_t *ret_balance, size_t *ret_unbalanced, size_t *ret_transactions);

/* -- report.c ------------------------------------------------------------------------------------------------------ */

bool torture_has_passed(const struct torture *torture);

/* A page of Markdown. Returns an exit status. */
int torture_write_report(const struct torture *torture, const char *path);

/* "1 kill, 12 kills" and the like want sums: orders that were acknowledged, attempts, times in order. */
size_t torture_count_attempts(const struct torture *torture);
size_t torture_count_orders(const struct torture *torture);
int64_t torture_recovery_ms(const struct torture *torture, double share);
