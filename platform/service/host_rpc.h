/* Answers calls of services of other processes: gRPC over HTTP/2, on a listener of its own, for every method of the
 * services that run here. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
#pragma once

#include <stdint.h>

struct host_rpc;
struct rpc_door;
struct service_host;

/* ERR_UNAVAILABLE when the address is not to be had; ret_message says why. */
int host_rpc_start(struct service_host *host, const struct rpc_door *door, struct host_rpc **ret_rpc,
                   char ret_message[256]);

int host_rpc_port(const struct host_rpc *rpc);

/* Takes no more calls, and answers those in flight until the deadline. NULL is fine, here and below. */
void host_rpc_drain(struct host_rpc *rpc, int64_t deadline_ns);

/* After the workers have ended. */
void host_rpc_free(struct host_rpc *rpc);
