/* The page at /api/docs that draws /api/openapi.json: three files that lie in the program, without any other library.
 *
 *     /api/docs            the page         /api/docs/api.css        /api/docs/api.js
 *
 * It works under API_PAGE_CSP. */
#pragma once

#include "platform/base/str.h"

#define API_PAGE_CSP                                                                                                   \
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "    \
    "form-action 'none'; frame-ancestors 'none'"

struct api_page_file {
    struct str bytes; /* static */
    const char *content_type;
};

/* name is what stands behind "/api/docs": "" or "/" for the page, "/api.css", "/api.js". False for anything else. */
bool api_page_find(struct str name, struct api_page_file *ret_file);
