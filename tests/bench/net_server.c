/* platform/net alone, for `make bench`: answers every request inline with the body of a file, as a cached read does.
 *
 *   net_server PORT LOOPS BODY-FILE [WORKERS [CERTIFICATE KEY]]
 *
 * With a certificate it speaks TLS, as tests/h2spec wants it. With workers, requests are handed to them in batches and
 * answered from there, as handlers that block are. */
#include "platform/base/task.h"
#include "platform/net/server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BODY_BYTES_MAX 1048576
#define LOOPS_MAX 64
#define WORKERS_MAX 64

static struct http_blob *body;
static struct http_blob *head;

/* Exchanges linked through their slots: each loop's round, and what waits for a worker. */
static struct http_exchange *rounds[LOOPS_MAX];
static struct http_exchange *waiting;
static struct task_mutex mutex;
static struct task_cond arrived;
static int workers;

static void answer(struct http_exchange *exchange)
{
    struct http_response response;
    response.status = 200;
    response.header_count = 0;
    response.blob = http_blob_ref(body);
    response.head_blob = http_blob_ref(head);
    http_exchange_respond(exchange, &response);
}

static void on_request(void *context, struct http_exchange *exchange)
{
    (void)context;
    if (workers == 0) {
        answer(exchange);
        return;
    }
    unsigned loop = http_exchange_loop(exchange);
    *http_exchange_slot(exchange) = rounds[loop];
    rounds[loop] = exchange;
}

/* One lock and one wake for the round. */
static void on_batch_end(void *context, unsigned loop)
{
    (void)context;
    struct http_exchange *last = rounds[loop];
    if (!last)
        return;
    while (*http_exchange_slot(last))
        last = *http_exchange_slot(last);
    TASK_LOCKED(&mutex);
    *http_exchange_slot(last) = waiting;
    waiting = rounds[loop];
    rounds[loop] = NULL;
    task_cond_signal(&arrived);
}

static void work(void *argument)
{
    (void)argument;
    for (;;) {
        task_mutex_lock(&mutex);
        while (!waiting)
            task_cond_wait(&arrived, &mutex);
        struct http_exchange *exchange = waiting;
        waiting = *http_exchange_slot(exchange);
        if (waiting)
            task_cond_signal(&arrived);
        task_mutex_unlock(&mutex);
        answer(exchange);
    }
}

int main(int argc, char **argv)
{
    static char bytes[BODY_BYTES_MAX];
    FILE *file = argc == 4 || argc == 5 || argc == 7 ? fopen(argv[3], "rb") : NULL;
    if (!file) {
        fprintf(stderr, "usage: net_server PORT LOOPS BODY-FILE [WORKERS [CERTIFICATE KEY]]\n");
        return 2;
    }
    body = http_blob_new(str_from(bytes, fread(bytes, 1, sizeof bytes, file)));
    fclose(file);
    head = http_blob_new(STR("Content-Type: application/json\r\nETag: \"5f2b\"\r\nCache-Control: no-cache\r\n"));
    struct http_server_config config = {.address = "127.0.0.1",
                                        .port = atoi(argv[1]),
                                        .loop_count = (unsigned)atoi(argv[2]),
                                        .limits = http_limits_default,
                                        .on_request = on_request,
                                        .on_batch_end = on_batch_end};
    if (argc == 7) {
        struct tls_identity *identity = NULL; /* ends with the process */
        char complaint[TLS_MESSAGE_BYTES];
        if (tls_identity_load(&identity, argv[5], argv[6], complaint) < 0) {
            fprintf(stderr, "net_server: %s\n", complaint);
            return 1;
        }
        config.tls = identity;
    }
    workers = argc >= 5 ? atoi(argv[4]) : 0;
    task_mutex_init(&mutex);
    task_cond_init(&arrived);
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    sigprocmask(SIG_BLOCK, &wanted, NULL); /* before the loops' threads inherit the mask */
    struct http_server *server = NULL;
    char message[256];
    if (!body || !head || http_server_start(&server, &config, message) < 0) {
        fprintf(stderr, "net_server: %s\n", message);
        return 1;
    }
    for (int i = 0; i < workers && i < WORKERS_MAX; i++) {
        struct task *task; /* ends with the process */
        if (task_start(&task, "worker", work, NULL) < 0)
            return 1;
    }
    printf("listening on %d\n", http_server_port(server));
    fflush(stdout);
    int received = 0;
    sigwait(&wanted, &received);
    if (workers > 0)
        return 0; /* The workers never end. */
    http_server_free(server);
    http_blob_unref(body);
    http_blob_unref(head);
    return 0;
}
