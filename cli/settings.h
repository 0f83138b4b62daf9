/* The process's own settings; each service adds its table. */
#pragma once

#include "platform/base/config.h"

enum setting {
    SETTING_ADDRESS,
    SETTING_PORT,
    SETTING_DATA,
    SETTING_LOG_LEVEL,
    SETTING_RATE_LIMITS,
    SETTING_SANDBOX,
    SETTING_DRAIN_MS,
    SETTING_MAIL_FROM,
    SETTING_PUBLIC_URL,
    SETTING_TRUSTED_PROXIES,
    SETTING_TLS_CERTIFICATE,
    SETTING_TLS_KEY,
    SETTING_TLS_AUTHORITIES,
    SETTING_RPC_ADDRESS,
    SETTING_RPC_PORT,
    SETTING_RPC_PEERS,
    SETTING_RPC_CERTIFICATE,
    SETTING_RPC_KEY,
    SETTING_RPC_AUTHORITIES,
    SETTING_RPC_TRUST_DOMAIN,
};

extern const struct config_row settings[];

/* Loads every table of the program; file_path may be NULL. Prints what is wrong on stderr. */
int settings_load(const char *file_path, struct config **ret_config);

struct service;

/* The services of a list "a,b", or all for NULL, in the order in which they start; ret_services has room for
 * HOST_SERVICES_MAX and an ending NULL. Returns an exit status; an unknown name was said. */
int choose_services(const char *names, const struct service **ret_services);

/* The port to listen on: what is set; else one service alone has its own, and any others the shell's (ADR 0008). */
int settings_port(const struct config *config, const struct service *const *services);

/* The port on which the services of other processes are answered: what is set, else the shop's and
 * RPC_PORT_DISTANCE; where that is 0, any. */
int settings_rpc_port(const struct config *config, int port);

/* Checks the process's own settings, and asks the services whether they would run so. ERR_INVALID; ret_message says why
 * not. */
int settings_check(const struct config *config, const struct service *const *services, char ret_message[512]);

/* All tables, NULL-terminated. */
const struct config_row *const *settings_tables(void);
