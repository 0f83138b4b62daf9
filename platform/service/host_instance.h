/* One service in its process: its database, its ports, its state; private to platform/service. */
#pragma once

#include "platform/ports/sql/sql.h"

struct service_host;
struct service_instance;

/* Where a service's database lies, whether that service runs here or not. */
struct sql_place host_place(const struct service_host *host, const char *service);

/* Opens the database, or makes it; it may be open already. */
int host_instance_open_database(struct service_instance *instance, char ret_message[512]);

/* Opens the database and applies the migrations of the platform's tables and the service's; nothing of that where the
 * service has no_database. */
int host_instance_open(struct service_instance *instance, char ret_message[512]);

/* Calls the service's start. */
int host_instance_start(struct service_instance *instance, char ret_message[512]);

void host_instance_close(struct service_instance *instance);
