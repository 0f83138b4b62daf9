/* shopstream: reads the command line and runs one of the commands of command.c. */
#include "cli/command.h"
#include "cli/terminal.h"
#include "platform/base/str.h"

#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* -- Options ------------------------------------------------------------------------------------------------------- */

/* Above: mapped alone. */
#define LARGE_BLOCK_BYTES (1 << 20)
#define ARENAS_MAX 8

struct parse {
    struct command_options options;
    unsigned given; /* of enum takes */
    bool help;
    bool help_config;
    bool version;
};

enum { OPTION_DATA = 256, OPTION_CONFIG, OPTION_HELP_CONFIG, OPTION_VERSION, OPTION_TAKES = 512 };

static const struct option long_options[] = {
    {"data", required_argument, NULL, OPTION_DATA},
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"help", no_argument, NULL, 'h'},
    {"help-config", no_argument, NULL, OPTION_HELP_CONFIG},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"services", required_argument, NULL, OPTION_TAKES + TAKES_SERVICES},
    {"port", required_argument, NULL, OPTION_TAKES + TAKES_PORT},
    {"no-seed", no_argument, NULL, OPTION_TAKES + TAKES_NO_SEED},
    {"tenant", required_argument, NULL, OPTION_TAKES + TAKES_TENANT},
    {"status", required_argument, NULL, OPTION_TAKES + TAKES_STATUS},
    {"json", no_argument, NULL, OPTION_TAKES + TAKES_JSON},
    {"minutes", required_argument, NULL, OPTION_TAKES + TAKES_MINUTES},
    {"seconds", required_argument, NULL, OPTION_TAKES + TAKES_SECONDS},
    {"report", required_argument, NULL, OPTION_TAKES + TAKES_REPORT},
    {0},
};

static int parse_port(const char *text, int *ret_port)
{
    int64_t port;

    if (str_to_int64(str_from_cstr(text), &port) < 0 || port < 0 || port > 65535)
        return say_usage("--port takes a number from 0 to 65535, not '%s'", text);
    *ret_port = (int)port;
    return EXIT_DONE;
}

static int take_option(struct parse *parse, unsigned which)
{
    struct command_options *options = &parse->options;

    parse->given |= which;
    switch (which) {
    case TAKES_SERVICES:
        options->services = optarg;
        break;
    case TAKES_PORT:
        return parse_port(optarg, &options->port);
    case TAKES_NO_SEED:
        options->no_seed = true;
        break;
    case TAKES_TENANT:
        options->tenant = optarg;
        break;
    case TAKES_STATUS:
        options->status = optarg;
        break;
    case TAKES_MINUTES:
        options->minutes = optarg;
        break;
    case TAKES_SECONDS:
        options->seconds = optarg;
        break;
    case TAKES_REPORT:
        options->report_path = optarg;
        break;
    default:
        options->json = true;
    }
    return EXIT_DONE;
}

/* A long option stands in its own word; a letter may be one of several in a word that is not done with yet. */
static int refuse_option(int option, char **argv)
{
    char letter[] = {'-', (char)optopt, 0};
    bool is_letter = option == '?' && optopt > 0 && optopt < OPTION_DATA;

    return say_usage("%s %s; `shopstream --help` shows what there is", is_letter ? letter : argv[optind - 1],
                     option == ':' ? "wants a value" : "is not an option");
}

static int parse_options(int argc, char **argv, struct parse *parse)
{
    int option, status = EXIT_DONE;

    opterr = 0;
    while (status == EXIT_DONE && (option = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
        if (option >= OPTION_TAKES)
            status = take_option(parse, (unsigned)option - OPTION_TAKES);
        else if (option == OPTION_DATA)
            parse->options.data_path = optarg;
        else if (option == OPTION_CONFIG)
            parse->options.config_path = optarg;
        else if (option == 'h')
            parse->help = true;
        else if (option == OPTION_HELP_CONFIG)
            parse->help_config = true;
        else if (option == OPTION_VERSION)
            parse->version = true;
        else
            return refuse_option(option, argv);
    }
    return status;
}

/* What goes into JSON must be UTF-8; so all of it. */
static int check_text(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!str_is_utf8(str_from_cstr(argv[i])))
            return say_usage("argument %d is not UTF-8", i);
    }
    return EXIT_DONE;
}

/* -- Commands ------------------------------------------------------------------------------------------------------ */

/* How many of the words are the command's name; 0: another command's. */
static int match_name(const struct command *command, char **words, int word_count)
{
    struct str rest = str_from_cstr(command->name), word;
    int matched = 0;

    while (str_next_token(&rest, ' ', &word)) {
        if (matched == word_count || !str_equal_cstr(word, words[matched]))
            return 0;
        matched++;
    }
    return matched;
}

static const struct command *find_command(char **words, int word_count, int *ret_matched)
{
    *ret_matched = 0;
    if (word_count == 0)
        return &commands[0];
    for (const struct command *command = commands; command->name; command++) {
        *ret_matched = match_name(command, words, word_count);
        if (*ret_matched)
            return command;
    }
    return NULL;
}

/* `workflow` alone, or with a word that is none of its commands: says which there are. */
static int say_unknown(char **words, int word_count)
{
    const struct command_group *group = command_group_find(words[0]);
    char known[256] = "";
    size_t length = 0;

    for (const struct command *command = commands; group && command->name; command++) {
        if (command_word_in(command, group))
            length +=
                (size_t)snprintf(known + length, sizeof(known) - length, "%s`%s`", length ? ", " : "", command->name);
    }
    if (length)
        return say_usage("%s %s: the commands are %s", words[0],
                         word_count > 1 ? "has no such command" : "wants another word", known);
    return say_usage("there is no command '%s'; `shopstream --help` lists them", words[0]);
}

static int refuse_options(const struct command *command, unsigned given)
{
    for (const struct option *option = long_options; option->name; option++) {
        if (option->val >= OPTION_TAKES && (((unsigned)option->val - OPTION_TAKES) & given & ~command->takes))
            return say_usage("`%s` takes no --%s; `shopstream %s --help` shows what it takes", command->name,
                             option->name, command->name);
    }
    return EXIT_DONE;
}

/* What is asked of the program itself, whatever else stands on the line. */
static bool print_general(const struct parse *parse, int word_count)
{
    bool wants_help = parse->help && word_count == 0;

    if (parse->version)
        printf("shopstream %s\n", SHOPSTREAM_VERSION);
    if (wants_help)
        help_print();
    if (parse->help_config)
        help_print_settings();
    return parse->version || wants_help || parse->help_config;
}

static int run_command(struct parse *parse, char **words, int word_count)
{
    int matched;
    const struct command *command = find_command(words, word_count, &matched);

    if (print_general(parse, word_count))
        return EXIT_DONE;
    if (!command && parse->help && word_count == 1 && command_group_find(words[0])) {
        help_print_group(command_group_find(words[0]));
        return EXIT_DONE;
    }
    if (!command)
        return say_unknown(words, word_count);
    if (parse->help) {
        help_print_command(command);
        return EXIT_DONE;
    }
    int count = word_count - matched;
    if (count < command->least || count > command->most)
        return say_usage("`%s` %s: shopstream %s%s%s", command->name,
                         count < command->least ? "wants more words" : "takes no such word", command->name,
                         command->arguments[0] ? " " : "", command->arguments);
    int status = refuse_options(command, parse->given);
    if (status != EXIT_DONE)
        return status;
    parse->options.argument_count = count;
    parse->options.arguments = words + matched;
    return command->run(&parse->options);
}

int main(int argc, char **argv)
{
    struct parse parse = {.options.port = -1};
    int status = check_text(argc, argv);

    /* Large blocks (19 MiB for a password's hash) go back to the system when they are freed: by itself malloc would
     * learn to keep them, in an arena for each of the many threads. */
    mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES);
    mallopt(M_ARENA_MAX, ARENAS_MAX);
    /* Keys and personal data are in what a shop writes: it is this user's alone, also in a folder that is not. */
    umask(S_IRWXG | S_IRWXO);
    if (status == EXIT_DONE)
        status = parse_options(argc, argv, &parse);
    if (status == EXIT_DONE)
        status = run_command(&parse, argv + optind, argc - optind);
    /* A result that did not reach the disk or the pipe is no success. */
    bool is_out = fflush(stdout) == 0 && !ferror(stdout);
    if (!is_out && status == EXIT_DONE)
        status = say_failed("the output could not be written");
    return status;
}
