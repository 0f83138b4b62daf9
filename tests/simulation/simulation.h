/* The simulation of the shop: one seed is one history of shoppers, staff, crashes and faults, and a judgement on it.
 *
 *   main.c      seeds, children, the summary; arguments.c: what it is asked to do
 *   world.c     one run: what is there before, during and after; actors.c: who acts in it
 *   shop.c      the process under test, and requests into it; doors.c: where it meets makes of ours
 *   provider.c  the payment provider: the emulator in a host of its own, in the world; mailbox.c: mails, there too
 *   faults.c    what the ports of the shop meet, and how often each kind of fault struck
 *   purchase.c  what somebody wants to buy, and was told
 *   guest.c customer.c cart.c keys.c staff.c dashboard.c follower.c chaos.c: the actors; person.c: who has an account
 *   watch.c     shows each commit of each store, as SQLite tells of it, to
 *   books.c books_*.c: the model. It keeps its own books and judges each commit and each answer by them
 *   recorder.c  a service that records each event of every topic
 *   audit.c     what must hold in the end, by statements of its own
 *   plant.c     bugs on purpose, to see that they are found */
#pragma once

#include "platform/base/config.h"
#include "platform/base/simulator.h"
#include "platform/net/client_simulated.h"
#include "platform/ports/fault.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/sql/vfs_simulated.h"
#include "platform/service/host.h"

#define TENANTS 2
#define SKUS 3
#define PURCHASES_MAX 96
#define LINES_MAX 3
#define PEOPLE_MAX 12
#define REFUNDS_MAX 4 /* of one purchase */
#define ID_BYTES 72
#define CODE_BYTES 7
#define TOKEN_BYTES 1600
#define BODY_BYTES_MAX 4096
#define PATH_BYTES 256
#define SKU_PRICE 1000           /* at first */
#define PAYMENT_TIMEOUT_MS 60000 /* as the shop is told */

#define SHOP_AUTHORITY "127.0.0.1:3000"
#define PROVIDER_AUTHORITY "127.0.0.1:3011"
#define FOLDER "simulated" /* a name: nothing is written there */
#define ORDERS_STORE FOLDER "/orders.db"
#define SHOP_VFS "shop_disk"
#define PROVIDER_VFS "provider_disk"

enum plant {
    PLANT_NONE,
    PLANT_OVERSELL,            /* stock is looked at, and not held */
    PLANT_DOUBLE_CHARGE,       /* the provider's key is another for each try */
    PLANT_DOUBLE_REFUND,       /* the same for refunds */
    PLANT_LOST_EVENT,          /* an event that nobody has read yet is lost by a crash */
    PLANT_EARLY_ANSWER,        /* acknowledged before its COMMIT */
    PLANT_EARLY_OFFSET,        /* a consumer's offset is committed before its effect */
    PLANT_MISSING_FSYNC,       /* the disk says that it synced */
    PLANT_ONE_FSYNC,           /* the same, of the log of orders alone */
    PLANT_LATE_FSYNC,          /* a sync takes effect with the next one */
    PLANT_EXPIRED_TOKEN,       /* an access token is good for an hour more */
    PLANT_LOGGED_OUT_TOKEN,    /* an access token outlives its session */
    PLANT_CART_TWICE,          /* an order leaves its cart */
    PLANT_OTHER_TENANT,        /* an order is shown whatever tenant asks */
    PLANT_STALE_PAGE,          /* a change drops nothing from the response cache */
    PLANT_WALL_CLOCK,          /* what is kept for a while goes by the wall clock */
    PLANT_ENDLESS_KEY,         /* an idempotency key is kept for ever */
    PLANT_ENDLESS_RESERVATION, /* stock is reserved for as long as the catalog allows */
    PLANT_FORGOTTEN_KEY,       /* money is given back by a key that the provider has forgotten */
    PLANT_ENDLESS_SESSION,     /* a session that is refreshed ends at no time */
    PLANT_TRACED_ADDRESS,      /* the hash of the trace takes an address in */
    PLANT_LATE_REQUEST,        /* no bug: a request is on its way for longer than its key is kept */
};

struct simulation;

/* -- Who is there -------------------------------------------------------------------------------------------------- */

/* Somebody with an account. */
struct person {
    int tenant;
    char email[ID_BYTES], password[ID_BYTES];
    char access[TOKEN_BYTES], refresh[ID_BYTES]; /* empty: not signed in */
    int64_t access_expires_s;                    /* as the token says */
    int64_t refresh_expires_s;                   /* at the latest */
    char guest_token[2 * ID_BYTES];
};

/* What a cart holds, by what was acknowledged. */
struct cart {
    int tenant;
    struct person *person; /* NULL: a guest's */
    char guest_token[2 * ID_BYTES];
    char id[ID_BYTES];
    int64_t quantity[SKUS];
    size_t orders;   /* that the books know of it: one at most */
    bool is_unknown; /* a change of it was asked for whose answer nobody got */
};

/* When a key was used first, by the world's clock and by the shop's steady one. */
struct key_age {
    int64_t world_ms, steady_ms;
};

struct refund {
    char order_id[ID_BYTES];     /* a purchase has several orders where its key ended before it was asked for again */
    int64_t amount;              /* 0: all that is left */
    bool is_refused, is_unknown; /* unknown: the shop says that it cannot tell whether it was made */
    bool is_pending;             /* promised; the provider refuses it if less was left than the shop knew of */
};

/* What a shopper wanted, and was told. */
struct purchase {
    int tenant;
    struct person *person; /* NULL: a guest's */
    struct cart *cart;     /* NULL: by items */
    int sku[LINES_MAX];
    int quantity[LINES_MAX];
    int line_count;
    const char *card;
    char email[ID_BYTES]; /* its own: an order is found by it */
    char key[ID_BYTES];   /* Idempotency-Key */
    bool is_tried;
    bool is_refused;      /* for good */
    bool is_overdue;      /* the key's day is over: nobody asks by it any more */
    struct key_age tried; /* for the first time */
    char order_id[ID_BYTES];
    char payment_id[ID_BYTES];
    char guest_token[2 * ID_BYTES];
    char status[ID_BYTES]; /* as last seen */
    int first_status;      /* of the first answer that came through; 0: none yet */
    char first_body[BODY_BYTES_MAX];
    struct refund refunds[REFUNDS_MAX]; /* that the staff asked for, of its orders */
    int refund_count;
    bool is_refunded_by_hand; /* a part of it, at the provider */
};

struct goods {
    char product_id[ID_BYTES];
    char sku_ids[SKUS][ID_BYTES];
};

/* What befalls a shop beside the faults of its ports, and what of it comes to its end by time alone. faults.c has a row
 * for each: another is a line here and there. */
enum struck {
    STRUCK_CRASH,
    STRUCK_BOOT,      /* of the crashes: took the machine along */
    STRUCK_LOSS,      /* of the crashes: took writes, or tore or spoilt them */
    STRUCK_DROPPED,   /* writes */
    STRUCK_TORN,      /* writes of which some sectors stayed */
    STRUCK_SPOILT,    /* of the torn: with a byte that nobody wrote */
    STRUCK_DISK_FULL, /* a time in which it was, and was met so; the same below */
    STRUCK_DISK_FAILED,
    STRUCK_DISK_SLOW,
    STRUCK_CLOCK_SECOND, /* it was moved by one, either way; the same below */
    STRUCK_CLOCK_MINUTE,
    STRUCK_CLOCK_HOUR,
    STRUCK_CLOCK_YEAR,
    STRUCK_CLOCK_RIGHT, /* it was set right */
    STRUCK_REFUSED,     /* between shop and provider, either way */
    STRUCK_REQUEST_LOST,
    STRUCK_REQUEST_LATE,
    STRUCK_ANSWER_LOST,
    STRUCK_REPEATED,
    STRUCK_DELAYED,
    STRUCK_SHOP_ANSWER_LOST, /* of the shop to its customers */
    SLEPT_20_S,              /* the machine, at any moment */
    SLEPT_20_MIN,
    SLEPT_2_H,
    SLEPT_25_H, /* when nobody came */
    SLEPT_8_D,
    SLEPT_31_D,
    ENDED_RESERVATION, /* the job took it back */
    ENDED_KEY,         /* asked by again, it was a new one */
    ENDED_TOKEN,       /* asked with, it was refused */
    ENDED_REFUND_KEY,  /* at the provider, which had given money back by it */
    ENDED_REFRESH_TOKEN,
    STRUCK_KINDS,
};

struct faults_struck {
    uint64_t ports[FAULT_PORTS][FAULT_KINDS];
    uint64_t kinds[STRUCK_KINDS];
};

struct simulation {
    uint64_t seed;
    enum plant plant;
    bool is_verbose;
    const char *save_folder; /* where a violation leaves the disks; NULL: nowhere */
    int verdict_pipe;        /* to the parent */
    struct simulated_disk *shop_disk, *provider_disk;
    char folder[PATH_BYTES];
    struct config *config;

    struct service_host *shop; /* NULL while it is down */
    struct service_host *provider;
    struct task_mutex stop_mutex; /* of the incarnation */
    struct task_cond stop_changed;
    bool is_stopping, is_stopped;

    bool is_faulty;  /* chaos is on: whatever fails then may fail */
    bool is_chaotic; /* chaos still works */
    bool is_offline; /* nobody reaches the shop */
    int64_t clock_off_ms;
    int64_t latest_steady_ms; /* that the shop's steady clock was at in a commit */
    uint64_t clock_moves;     /* how often it was moved */
    struct faults_struck struck;

    struct goods goods[TENANTS];
    struct purchase purchases[PURCHASES_MAX];
    size_t purchase_count;
    struct person people[PEOPLE_MAX], staff[TENANTS];
    size_t person_count;
    size_t busy_actors; /* whose end the chaos waits for */
    size_t working;     /* who works as long as those are busy */

    int64_t refund_faults; /* how many refunds the provider was told to refuse, or to send back */

    uint64_t observations, commits;
    int64_t orders, confirmed; /* in the end */
};

extern struct simulation simulation;

/* What a child tells its parent. */
struct verdict {
    bool held;
    char violated[100]; /* the invariant that did not hold */
    uint64_t steps, hash, faults, lost_writes, commits, observations;
    struct faults_struck struck;
    int64_t orders, confirmed, virtual_s;
    unsigned crashes;
    uintptr_t place; /* where the program lay in memory */
};

/* An actor of the workload: a file that starts its tasks. A new one is a line in actors.c. */
typedef void actor_fn(struct simulation *sim);
extern actor_fn *const actors[]; /* NULL-terminated */
actor_fn guests_start, customers_start, carts_start, keys_start, staff_start, dashboard_start, followers_start,
    chaos_start;

/* Starts a task of the world that the chaos waits for. */
void actor_start(const char *name, task_fn *fn, void *argument);

/* -- world.c ------------------------------------------------------------------------------------------------------- */

/* Runs the seed to its end. Returns only when everything held. */
void run_seed(struct simulation *sim, int trace_descriptor, struct simulator_result *ret_result);

/* Says which invariant does not hold, what happened last, and ends this child. The parent is told which. */
_Noreturn void violated(const char *invariant, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One line of what happens: printed when verbose, and with a violation. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
void print_last_notes(int descriptor);

int64_t random_between(int64_t least, int64_t most);
bool random_permille(unsigned permille);
void sleep_between_ms(int64_t least_ms, int64_t most_ms);
const char *tenant_name(int tenant);
void random_key(char ret_key[ID_BYTES]);

/* -- shop.c -------------------------------------------------------------------------------------------------------- */

#define SHOP_HEADERS_MAX 8

struct shop_request {
    enum http_method method;
    const char *target; /* "/api/orders/v1/orders" */
    int tenant;
    const char *token, *guest_token, *key; /* NULL or empty: without */
    int64_t if_match;                      /* 0: without */
    int wait_s;                            /* 0: without */
    struct str body;

    struct arena *arena; /* the caller's: the answer lies in it */
    int status;          /* 0: no answer came */
    struct str answer;
    struct http_stream *stream; /* that the answer goes on as, a reference of the caller's; also of one that was lost */
};

void shop_main(void *argument, unsigned incarnation);

/* The later of the shop's clocks, by which its tokens are dated and end. */
int64_t shop_latest_ms(void);

/* A world's request to the shop, as behind the parser. False when no answer came: whether it was done is not known. */
bool shop_ask(struct shop_request *request);

/* Runs fn(call of that service with ROLE_SERVICE, argument) in the process: for what the command line asks.
 * ERR_UNAVAILABLE when the shop is down or crashes over it. */
typedef int shop_call_fn(struct call *call, void *argument);
int shop_call(const char *service, int tenant, shop_call_fn *fn, void *argument);

/* Ends the process as SIGTERM does, and waits for that. */
void shop_stop(void);

/* The parsed answer's member: "" or 0 without. path is "payment/id". */
bool answer_has_code(const struct shop_request *request, const char *code);
void answer_text(const struct shop_request *request, const char *path, char *to, size_t size);
int64_t answer_number(const struct shop_request *request, const char *path);

/* -- provider.c, mailbox.c, doors.c -------------------------------------------------------------------------------- */

void provider_start(struct simulation *sim);
void provider_stop(struct simulation *sim);

/* What somebody asks with the shop's own key, past the shop: the answer's status; 0 while there is no key yet. */
int provider_ask(const char *path, const char *content_type, const char *body);

/* The customer answers the bank's question on the provider's page. False when nobody heard it. */
bool provider_decide(struct str url, bool approve);

struct mail;
int mailbox_open(struct mail **ret_mail);
bool mailbox_newest_code(const char *to, const char *subject_word, char ret_code[CODE_BYTES]);
size_t mailbox_count(const char *to, const char *subject_word);

void doors_prepare(void); /* once, before the first seed */

/* -- person.c ------------------------------------------------------------------------------------------------------ */

struct person *person_new(int tenant);
void person_sign_up(struct person *person);
void person_sign_in(struct person *person);
/* The access token, good by the shop's clock if it can be: signs in again where it must. */
const char *person_token(struct person *person);
/* A request with that token was refused by 401: the next one has another. NULL is fine. */
void person_refused(struct person *person);

/* -- purchase.c ---------------------------------------------------------------------------------------------------- */

/* NULL when the seed has enough. Draws what is bought, unless it is a cart. */
struct purchase *purchase_new(int tenant, struct person *person, struct cart *cart);
/* Places it, by one or two presses of the button, and follows it to its end: the bank, cancelling, looking. */
void purchase_go_through(struct purchase *purchase);
void purchase_place(struct purchase *purchase, bool waits);
/* Asks how the order stands; false when that could not be learned. */
bool purchase_look(struct purchase *purchase, struct str *ret_action_url, struct arena *arena);
bool status_is_final(const char *status);

/* -- keys.c -------------------------------------------------------------------------------------------------------- */

#define KEY_LIFE_MS (INT64_C(48) * 3600 * 1000) /* how long it is kept, by the shop's steady clock (ADR 0003) */

struct key_age key_age_begin(void);
bool key_is_overdue(const struct key_age *age); /* who is careful does not ask by it any more */
/* Called when a request by the key has ended: a boot on its way may have set the steady clock back. */
void key_age_look(struct key_age *age);
/* Whether the shop may have forgotten what it kept by then. A request may be on its way for long, so this is for when
 * its answer is there, or its effect is seen, and not for when it is asked. */
bool key_may_have_ended(const struct key_age *age);
/* In the calm: when every key's time is up, each is asked by once more. */
void keys_end(struct simulation *sim);

/* -- faults.c ------------------------------------------------------------------------------------------------------ */

void faults_draw(void);                                 /* how often each port is struck in this seed */
struct fault_plan *faults_plan(struct simulation *sim); /* what the ports of an incarnation follow */
struct faults_struck faults_struck(void);
void faults_add(struct faults_struck *sum, const struct faults_struck *struck);
uint64_t faults_sum(const struct faults_struck *struck); /* each fault once; what ended is none */
void faults_show(const struct faults_struck *struck);
/* Whether a kind hardly struck in so many seeds, which then prove little of it; says which. */
bool faults_are_rare(const struct faults_struck *struck, uint64_t seeds);

/* What main.c judges, beside the seeds' own invariants. */
#define SAME_HISTORY "the same seed is the same history"

/* -- chaos.c, recorder.c, plant.c, audit.c ------------------------------------------------------------------------- */

#define FAULTS_MIN 20 /* that a seed has at the least */
void chaos_end(struct simulation *sim);
/* Skips so much time while nobody comes and nothing is under way: what was asked before is not asked again by a key
 * that ends meanwhile. */
void skip_in_quiet(struct simulation *sim, int64_t size_ms);

extern const struct service recorder_service;

/* The shop's services with the planted bug in them; NULL-terminated. */
const struct service *const *plant_services(enum plant plant);
void plant_disk(struct simulation *sim);
struct str plant_provider_key(struct arena *arena, struct str key);
int plant_lost_event(struct service_host *shop);
void plant_late_request(const struct shop_request *request);
void plant_address(void);
void plant_hurry(bool is_hurried); /* of the calling task: its writes to orders are told of before their COMMIT */
bool plant_parse(const char *name, enum plant *ret_plant);
/* Whether that is what the bug breaks. */
bool plant_breaks(enum plant plant, const char *invariant);
extern const char *const plant_names; /* for the help */

/* After the shop and the provider have stopped. Counts the orders for the summary. */
void audit(struct simulation *sim);
