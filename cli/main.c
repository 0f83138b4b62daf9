/* shopstream: reads the command line and runs one of the commands below. */
#include "cli/commands.h"
#include "cli/settings.h"
#include "cli/terminal.h"
#include "services/services.h"

#include <getopt.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define HELP_BYTES_MAX (1u << 16)

/* Which options a command takes, besides --data, --config and --help. */
enum takes {
    TAKES_SERVICES = 1 << 0,
    TAKES_PORT = 1 << 1,
    TAKES_NO_SEED = 1 << 2,
    TAKES_TENANT = 1 << 3,
    TAKES_STATUS = 1 << 4,
    TAKES_JSON = 1 << 5,
    TAKES_MINUTES = 1 << 6,
    TAKES_SECONDS = 1 << 7,
    TAKES_REPORT = 1 << 8,
};

struct command {
    const char *name;      /* one word or two */
    const char *arguments; /* as shown */
    int least, most;       /* how many of them */
    unsigned takes;
    command_fn *run;
    const char *help;    /* one line */
    const char *details; /* for `COMMAND --help` */
};

static const struct command commands[] = {
    {"serve", "", 0, 0, TAKES_SERVICES | TAKES_PORT | TAKES_NO_SEED, command_serve,
     "serve the shop; also without a command",
     "An empty shop is filled with the demo catalog, unless --no-seed is given. SIGTERM and Ctrl-C end it\n"
     "when what is in flight is answered; the second one at once."},
    {"seed", "", 0, 0, TAKES_TENANT | TAKES_JSON, command_seed, "fill a shop without products with the demo catalog",
     "A shop that has a product stays as it is."},
    {"import", "FILE.csv", 1, 1, TAKES_TENANT | TAKES_JSON, command_import,
     "put products in: all of them or, with an error, none",
     "One row a SKU; `export` writes the same columns, services/catalog/README.md explains them. What exists\n"
     "is changed where the file differs; what the file does not name stays."},
    {"export", "[FILE]", 0, 1, TAKES_TENANT, command_export, "write the products as CSV, to stdout without FILE", NULL},
    {"dump", "FILE", 1, 1, TAKES_JSON, command_dump, "write the whole shop, logically, as lines of JSON",
     "All of its rows as they were at one moment, for another machine or another engine; works on a running\n"
     "shop. The file holds the shop's secrets: only its owner may read it."},
    {"load", "FILE", 1, 1, 0, command_load, "make a shop from a dump, in an empty folder",
     "The counts at both ends of the file are checked. When anything is wrong, nothing is left."},
    {"backup", "DEST", 1, 1, TAKES_JSON, command_backup, "copy the databases and the mail into a new folder",
     "A copy of one moment; works on a running shop. DEST/manifest.json is written last: without it, the copy\n"
     "is not whole. The copy holds the shop's secrets."},
    {"restore", "SRC", 1, 1, 0, command_restore, "make the shop of a backup again, in an empty folder",
     "Every file is compared with the manifest, copied, synced and checked before the shop is there."},
    {"migrate", "", 0, 0, 0, command_migrate, "bring the databases up to date, or make them",
     "`serve` does the same when it starts."},
    {"doctor", "", 0, 0, 0, command_doctor, "look for what is wrong, and say what to do",
     "Looks at configuration, folder, disk, lock, databases, ports, clock and libraries. Exits with 1 when\n"
     "something is wrong."},
    {"torture", "", 0, 0, TAKES_MINUTES | TAKES_SECONDS | TAKES_REPORT, command_torture,
     "kill a shop of its own while many buy, and audit it",
     "Starts a shop below TMPDIR (/var/tmp), sells few units to many buyers, kills it with SIGKILL again and\n"
     "again and starts it anew. Then every buyer asks again under the same key, and orders, stock, the\n"
     "provider's charges, the ledger and the mails are compared. Takes 40 seconds and the audit, unless\n"
     "--minutes or --seconds says otherwise; --report writes the figures as Markdown. With --data it works on\n"
     "a copy of that shop, which itself is left alone. Exits with 0 only when every check holds."},
    {"openapi", "", 0, 0, TAKES_SERVICES, command_openapi, "print the OpenAPI document of the REST API", NULL},
    {"routes", "", 0, 0, TAKES_SERVICES | TAKES_JSON, command_routes, "show who may call what, row by row",
     "Also what openapi leaves out: calls between services, which have no address, and what is not for\n"
     "clients. A row without a method cannot be reached over HTTP."},
    {"user grant", "EMAIL ROLE", 2, 2, TAKES_TENANT | TAKES_JSON, command_user_grant,
     "give a role to who signed up with the address",
     "Roles: customer, support, merchandiser, admin. It takes effect with the next sign-in or refresh."},
    {"tenant add", "ID [HOST]", 1, 2, TAKES_JSON, command_tenant_add, "add a tenant, chosen by host name or X-Tenant",
     "Adding one again changes its host name."},
    {"tenant list", "", 0, 0, TAKES_JSON, command_tenant_list, "show the tenants", NULL},
    {"workflow list", "", 0, 0, TAKES_STATUS | TAKES_JSON, command_workflow_list,
     "show the newest workflows, or those of --status S",
     "S: running, compensating, completed, failed or stuck. A stuck one waits for `workflow resume`."},
    {"workflow show", "ID", 1, 1, TAKES_JSON, command_workflow_show, "show one with every step", NULL},
    {"workflow resume", "ID", 1, 1, 0, command_workflow_resume, "let a stuck one try again", NULL},
    {"quarantine list", "", 0, 0, TAKES_JSON, command_quarantine_list, "show events that a consumer could not take",
     NULL},
    {"quarantine replay", "SERVICE GROUP SOURCE OFFSET", 4, 4, 0, command_quarantine_replay,
     "hand one to its consumer again",
     "The four words are columns of `quarantine list`. The event leaves quarantine when it is handled."},
    {0},
};

/* -- Help
 * --------------------------------------------------------------------------------------------------------------- */

static void print_help(void)
{
    printf("Usage: shopstream [COMMAND] [--data DIR] [--config FILE] [OPTIONS]\n");
    for (const struct command *command = commands; command->name; command++) {
        bool is_long = strcmp(command->name, "quarantine replay") == 0;
        char left[64];

        snprintf(left, sizeof(left), "%s %s", command->name, is_long ? "…" : command->arguments);
        printf("  %-*s%s\n", is_long ? 25 : 23, left, command->help);
    }
    printf("\n`shopstream COMMAND --help` explains one; --help-config lists the settings.\n");
}

static void print_command_help(const struct command *command)
{
    printf(
        "Usage: shopstream %s%s%s [--data DIR]%s%s%s%s%s%s%s%s\n\n%c%s.\n", command->name,
        command->arguments[0] ? " " : "", command->arguments, command->run == command_torture ? "" : " [--config FILE]",
        command->takes & TAKES_SERVICES ? " [--services a,b]" : "", command->takes & TAKES_PORT ? " [--port 3000]" : "",
        command->takes & TAKES_NO_SEED ? " [--no-seed]" : "", command->takes & TAKES_TENANT ? " [--tenant ID]" : "",
        command->takes & TAKES_STATUS ? " [--status S]" : "", command->takes & TAKES_JSON ? " [--json]" : "",
        command->takes & TAKES_SECONDS ? " [--minutes N | --seconds N] [--report FILE]" : "",
        command->help[0] - 'a' + 'A', command->help + 1);
    if (command->details)
        printf("\n%s\n", command->details);
    if (command->takes & TAKES_SERVICES) {
        printf("\nServices, all of them without --services:\n");
        for (size_t i = 0; all_services[i]; i++)
            printf("  %-16s %s\n", all_services[i]->name, all_services[i]->help);
    }
    if (command->takes & TAKES_JSON)
        printf("\n--json prints the answer as JSON.\n");
}

static void print_config_help(void)
{
    CLEANUP(buf_free) struct buf buf = BUF(HELP_BYTES_MAX);

    config_print_help(settings_tables(), &buf);
    printf("%.*s", STR_FORMAT(buf_str(&buf)));
}

/* -- Options
 * -------------------------------------------------------------------------------------------------------------- */

/* Above: mapped alone. */
#define LARGE_BLOCK_BYTES (1 << 20)
#define ARENAS_MAX 8

struct parse {
    struct command_options options;
    unsigned given; /* of enum takes */
    bool help;
    bool help_config;
};

enum { OPTION_DATA = 256, OPTION_CONFIG, OPTION_HELP_CONFIG, OPTION_TAKES = 512 };

static const struct option long_options[] = {
    {"data", required_argument, NULL, OPTION_DATA},
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"help", no_argument, NULL, 'h'},
    {"help-config", no_argument, NULL, OPTION_HELP_CONFIG},
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
        else
            return say_usage("%s %s; `shopstream --help` shows what there is", argv[optind - 1],
                             option == ':' ? "wants a value" : "is not an option");
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

/* -- Commands
 * ------------------------------------------------------------------------------------------------------------- */

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
    char known[256] = "";
    size_t length = 0;

    for (const struct command *command = commands; command->name; command++) {
        struct str rest = str_from_cstr(command->name), first;

        if (str_next_token(&rest, ' ', &first) && rest.ptr && str_equal_cstr(first, words[0]))
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

static int run_command(struct parse *parse, char **words, int word_count)
{
    int matched;
    const struct command *command = find_command(words, word_count, &matched);

    if (parse->help && word_count == 0)
        print_help();
    if (parse->help_config)
        print_config_help();
    if ((parse->help && word_count == 0) || parse->help_config)
        return EXIT_DONE;
    if (!command)
        return say_unknown(words, word_count);
    if (parse->help) {
        print_command_help(command);
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
    if (fflush(stdout) != 0 && status == EXIT_DONE)
        status = say_failed("the output could not be written");
    return status;
}
