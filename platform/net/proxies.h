/* The proxies before the server that are believed about whom they speak for.
 *
 * A proxy adds the address of its own peer to the right of X-Forwarded-For, so what stands there is as good as whoever
 * wrote it: read from the right, an address counts when everything right of it, and the connection's peer, are proxies
 * on the list. The first that is none is the client; what stands left of it is the client's own invention. Without a
 * list, or from a peer that is not on it, X-Forwarded-For and X-Forwarded-Proto say nothing. Forwarded (RFC 7239) is
 * never read: a proxy that does not know it would let a client's own pass. */
#pragma once

#include "platform/net/http.h"

#define PROXIES_MAX 64
#define PROXY_HOPS_MAX 32 /* of X-Forwarded-For that are looked at, from the right */
#define PROXIES_MESSAGE_BYTES 256
#define CLIENT_ADDRESS_BYTES 46 /* INET6_ADDRSTRLEN */

struct proxies;

/* Addresses and networks, separated by commas: "10.0.0.0/8, 2001:db8::/32, 192.0.2.7"; an empty text is an empty list.
 * ERR_INVALID with what is wrong in ret_message, ERR_NO_MEMORY. */
int proxies_new(struct proxies **ret_proxies, struct str text, char ret_message[PROXIES_MESSAGE_BYTES]);
void proxies_free(struct proxies *proxies); /* NULL is fine */

/* Whether an address, as text without a port, is on the list. NULL is an empty list. */
bool proxies_have(const struct proxies *proxies, struct str address);

/* For a request whose peer is on the list: sets the scheme to what the proxy says, and the peer to the client's address
 * as inet_ntop(3) writes it, in the buffer. Where the headers say nothing, or nothing that is an address, the last hop
 * that is known stays the peer. */
void proxies_apply(const struct proxies *proxies, struct http_request *request, char buffer[CLIENT_ADDRESS_BYTES]);
