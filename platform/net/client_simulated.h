/* The network of the simulation: the make of client.h in which a request is answered in process, by a peer of either
 * domain, or meets a fault that is drawn from the seed. */
#pragma once

#include "platform/base/simulator.h"
#include "platform/net/client.h"

#define SIMULATED_PEERS_MAX 8

/* Answers a request in a task of the peer's domain. An error stands for a connection that broke. */
typedef int simulated_peer_fn(void *context, const struct http_request *request, struct arena *arena,
                              struct http_response *ret_response);

/* Chances of each exchange; all zero: nothing goes wrong. */
struct simulated_network_faults {
    unsigned refused_permille;      /* ERR_UNAVAILABLE, nothing was done */
    unsigned request_lost_permille; /* ERR_DEADLINE, nothing was done */
    unsigned request_late_permille; /* ERR_DEADLINE, and it is done later */
    unsigned answer_lost_permille;  /* ERR_DEADLINE, though it was done */
    unsigned repeated_permille;     /* it is done again later, whose answer nobody hears */
    unsigned delayed_permille;      /* there and back take up to delay_max_ns each, so that exchanges overtake others */
    int64_t delay_max_ns;
};

struct simulated_network_counts {
    uint64_t exchanges;
    uint64_t refused, request_lost, request_late, answer_lost, repeated, delayed; /* by the faults above */
    uint64_t under_way; /* late and repeated requests that are still to be done */
};

/* Peers are found by the URL's host and port ("127.0.0.1:3011", a constant). ASSERTs that there is room. */
void simulated_network_add_peer(const char *authority, enum simulator_domain domain, simulated_peer_fn *answer,
                                void *context);

struct simulated_network_faults *simulated_network_faults(void);
const struct simulated_network_counts *simulated_network_counts(void);
