#include "platform/base/err.h"
#include "platform/net/server_internal.h"

int http_tls_context_new(SSL_CTX **ret_context, const struct http_server_config *config, char ret_message[256]) { (void)ret_context; (void)config; (void)ret_message; return ERR_UNAVAILABLE; }
int http_tls_open(struct http_connection *connection) { (void)connection; return ERR_UNAVAILABLE; }
void http_tls_close(struct http_connection *connection) { (void)connection; }
void http_tls_receive(struct http_connection *connection, struct str bytes) { (void)connection; (void)bytes; }
void http_tls_encode(struct http_connection *connection) { (void)connection; }
void http_tls_end(struct http_connection *connection) { (void)connection; }
