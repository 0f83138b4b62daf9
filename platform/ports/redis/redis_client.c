#include "platform/ports/redis/redis_client.h"

#include "platform/base/backoff.h"
#include "platform/base/encode.h"
#include "platform/base/log.h"
#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/random/random.h"
#include "platform/ports/redis/redis_connection.h"

#include <openssl/sha.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define CONNECT_MS 2000
#define RECONNECT_FIRST_MS 10
#define RECONNECT_MAX_MS 1000
#define STEADY_MS 10000
#define WAITING_MAX 1024 /* calls on one connection; a server that far behind is as good as gone */
#define CALL_BYTES_MAX ((size_t)48 << 20)
#define GATHERED_BYTES_MAX ((size_t)64 << 10)
#define SHA1_HEX_BYTES (2 * SHA_DIGEST_LENGTH)
#define SCRIPT_WORDS_MAX 160
#define KIND_BYTES_MAX 40

/* One task's commands. Its memory is the caller's, who waits for the event: nobody touches it once that is set. */
struct exchange {
    struct exchange *next;
    struct buf bytes;
    struct arena *arena;
    struct redis_reply **replies;
    size_t count;
    int result;
    bool is_done; /* else the event says: it is your turn to lead */
    struct task_event event;
};

struct lane {
    struct redis_client *client;
    struct task_mutex mutex;
    struct redis_connection connection; /* the leader's, else the mutex' */
    bool has_leader;
    atomic_bool is_ready;          /* written with the mutex */
    struct exchange *first, **end; /* waiting to be sent */
    size_t waiting;
    atomic_uint load; /* calls that wait or are under way */
    struct buf output;
};

struct known_script {
    const struct redis_script *script;
    char hash[SHA1_HEX_BYTES];
};

struct redis_client {
    struct redis_address address;
    SSL_CTX *tls;
    int64_t answer_ms;
    enum port port;
    struct known_script scripts[REDIS_SCRIPTS_MAX];
    size_t script_count;
    size_t lane_count;
    struct lane lanes[REDIS_CONNECTIONS_MAX];
    atomic_uint next_lane;
    struct task *keeper;
    struct task_mutex mutex; /* of what follows */
    struct task_cond told;
    bool is_broken, is_stopping;
};

const struct redis_address *redis_client_address(const struct redis_client *client)
{
    return &client->address;
}

SSL_CTX *redis_client_tls(const struct redis_client *client)
{
    return client->tls;
}

/* -- One batch on a connection ------------------------------------------------------------------------------------ */

static void finish(struct exchange *exchange, int result)
{
    exchange->result = result;
    exchange->is_done = true;
    task_event_set(&exchange->event);
}

/* Returns 0, or the error by which the connection ended. */
static int receive_replies(struct lane *lane, struct exchange *exchange, int64_t deadline_ns)
{
    int result = 0;
    for (size_t i = 0; i < exchange->count; i++) {
        TRY(redis_connection_receive(&lane->connection, exchange->arena, deadline_ns, &exchange->replies[i]));
        if (!exchange->replies[i])
            result = ERR_NO_MEMORY;
    }
    exchange->result = result;
    return 0;
}

static int flush(struct lane *lane, int64_t deadline_ns)
{
    TRY(buf_error(&lane->output));
    TRY(redis_connection_send(&lane->connection, buf_str(&lane->output), deadline_ns));
    buf_clear(&lane->output);
    return 0;
}

/* Small ones are gathered, so that they go out in one write; what is large is not worth a copy. */
static int send_all(struct lane *lane, const struct exchange *batch, int64_t deadline_ns)
{
    buf_clear(&lane->output);
    for (const struct exchange *each = batch; each; each = each->next) {
        bool is_alone = each == batch && !each->next;
        if (lane->output.len + each->bytes.len > GATHERED_BYTES_MAX)
            TRY(flush(lane, deadline_ns));
        if (is_alone || each->bytes.len > GATHERED_BYTES_MAX)
            TRY(redis_connection_send(&lane->connection, buf_str(&each->bytes), deadline_ns));
        else
            buf_append(&lane->output, buf_str(&each->bytes));
    }
    return flush(lane, deadline_ns);
}

/* Sends all and reads their answers; the others' are done as they come. Returns the error that ended the connection. */
static int run_batch(struct lane *lane, struct exchange *own, struct exchange *batch)
{
    int64_t deadline_ns = clock_monotonic_ns() + lane->client->answer_ms * CLOCK_NS_PER_MS;
    int error = send_all(lane, batch, deadline_ns);
    for (struct exchange *each = batch, *next; each; each = next) {
        next = each->next;
        if (error == 0)
            error = receive_replies(lane, each, deadline_ns);
        if (error)
            each->result = ERR_UNAVAILABLE;
        if (each != own)
            finish(each, each->result);
    }
    return error;
}

/* -- Lanes -------------------------------------------------------------------------------------------------------- */

static struct exchange *take_waiting(struct lane *lane)
{
    struct exchange *first = lane->first;
    lane->first = NULL;
    lane->end = &lane->first;
    lane->waiting = 0;
    return first;
}

static void break_lane(struct lane *lane, int error)
{
    struct redis_client *client = lane->client;
    redis_connection_close(&lane->connection);
    lane->is_ready = false;
    for (struct exchange *each = take_waiting(lane), *next; each; each = next) {
        next = each->next;
        finish(each, ERR_UNAVAILABLE);
    }
    log_warning(NULL, "a connection to Redis has ended", LOG_CSTR("setting", port_settings[client->port].name),
                LOG_ERR(error));
    TASK_LOCKED(&client->mutex);
    client->is_broken = true;
    task_cond_broadcast(&client->told);
}

/* As its own call is the first that waits, one batch is enough; then it is the next one's turn. The mutex is held, and
 * let go. */
static void lead(struct lane *lane, struct exchange *own)
{
    struct exchange *batch = take_waiting(lane);
    lane->has_leader = true;
    task_mutex_unlock(&lane->mutex);
    int error = run_batch(lane, own, batch);
    task_mutex_lock(&lane->mutex);
    if (error)
        break_lane(lane, error);
    struct exchange *next = lane->first;
    lane->has_leader = next != NULL;
    task_mutex_unlock(&lane->mutex);
    if (next)
        task_event_set(&next->event);
}

static int run_on(struct lane *lane, struct exchange *own)
{
    task_mutex_lock(&lane->mutex);
    if (!lane->is_ready || lane->waiting >= WAITING_MAX) {
        task_mutex_unlock(&lane->mutex);
        return ERR_UNAVAILABLE;
    }
    *lane->end = own;
    lane->end = &own->next;
    lane->waiting++;
    if (lane->has_leader) {
        task_mutex_unlock(&lane->mutex);
        task_event_wait(&own->event);
        if (own->is_done)
            return own->result;
        task_mutex_lock(&lane->mutex);
    }
    lead(lane, own);
    return own->result;
}

static unsigned load_of(struct lane *lane)
{
    return lane->is_ready ? atomic_load_explicit(&lane->load, memory_order_relaxed) : UINT_MAX;
}

/* The one with the least to do; at the same, each in turn. */
static struct lane *choose_lane(struct redis_client *client)
{
    unsigned first = atomic_fetch_add_explicit(&client->next_lane, 1, memory_order_relaxed);
    struct lane *best = &client->lanes[first % client->lane_count];
    unsigned best_load = load_of(best);
    for (size_t i = 1; i < client->lane_count && best_load > 0; i++) {
        struct lane *lane = &client->lanes[(first + i) % client->lane_count];
        unsigned load = load_of(lane);
        if (load < best_load) {
            best = lane;
            best_load = load;
        }
    }
    return best;
}

/* -- Commands ----------------------------------------------------------------------------------------------------- */

static struct str hash_of(const struct redis_client *client, const struct redis_script *script)
{
    size_t i = 0;
    while (i < client->script_count && client->scripts[i].script != script)
        i++;
    ASSERT(i < client->script_count);
    return str_from(client->scripts[i].hash, SHA1_HEX_BYTES);
}

static int encode_script(const struct redis_client *client, struct buf *to, const struct redis_command *command,
                         bool is_whole)
{
    char key_count[8];
    struct str words[SCRIPT_WORDS_MAX + 3];
    ASSERT(command->word_count <= SCRIPT_WORDS_MAX);
    snprintf(key_count, sizeof(key_count), "%zu", command->script->key_count);
    words[0] = is_whole ? STR("EVAL") : STR("EVALSHA");
    words[1] = is_whole ? str_from_cstr(command->script->text) : hash_of(client, command->script);
    words[2] = str_from_cstr(key_count);
    for (size_t i = 0; i < command->word_count; i++)
        words[3 + i] = command->words[i];
    return redis_encode(to, words, command->word_count + 3);
}

static int run_once(struct redis_client *client, struct arena *arena, const struct redis_command *commands,
                    size_t count, bool are_whole, struct redis_reply **ret_replies)
{
    CLEANUP(buf_free) struct buf bytes = BUF(CALL_BYTES_MAX);
    struct lane *lane = choose_lane(client);
    for (size_t i = 0; i < count; i++)
        TRY(commands[i].script ? encode_script(client, &bytes, &commands[i], are_whole)
                               : redis_encode(&bytes, commands[i].words, commands[i].word_count));
    struct exchange own = {.bytes = bytes, .arena = arena, .replies = ret_replies, .count = count};
    task_event_init(&own.event);
    atomic_fetch_add_explicit(&lane->load, 1, memory_order_relaxed);
    int result = run_on(lane, &own);
    atomic_fetch_sub_explicit(&lane->load, 1, memory_order_relaxed);
    return result;
}

static bool is_kind(const struct redis_reply *reply, struct str kind)
{
    return reply->kind == REDIS_ERROR && str_starts_with(reply->text, kind);
}

static bool has_unknown_script(struct redis_reply *const *replies, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_kind(replies[i], STR("NOSCRIPT")))
            return true;
    }
    return false;
}

/* The server's words stay out of the log but for the first, as they may quote what we sent. */
int redis_client_error(const struct redis_reply *reply)
{
    static const struct {
        struct str kind;
        int error;
    } kinds[] = {{{"OOM ", 4}, ERR_STORAGE_FULL},        {{"MISCONF ", 8}, ERR_STORAGE_FULL},
                 {{"LOADING ", 8}, ERR_UNAVAILABLE},     {{"BUSY ", 5}, ERR_UNAVAILABLE},
                 {{"MASTERDOWN ", 11}, ERR_UNAVAILABLE}, {{"READONLY ", 9}, ERR_UNAVAILABLE},
                 {{"NOAUTH ", 7}, ERR_UNAVAILABLE},      {{"NOPERM ", 7}, ERR_UNAVAILABLE},
                 {{"NOREPLICAS ", 11}, ERR_UNAVAILABLE}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (str_starts_with(reply->text, kinds[i].kind))
            return kinds[i].error;
    }
    ptrdiff_t end = str_find_char(reply->text, ' ');
    struct str kind = str_slice(reply->text, 0, end < 0 || end > KIND_BYTES_MAX ? KIND_BYTES_MAX : (size_t)end);
    log_error(NULL, "Redis refused a command", LOG_STR("kind", kind));
    return ERR_INTERNAL;
}

int redis_client_run(struct redis_client *client, struct arena *arena, const struct redis_command *commands,
                     size_t count, struct redis_reply **ret_replies)
{
    ASSERT(count > 0 && count <= REDIS_COMMANDS_MAX);
    TRY(run_once(client, arena, commands, count, false, ret_replies));
    if (!has_unknown_script(ret_replies, count))
        return 0;
    /* Those that were known have been run, so only the others are run again, whole. */
    for (size_t i = 0; i < count; i++) {
        if (is_kind(ret_replies[i], STR("NOSCRIPT")))
            TRY(run_once(client, arena, &commands[i], 1, true, &ret_replies[i]));
    }
    return 0;
}

int redis_client_ask(struct redis_client *client, struct arena *arena, const struct redis_command *command,
                     struct redis_reply **ret_reply)
{
    TRY(redis_client_run(client, arena, command, 1, ret_reply));
    return (*ret_reply)->kind == REDIS_ERROR ? redis_client_error(*ret_reply) : 0;
}

/* -- The keeper --------------------------------------------------------------------------------------------------- */

static int connect_lane(struct lane *lane, char ret_message[REDIS_MESSAGE_BYTES])
{
    struct redis_client *client = lane->client;
    struct redis_connection connection;
    if (lane->is_ready)
        return 0;
    TRY(redis_connection_open(&connection, &client->address, client->tls,
                              clock_monotonic_ns() + CONNECT_MS * CLOCK_NS_PER_MS, ret_message));
    TASK_LOCKED(&lane->mutex);
    lane->connection = connection;
    lane->is_ready = true;
    return 0;
}

static int connect_all(struct redis_client *client, char ret_message[REDIS_MESSAGE_BYTES])
{
    for (size_t i = 0; i < client->lane_count; i++)
        TRY(connect_lane(&client->lanes[i], ret_message));
    return 0;
}

/* False when it is time to stop. */
static bool wait_until_broken(struct redis_client *client)
{
    TASK_LOCKED(&client->mutex);
    while (!client->is_broken && !client->is_stopping)
        task_cond_wait(&client->told, &client->mutex);
    client->is_broken = false;
    return !client->is_stopping;
}

/* Half of the delay is by chance, so that processes that lost the server together do not come back together. */
static bool wait_before_retry(struct redis_client *client, int64_t failures)
{
    int64_t delay_ms = backoff_ms(RECONNECT_FIRST_MS, RECONNECT_MAX_MS, failures);
    delay_ms = delay_ms / 2 + (int64_t)random_below((uint64_t)delay_ms / 2 + 1);
    int64_t until_ns = clock_monotonic_ns() + delay_ms * CLOCK_NS_PER_MS;
    TASK_LOCKED(&client->mutex);
    while (!client->is_stopping && task_cond_wait_until(&client->told, &client->mutex, until_ns))
        ;
    return !client->is_stopping;
}

static void keep(void *argument)
{
    struct redis_client *client = argument;
    char message[REDIS_MESSAGE_BYTES];
    const char *setting = port_settings[client->port].name;
    int64_t failures = 0, connected_ns = clock_monotonic_ns();
    while (wait_until_broken(client)) {
        /* A connection that did not last is a failure like one that was not made. */
        failures = clock_monotonic_ns() - connected_ns < STEADY_MS * CLOCK_NS_PER_MS ? failures + 1 : 0;
        if (failures > 0 && !wait_before_retry(client, failures))
            return;
        for (bool was_told = false; connect_all(client, message) < 0; was_told = true) {
            if (!was_told)
                log_warning(NULL, "Redis is not there", LOG_CSTR("setting", setting), LOG_CSTR("detail", message));
            if (!wait_before_retry(client, ++failures))
                return;
        }
        connected_ns = clock_monotonic_ns();
        log_info(NULL, "connected to Redis", LOG_CSTR("setting", setting));
    }
}

/* -- Life --------------------------------------------------------------------------------------------------------- */

static void hash_scripts(struct redis_client *client, const struct redis_script *const *scripts)
{
    unsigned char digest[SHA_DIGEST_LENGTH];
    for (; scripts && *scripts; scripts++) {
        struct known_script *known = &client->scripts[client->script_count++];
        ASSERT(client->script_count <= REDIS_SCRIPTS_MAX);
        SHA1((const unsigned char *)(*scripts)->text, strlen((*scripts)->text), digest);
        encode_hex_into(known->hash, str_from(digest, sizeof(digest)));
        known->script = *scripts;
    }
}

static void make_lanes(struct redis_client *client, size_t count)
{
    client->lane_count = count ? count : REDIS_CONNECTIONS_DEFAULT;
    ASSERT(client->lane_count <= REDIS_CONNECTIONS_MAX);
    for (size_t i = 0; i < client->lane_count; i++) {
        struct lane *lane = &client->lanes[i];
        *lane = (struct lane){.client = client, .connection = {.descriptor = -1}, .output = BUF(GATHERED_BYTES_MAX)};
        lane->end = &lane->first;
        task_mutex_init(&lane->mutex);
    }
}

/* A server that refuses us is a mistake in the settings; one that is not there may come. */
static int connect_first(struct redis_client *client, char ret_message[REDIS_MESSAGE_BYTES])
{
    char why[REDIS_MESSAGE_BYTES];
    int result = connect_all(client, why);
    if (result == ERR_FORBIDDEN) {
        snprintf(ret_message, REDIS_MESSAGE_BYTES, "%s: %.400s", port_settings[client->port].name, why);
        return ERR_INVALID;
    }
    client->is_broken = result < 0;
    return result == ERR_NO_MEMORY ? result : 0;
}

static int open_all(struct redis_client *client, const struct redis_client_config *config,
                    char ret_message[REDIS_MESSAGE_BYTES])
{
    char why[REDIS_MESSAGE_BYTES];
    TRY(redis_address_parse(config->port, config->url, &client->address, ret_message));
    int result = redis_address_make_tls(&client->address, &client->tls, why);
    if (result == ERR_UNAVAILABLE) {
        snprintf(ret_message, REDIS_MESSAGE_BYTES, "%s: %.400s", port_settings[config->port].name, why);
        return ERR_INVALID;
    }
    TRY(result);
    TRY(connect_first(client, ret_message));
    return task_start(&client->keeper, "redis-keeper", keep, client);
}

int redis_client_open(struct redis_client **ret_client, const struct redis_client_config *config,
                      char ret_message[REDIS_MESSAGE_BYTES])
{
    struct redis_client *client = calloc(1, sizeof(*client));
    if (!client)
        return ERR_NO_MEMORY;
    client->port = config->port;
    client->answer_ms = config->answer_ms;
    task_mutex_init(&client->mutex);
    task_cond_init(&client->told);
    hash_scripts(client, config->scripts);
    make_lanes(client, config->connection_count);
    int result = open_all(client, config, ret_message);
    if (result < 0) {
        redis_client_free(client);
        return result;
    }
    *ret_client = client;
    return 0;
}

static void stop_keeper(struct redis_client *client)
{
    task_mutex_lock(&client->mutex);
    client->is_stopping = true;
    task_cond_broadcast(&client->told);
    task_mutex_unlock(&client->mutex);
    task_join(client->keeper);
}

void redis_client_free(struct redis_client *client)
{
    if (!client)
        return;
    stop_keeper(client);
    for (size_t i = 0; i < client->lane_count; i++) {
        redis_connection_close(&client->lanes[i].connection);
        buf_free(&client->lanes[i].output);
        task_mutex_destroy(&client->lanes[i].mutex);
    }
    task_cond_destroy(&client->told);
    task_mutex_destroy(&client->mutex);
    redis_address_free(&client->address);
    SSL_CTX_free(client->tls);
    free(client);
}
