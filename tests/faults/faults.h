/* Each call of a port, and each allocation of ours, fails once while a customer buys: no crash, no leak, no lock that
 * stays, no false answer, and stock, charges and books that agree.
 *
 *   main.c         options, the run, the summary
 *   sweep.c        what fails: one child process for each, forked at the moment when it does
 *   allocations.c  what our own code allocates
 *   shop.c         the whole shop in one process, requests into it, its mails
 *   flow.c         what the customer and the staff do, and how long they are patient
 *   audit.c        what must hold in the end
 *
 * All of it runs on the simulated scheduler in one thread, so that a fork is whole: the parent goes through the flow
 * once without a fault; at each thing that could fail it forks a child in which it does, and which goes on to the end.
 */
#pragma once

#include "platform/base/simulator.h"
#include "platform/ports/fault.h"
#include "platform/service/host.h"

#define FAULTS_UNITS 5    /* on the shelf at first */
#define FAULTS_QUANTITY 2 /* bought */
#define FAULTS_AMOUNT 1000
#define FAULTS_VFS "faults_disk"

/* The linker's own symbol: addresses are told relative to it, as addr2line takes them. */
extern const char __executable_start[];

/* -- sweep.c ------------------------------------------------------------------------------------------------------- */

enum sweep_of { SWEEP_NOTHING, SWEEP_PORTS, SWEEP_ALLOCATIONS, SWEEP_ARENAS };

struct sweep_options {
    enum sweep_of of;
    uint64_t first, every; /* the things numbered first, first + every, …; numbers begin at 1 */
    uint64_t last;         /* none behind it */
    uint64_t only;         /* this one alone; 0: see above */
    unsigned jobs;         /* children at a time */
    void (*part)(void);    /* called in a new child: takes it apart from what its parent goes on to use */
};

void sweep_set(const struct sweep_options *options);

/* From now on things fail; or not any more, and all children have ended. Does nothing in a child, whose one thing has
 * failed. */
void sweep_arm(bool is_armed);

/* Between the two, what the harness itself does on the shop's code neither counts nor fails. May be nested. */
void sweep_mute(void);
void sweep_unmute(void);

/* Whether this thing is to fail; true in a child that was forked for it. what names it in a report. */
bool sweep_strikes(enum sweep_of of, const char *what, const char *detail);

/* In a child: nothing more than this number of the thing has failed. */
bool sweep_is_child(void);

/* Names what the flow is at, for reports. */
void sweep_at(const char *step);

/* Waits for the children. How many things could fail, in how many a child was made to, how many found a violation. */
void sweep_end(uint64_t *ret_things, uint64_t *ret_children, uint64_t *ret_failed);

/* Says what does not hold, and ends this process. */
_Noreturn void violated(const char *invariant, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* -- allocations.c ------------------------------------------------------------------------------------------------- */

/* Blocks that our code has allocated and not freed. */
size_t allocations_live(void);

/* Prints where they were allocated. */
void allocations_report(void);

/* -- shop.c -------------------------------------------------------------------------------------------------------- */

struct shop {
    struct service_host *host;
    struct fault_plan *faults; /* NULL unless ports fail */
    struct config *config;
    struct arena *arena; /* of answers */
    char folder[128];    /* of the mail spool, which is no simulated disk */
};

struct answer {
    int status; /* 0: none came */
    struct str content_type;
    struct str body;
};

struct shop_request {
    enum http_method method;
    const char *target;
    const char *token; /* may be NULL, as all below */
    const char *key;
    const char *body;
};

void shop_start(struct shop *shop);
void shop_stop(struct shop *shop);
struct answer shop_ask(struct shop *shop, const struct shop_request *request);

/* The code in the newest mail to that address, in the arena; NULL when there is none. */
const char *shop_mailed_code(struct shop *shop, const char *address);

/* Makes the mails that follow the child's own. */
void shop_part_mails(struct shop *shop);

/* -- flow.c, audit.c ----------------------------------------------------------------------------------------------- */

/* Before anything fails: an administrator signs in and puts an article on the shelf. */
void flow_prepare(struct shop *shop);

/* A customer signs up, verifies, signs in, fills a cart, orders, has it confirmed; staff sends it and gives the money
 * back. */
void flow_run(struct shop *shop);

/* Waits, for as long as it may take, until everything has come to its end and agrees. */
void audit(struct shop *shop);

/* The value of a member of a JSON object, by its first appearance; in the arena, NULL when it is not there. */
const char *json_member(struct shop *shop, struct str json, const char *name);
