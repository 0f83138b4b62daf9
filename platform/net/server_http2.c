#include "platform/base/err.h"
#include "platform/net/server_internal.h"

int http2_open(struct http_connection *connection) { (void)connection; return ERR_INVALID; }
void http2_close(struct http_connection *connection) { (void)connection; }
void http2_receive(struct http_connection *connection, struct str bytes) { (void)connection; (void)bytes; }
void http2_encode(struct http_connection *connection) { (void)connection; }
void http2_answer(struct http_exchange *exchange, const struct http_response *response) { (void)exchange; (void)response; }
void http2_drain(struct http_connection *connection) { (void)connection; }
void http2_time_out(struct http_connection *connection) { (void)connection; }
bool http2_is_done(const struct http_connection *connection) { (void)connection; return true; }
enum http_wait http2_wait(const struct http_connection *connection) { (void)connection; return HTTP_WAIT_IDLE; }
