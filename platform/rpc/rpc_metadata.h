/* The names of header fields and trailers of a call, and its limits; both ends. */
#pragma once

#define RPC_CONTENT_TYPE "application/grpc"
#define RPC_STATUS_FIELD "grpc-status"
#define RPC_MESSAGE_FIELD "grpc-message"
#define RPC_DETAILS_FIELD "grpc-status-details-bin"
#define RPC_TIMEOUT_FIELD "grpc-timeout"
#define RPC_SERVICE_FIELD "shopstream-service"   /* who calls, by the name in its table */
#define RPC_CALLER_FIELD "shopstream-caller-bin" /* shopstream.rpc.v1.Caller */
#define RPC_TENANT_FIELD "x-tenant"

#define RPC_MESSAGE_BYTES_MAX ((size_t)4 << 20) /* of a request, and of a reply: what others take at the most, too */
