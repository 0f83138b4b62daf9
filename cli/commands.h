/* The subcommands of `shopstream`: what each is given, and the status that it ends with. */
#pragma once

#include <stdbool.h>

/* What the shell is told. */
enum exit_status {
    EXIT_DONE = 0,
    EXIT_FAILED = 1, /* stderr says what, why, and what to do */
    EXIT_USAGE = 2,  /* the command was not understood; nothing was done */
};

/* NULL, -1 or false where an option was not given. */
struct command_options {
    const char *services;
    const char *data_path;
    const char *config_path;
    const char *tenant;
    const char *status;
    const char *minutes;
    const char *seconds;
    const char *report_path;
    int port;
    bool no_seed;
    bool json;
    int argument_count;
    char **arguments; /* what stands behind the subcommand */
};

/* Each returns an exit status, after it said on stderr what went wrong. */
typedef int command_fn(const struct command_options *options);

command_fn command_serve; /* serve.c */
command_fn command_seed;  /* catalog.c */
command_fn command_import;
command_fn command_export;
command_fn command_user_grant; /* people.c */
command_fn command_user_disable;
command_fn command_user_enable;
command_fn command_tenant_add;
command_fn command_tenant_list;
command_fn command_keys_list; /* keys.c */
command_fn command_keys_rotate;
command_fn command_workflow_list; /* flow.c */
command_fn command_workflow_show;
command_fn command_workflow_resume;
command_fn command_quarantine_list;
command_fn command_quarantine_replay;
command_fn command_migrate; /* care.c */
command_fn command_openapi;
command_fn command_routes; /* routes.c */
command_fn command_backup; /* copies.c */
command_fn command_restore;
command_fn command_dump;
command_fn command_load;    /* load.c */
command_fn command_doctor;  /* doctor.c */
command_fn command_torture; /* torture/torture.c */
