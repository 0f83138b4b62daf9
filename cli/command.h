/* The table of commands, and what `--help` makes of it. A command has one word, or two: those of the same first word
 * are a group. */
#pragma once

#include "cli/commands.h"

#include <stddef.h>

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

struct command_group {
    const char *word;
    const char *help; /* one line */
};

extern const struct command commands[];             /* ends with a name of NULL */
extern const struct command_group command_groups[]; /* ends with a word of NULL */

/* The group of that first word; NULL: there is none. */
const struct command_group *command_group_find(const char *word);

/* The second word of a command of the group; NULL: it is another's. */
const char *command_word_in(const struct command *command, const struct command_group *group);

/* -- help.c ------------------------------------------------------------------------------------------------------- */

void help_print(void);
void help_print_command(const struct command *command);
void help_print_group(const struct command_group *group);
void help_print_settings(void);
