/* How a port finds its adapter: by one URL, whose scheme names it.
 *
 * A port is a dependency behind an interface, NAME/NAME.h. NAME/NAME.c has a table with a row an adapter, of a scheme
 * and a function that opens it; NAME_open() looks the URL's scheme up. The URL is a setting, SHOPSTREAM_NAME_URL, whose
 * default is the embedded adapter. To add an adapter: its file, and its row.
 *
 * Chosen otherwise, and why: docs/adr/0013-one-url-a-port.md. */
#pragma once

#include "platform/base/config.h"
#include "platform/base/err.h"
#include "platform/base/str.h"

struct sql_db;

/* Those that are chosen by a URL. */
enum port {
    PORT_SQL,
    PORT_EVENTS,
    PORT_KV,
    PORT_CACHE,
    PORT_STREAM,
    PORT_QUEUE,
    PORT_MAIL,
    PORT_WORKFLOW,
    PORT_IDP,
};

/* Their settings, by enum port; a table for config_load. */
extern const struct config_row port_settings[];

/* The URL of the port. config NULL: the default. */
const char *port_url(const struct config *config, enum port port);

/* What no adapter sees alone: ERR_INVALID and a message where two ports do not go together. */
int port_settings_check(const struct config *config, char ret_message[512]);

/* What most adapters are opened with: the URL, and what of the process they may stand on. An adapter that needs more
 * adds a member here, filled where the others are: host_port_config(). */
struct port_config {
    const char *url;
    const char *data_path; /* the data folder */
    struct sql_db *db;     /* the service's database; NULL for a port that all services share */
    const char *service;   /* its name; NULL likewise */
};

/* The first member of each row; the table ends with an empty one. */
struct port_scheme {
    const char *name; /* "sql": of the URL "sql:" */
};

/* The index of the row of the URL's scheme in a table of rows of row_bytes. ERR_INVALID without one: ret_message names
 * the setting and the schemes that there are, and nothing else of the URL, as that may carry a password. */
int port_find(enum port port, const char *url, const void *rows, size_t row_bytes, char ret_message[512]);

/* For adapters that have nothing to be told: ERR_INVALID and a message when something stands behind the scheme. */
int port_expect_bare(enum port port, const char *url, char ret_message[512]);
