/* JSON into HTML, so that no text ends what it stands in. Text itself goes by encode_html. */
#pragma once

#include "platform/base/buf.h"

/* JSON inside of <script type="application/…json">: neither "</script" nor "<!--" is left in it, and no line end that
 * JavaScript knows and JSON does not. It is the same JSON. */
void html_json(struct buf *buf, struct str json);
