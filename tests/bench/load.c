/* An HTTP/1.1 load generator for `make bench`. Closed loop: each connection sends its next request when its answer is
 * whole. Open loop, with -r: requests arrive at even distances whether or not others are answered, each takes a
 * connection that is free, and its time counts from when it was to arrive, so that a server that stalls is charged for
 * all who wait. One thread on epoll, bounded in connections, seconds and memory. Loopback only.
 *
 *   load [-c CONNECTIONS] [-s SECONDS] [-n REQUESTS] [-r REQUESTS-A-SECOND] [-m METHOD] [-H 'Name: value']... [-b BODY]
 *        [-f FILE] PORT [PATH]
 *
 * In open loop -c is how many connections there may be, and -n, or -r times -s, how many requests arrive.
 *
 * -f names a file of requests, one a line: METHOD, PATH and, behind a second blank, the body; they are sent in turn.
 * In headers and bodies "{n}" becomes the number of the request, as for an Idempotency-Key.
 * Prints one JSON object: requests, seconds, per_second, errors, statuses, p50_us, p95_us, p99_us, max_us. */
#include "platform/base/str.h"
#include "platform/ports/clock/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 16384
#define EVENTS_MAX 1024 /* taken at once */
#define RATE_MAX 1000000
#define PATIENCE_NS (20 * CLOCK_NS_PER_S) /* for the last answers, behind the last arrival */
#define SECONDS_MAX 300
#define REQUESTS_MAX 100000 /* lines of a file */
#define REQUEST_BYTES_MAX 65536
#define HEADERS_BYTES_MAX 8192
#define ANSWER_HEAD_BYTES_MAX 16384
#define READ_BYTES 65536
#define BUCKETS 4096 /* of the histogram: 1/64 of a doubling wide at most */

struct request {
    char method[16];
    char *path;
    char *body;
};

struct connection {
    int descriptor;
    char out[REQUEST_BYTES_MAX];
    size_t out_len;
    size_t out_sent;
    char head[ANSWER_HEAD_BYTES_MAX];
    size_t head_len;
    size_t body_left;
    bool in_body;
    bool closes;
    bool is_open;
    bool is_busy;
    int status;
    int64_t started_ns;
};

static struct {
    int connections;
    int64_t seconds;
    uint64_t requests_max; /* 0: as many as the time allows */
    int64_t rate;          /* arrivals a second; 0: closed loop */
    int port;
    char headers[HEADERS_BYTES_MAX];
    struct request *requests;
    size_t request_count;
} options = {.connections = 8, .seconds = 5};

static uint64_t sent_count;
static uint64_t done_count;
static uint64_t error_count;
static uint64_t status_counts[600];
static uint64_t histogram[BUCKETS];
static uint64_t max_us;
static char read_buffer[READ_BYTES];

/* -- Figures ------------------------------------------------------------------------------------------------------ */

static size_t bucket_of(uint64_t us)
{
    if (us < 64)
        return (size_t)us;
    unsigned exponent = 63u - (unsigned)__builtin_clzll(us);
    size_t bucket = (size_t)(exponent - 5) * 64 + (size_t)((us >> (exponent - 6)) & 63);
    return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

static uint64_t bucket_us(size_t bucket)
{
    if (bucket < 64)
        return bucket;
    unsigned exponent = (unsigned)(bucket / 64) + 5;
    return (UINT64_C(64) + bucket % 64) << (exponent - 6);
}

static uint64_t percentile_us(double share)
{
    uint64_t wanted = (uint64_t)((double)done_count * share);
    uint64_t seen = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        seen += histogram[i];
        if (seen > wanted)
            return bucket_us(i);
    }
    return max_us;
}

static void print_figures(int64_t elapsed_ns)
{
    double seconds = (double)elapsed_ns / (double)CLOCK_NS_PER_S;
    printf("{\"requests\":%llu,\"seconds\":%.3f,\"per_second\":%.0f,\"errors\":%llu,\"statuses\":{",
           (unsigned long long)done_count, seconds, (double)done_count / seconds, (unsigned long long)error_count);
    const char *comma = "";
    for (int i = 0; i < 600; i++) {
        if (status_counts[i] == 0)
            continue;
        printf("%s\"%d\":%llu", comma, i, (unsigned long long)status_counts[i]);
        comma = ",";
    }
    printf("},\"p50_us\":%llu,\"p95_us\":%llu,\"p99_us\":%llu,\"max_us\":%llu}\n",
           (unsigned long long)percentile_us(0.50), (unsigned long long)percentile_us(0.95),
           (unsigned long long)percentile_us(0.99), (unsigned long long)max_us);
}

/* -- Requests ----------------------------------------------------------------------------------------------------- */

/* Copies text, with the request's number in place of "{n}"; returns its length, or SIZE_MAX when it does not fit. */
static size_t expand(char *to, size_t capacity, const char *text, uint64_t number)
{
    size_t len = 0;
    while (*text) {
        char digits[24];
        const char *piece = text;
        size_t piece_len = 1;
        if (strncmp(text, "{n}", 3) == 0) {
            piece_len = (size_t)snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
            piece = digits;
            text += 2;
        }
        text++;
        if (len + piece_len > capacity)
            return SIZE_MAX;
        memcpy(to + len, piece, piece_len);
        len += piece_len;
    }
    return len;
}

static bool build_request(struct connection *connection)
{
    const struct request *request = &options.requests[sent_count % options.request_count];
    static char body[REQUEST_BYTES_MAX / 2];
    static char headers[HEADERS_BYTES_MAX];
    size_t body_len = expand(body, sizeof body, request->body, sent_count);
    size_t headers_len = expand(headers, sizeof headers - 1, options.headers, sent_count);
    if (body_len == SIZE_MAX || headers_len == SIZE_MAX)
        return false;
    headers[headers_len] = '\0';
    int len = snprintf(connection->out, sizeof connection->out, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%s",
                       request->method, request->path, options.port, headers);
    if (len > 0 && (size_t)len < sizeof connection->out && body_len > 0)
        len +=
            snprintf(connection->out + len, sizeof connection->out - (size_t)len, "Content-Length: %zu\r\n", body_len);
    if (len < 0 || (size_t)len + 2 + body_len > sizeof connection->out)
        return false;
    memcpy(connection->out + len, "\r\n", 2);
    memcpy(connection->out + len + 2, body, body_len);
    connection->out_len = (size_t)len + 2 + body_len;
    connection->out_sent = 0;
    return true;
}

static bool send_rest(struct connection *connection)
{
    while (connection->out_sent < connection->out_len) {
        ssize_t count = send(connection->descriptor, connection->out + connection->out_sent,
                             connection->out_len - connection->out_sent, MSG_NOSIGNAL);
        if (count < 0)
            return errno == EAGAIN || errno == EINTR;
        connection->out_sent += (size_t)count;
    }
    return true;
}

static bool begin_request(struct connection *connection)
{
    if (!build_request(connection))
        return false;
    sent_count++;
    connection->head_len = 0;
    connection->in_body = false;
    connection->closes = false;
    connection->started_ns = clock_monotonic_ns();
    return send_rest(connection);
}

static bool open_connection(struct connection *connection, int epoll)
{
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)options.port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int on = 1;
    connection->descriptor = descriptor;
    if (descriptor < 0 || connect(descriptor, (const struct sockaddr *)&address, sizeof address) != 0)
        return false;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

/* -- Answers ------------------------------------------------------------------------------------------------------ */

/* The head is whole: its status and length. Answers in chunks are not understood; the shop gives lengths. */
static bool read_head(struct connection *connection, size_t head_len)
{
    connection->head[head_len - 1] = '\0';
    if (sscanf(connection->head, "HTTP/1.1 %3d", &connection->status) != 1 || connection->status < 100 ||
        connection->status > 599)
        return false;
    const char *length = strcasestr(connection->head, "\r\ncontent-length:");
    connection->body_left = length ? strtoul(length + 17, NULL, 10) : 0;
    connection->closes = strcasestr(connection->head, "\r\nconnection: close") != NULL;
    connection->in_body = true;
    return true;
}

/* Takes bytes of an answer; 1 when it is whole, 0 when more is to come, -1 for what is not an answer. */
static int take_bytes(struct connection *connection, const char *bytes, size_t len)
{
    if (!connection->in_body) {
        size_t room = sizeof connection->head - connection->head_len;
        size_t copied = len < room ? len : room;
        memcpy(connection->head + connection->head_len, bytes, copied);
        const char *end = memmem(connection->head, connection->head_len + copied, "\r\n\r\n", 4);
        if (!end) {
            connection->head_len += copied;
            return copied < len || connection->head_len == sizeof connection->head ? -1 : 0;
        }
        size_t head_len = (size_t)(end - connection->head) + 4;
        size_t used = head_len - connection->head_len;
        if (!read_head(connection, head_len))
            return -1;
        len -= used;
    }
    if (len > connection->body_left)
        return -1;
    connection->body_left -= len;
    return connection->body_left == 0 ? 1 : 0;
}

static void count_answer(const struct connection *connection)
{
    uint64_t us = (uint64_t)(clock_monotonic_ns() - connection->started_ns) / 1000;
    histogram[bucket_of(us)]++;
    if (us > max_us)
        max_us = us;
    status_counts[connection->status]++;
    done_count++;
}

static bool may_begin(int64_t end_ns)
{
    return (options.requests_max == 0 || sent_count < options.requests_max) && clock_monotonic_ns() < end_ns;
}

/* Whether the connection goes on. */
static bool advance(struct connection *connection, int epoll, int64_t end_ns)
{
    ssize_t count = recv(connection->descriptor, read_buffer, sizeof read_buffer, 0);
    int taken = count > 0 ? take_bytes(connection, read_buffer, (size_t)count) : -1;
    if (taken == 0)
        return true;
    if (taken < 0) {
        error_count++;
        close(connection->descriptor);
        return may_begin(end_ns) && open_connection(connection, epoll) && begin_request(connection);
    }
    count_answer(connection);
    bool more = may_begin(end_ns);
    if (!more || connection->closes)
        close(connection->descriptor);
    if (more && connection->closes && !open_connection(connection, epoll))
        return false;
    return more && begin_request(connection);
}

static int run(void)
{
    struct connection *connections = calloc((size_t)options.connections, sizeof *connections);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!connections || epoll < 0)
        return 1;
    int64_t start_ns = clock_monotonic_ns();
    int64_t end_ns = start_ns + options.seconds * CLOCK_NS_PER_S;
    int open = 0;
    for (int i = 0; i < options.connections && may_begin(end_ns); i++) {
        if (!open_connection(&connections[i], epoll) || !begin_request(&connections[i])) {
            perror("load: connect");
            return 1;
        }
        open++;
    }
    while (open > 0) {
        struct epoll_event events[EVENTS_MAX];
        int count = epoll_wait(epoll, events, EVENTS_MAX, 10000);
        if (count == 0) {
            error_count += (uint64_t)open; /* no answer for ten seconds */
            break;
        }
        for (int i = 0; i < count; i++)
            open -= advance(events[i].data.ptr, epoll, end_ns) ? 0 : 1;
    }
    print_figures(clock_monotonic_ns() - start_ns);
    close(epoll);
    free(connections);
    return error_count > 0 ? 3 : 0;
}

/* -- Open loop ---------------------------------------------------------------------------------------------------- */

/* Connections without a request, most recently used last. */
static struct connection **idle;
static size_t idle_count;

static int64_t arrival_ns(int64_t start_ns, uint64_t number)
{
    return start_ns + (int64_t)((double)number * (double)CLOCK_NS_PER_S / (double)options.rate);
}

static void forget(struct connection *connection)
{
    if (connection->is_open)
        close(connection->descriptor);
    connection->is_open = false;
}

/* Sends the next request on a free connection; what cannot be sent counts as an error. */
static void arrive(int64_t start_ns, int epoll)
{
    struct connection *connection = idle[--idle_count];
    int64_t due_ns = arrival_ns(start_ns, sent_count);
    connection->is_busy = true;
    if (!connection->is_open)
        connection->is_open = open_connection(connection, epoll);
    if (!connection->is_open) {
        sent_count++;
        perror("load: connect");
    } else if (begin_request(connection)) {
        connection->started_ns = due_ns;
        return;
    }
    error_count++;
    forget(connection);
    connection->is_busy = false;
    idle[idle_count++] = connection;
}

static void take_event(struct connection *connection)
{
    ssize_t count = recv(connection->descriptor, read_buffer, sizeof read_buffer, 0);
    int taken = count > 0 && connection->is_busy ? take_bytes(connection, read_buffer, (size_t)count) : -1;
    if (taken == 0)
        return;
    if (taken > 0)
        count_answer(connection);
    else if (connection->is_busy)
        error_count++;
    if (taken < 0 || connection->closes)
        forget(connection);
    if (connection->is_busy)
        idle[idle_count++] = connection;
    connection->is_busy = false;
}

static void wait_for_events(int epoll, int64_t wake_ns)
{
    struct epoll_event events[EVENTS_MAX];
    int64_t left_ns = wake_ns - clock_monotonic_ns();
    struct timespec timeout = {.tv_sec = left_ns > 0 ? left_ns / CLOCK_NS_PER_S : 0,
                               .tv_nsec = left_ns > 0 ? left_ns % CLOCK_NS_PER_S : 0};
    int count = epoll_pwait2(epoll, events, EVENTS_MAX, &timeout, NULL);
    for (int i = 0; i < count; i++)
        take_event(events[i].data.ptr);
}

static void run_arrivals(int epoll, uint64_t total)
{
    int64_t start_ns = clock_monotonic_ns();
    int64_t end_ns = arrival_ns(start_ns, total) + PATIENCE_NS;
    while (done_count + error_count < total && clock_monotonic_ns() < end_ns) {
        while (sent_count < total && idle_count > 0 && arrival_ns(start_ns, sent_count) <= clock_monotonic_ns())
            arrive(start_ns, epoll);
        bool waits_for_arrival = sent_count < total && idle_count > 0;
        wait_for_events(epoll, waits_for_arrival ? arrival_ns(start_ns, sent_count) : end_ns);
    }
    error_count += total - done_count - error_count; /* no answer in all that time */
    print_figures(clock_monotonic_ns() - start_ns);
}

static int run_open(void)
{
    uint64_t total = options.requests_max ? options.requests_max : (uint64_t)(options.rate * options.seconds);
    struct connection *connections = calloc((size_t)options.connections, sizeof *connections);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    idle = calloc((size_t)options.connections, sizeof *idle);
    if (!connections || !idle || epoll < 0)
        return 1;
    while (idle_count < (size_t)options.connections) {
        idle[idle_count] = &connections[idle_count];
        idle_count++;
    }
    run_arrivals(epoll, total);
    close(epoll);
    free(connections);
    free(idle);
    return error_count > 0 ? 3 : 0;
}

/* -- Arguments ---------------------------------------------------------------------------------------------------- */

static char *copy_or_exit(const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        exit(1);
    return copy;
}

static void add_request(const char *method, const char *path, const char *body)
{
    struct request *grown = realloc(options.requests, (options.request_count + 1) * sizeof *grown);
    if (!grown || options.request_count == REQUESTS_MAX)
        exit(1);
    options.requests = grown;
    struct request *request = &grown[options.request_count++];
    snprintf(request->method, sizeof request->method, "%s", method);
    request->path = copy_or_exit(path);
    request->body = copy_or_exit(body);
}

static void read_requests(const char *name)
{
    static char line[REQUEST_BYTES_MAX];
    FILE *file = fopen(name, "r");
    if (!file) {
        perror(name);
        exit(2);
    }
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        char *path = strchr(line, ' ');
        if (!path)
            continue;
        *path++ = '\0';
        char *body = strchr(path, ' ');
        if (body)
            *body++ = '\0';
        add_request(line, path, body ? body : "");
    }
    fclose(file);
}

static int usage(void)
{
    fprintf(stderr, "usage: load [-c CONNECTIONS] [-s SECONDS] [-n REQUESTS] [-r REQUESTS-A-SECOND] [-m METHOD]\n"
                    "            [-H 'Name: value']... [-b BODY] [-f FILE] PORT [PATH]\n");
    return 2;
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    const char *method = "GET";
    const char *body = "";
    int option;
    while ((option = getopt(argc, argv, "c:s:n:r:m:H:b:f:")) != -1) {
        size_t len = strlen(options.headers);
        switch (option) {
        case 'c':
            options.connections = atoi(optarg);
            break;
        case 's':
            options.seconds = atoi(optarg);
            break;
        case 'n':
            options.requests_max = strtoull(optarg, NULL, 10);
            break;
        case 'r':
            options.rate = atoll(optarg);
            break;
        case 'm':
            method = optarg;
            break;
        case 'b':
            body = optarg;
            break;
        case 'f':
            read_requests(optarg);
            break;
        case 'H':
            snprintf(options.headers + len, sizeof options.headers - len, "%s\r\n", optarg);
            break;
        default:
            return usage();
        }
    }
    if (optind >= argc || options.connections < 1 || options.connections > CONNECTIONS_MAX || options.seconds < 1 ||
        options.seconds > SECONDS_MAX || options.rate < 0 || options.rate > RATE_MAX)
        return usage();
    options.port = atoi(argv[optind]);
    if (options.request_count == 0)
        add_request(method, optind + 1 < argc ? argv[optind + 1] : "/", body);
    raise_descriptor_limit();
    return options.rate > 0 ? run_open() : run();
}
