#include "cli/commands.h"
#include "cli/settings.h"
#include "services/services.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct command {
    const char *name;
    const char *arguments;
    const char *help;
    int (*run)(const struct command_options *options);
};

static const struct command commands[] = {
    {"serve", "", "Serve the shop (also without a command)", command_serve},
    {0},
};

enum { OPTION_SERVICES = 256, OPTION_PORT, OPTION_DATA, OPTION_CONFIG, OPTION_NO_SEED, OPTION_HELP_CONFIG };

static void print_help(void)
{
    printf("Usage: shopstream [COMMAND] [--services a,b] [--port 3000] [--data DIR] [--config FILE] [--no-seed]\n\n"
           "Commands:\n");
    for (const struct command *command = commands; command->name; command++)
        printf("  %-9s %-20s %s\n", command->name, command->arguments, command->help);
    printf("\nServices:\n");
    for (size_t i = 0; all_services[i]; i++)
        printf("  %-15s %s\n", all_services[i]->name, all_services[i]->help);
    printf("\n--help-config lists the settings.\n");
}

static int print_config_help(void)
{
    CLEANUP(buf_free) struct buf buf = BUF(1u << 16);

    config_print_help(settings_tables(), &buf);
    printf("%.*s", STR_FORMAT(buf_str(&buf)));
    return EXIT_SUCCESS;
}

static int parse_port(const char *text, int *ret_port)
{
    int64_t port;

    if (str_to_int64(str_from_cstr(text), &port) < 0 || port < 0 || port > 65535) {
        fprintf(stderr, "shopstream: --port takes a number from 0 to 65535, not '%s'\n", text);
        return ERR_INVALID;
    }
    *ret_port = (int)port;
    return 0;
}

/* 0 to go on, 1 when all is said, or an error. */
static int parse_options(int argc, char **argv, struct command_options *ret_options)
{
    static const struct option options[] = {
        {"services", required_argument, NULL, OPTION_SERVICES}, {"port", required_argument, NULL, OPTION_PORT},
        {"data", required_argument, NULL, OPTION_DATA},         {"config", required_argument, NULL, OPTION_CONFIG},
        {"no-seed", no_argument, NULL, OPTION_NO_SEED},         {"help", no_argument, NULL, 'h'},
        {"help-config", no_argument, NULL, OPTION_HELP_CONFIG}, {0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (option) {
        case OPTION_SERVICES:
            ret_options->services = optarg;
            break;
        case OPTION_PORT:
            TRY(parse_port(optarg, &ret_options->port));
            break;
        case OPTION_DATA:
            ret_options->data_path = optarg;
            break;
        case OPTION_CONFIG:
            ret_options->config_path = optarg;
            break;
        case OPTION_NO_SEED:
            ret_options->no_seed = 1;
            break;
        case 'h':
            print_help();
            return 1;
        case OPTION_HELP_CONFIG:
            print_config_help();
            return 1;
        default:
            fprintf(stderr, "Try `shopstream --help`.\n");
            return ERR_INVALID;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct command_options options = {.port = -1};
    int result = parse_options(argc, argv, &options);

    if (result != 0)
        return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    const char *name = optind < argc ? argv[optind] : "serve";
    options.argument_count = optind < argc ? argc - optind - 1 : 0;
    options.arguments = argv + (optind < argc ? optind + 1 : argc);
    for (const struct command *command = commands; command->name; command++) {
        if (strcmp(command->name, name) == 0)
            return command->run(&options);
    }
    fprintf(stderr, "shopstream: there is no command '%s'; try `shopstream --help`\n", name);
    return EXIT_FAILURE;
}
