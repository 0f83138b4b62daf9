/* The listeners of a host; private to platform/service. */
#pragma once

struct http_server;
struct service_host;
struct service_instance;
struct tls_identity;

/* Listens for a host (own: NULL), or for the one service that has a port of its own. tls: NULL for plain HTTP. */
int host_http_start(struct service_host *host, struct service_instance *own, const struct tls_identity *tls,
                    const char *address, int port, struct http_server **ret_server, char ret_message[256]);
