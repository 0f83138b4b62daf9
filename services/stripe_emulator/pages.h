/* The pages that people see, of the parts that make them: card_field.c, so that no card number reaches the shop, and
 * challenge.c, which stands for a bank's 3-D Secure page.
 *
 * No page runs a script or a style but the emulator's own files. Where a page sends people afterwards, and whom the
 * field tells of the card, is a page of this shop only. */
#pragma once

#include "services/stripe_emulator/emulator.h"

#define PAGE_BYTES_MAX ((size_t)32 << 10)

/* The document's beginning and end. class_name: of the body, "page" or "card-field"; script may be NULL. */
void emulator_page_open(struct buf *page, const char *title, const char *class_name);
void page_close(struct buf *page, const char *script);

/* Answers with the page and a policy for it. frame: the only origin that may show it in a frame; form: the only one
 * that its form may lead to, besides the emulator; empty: none. */
int emulator_page_answer(struct call *call, struct http_response *response, int status, struct buf *page,
                         struct str frame, struct str form);

/* A page that says something, and no more. The texts are HTML. */
int emulator_page_answer_message(struct call *call, struct http_response *response, int status, const char *title,
                                 const char *message);

/* "http://localhost:3000" of "http://localhost:3000/checkout?x", where that is a page of the shop: of its public
 * address or of this machine. Otherwise empty. */
struct str page_shop_origin(struct call *call, struct str url);
