#include "cli/command.h"
#include "cli/settings.h"
#include "platform/base/buf.h"
#include "platform/base/err.h"
#include "services/services.h"

#include <stdio.h>
#include <string.h>

#define HELP_BYTES_MAX (1u << 16)
#define NAME_COLUMNS 26 /* leaves help of 52 characters on a line of 80 */
#define NAME_BYTES 80

static void print_line(const char *name, const char *help)
{
    printf("  %-*s%s\n", NAME_COLUMNS, name, help);
}

/* All words of a group on one line, where the first of its commands stands. */
static void print_group_line(const struct command_group *group)
{
    char left[NAME_BYTES];
    int length = snprintf(left, sizeof(left), "%s", group->word);

    for (const struct command *command = commands; command->name && length < NAME_BYTES; command++) {
        const char *word = command_word_in(command, group);
        bool is_first = length == (int)strlen(group->word);

        if (word)
            length += snprintf(left + length, sizeof(left) - (size_t)length, "%s%s", is_first ? " " : "|", word);
    }
    print_line(left, group->help);
}

static void print_command_line(const struct command *command)
{
    char left[NAME_BYTES];

    snprintf(left, sizeof(left), "%s %s", command->name, command->arguments);
    print_line(left, command->help);
}

static bool is_in_a_group(const struct command *command)
{
    return strchr(command->name, ' ') != NULL;
}

void help_print(void)
{
    printf("Usage: shopstream [COMMAND] [--data DIR] [--config FILE] [OPTIONS]\n");
    for (const struct command *command = commands; command->name; command++) {
        if (!is_in_a_group(command))
            print_command_line(command);
    }
    for (const struct command_group *group = command_groups; group->word; group++)
        print_group_line(group);
    printf("\n`shopstream COMMAND --help` explains one; --help-config lists the settings,\n"
           "--version says which shopstream this is.\n");
}

void help_print_group(const struct command_group *group)
{
    printf("Usage: shopstream %s COMMAND [--data DIR] [--config FILE] [OPTIONS]\n\n", group->word);
    for (const struct command *command = commands; command->name; command++) {
        if (command_word_in(command, group))
            printf("  %s%s%s\n      %s\n", command->name, command->arguments[0] ? " " : "", command->arguments,
                   command->help);
    }
    printf("\n`shopstream %s COMMAND --help` explains one.\n", group->word);
}

void help_print_command(const struct command *command)
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
            printf("  %-16s %d  %s\n", all_services[i]->name, all_services[i]->port, all_services[i]->help);
    }
    if (command->takes & TAKES_JSON)
        printf("\n--json prints the answer as JSON.\n");
}

void help_print_settings(void)
{
    CLEANUP(buf_free) struct buf buf = BUF(HELP_BYTES_MAX);

    config_print_help(settings_tables(), &buf);
    printf("%.*s", STR_FORMAT(buf_str(&buf)));
}
