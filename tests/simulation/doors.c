/* Where the shop meets what the simulation has its own make of. The linker puts each function below in the place of the
 * shop's (--wrap, see meson.build), so that no code of the shop knows of it: passwords are hashed cheaply, mails go to
 * the world's mailbox, signing keys are made once for all seeds. The planted bugs that are of one call stand here too.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* RAND_METHOD is the way to make a key that is the same in each run */
#include "platform/base/scheduler.h"
#include "platform/ports/idp/idp_adapter.h"
#include "platform/ports/kv/kv.h"
#include "platform/ports/mail/mail.h"
#include "platform/ports/sql/sql_sqlite.h"
#include "platform/ports/sql/sqlite.sql.h"
#include "platform/service/response_cache.h"
#include "platform/service/token.h"
#include "services/payments/payments.h"
#include "tests/simulation/books.h"

#include <openssl/rand.h>
#include <stdlib.h>

#define KEYS_MAX 16
#define KEYS_READY 2 /* made before the first seed; a seed seldom needs more */
#define PEM_BYTES 2400
#define HURRIED_MAX 64
#define HOUR_MS (INT64_C(3600) * 1000)

/* -- Passwords ----------------------------------------------------------------------------------------------------- */

int __wrap_idp_open(struct idp **ret_idp, const struct port_config *config, char ret_message[512]);

int __wrap_idp_open(struct idp **ret_idp, const struct port_config *config, char ret_message[512])
{
    const struct idp_argon2_config cheap = {.memory_kib = 8, .passes = 1, .lanes = 1};
    (void)config, (void)ret_message;
    return idp_argon2_new(ret_idp, &cheap);
}

/* -- Time ---------------------------------------------------------------------------------------------------------- */

int64_t __real_clock_steady_ms(void);
int64_t __wrap_clock_steady_ms(void);

int64_t __wrap_clock_steady_ms(void)
{
    return simulation.plant == PLANT_WALL_CLOCK ? clock_wall_ms() : __real_clock_steady_ms();
}

/* -- Mails --------------------------------------------------------------------------------------------------------- */

int __wrap_mail_open(struct mail **ret_mail, const struct port_config *config, char ret_message[512]);

int __wrap_mail_open(struct mail **ret_mail, const struct port_config *config, char ret_message[512])
{
    (void)config, (void)ret_message;
    return mailbox_open(ret_mail);
}

/* -- Signing keys: the nth is the same in every run ---------------------------------------------------------------- */

int __real_token_key_generate(struct buf *private_pem);
int __wrap_token_key_generate(struct buf *private_pem);

static struct {
    char pem[KEYS_MAX][PEM_BYTES];
    size_t length[KEYS_MAX];
    size_t made, used;
    uint64_t state;
} keys;

static int draw_bytes(unsigned char *bytes, int count)
{
    for (int i = 0; i < count; i++) {
        keys.state = keys.state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        bytes[i] = (unsigned char)(keys.state >> 56);
    }
    return 1;
}

static int status_good(void)
{
    return 1;
}

static void make_key(void)
{
    static const RAND_METHOD method = {.bytes = draw_bytes, .pseudorand = draw_bytes, .status = status_good};
    struct buf pem = BUF(PEM_BYTES);
    ASSERT(keys.made < KEYS_MAX);
    keys.state = keys.made + 1;
    ASSERT(RAND_set_rand_method(&method) == 1);
    ASSERT(__real_token_key_generate(&pem) == 0);
    ASSERT(RAND_set_rand_method(RAND_OpenSSL()) == 1);
    memcpy(keys.pem[keys.made], pem.ptr, pem.len);
    keys.length[keys.made++] = pem.len;
    buf_free(&pem);
}

void doors_prepare(void)
{
    while (keys.made < KEYS_READY)
        make_key();
}

int __wrap_token_key_generate(struct buf *private_pem)
{
    if (keys.used == keys.made)
        make_key();
    buf_append(private_pem, str_from(keys.pem[keys.used], keys.length[keys.used]));
    keys.used++;
    return buf_error(private_pem);
}

/* -- Planted: tokens that live on ---------------------------------------------------------------------------------- */

int __real_token_verify(struct token_ring *ring, struct str token, int64_t now_ms, struct token_claims *ret_claims,
                        const char **ret_reason);
int __wrap_token_verify(struct token_ring *ring, struct str token, int64_t now_ms, struct token_claims *ret_claims,
                        const char **ret_reason);
int __real_token_block_session(struct token_ring *ring, struct str session_id, int64_t until_ms, int64_t now_ms);
int __wrap_token_block_session(struct token_ring *ring, struct str session_id, int64_t until_ms, int64_t now_ms);

int __wrap_token_verify(struct token_ring *ring, struct str token, int64_t now_ms, struct token_claims *ret_claims,
                        const char **ret_reason)
{
    bool is_late = simulation.plant == PLANT_EXPIRED_TOKEN;
    const char *reason = "";
    int result = __real_token_verify(ring, token, now_ms, ret_claims, &reason);
    if (is_late && result < 0 && strcmp(reason, "token_expired") == 0)
        return __real_token_verify(ring, token, now_ms - HOUR_MS, ret_claims, ret_reason);
    if (ret_reason)
        *ret_reason = reason;
    return result;
}

int __wrap_token_block_session(struct token_ring *ring, struct str session_id, int64_t until_ms, int64_t now_ms)
{
    if (simulation.plant == PLANT_LOGGED_OUT_TOKEN)
        return 0;
    return __real_token_block_session(ring, session_id, until_ms, now_ms);
}

/* -- Planted: the writer tells who places an order before its COMMIT ----------------------------------------------- */

void __real_sqlite_write_async(struct sql_db *base, struct sql_write_job *job);
void __wrap_sqlite_write_async(struct sql_db *base, struct sql_write_job *job);
int __real_sqlite_run(struct sqlite_connection *connection, const struct sql_statement *statement);
int __wrap_sqlite_run(struct sqlite_connection *connection, const struct sql_statement *statement);

/* A write in the place of another, which is told of its end before it has come to it. */
struct early_write {
    struct early_write *next;
    struct sql_write_job job, *planted_on; /* planted_on: NULL once it was told */
    const struct sqlite_db *db;
    bool has_run;
};

/* Of the incarnation. */
static struct {
    struct early_write *first;
    const struct task *hurried[HURRIED_MAX]; /* who is told early; NULL: a free place */
    unsigned incarnation;
} early;

static const struct task **find_hurried(const struct task *task)
{
    if (early.incarnation != simulator_incarnation()) {
        early.first = NULL;
        memset(early.hurried, 0, sizeof(early.hurried));
        early.incarnation = simulator_incarnation();
    }
    for (size_t i = 0; i < HURRIED_MAX; i++) {
        if (early.hurried[i] == task)
            return &early.hurried[i];
    }
    return NULL;
}

void plant_hurry(bool is_hurried)
{
    const struct task *self = scheduler_current();
    const struct task **place = find_hurried(is_hurried ? NULL : self);
    ASSERT(place);
    *place = is_hurried ? self : NULL;
}

static int run_early(struct sql_tx *tx, void *argument)
{
    struct early_write *write = argument;
    write->job.result_ = write->planted_on->closure(tx, write->planted_on->argument);
    write->has_run = true;
    return write->job.result_;
}

static void tell(struct early_write *write, int result)
{
    struct sql_write_job *planted_on = write->planted_on;
    write->planted_on = NULL;
    if (planted_on)
        planted_on->done(result, planted_on->argument);
}

static void done_early(int result, void *argument)
{
    struct early_write *write = argument, **place = &early.first;
    tell(write, result);
    while (*place != write)
        place = &(*place)->next;
    *place = write->next;
    free(write);
}

void __wrap_sqlite_write_async(struct sql_db *base, struct sql_write_job *job)
{
    const struct sqlite_db *db = (const struct sqlite_db *)(const void *)base;
    if (simulation.plant != PLANT_EARLY_ANSWER || strcmp(db->path, ORDERS_STORE) != 0 ||
        !find_hurried(scheduler_current())) {
        __real_sqlite_write_async(base, job);
        return;
    }
    struct early_write *write = calloc(1, sizeof(*write));
    ASSERT(write);
    *write = (struct early_write){.next = early.first,
                                  .job = {.closure = run_early, .argument = write, .done = done_early},
                                  .planted_on = job,
                                  .db = db};
    early.first = write;
    __real_sqlite_write_async(base, &write->job);
}

int __wrap_sqlite_run(struct sqlite_connection *connection, const struct sql_statement *statement)
{
    bool is_commit = simulation.plant == PLANT_EARLY_ANSWER && statement == &ports_sql_sqlite_commit;
    for (struct early_write *write = is_commit ? early.first : NULL, *next; write; write = next) {
        next = write->next;
        if (write->has_run && connection == &write->db->writer)
            tell(write, write->job.result_);
    }
    if (statement == &ports_sql_sqlite_begin_write)
        watch_began(connection->handle);
    return __real_sqlite_run(connection, statement);
}

/* -- Planted: keys that are kept for ever -------------------------------------------------------------------------- */

int __real_kv_put(struct kv *kv, struct sql_tx *tx, const struct kv_put *put, int64_t *ret_version);
int __wrap_kv_put(struct kv *kv, struct sql_tx *tx, const struct kv_put *put, int64_t *ret_version);

int __wrap_kv_put(struct kv *kv, struct sql_tx *tx, const struct kv_put *put, int64_t *ret_version)
{
    struct kv_put endless = *put;
    endless.expires_at_ms = 0;
    bool is_planted = simulation.plant == PLANT_ENDLESS_KEY && str_equal(put->key.space, STR("idempotency"));
    return __real_kv_put(kv, tx, is_planted ? &endless : put, ret_version);
}

/* -- Planted: the provider is asked again, however long ago it was asked ------------------------------------------- */

int __real_find_forgotten_refund(struct call *call, const struct payment_row *payment, const struct refund_row *refund,
                                 struct psp_refund *ret_refund);
int __wrap_find_forgotten_refund(struct call *call, const struct payment_row *payment, const struct refund_row *refund,
                                 struct psp_refund *ret_refund);

int __wrap_find_forgotten_refund(struct call *call, const struct payment_row *payment, const struct refund_row *refund,
                                 struct psp_refund *ret_refund)
{
    int result = __real_find_forgotten_refund(call, payment, refund, ret_refund);
    simulation.struck.kinds[ENDED_REFUND_KEY] += result == 0;
    return simulation.plant == PLANT_FORGOTTEN_KEY ? ERR_NOT_FOUND : result;
}

/* -- Planted: the response cache keeps what has changed ------------------------------------------------------------ */

void __real_response_cache_drop(struct response_cache *cache, uint64_t tag);
void __wrap_response_cache_drop(struct response_cache *cache, uint64_t tag);

void __wrap_response_cache_drop(struct response_cache *cache, uint64_t tag)
{
    if (simulation.plant != PLANT_STALE_PAGE)
        __real_response_cache_drop(cache, tag);
}
