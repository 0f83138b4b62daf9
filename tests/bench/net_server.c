/* platform/net alone, for `make bench`: answers every request inline with the body of a file, as a cached read does.
 *
 *   net_server PORT LOOPS BODY-FILE */
#include "platform/net/server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BODY_BYTES_MAX 1048576

static struct http_blob *body;
static struct http_blob *head;

static void on_request(void *context, struct http_exchange *exchange)
{
    (void)context;
    struct http_response response;
    response.status = 200;
    response.header_count = 0;
    response.blob = http_blob_ref(body);
    response.head_blob = http_blob_ref(head);
    http_exchange_respond(exchange, &response);
}

int main(int argc, char **argv)
{
    static char bytes[BODY_BYTES_MAX];
    FILE *file = argc == 4 ? fopen(argv[3], "rb") : NULL;
    if (!file) {
        fprintf(stderr, "usage: net_server PORT LOOPS BODY-FILE\n");
        return 2;
    }
    body = http_blob_new(str_from(bytes, fread(bytes, 1, sizeof bytes, file)));
    fclose(file);
    head = http_blob_new(STR("Content-Type: application/json\r\nETag: \"5f2b\"\r\nCache-Control: no-cache\r\n"));
    struct http_server_config config = {.address = "127.0.0.1",
                                        .port = atoi(argv[1]),
                                        .loop_count = (unsigned)atoi(argv[2]),
                                        .limits = http_limits_default,
                                        .on_request = on_request};
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
    printf("listening on %d\n", http_server_port(server));
    fflush(stdout);
    int received = 0;
    sigwait(&wanted, &received);
    http_server_free(server);
    http_blob_unref(body);
    http_blob_unref(head);
    return 0;
}
