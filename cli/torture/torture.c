/* shopstream torture: the command, phase by phase. */
#include "cli/torture/torture.h"

#include "cli/commands.h"
#include "cli/folder.h"
#include "cli/terminal.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/random/random.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECONDS_DEFAULT 40
#define SECONDS_MAX 3600
#define PORT_FIRST 20000 /* below what the system gives to outgoing connections */
#define PORTS 12000
#define PORT_TRIES 64
#define CONNECTIONS_MAX 64
#define ARENA_BYTES ((size_t)64 << 20)

static int parse_time(const struct command_options *options, int64_t *ret_seconds)
{
    const char *text = options->seconds ? options->seconds : options->minutes;
    int64_t unit = options->seconds ? 1 : 60;

    *ret_seconds = SECONDS_DEFAULT;
    if (options->seconds && options->minutes)
        return say_usage("--seconds and --minutes are two ways to say one thing; give one of them");
    if (text &&
        (str_to_int64(str_from_cstr(text), ret_seconds) < 0 || *ret_seconds < 1 || *ret_seconds > SECONDS_MAX / unit))
        return say_usage("--%s takes a number from 1 to %d, not '%s'", options->seconds ? "seconds" : "minutes",
                         SECONDS_MAX / (int)unit, text);
    *ret_seconds *= text ? unit : 1;
    return EXIT_DONE;
}

/* -- Where it runs ------------------------------------------------------------------------------------------------- */

static bool is_free(int port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_bound = probe >= 0 && bind(probe, (const struct sockaddr *)&address, sizeof(address)) == 0;

    if (probe >= 0)
        close(probe);
    return is_bound;
}

static int choose_port(struct torture *torture)
{
    for (unsigned i = 0; i < PORT_TRIES; i++) {
        torture->port = PORT_FIRST + (int)random_below(PORTS);
        if (is_free(torture->port) && is_free(torture->port + TORTURE_PROVIDER))
            return EXIT_DONE;
    }
    return say_failed("no port from %d on is free", PORT_FIRST);
}

static int make_folder(struct torture *torture)
{
    const char *base = getenv("TMPDIR");
    ssize_t length = readlink("/proc/self/exe", torture->binary, sizeof(torture->binary) - 1);

    if (length <= 0)
        return say_failed("/proc/self/exe cannot be read: %s", strerror(errno));
    torture->binary[length] = '\0';
    snprintf(torture->folder, sizeof(torture->folder), "%s/shopstream-torture-XXXXXX",
             base && base[0] ? base : "/var/tmp");
    if (!mkdtemp(torture->folder))
        return say_failed("no folder can be made below %s: %s; set TMPDIR", base && base[0] ? base : "/var/tmp",
                          strerror(errno));
    snprintf(torture->data, sizeof(torture->data), "%.*s/data", TORTURE_PATH_BYTES - 8, torture->folder);
    snprintf(torture->socket_path, sizeof(torture->socket_path), "%.*s/admin.sock", TORTURE_PATH_BYTES - 16,
             torture->data);
    snprintf(torture->log_path, sizeof(torture->log_path), "%.*s/log", TORTURE_PATH_BYTES - 8, torture->folder);
    return EXIT_DONE;
}

/* By the commands that anybody has for it, so that a running shop is copied at one moment and never opened. */
static int copy_shop(struct torture *torture, const char *from)
{
    char copy[TORTURE_PATH_BYTES];
    const char *backup[] = {"shopstream", "backup", copy, "--data", from, NULL};
    const char *restore[] = {"shopstream", "restore", copy, "--data", torture->data, NULL};

    snprintf(copy, sizeof(copy), "%.*s/copy", TORTURE_PATH_BYTES - 8, torture->folder);
    printf("Copying   the shop of %s\n", from);
    if (!torture_run_self(torture, backup) || !torture_run_self(torture, restore))
        return say_failed("the shop of %s cannot be copied; %s says why", from, torture->log_path);
    return EXIT_DONE;
}

static int prepare(struct torture *torture, const struct command_options *options)
{
    int status = parse_time(options, &torture->seconds);

    if (status == EXIT_DONE && options->config_path)
        status = say_usage("`torture` takes no --config: no setting of a real shop may reach the one that is killed");
    if (status != EXIT_DONE)
        return status;
    torture->started_wall_ms = clock_wall_ms();
    torture->arena = arena_new(ARENA_BYTES);
    if (!torture->arena || http_client_new(&torture->client, CONNECTIONS_MAX) < 0)
        return say_failed("out of memory");
    status = make_folder(torture);
    if (status == EXIT_DONE)
        status = choose_port(torture);
    if (status == EXIT_DONE && options->data_path)
        status = copy_shop(torture, options->data_path);
    return status;
}

/* -- The phases ---------------------------------------------------------------------------------------------------- */

static int start(struct torture *torture)
{
    size_t unbalanced, transactions;
    int status = torture_start(torture, &torture->first_start_ms);

    if (status != EXIT_DONE)
        return status;
    if (torture_read_books(torture, &torture->books_before, &unbalanced, &transactions) < 0)
        return say_failed("the shop's ledger cannot be read");
    printf("Started   a shop in %s on http://127.0.0.1:%d in %" PRId64 " ms\n", torture->folder, torture->port,
           torture->first_start_ms);
    fflush(stdout);
    return EXIT_DONE;
}

static int sell(struct torture *torture)
{
    int status = torture_sell(torture);

    if (status == EXIT_DONE)
        printf("Sold      %zu articles of %d units to %zu who wanted one; %u times kill -9 in the middle\n"
               "Recovered in %" PRId64 " ms (median), %" PRId64 " ms (longest); %u requests were cut and sent again\n",
               torture->round_count, TORTURE_UNITS, torture_count_attempts(torture), torture->kills,
               torture_recovery_ms(torture, 0.5), torture_recovery_ms(torture, 1), torture->interrupted);
    return status;
}

static int run_phases(struct torture *torture)
{
    int status = start(torture);

    if (status == EXIT_DONE)
        status = sell(torture);
    if (status != EXIT_DONE)
        return status;
    puts("Audited:");
    fflush(stdout);
    torture_audit(torture);
    return torture_has_passed(torture) ? EXIT_DONE : EXIT_FAILED;
}

static void close_torture(struct torture *torture)
{
    torture_end(torture);
    http_client_free(torture->client);
    arena_free(torture->arena);
    for (size_t i = 0; i < torture->round_count; i++)
        free(torture->rounds[i]);
    free(torture);
}

static void tell_verdict(const struct torture *torture)
{
    bool has_passed = torture_has_passed(torture);

    if (torture->check_count == 0)
        return;
    printf("%s%s%s %zu orders, %u kills, at least %llu commits with an fsync each\n",
           colour_start(stdout, has_passed ? COLOUR_GOOD : COLOUR_BAD),
           has_passed ? "Passed:" : "FAILED:", colour_end(stdout), torture_count_orders(torture), torture->kills,
           torture->commits);
}

int command_torture(const struct command_options *options)
{
    struct torture *torture = calloc(1, sizeof(*torture));

    if (!torture)
        return say_failed("out of memory");
    signal(SIGPIPE, SIG_IGN);
    int status = prepare(torture, options);
    if (status == EXIT_DONE)
        status = run_phases(torture);
    tell_verdict(torture);
    if (options->report_path && torture->check_count > 0) {
        if (torture_write_report(torture, options->report_path) != EXIT_DONE)
            status = EXIT_FAILED;
        else
            printf("The report is in %s\n", options->report_path);
    }
    torture_end(torture);
    if (status == EXIT_DONE)
        folder_remove(torture->folder);
    else if (torture->folder[0] && status != EXIT_USAGE)
        fprintf(stderr, "What is left of the shop is in %s, its log in %s\n", torture->folder, torture->log_path);
    close_torture(torture);
    return status;
}
