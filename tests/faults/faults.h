/* Each call of a port, and each allocation of ours, fails once while people buy: no crash, no leak, no lock that stays,
 * no false answer, and stock, charges and books that agree.
 *
 *   main.c         options, the run, the summary
 *   sweep.c        what fails: one child process for each, forked at the moment when it does
 *   allocations.c  what our own code allocates
 *   shop.c         the whole shop in one process, requests into it, its mails
 *   ask.c          how long people are patient, and what they take for an answer
 *   customer.c     what a customer and the staff do
 *   guest.c        what a guest does, on pages, whose card is declined and whose bank asks
 *   follower.c     what a page does that follows a product
 *   audit.c        what must hold in the end
 *   plant.c        bugs on purpose, to see that they are found
 *
 * All of it runs on the simulated scheduler in one thread, so that a fork is whole: the parent goes through a flow once
 * without a fault; at each thing that could fail it forks a child in which it does, and which goes on to the end. Pages
 * are looked at as documents: what renders them is a process of its own (tests/rendering breaks it). */
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

/* How many things of that name could fail: "malloc", "fail after"; "sql." stands for every call of that port. */
uint64_t sweep_count(const char *name);

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

/* -- plant.c ------------------------------------------------------------------------------------------------------- */

enum plant {
    PLANT_NONE,
    PLANT_LEAK,   /* a block is not freed */
    PLANT_LOCK,   /* a lock is not let go */
    PLANT_ANSWER, /* a failure is told as what was asked for */
};

/* False when there is no such bug. */
bool plant_set(const char *name);

/* Whether that bug is to come now: once, in a child. */
bool plant_comes(enum plant plant);

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
    struct http_stream *stream; /* a reference, where the answer goes on; NULL otherwise */
};

struct shop_request {
    enum http_method method;
    const char *target;
    const char *token; /* may be NULL, as all below */
    const char *key;
    const char *body;
    const char *guest; /* a guest's token */
    const char *event; /* the last that was seen */
    const char *form;  /* a body to the provider, who is asked in place of the shop */
};

void shop_start(struct shop *shop);
void shop_stop(struct shop *shop);
struct answer shop_ask(struct shop *shop, const struct shop_request *request);

/* The code in the newest mail to that address, in the arena; NULL when there is none. */
const char *shop_mailed_code(struct shop *shop, const char *address);

/* Makes the mails that follow the child's own. */
void shop_part_mails(struct shop *shop);

/* -- ask.c --------------------------------------------------------------------------------------------------------- */

#define LOOKS_MAX 240
#define LOOK_MS 500

/* Whether the answer says honestly that nothing can be said: it can be asked again. */
bool is_clean_failure(struct shop *shop, const struct answer *answer);

/* Ends the process: the answer of that step is none that is allowed. */
_Noreturn void refuse(const char *step, const char *what, const struct answer *answer);

/* Asks until the answer is the one that is wanted; the second gives its body. */
struct answer must_answer(struct shop *shop, const char *step, int status, struct shop_request request);
struct str must(struct shop *shop, const char *step, int status, struct shop_request request);

/* Looks, as whoever the request is of, until the order has that status, passing through none that it cannot come from:
 * the order. */
struct str await_status(struct shop *shop, const char *order_id, struct shop_request who, const char *from,
                        const char *wanted);

/* Asks for something once with that key, and once again: the body, which is the same. */
struct str must_twice(struct shop *shop, const char *step, int status, struct shop_request request);

const char *sign_in(struct shop *shop, const char *body);

/* The value of a member of a JSON object, by its first appearance; in the arena, NULL when it is not there. */
const char *json_member(struct shop *shop, struct str json, const char *name);

/* -- customer.c, guest.c, audit.c ---------------------------------------------------------------------------------- */

enum flow { FLOW_CUSTOMER, FLOW_GUEST, FLOWS };

#define FAULTS_ORDER_BODY                                                                                              \
    "\"email\":\"ann@example.com\",\"shipping_address\":{\"name\":\"Ann\",\"line1\":\"1 Main Street\","                \
    "\"city\":\"Vienna\",\"postal_code\":\"1010\",\"country\":\"AT\"},\"payment\":{\"payment_method\":\"%s\"}}"

/* What is on the shelf. */
struct article {
    const char *product_id, *sku_id;
};

/* Before anything fails: an administrator signs in and puts an article on the shelf. */
void customer_prepare(struct shop *shop, struct article *ret_article);

/* A customer signs up, verifies, signs in, fills a cart, orders, has it confirmed; staff sends it and gives the money
 * back. */
void customer_run(struct shop *shop, const struct article *article);

/* A guest looks at the article's page and follows it, fills a cart, looks at it, is refused with one card, orders with
 * another after the bank has asked, has it confirmed and cancels it. */
void guest_run(struct shop *shop, const struct article *article);

/* Waits, for as long as it may take, until everything has come to its end and agrees. */
void audit(struct shop *shop, enum flow flow);

/* -- follower.c ---------------------------------------------------------------------------------------------------- */

/* Who follows an article: comes again where the stream ends, and asks anew where it says so. */
struct follower {
    const struct article *article;
    struct http_stream *stream; /* NULL: between two */
    const char *last_event;     /* NULL: none yet */
    int64_t available;          /* as it was told last; -1: not yet */
};

/* Follows until it is known from where on: whoever comes again from there misses nothing. */
void follower_start(struct shop *shop, struct follower *follower);

/* Waits until that is what is told. */
void follower_await(struct shop *shop, struct follower *follower, int64_t available);
void follower_leave(struct follower *follower);
