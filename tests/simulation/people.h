/* What the actors with accounts share: identity's answers, and tokens. */
#pragma once

#include "tests/simulation/simulation.h"

struct account_request {
    enum http_method method;
    const char *path; /* below /api/identity/v1/ */
    int tenant;
    const char *token; /* NULL: without */
    char body[1024];

    int status; /* 0: no answer, or not now */
    char code[ID_BYTES];
    char access[TOKEN_BYTES], refresh[ID_BYTES], email[ID_BYTES];
};

/* False when no answer came that says anything for good. */
bool account_ask(struct account_request *asked);
void account_insist(struct account_request *asked);

int64_t token_expiry_s(const char *access);
void person_take_tokens(struct person *person, const struct account_request *asked);
bool person_refresh(struct person *person);
bool wait_for_code(const char *to, const char *subject_word, char code[CODE_BYTES]);
