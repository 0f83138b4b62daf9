/* The fault-injecting decorator of the psp port: stands between a caller and an adapter, and does what networks do. */
#pragma once

#include "platform/ports/psp/psp.h"

/* Out of 100 calls, chosen by the random port. Applies to the calls that move money and to retrievals. */
struct psp_faults {
    unsigned lost_percent;      /* never reached the provider: ERR_UNAVAILABLE */
    unsigned timed_out_percent; /* done, and the answer lost: ERR_DEADLINE */
    unsigned repeated_percent;  /* sent twice with the same key, as a proxy may */
    unsigned count_max;         /* faults in all; 0: no limit */
};

/* Takes the inner psp and frees it with itself. The faults may be changed at any time by psp_faulty_set. */
int psp_faulty_new(struct psp **ret_psp, struct psp *inner, const struct psp_faults *faults);
void psp_faulty_set(struct psp *psp, const struct psp_faults *faults);

/* Faults injected so far, so that a test can see that it tested something. */
unsigned psp_faulty_count(struct psp *psp);
