/* Calls between services, typed by the schema.
 *
 * tools/generate.py makes for each service of a .proto file: the method's constant (catalog_reserve_stock_rpc), its
 * handler type (catalog_reserve_stock_fn), and a client of that very name (catalog_reserve_stock) that ends here. A
 * call is made in process; a second transport, to a service that runs elsewhere, is not here yet. A service calls
 * another only through its client. */
#pragma once

#include <protobuf-c/protobuf-c.h>

struct call;

struct rpc_method {
    const char *service;   /* "catalog" */
    const char *name;      /* "reserve_stock" */
    const char *full_name; /* "/shopstream.catalog.v1.Catalog/ReserveStock" */
    const ProtobufCMessageDescriptor *input;
    const ProtobufCMessageDescriptor *output;
};

/* What implements a method: fills out (initialised, from the call's arena). 0, or an error with call->problem set. */
typedef int rpc_handler(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *out);

/* Calls a method on behalf of the caller: same trace, tenant and deadline; the called service sees a service, not the
 * customer, unless the caller acts on behalf of them (call->on_behalf). ASSERTs that the caller is not inside a write
 * transaction. On failure the caller's problem says what the callee said. ERR_UNAVAILABLE when the service does not run
 * here. */
int rpc_call(struct call *caller, const struct rpc_method *method, const ProtobufCMessage *in, ProtobufCMessage *out);
