/* A loop: one thread, one listening socket, its connections. */
#include "platform/base/err.h"
#include "platform/net/server_internal.h"
#include "platform/ports/clock/clock.h"

#include <stdio.h>
#include <stdlib.h>

static _Thread_local struct http_loop *current_loop;

struct http_loop *http_loop_current(void)
{
    return current_loop;
}

/* -- Answers from other tasks ------------------------------------------------------------------------------------- */

void http_loop_queue_answer(struct http_exchange *exchange)
{
    struct http_loop *loop = exchange->loop;
    atomic_fetch_add_explicit(&loop->answering, 1, memory_order_relaxed);
    struct http_exchange *newest = atomic_load_explicit(&loop->answers, memory_order_relaxed);
    do {
        exchange->next_answered = newest;
    } while (!atomic_compare_exchange_weak_explicit(&loop->answers, &newest, exchange, memory_order_release,
                                                    memory_order_relaxed));
    if (!newest) /* Whoever finds the queue empty wakes the loop, for all that follow. */
        uv_async_send(&loop->async);
    atomic_fetch_sub_explicit(&loop->answering, 1, memory_order_release); /* from here on the loop may be gone */
}

static void take_answers(struct http_loop *loop)
{
    struct http_exchange *newest = atomic_exchange_explicit(&loop->answers, NULL, memory_order_acquire);
    struct http_exchange *oldest = NULL;
    while (newest) { /* in the order in which they came */
        struct http_exchange *next = newest->next_answered;
        newest->next_answered = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        struct http_exchange *next = oldest->next_answered;
        http_exchange_answer(oldest, &oldest->response);
        oldest = next;
    }
}

void http_loop_wake(struct http_loop *loop)
{
    uv_async_send(&loop->async);
}

/* -- Time-outs ---------------------------------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer);

static void timer_set(struct http_loop *loop, uint64_t due_ms)
{
    uint64_t now = uv_now(&loop->uv);
    uint64_t delay = due_ms > now ? due_ms - now : 0;
    if (delay < HTTP_TICK_MS)
        delay = HTTP_TICK_MS;
    loop->timer_due_ms = now + delay;
    uv_timer_start(&loop->timer, on_timer, delay, 0);
}

static void timer_set_by(struct http_loop *loop, uint64_t due_ms)
{
    if (loop->timer_due_ms == 0 || due_ms < loop->timer_due_ms)
        timer_set(loop, due_ms);
}

void http_loop_accept_later(struct http_loop *loop)
{
    loop->accept_waits = true;
    timer_set_by(loop, uv_now(&loop->uv) + HTTP_TICK_MS);
}

static void accept_waiting(struct http_loop *loop)
{
    if (!loop->accept_waits || !loop->listening)
        return;
    loop->accept_waits = false;
    http_connection_accept((uv_stream_t *)&loop->listener, 0);
}

static void wait_unlink(struct http_connection *connection)
{
    if (connection->wait == HTTP_WAIT_NONE)
        return;
    struct http_wait_list *list = &connection->loop->waits[connection->wait];
    if (connection->wait_previous)
        connection->wait_previous->wait_next = connection->wait_next;
    else
        list->first = connection->wait_next;
    if (connection->wait_next)
        connection->wait_next->wait_previous = connection->wait_previous;
    else
        list->last = connection->wait_previous;
    connection->wait = HTTP_WAIT_NONE;
}

static void wait_append(struct http_connection *connection, enum http_wait wait)
{
    struct http_wait_list *list = &connection->loop->waits[wait];
    connection->wait = wait;
    connection->wait_next = NULL;
    connection->wait_previous = list->last;
    if (list->last)
        list->last->wait_next = connection;
    else
        list->first = connection;
    list->last = connection;
}

/* Waits of one kind last equally long, so that a list to whose end each is put when it begins, or begins anew, is in
 * the order of their deadlines. */
void http_loop_wait(struct http_connection *connection, enum http_wait wait)
{
    struct http_loop *loop = connection->loop;
    if (wait == HTTP_WAIT_NONE) {
        wait_unlink(connection);
        return;
    }
    if (connection->wait != wait || connection->wait_next) {
        wait_unlink(connection);
        wait_append(connection, wait);
    }
    connection->wait_deadline_ms = uv_now(&loop->uv) + loop->server->wait_ms[wait];
    timer_set_by(loop, connection->wait_deadline_ms);
}

static void sweep(struct http_loop *loop, enum http_wait wait, uint64_t now)
{
    struct http_connection *connection;
    while ((connection = loop->waits[wait].first) && connection->wait_deadline_ms <= now) {
        wait_unlink(connection);
        http_connection_wait_ended(connection, wait);
    }
}

bool http_loop_make_room(struct http_loop *loop)
{
    static const enum http_wait given_up[] = {HTTP_WAIT_IDLE, HTTP_WAIT_HEAD, HTTP_WAIT_BODY};
    struct http_connection *longest = NULL;
    uint64_t longest_since = UINT64_MAX;
    for (size_t i = 0; i < sizeof given_up / sizeof given_up[0]; i++) {
        struct http_connection *connection = loop->waits[given_up[i]].first;
        uint64_t since = connection ? connection->wait_deadline_ms - loop->server->wait_ms[given_up[i]] : UINT64_MAX;
        if (since < longest_since) {
            longest = connection;
            longest_since = since;
        }
    }
    if (longest)
        http_connection_close(longest);
    return longest != NULL;
}

static void on_timer(uv_timer_t *timer)
{
    struct http_loop *loop = timer->data;
    loop->timer_due_ms = 0;
    uint64_t now = uv_now(&loop->uv);
    for (unsigned i = 0; i < HTTP_WAIT_COUNT; i++)
        sweep(loop, (enum http_wait)i, now);
    accept_waiting(loop);
    http_loop_flush(loop);
    for (unsigned i = 0; i < HTTP_WAIT_COUNT; i++) {
        const struct http_connection *first = loop->waits[i].first;
        if (first)
            timer_set_by(loop, first->wait_deadline_ms);
    }
}

/* -- The date ----------------------------------------------------------------------------------------------------- */

/* IMF-fixdate (RFC 9110, 5.6.7). Days to a date: H. Hinnant, "chrono-compatible low-level date algorithms". */
static size_t date_format(char line[40], int64_t wall_ms)
{
    static const char DAYS[] = "ThuFriSatSunMonTueWed"; /* 1970-01-01 was a Thursday. */
    static const char MONTHS[] = "MarAprMayJunJulAugSepOctNovDecJanFeb";
    int64_t seconds = wall_ms / CLOCK_MS_PER_S;
    int64_t days = seconds / 86400;
    int64_t second_of_day = seconds % 86400;
    int64_t shifted = days + 719468; /* from 0000-03-01 */
    int64_t era = shifted / 146097;
    int64_t day_of_era = shifted % 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153; /* 0: March */
    int day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    int year = (int)(year_of_era + era * 400 + (month >= 10 ? 1 : 0));
    int len = snprintf(line, 40, "Date: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n", DAYS + days % 7 * 3, day,
                       MONTHS + month * 3, year, (int)(second_of_day / 3600), (int)(second_of_day / 60 % 60),
                       (int)(second_of_day % 60));
    return len > 0 && len < 40 ? (size_t)len : 0;
}

struct str http_loop_date_line(struct http_loop *loop)
{
    uint64_t now = uv_now(&loop->uv);
    if (now >= loop->date_until_ms) {
        int64_t wall_ms = clock_wall_ms();
        if (wall_ms < 0)
            wall_ms = 0;
        loop->date_len = date_format(loop->date_line, wall_ms);
        loop->date_until_ms = now + (uint64_t)(CLOCK_MS_PER_S - wall_ms % CLOCK_MS_PER_S);
    }
    return str_from(loop->date_line, loop->date_len);
}

/* -- Running ------------------------------------------------------------------------------------------------------ */

void http_loop_flush(struct http_loop *loop)
{
    struct http_connection *connection;
    while ((connection = loop->dirty)) {
        loop->dirty = connection->next_dirty;
        connection->dirty = false;
        http_connection_flush(connection);
    }
}

static void stop_listening(struct http_loop *loop)
{
    if (loop->listening)
        uv_close((uv_handle_t *)&loop->listener, NULL);
    loop->listening = false;
}

static void for_each_connection(struct http_loop *loop, void (*fn)(struct http_connection *connection))
{
    for (struct http_connection *connection = loop->first_connection, *next; connection; connection = next) {
        next = connection->next;
        fn(connection);
    }
}

static void cut(struct http_connection *connection)
{
    http_senders_close(connection, HTTP_STREAM_DRAINED);
    http_connection_close(connection);
}

static void end_batch(struct http_loop *loop)
{
    if (!loop->batch_open)
        return;
    loop->batch_open = false;
    if (loop->server->config.on_batch_end)
        loop->server->config.on_batch_end(loop->server->config.context, loop->index);
    http_loop_flush(loop);
}

/* Who came before the drain was wanted is inside, however late this loop is: a round accepts who waits at the door, the
 * next one reads what they have sent. */
static bool has_read_what_came_before(struct http_loop *loop)
{
    if (loop->rounds_before_drain == HTTP_ROUNDS_BEFORE_DRAIN)
        return true;
    loop->rounds_before_drain++;
    http_loop_wake(loop);
    return false;
}

static void begin_drain(struct http_loop *loop)
{
    struct http_server *server = loop->server;
    loop->draining = true;
    stop_listening(loop);
    for_each_connection(loop, http_connection_drain);
    http_loop_flush(loop);
    atomic_fetch_add(&server->draining_count, 1);
    TASK_LOCKED(&server->mutex);
    task_cond_broadcast(&server->gone);
}

/* Cuts all connections. The end waits for handlers that have not answered yet: each answer brings another round. */
static void stop(struct http_loop *loop)
{
    if (uv_is_closing((uv_handle_t *)&loop->async))
        return;
    stop_listening(loop);
    for_each_connection(loop, cut);
    if (loop->orphans)
        return;
    if (atomic_load_explicit(&loop->answering, memory_order_acquire) > 0) {
        http_loop_wake(loop); /* whoever gave the last answer is about to wake the loop, and needs it for that */
        return;
    }
    uv_close((uv_handle_t *)&loop->timer, NULL);
    uv_close((uv_handle_t *)&loop->check, NULL);
    uv_close((uv_handle_t *)&loop->async, NULL);
}

/* Behind the round of accepts and reads. */
static void on_check(uv_check_t *check)
{
    struct http_loop *loop = check->data;
    end_batch(loop);
    if (atomic_load(&loop->server->stop_wanted)) {
        stop(loop);
        return;
    }
    if (!atomic_load(&loop->server->drain_wanted))
        return;
    if (!loop->draining && has_read_what_came_before(loop))
        begin_drain(loop);
    if (loop->draining && atomic_load(&loop->server->cut_wanted))
        for_each_connection(loop, cut);
}

static void on_async(uv_async_t *async)
{
    struct http_loop *loop = async->data;
    take_answers(loop);
    http_loop_take_woken(loop);
    http_loop_flush(loop);
}

int http_loop_new(struct http_loop **ret_loop, struct http_server *server, unsigned index, int socket)
{
    struct http_loop *loop = calloc(1, sizeof *loop);
    if (!loop)
        return ERR_NO_MEMORY;
    loop->server = server;
    loop->index = index;
    if (uv_loop_init(&loop->uv) != 0) {
        free(loop);
        return ERR_NO_MEMORY;
    }
    loop->uv.data = loop;
    loop->listener.data = loop->async.data = loop->check.data = loop->timer.data = loop;
    int error = uv_async_init(&loop->uv, &loop->async, on_async);
    ASSERT(error == 0 && uv_check_init(&loop->uv, &loop->check) == 0 && uv_timer_init(&loop->uv, &loop->timer) == 0);
    ASSERT(uv_check_start(&loop->check, on_check) == 0 && uv_tcp_init(&loop->uv, &loop->listener) == 0);
    loop->listening = true;
    *ret_loop = loop;
    if (uv_tcp_open(&loop->listener, socket) != 0 ||
        uv_listen((uv_stream_t *)&loop->listener, HTTP_LISTEN_BACKLOG, http_connection_accept) != 0)
        return ERR_UNAVAILABLE; /* the caller frees the loop */
    return 0;
}

void http_loop_run(void *argument)
{
    struct http_loop *loop = argument;
    current_loop = loop;
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    current_loop = NULL;
}

void http_loop_free(struct http_loop *loop)
{
    if (!loop)
        return;
    if (!loop->task) { /* It never ran, and nobody else closed its handles. */
        atomic_store(&loop->server->stop_wanted, true);
        http_loop_wake(loop);
        uv_run(&loop->uv, UV_RUN_DEFAULT);
    }
    http_loop_take_woken(loop);
    while (loop->free_exchanges) {
        struct http_exchange *exchange = loop->free_exchanges;
        loop->free_exchanges = exchange->next;
        http_exchange_free(exchange);
    }
    while (loop->free_chunks) {
        struct http_chunk *chunk = loop->free_chunks;
        loop->free_chunks = chunk->next;
        free(chunk);
    }
    ASSERT(uv_loop_close(&loop->uv) == 0);
    free(loop);
}
