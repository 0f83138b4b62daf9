#include "platform/service/if_match.h"

#include "platform/base/err.h"

/* The digits at the start, as a version; false where there is none. What follows must be nothing, or "-" and a hash. */
static bool read_version(struct str tag, int64_t *ret_version)
{
    ptrdiff_t dash = str_find_char(tag, '-');
    struct str digits = dash < 0 ? tag : str_slice(tag, 0, (size_t)dash);

    return digits.len > 0 && str_to_int64(digits, ret_version) == 0;
}

/* etagc of RFC 9110, 8.8.3: what may stand between the quotes, a comma too. */
static bool is_tag_char(char c)
{
    unsigned char byte = (unsigned char)c;

    return byte == 0x21 || (byte >= 0x23 && byte <= 0x7e) || byte >= 0x80;
}

/* Takes a quoted tag off the rest. */
static bool take_quoted(struct str *rest, struct str *ret_tag)
{
    size_t len = 1;

    while (len < rest->len && is_tag_char(rest->ptr[len]))
        len++;
    if (len == rest->len || rest->ptr[len] != '"')
        return false;
    *ret_tag = str_slice(*rest, 1, len - 1);
    *rest = str_skip(*rest, len + 1);
    return true;
}

static bool take_bare(struct str *rest, struct str *ret_tag)
{
    size_t len = 0;

    while (len < rest->len && rest->ptr[len] >= '0' && rest->ptr[len] <= '9')
        len++;
    *ret_tag = str_slice(*rest, 0, len);
    *rest = str_skip(*rest, len);
    return len > 0;
}

static int take_tag(struct str *rest, struct if_match *if_match)
{
    bool is_weak = str_starts_with(*rest, STR("W/\""));
    struct str tag;
    int64_t version;

    if (is_weak)
        *rest = str_skip(*rest, 2);
    if (rest->ptr[0] == '"' ? !take_quoted(rest, &tag) : !take_bare(rest, &tag))
        return ERR_INVALID;
    if (is_weak || !read_version(tag, &version))
        return 0;
    if (if_match->count == IF_MATCH_VERSIONS_MAX)
        return ERR_INVALID;
    if_match->versions[if_match->count++] = version;
    return 0;
}

int if_match_parse(struct str header, struct if_match *ret_if_match)
{
    struct if_match if_match = {.is_sent = true};
    struct str rest = str_trim(header);
    bool is_empty = true;

    if_match.is_any = str_equal(rest, STR("*"));
    while (!if_match.is_any && rest.len > 0) {
        /* Empty elements of a list are passed over (RFC 9110, 5.6.1.2). */
        if (rest.ptr[0] != ',') {
            TRY(take_tag(&rest, &if_match));
            is_empty = false;
            rest = str_trim(rest);
            if (rest.len > 0 && rest.ptr[0] != ',')
                return ERR_INVALID;
        }
        rest = str_trim(str_skip(rest, 1));
    }
    if (is_empty && !if_match.is_any)
        return ERR_INVALID;
    *ret_if_match = if_match;
    return 0;
}

bool if_match_holds(const struct if_match *if_match, int64_t version)
{
    if (!if_match->is_sent || if_match->is_any)
        return true;
    for (size_t i = 0; i < if_match->count; i++) {
        if (if_match->versions[i] == version)
            return true;
    }
    return false;
}
