/* What arrives on a connection, over a real socket on loopback, to the server as it runs: HTTP/1, and HTTP/2 where the
 * input starts with its preface. Each input is one connection, closed for writing behind its last byte. The server must
 * end every one, whatever came, and must hand on only requests that keep to http.h. */
#include "platform/net/server.h"
#include "tests/fuzz/fuzz.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_TIMEOUT_S 8
#define CONNECTIONS_OF_AN_ADDRESS 10000
#define ADDRESSES 200
#define INPUT_BYTES_MAX 65536 /* fits the socket's buffers, so that nobody has to read while writing */

static bool is_header_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (c <= ' ' || c >= 127 || c == ':' || (c >= 'A' && c <= 'Z'))
            return false;
    }
    return name.len > 0;
}

static bool has_line_end(struct str text)
{
    return str_find_char(text, '\r') >= 0 || str_find_char(text, '\n') >= 0 || str_find_char(text, '\0') >= 0;
}

static void on_request(void *context, struct http_exchange *exchange)
{
    const struct http_request *request = http_exchange_request(exchange);
    struct http_response response = {.status = 200, .body = request->target};

    (void)context;
    ASSERT(request->path.len > 0 && (request->path.ptr[0] == '/' || str_equal(request->path, STR("*"))));
    ASSERT(!has_line_end(request->target) && !has_line_end(request->host));
    ASSERT(request->header_count <= HTTP_HEADERS_MAX && request->method <= HTTP_METHOD_COUNT);
    for (size_t i = 0; i < request->header_count; i++)
        ASSERT(is_header_name(request->headers[i].name) && !has_line_end(request->headers[i].value));
    http_exchange_respond(exchange, &response);
}

static int start_server(void)
{
    const struct http_server_config config = {
        .address = "127.0.0.1", .loop_count = 1, .limits = http_limits_default, .on_request = on_request};
    static struct http_server *server;
    char message[256];

    ASSERT(http_server_start(&server, &config, message) == 0);
    return http_server_port(server);
}

static int open_connection(int port)
{
    /* A closed connection's port rests for a minute, and a run makes more of them than there are ports: so each address
     * of loopback is used for some, in turn. */
    static unsigned count;
    unsigned turn = count++ / CONNECTIONS_OF_AN_ADDRESS % ADDRESSES;
    const struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + turn)};
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT_S};
    const int yes = 1;
    int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ASSERT(connection >= 0);
    ASSERT(setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0);
    ASSERT(setsockopt(connection, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof(yes)) == 0);
    ASSERT(bind(connection, (const struct sockaddr *)&from, sizeof(from)) == 0);
    ASSERT(connect(connection, (const struct sockaddr *)&address, sizeof(address)) == 0);
    return connection;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int port;
    char answer[65536];
    size_t answer_len = 0;
    ssize_t got;

    if (size > INPUT_BYTES_MAX)
        return 0;
    if (port == 0)
        port = start_server();
    int connection = open_connection(port);
    /* The server may refuse and close before all is written. */
    if (send(connection, data, size, MSG_NOSIGNAL) == (ssize_t)size)
        shutdown(connection, SHUT_WR);
    while ((got = recv(connection, answer + answer_len, sizeof(answer) - answer_len, 0)) > 0)
        answer_len = answer_len + (size_t)got < sizeof(answer) ? answer_len + (size_t)got : 0;
    ASSERT(got == 0 || errno != EAGAIN);
    close(connection);
    return 0;
}
