#include "platform/service/service.h"
#include "platform/service/token_internal.h"

#include <stdlib.h>
#include <yyjson.h>

static const struct {
    const char *name;
    unsigned role;
} ROLES[] = {
    {"customer", ROLE_CUSTOMER},
    {"support", ROLE_SUPPORT},
    {"merchandiser", ROLE_MERCHANDISER},
    {"admin", ROLE_ADMIN},
};
#define ROLE_COUNT (sizeof(ROLES) / sizeof(ROLES[0]))

unsigned token_role_from_name(struct str name)
{
    for (size_t i = 0; i < ROLE_COUNT; i++)
        if (str_equal_cstr(name, ROLES[i].name))
            return ROLES[i].role;
    return 0;
}

const char *token_role_name(unsigned role)
{
    for (size_t i = 0; i < ROLE_COUNT; i++)
        if (ROLES[i].role == role)
            return ROLES[i].name;
    return NULL;
}

/* -- Writing ------------------------------------------------------------------------------------------------------ */

static bool is_terminated(const char *text, size_t size, bool may_be_empty)
{
    size_t len = strnlen(text, size);
    return len < size && (may_be_empty || len > 0) && str_is_utf8(str_from(text, len));
}

int token_claims_check(const struct token_claims *claims)
{
    unsigned known = 0;
    for (size_t i = 0; i < ROLE_COUNT; i++)
        known |= ROLES[i].role;
    if (!is_terminated(claims->user_id, sizeof(claims->user_id), false) ||
        !is_terminated(claims->session_id, sizeof(claims->session_id), false) ||
        !is_terminated(claims->token_id, sizeof(claims->token_id), false) ||
        !is_terminated(claims->tenant, sizeof(claims->tenant), false) ||
        !is_terminated(claims->email, sizeof(claims->email), true) || (claims->roles & ~known) != 0)
        return ERR_INVALID;
    if (claims->issued_at_s < 0 || claims->expires_at_s <= claims->issued_at_s ||
        claims->expires_at_s - claims->issued_at_s > TOKEN_LIFETIME_S)
        return ERR_INVALID;
    return 0;
}

/* False without memory: a claim that is left out makes another token. */
static bool fill_claims(yyjson_mut_doc *doc, const struct token_ring *ring, const struct token_claims *claims)
{
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    bool good = yyjson_mut_obj_add_str(doc, root, "iss", ring->issuer) &&
                yyjson_mut_obj_add_str(doc, root, "aud", ring->audience) &&
                yyjson_mut_obj_add_str(doc, root, "sub", claims->user_id) &&
                yyjson_mut_obj_add_str(doc, root, "sid", claims->session_id) &&
                yyjson_mut_obj_add_str(doc, root, "jti", claims->token_id) &&
                yyjson_mut_obj_add_str(doc, root, "tenant", claims->tenant) &&
                (claims->email[0] == '\0' || yyjson_mut_obj_add_str(doc, root, "email", claims->email)) &&
                yyjson_mut_obj_add_bool(doc, root, "email_verified", claims->email_verified);
    yyjson_mut_val *roles = yyjson_mut_obj_add_arr(doc, root, "roles");
    for (size_t i = 0; i < ROLE_COUNT; i++)
        if (claims->roles & ROLES[i].role)
            good = good && yyjson_mut_arr_add_str(doc, roles, ROLES[i].name);
    return good && roles && yyjson_mut_obj_add_int(doc, root, "iat", claims->issued_at_s) &&
           yyjson_mut_obj_add_int(doc, root, "exp", claims->expires_at_s);
}

void token_claims_append(const struct token_ring *ring, const struct token_claims *claims, struct buf *json)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    size_t len = 0;
    char *text = doc && fill_claims(doc, ring, claims) ? yyjson_mut_write(doc, YYJSON_WRITE_NOFLAG, &len) : NULL;
    if (text)
        buf_append(json, str_from(text, len));
    else
        json->error = ERR_NO_MEMORY;
    free(text);
    yyjson_mut_doc_free(doc);
}

/* -- Reading ------------------------------------------------------------------------------------------------------ */

static struct str string_of(yyjson_val *value)
{
    return yyjson_is_str(value) ? str_from(yyjson_get_str(value), yyjson_get_len(value)) : STR_EMPTY;
}

/* An object of at most TOKEN_NAMES_MAX members with no name twice: parsers disagree on which one counts. */
static bool is_object_without_duplicates(yyjson_val *object)
{
    struct str names[TOKEN_NAMES_MAX];
    size_t index, count;
    yyjson_val *name, *value;
    if (!yyjson_is_obj(object) || yyjson_obj_size(object) > TOKEN_NAMES_MAX)
        return false;
    yyjson_obj_foreach(object, index, count, name, value)
    {
        names[index] = string_of(name);
        for (size_t i = 0; i < index; i++)
            if (str_equal(names[i], names[index]))
                return false;
    }
    return true;
}

/* Copies a string of at most size - 1 bytes without NUL. */
static bool take_string(yyjson_val *object, const char *name, char *ret_text, size_t size)
{
    yyjson_val *value = yyjson_obj_get(object, name);
    struct str text = string_of(value);
    if (!yyjson_is_str(value) || text.len >= size || (text.len > 0 && memchr(text.ptr, 0, text.len)))
        return false;
    if (text.len > 0)
        memcpy(ret_text, text.ptr, text.len);
    ret_text[text.len] = '\0';
    return true;
}

static bool take_time(yyjson_val *object, const char *name, int64_t *ret_time_s)
{
    yyjson_val *value = yyjson_obj_get(object, name);
    if (!yyjson_is_uint(value) || yyjson_get_uint(value) > INT64_MAX / 1000)
        return false;
    *ret_time_s = (int64_t)yyjson_get_uint(value);
    return true;
}

static bool take_roles(yyjson_val *object, unsigned *ret_roles)
{
    yyjson_val *roles = yyjson_obj_get(object, "roles");
    size_t index, count;
    yyjson_val *name;
    if (!yyjson_is_arr(roles) || yyjson_arr_size(roles) > ROLE_COUNT)
        return false;
    *ret_roles = 0;
    yyjson_arr_foreach(roles, index, count, name)
    {
        unsigned role = token_role_from_name(string_of(name));
        if (role == 0 || (*ret_roles & role))
            return false;
        *ret_roles |= role;
    }
    return true;
}

static bool take_claims(const struct token_ring *ring, yyjson_val *root, struct token_claims *claims,
                        int64_t *not_before_s)
{
    yyjson_val *verified = yyjson_obj_get(root, "email_verified");
    if (!is_object_without_duplicates(root) || !yyjson_is_bool(verified) ||
        !str_equal_cstr(string_of(yyjson_obj_get(root, "iss")), ring->issuer) ||
        !str_equal_cstr(string_of(yyjson_obj_get(root, "aud")), ring->audience))
        return false;
    claims->email_verified = yyjson_get_bool(verified);
    claims->email[0] = '\0';
    *not_before_s = 0;
    return take_string(root, "sub", claims->user_id, sizeof(claims->user_id)) &&
           take_string(root, "sid", claims->session_id, sizeof(claims->session_id)) &&
           take_string(root, "jti", claims->token_id, sizeof(claims->token_id)) &&
           take_string(root, "tenant", claims->tenant, sizeof(claims->tenant)) &&
           (!yyjson_obj_get(root, "email") || take_string(root, "email", claims->email, sizeof(claims->email))) &&
           take_roles(root, &claims->roles) && take_time(root, "iat", &claims->issued_at_s) &&
           take_time(root, "exp", &claims->expires_at_s) &&
           (!yyjson_obj_get(root, "nbf") || take_time(root, "nbf", not_before_s)) && token_claims_check(claims) == 0;
}

/* ERR_INVALID for what is no JSON; ERR_NO_MEMORY, which says nothing about it. */
static int read_json(struct str json, yyjson_doc **ret_doc)
{
    yyjson_read_err error;
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)json.ptr, json.len, YYJSON_READ_NOFLAG, NULL, &error);
    if (!doc)
        return error.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION ? ERR_NO_MEMORY : ERR_INVALID;
    *ret_doc = doc;
    return 0;
}

int token_claims_parse(const struct token_ring *ring, struct str json, struct token_claims *ret_claims,
                       int64_t *ret_not_before_s)
{
    struct token_claims claims;
    int64_t not_before_s;
    yyjson_doc *doc;
    TRY(read_json(json, &doc));
    bool good = take_claims(ring, yyjson_doc_get_root(doc), &claims, &not_before_s);
    yyjson_doc_free(doc);
    if (!good)
        return ERR_INVALID;
    *ret_claims = claims;
    *ret_not_before_s = not_before_s;
    return 0;
}

int token_header_parse(struct str json, char ret_kid[TOKEN_KID_BYTES])
{
    char kid[TOKEN_KID_BYTES];
    yyjson_doc *doc;
    TRY(read_json(json, &doc));
    yyjson_val *root = yyjson_doc_get_root(doc);
    /* Exactly these three: so no jwk, jku, x5c, crit or b64 can have a say. */
    bool good = yyjson_is_obj(root) && yyjson_obj_size(root) == 3 && is_object_without_duplicates(root) &&
                str_equal(string_of(yyjson_obj_get(root, "alg")), STR("RS256")) &&
                str_equal(string_of(yyjson_obj_get(root, "typ")), STR("at+jwt")) &&
                take_string(root, "kid", kid, sizeof(kid));
    yyjson_doc_free(doc);
    if (!good)
        return ERR_INVALID;
    memcpy(ret_kid, kid, sizeof(kid));
    return 0;
}
