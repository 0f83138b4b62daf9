/* The simulation of the shop: one seed is one history of shoppers, staff, crashes and faults, and a judgement on it.
 *
 *   main.c      seeds, children, the summary
 *   world.c     one run: what is there before, during and after
 *   shop.c      the process under test, and requests into it
 *   provider.c  the payment provider: the emulator in a host of its own, in the world
 *   shopper.c   buyers; staff.c: who fulfils; chaos.c: what goes wrong
 *   recorder.c  a service that records each event it consumes
 *   audit.c     what must hold, from the stores and from what shoppers were told, by statements of its own
 *   plant.c     bugs on purpose, to see that they are found */
#pragma once

#include "platform/base/config.h"
#include "platform/base/simulator.h"
#include "platform/net/client_simulated.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/sql/vfs_simulated.h"
#include "platform/service/host.h"

#define SKUS 3
#define SHOPPERS_MAX 12
#define PURCHASES_EACH_MAX 4
#define PURCHASES_MAX (SHOPPERS_MAX * PURCHASES_EACH_MAX)
#define LINES_MAX 2
#define ID_BYTES 64
#define BODY_BYTES_MAX 4096
#define PATH_BYTES 256

#define SHOP_AUTHORITY "127.0.0.1:3000"
#define PROVIDER_AUTHORITY "127.0.0.1:3011"
#define SHOP_VFS "shop_disk"
#define PROVIDER_VFS "provider_disk"

enum plant {
    PLANT_NONE,
    PLANT_OVERSELL,      /* stock is looked at, and not held */
    PLANT_DOUBLE_CHARGE, /* the provider's key is another for each try */
    PLANT_LOST_EVENT,    /* an event that nobody has read yet is lost by a crash */
    PLANT_EARLY_ANSWER,  /* acknowledged before it is durable */
    PLANT_EARLY_OFFSET,  /* a consumer's offset is committed before its effect */
    PLANT_MISSING_FSYNC, /* the disk says that it synced */
};

/* What a shopper wanted, and was told. */
struct purchase {
    int sku[LINES_MAX];
    int quantity[LINES_MAX];
    int line_count;
    const char *card;
    char email[ID_BYTES]; /* its own: an order is found by it */
    char key[ID_BYTES];   /* Idempotency-Key */
    bool is_tried;
    bool is_refused; /* for good: out of stock */
    char order_id[ID_BYTES];
    char payment_id[ID_BYTES];
    char guest_token[2 * ID_BYTES];
    char status[ID_BYTES]; /* as last seen */
    int first_status;      /* of the first answer that came through; 0: none yet */
    char first_body[BODY_BYTES_MAX];
};

struct simulation {
    uint64_t seed;
    enum plant plant;
    bool is_verbose;
    const char *save_folder; /* where a violation leaves the disks; NULL: nowhere */
    struct simulated_disk *shop_disk, *provider_disk;
    char folder[PATH_BYTES]; /* for the mail spool, which is not simulated */
    struct config *config;

    struct service_host *shop; /* NULL while it is down */
    struct service_host *provider;
    struct task_mutex stop_mutex; /* of the incarnation */
    struct task_cond stop_changed;
    bool is_stopping, is_stopped;

    bool is_faulty; /* chaos is on: whatever fails then may fail */
    char sku_ids[SKUS][ID_BYTES];
    int64_t units[SKUS];
    struct purchase purchases[PURCHASES_MAX];
    size_t purchase_count;
    size_t shoppers_left;

    uint64_t observations, crashes_asked, faults_asked;
    int64_t orders, confirmed; /* in the end */
    bool is_chaotic;           /* chaos still works */
};

extern struct simulation simulation;

/* -- world.c ------------------------------------------------------------------------------------------------------- */

/* Runs the seed to its end. Returns only when everything held. */
void run_seed(struct simulation *sim, int trace_descriptor, struct simulator_result *ret_result);

/* Says which invariant does not hold, and ends this child. */
_Noreturn void violated(const char *invariant, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints when verbose. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

int64_t random_between(int64_t least, int64_t most);
bool random_permille(unsigned permille);
void sleep_between_ms(int64_t least_ms, int64_t most_ms);

/* -- shop.c -------------------------------------------------------------------------------------------------------- */

struct shop_request {
    enum http_method method;
    const char *target; /* "/api/orders/v1/orders" */
    struct http_header headers[4];
    size_t header_count;
    struct str body;

    struct arena *arena; /* the caller's: the answer lies in it */
    int status;          /* 0: no answer came */
    struct str answer;
};

void shop_main(void *argument, unsigned incarnation);

/* A world's request to the shop, as behind the parser. False when no answer came: whether it was done is not known. */
bool shop_ask(struct shop_request *request);

/* Runs fn(call of that service with ROLE_SERVICE, argument) in the process: for staff. ERR_UNAVAILABLE when the shop is
 * down or crashes over it. */
typedef int shop_call_fn(struct call *call, void *argument);
int shop_call(const char *service, shop_call_fn *fn, void *argument);

/* Ends the process as SIGTERM does, and waits for that. */
void shop_stop(void);

/* -- provider.c ---------------------------------------------------------------------------------------------------- */

void provider_start(struct simulation *sim);
void provider_stop(struct simulation *sim);

/* The customer answers the bank's question on the provider's page. False when nobody heard it. */
bool provider_decide(struct str url, bool approve);

/* -- shopper.c, staff.c, chaos.c ----------------------------------------------------------------------------------- */

void shoppers_start(struct simulation *sim);
void staff_start(struct simulation *sim);
void chaos_start(struct simulation *sim);
void chaos_end(struct simulation *sim);
bool status_is_final(const char *status);

/* Asks how the purchase's order stands; false when that could not be learned. */
bool purchase_look(struct purchase *purchase, struct str *ret_action_url, struct arena *arena);

/* -- recorder.c, plant.c, audit.c ---------------------------------------------------------------------------------- */

extern const struct service recorder_service;

/* The shop's services with the planted bug in them; NULL-terminated. */
const struct service *const *plant_services(enum plant plant);
void plant_disk(struct simulation *sim);
struct str plant_provider_key(struct arena *arena, struct str key);
int plant_lost_event(struct service_host *shop);
bool plant_parse(const char *name, enum plant *ret_plant);
extern const char *const plant_names; /* for the help */

/* After the shop and the provider have stopped. Counts the orders for the summary. */
void audit(struct simulation *sim);
