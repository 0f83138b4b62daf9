/* If-Match (RFC 9110, 13.1.1): an entity tag of ours is "<version>-<hash of the bytes>", and its version alone is
 * compared, so that what changes a representation without being an edit (a sale of stock) never spoils an edit.
 *
 * The comparison is strong: a weak tag (W/"…") never matches, nor does a tag that is not of our making. A bare number
 * is taken for the version that the JSON of a resource shows. */
#pragma once

#include "platform/base/str.h"

#define IF_MATCH_VERSIONS_MAX 8

struct if_match {
    bool is_sent; /* else everything matches */
    bool is_any;  /* "*": whatever version there is */
    size_t count; /* of those below; none of the tags may be able to match */
    int64_t versions[IF_MATCH_VERSIONS_MAX];
};

/* ERR_INVALID for what is neither "*" nor a list of tags, or names more versions than fit. */
int if_match_parse(struct str header, struct if_match *ret_if_match);

bool if_match_holds(const struct if_match *if_match, int64_t version);
