/* What may be called, for who asks a running shop: grpc.reflection, v1 and v1alpha, whose messages are the same.
 * https://github.com/grpc/grpc/blob/master/doc/server-reflection.md */
#pragma once

#include "platform/net/http_stream.h"
#include "platform/net/server.h"

/* Begins a stream of questions and answers: fills the response's stream, input and trailers. names: NULL-terminated,
 * the full names of the services here; they must outlive the stream. */
int rpc_reflection_open(const char *const *names, struct http_response *ret_response);
