/* Text into HTML, so that no text ends what it stands in. */
#pragma once

#include "platform/base/buf.h"

/* As the text of an element, or the value of an attribute in double quotes. */
void html_text(struct buf *buf, struct str text);

/* JSON inside of <script type="application/…json">: neither "</script" nor "<!--" is left in it, and no line end that
 * JavaScript knows and JSON does not. It is the same JSON. */
void html_json(struct buf *buf, struct str json);
