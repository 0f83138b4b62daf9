/* Each allocation of ours fails once while a real server is asked over loopback: no crash, nobody who waits for ever,
 * no leak, no false answer, and the next connection is served.
 *
 *   main.c         options; one child process for each allocation, in which it fails
 *   allocations.c  what our own code allocates
 *   site.c         the server, and what it answers
 *   visitor.c      a connection to it, in plain text or TLS, and what is asked in HTTP/1.1 and HTTP/2
 *   flows.c        what is asked in which order, and what holds afterwards
 *
 * tests/faults does the same to the whole shop, but behind the server: it calls the handlers itself, in one thread. */
#pragma once

#include "platform/net/client.h"
#include "platform/net/test_certificate.h"

#define MEMORY_ECHO_BYTES 100000u /* of a body that comes back: several reads, several windows of HTTP/2 */
#define MEMORY_BLOB_BYTES 20000u
#define MEMORY_EVENTS 12u
#define MEMORY_EVENT_BYTES_MAX 12000u
#define MEMORY_ANSWER_BYTES 200000u

/* Says what does not hold, and ends this process. */
_Noreturn void violated(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* -- allocations.c ------------------------------------------------------------------------------------------------- */

/* The allocation that failed: in memory that a child shares with its parent. */
struct strike {
    bool is_done;
    const char *function;
    size_t address; /* as addr2line takes it */
};

/* From now on the allocation of that number fails, counted over all tasks but those that are spared. */
void allocations_arm(uint64_t number, struct strike *strike);
void allocations_disarm(void);

/* Of this task: what it allocates now is the harness's own. */
void allocations_spare(bool is_spared);

/* Blocks that were allocated and not freed. */
long allocations_live(void);

/* Blocks that are not freed and answers that nobody gets or that are false, on purpose: what a failure may leave behind
 * that somebody took badly. Each comes once, after the allocation that failed, and must be found. */
enum plant { PLANT_NONE, PLANT_LEAK, PLANT_WAIT, PLANT_ANSWER };
void allocations_plant(enum plant plant);

/* Whether that bug is to come now. */
bool allocations_plant_comes(enum plant plant);

/* -- site.c -------------------------------------------------------------------------------------------------------- */

/* What every answer of 200 carries: one field from its handler, and one from a blob. */
#define SITE_FIELD "x-site"
#define SITE_FIELD_VALUE "whole"
#define SITE_KEPT_FIELD "x-kept"
#define SITE_KEPT_VALUE "yes"

struct site;

/* 0 or an error, as the server says. Paths: /echo gives the body back, /later does so from another task, /blob and
 * /arena give MEMORY_BLOB_BYTES, /events is a stream. certificate: NULL for plain text. */
int site_start(struct site **ret_site, const struct test_certificate *certificate);
int site_port(const struct site *site);

/* Nobody is connected any more. */
void site_stop(struct site *site);

/* What the answer to a request of that path and body is. */
struct str site_expected(struct str path, struct str body);

/* -- visitor.c ----------------------------------------------------------------------------------------------------- */

struct visitor;

struct question {
    const char *path;
    struct str body; /* POST with one, GET without */
};

/* Connects, and shakes hands where that is asked; NULL when the server ended the connection instead. */
struct visitor *visitor_open(int port, bool with_tls, const char *alpn);
void visitor_close(struct visitor *visitor);

/* Bytes as they are; what the server does not take any more is dropped. */
void visitor_say(struct visitor *visitor, struct str bytes);

/* HTTP/1.1: the next answer, interim ones too, held against the question: its status, 0 when the server ended the
 * connection before it was whole. */
int visitor_hear(struct visitor *visitor, const struct question *question);

/* HTTP/2: asks all at once, and hears all the answers or the end of the connection; how many were whole and good. */
unsigned visitor_ask(struct visitor *visitor, const struct question *questions, unsigned count);

/* -- flows.c ------------------------------------------------------------------------------------------------------- */

struct flow {
    const char *name;
    const struct visit *visit; /* NULL: the client by libcurl fetches */
    bool with_tls;
};

extern const struct flow flows[];
extern const size_t flow_count;

/* Goes through the flow with the allocation of that number failing, and ends this process if anything does not hold. */
void flow_run(const struct flow *flow, uint64_t number, struct strike *strike,
              const struct test_certificate *certificate);
