/* The subcommands of `shopstream`. */
#pragma once

/* What every subcommand takes; NULL or -1 where it was not given. */
struct command_options {
    const char *services;
    const char *data_path;
    const char *config_path;
    int port;
    int no_seed;
    int argument_count;
    char **arguments; /* what stands behind the subcommand */
};

/* Each returns the exit status, after it said on stderr what went wrong. */
int command_serve(const struct command_options *options);
