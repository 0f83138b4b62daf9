/* Calls between services, typed by the schema.
 *
 * tools/generate.py makes for each service of a .proto file: the method's constant (catalog_reserve_stock_rpc), its
 * handler type (catalog_reserve_stock_fn), and a client of that very name (catalog_reserve_stock) that ends here. A
 * call is made in process where the service runs in it, and else to another process (rpc_client.h), with no difference
 * to who calls but that it may fail more. A service calls another only through its client. */
#pragma once

#include <protobuf-c/protobuf-c.h>

struct call;

/* What it does to call a method twice: the schema's option idempotency_level. */
enum rpc_idempotency {
    RPC_ONCE = 0, /* a second call may do it a second time */
    RPC_NO_SIDE_EFFECTS,
    RPC_IDEMPOTENT, /* a second call of the same message changes nothing more */
};

struct rpc_method {
    const char *service;   /* "catalog" */
    const char *name;      /* "reserve_stock" */
    const char *full_name; /* "/shopstream.catalog.v1.Catalog/ReserveStock" */
    const ProtobufCMessageDescriptor *input;
    const ProtobufCMessageDescriptor *output;
    enum rpc_idempotency idempotency;
};

/* What implements a method: fills out (initialised, from the call's arena). 0, or an error with call->problem set. */
typedef int rpc_handler(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *out);

/* Calls a method on behalf of the caller: same trace, tenant and deadline; the called service sees a service, not the
 * customer, unless the caller acts on behalf of them (call->on_behalf). ASSERTs that the caller is not inside a write
 * transaction. On failure the caller's problem says what the callee said. ERR_FORBIDDEN when the caller's table does
 * not name the service, ERR_UNAVAILABLE when it runs neither here nor at an address that is known, or is not to be had.
 */
int rpc_call(struct call *caller, const struct rpc_method *method, const ProtobufCMessage *in, ProtobufCMessage *out);
