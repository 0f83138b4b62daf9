#include "platform/ports/redis/redis_address.h"

#include "platform/net/loopback.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PASSWORD_BYTES_MAX 4096
#define DNS_PORT 53 /* the resolver goes over to TCP for a long answer */
#define PLAIN_PREFIX "redis://"
#define TLS_PREFIX "rediss://"

bool redis_address_is_meant(const char *url)
{
    return strncmp(url, PLAIN_PREFIX, strlen(PLAIN_PREFIX)) == 0 || strncmp(url, TLS_PREFIX, strlen(TLS_PREFIX)) == 0;
}

/* -- The parts of a URL ------------------------------------------------------------------------------------------- */

/* Decoded where it says so; NULL and 0 where the URL has none. For curl_free. */
static int get_part(CURLU *url, CURLUPart part, unsigned flags, char **ret_text)
{
    switch (curl_url_get(url, part, ret_text, flags)) {
    case CURLUE_OK:
    case CURLUE_NO_USER:
    case CURLUE_NO_PASSWORD:
    case CURLUE_NO_PORT:
    case CURLUE_NO_QUERY:
        return 0;
    case CURLUE_OUT_OF_MEMORY:
        return ERR_NO_MEMORY;
    default:
        return ERR_INVALID;
    }
}

static void wipe(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    curl_free(text);
}

static int take_secret(CURLU *url, CURLUPart part, struct secret **ret_secret)
{
    char *text = NULL;
    int result = get_part(url, part, CURLU_URLDECODE, &text);
    if (result == 0 && text && *text)
        result = secret_new(str_from_cstr(text), ret_secret);
    wipe(text);
    return result;
}

static int take_host(CURLU *url, struct redis_address *address)
{
    char *text = NULL;
    TRY(get_part(url, CURLUPART_HOST, 0, &text));
    struct str host = str_from_cstr(text);
    if (host.len > 2 && host.ptr[0] == '[') /* an IPv6 address */
        host = str_slice(host, 1, host.len - 2);
    bool fits = host.len > 0 && host.len < sizeof(address->host);
    if (fits)
        memcpy(address->host, host.ptr, host.len);
    curl_free(text);
    return fits ? 0 : ERR_INVALID;
}

static int take_number(CURLU *url, CURLUPart part, int64_t min, int64_t max, int64_t *ret_number)
{
    char *text = NULL;
    TRY(get_part(url, part, 0, &text));
    struct str number = str_from_cstr(text);
    if (part == CURLUPART_PATH)
        number = str_skip(number, 1); /* behind the slash */
    int result = number.len ? str_to_int64(number, ret_number) : 0;
    curl_free(text);
    return result == 0 && *ret_number >= min && *ret_number <= max ? 0 : ERR_INVALID;
}

static int take_path(struct str value, char ret_path[REDIS_PATH_BYTES])
{
    char *decoded =
        value.len && value.len < REDIS_PATH_BYTES ? curl_easy_unescape(NULL, value.ptr, (int)value.len, NULL) : NULL;
    if (!decoded)
        return ERR_INVALID;
    snprintf(ret_path, REDIS_PATH_BYTES, "%s", decoded);
    curl_free(decoded);
    return 0;
}

static int take_parameters(CURLU *url, struct redis_address *address)
{
    char *text = NULL;
    TRY(get_part(url, CURLUPART_QUERY, 0, &text));
    struct str rest = str_from_cstr(text), parameter;
    int result = 0;
    while (result == 0 && rest.ptr && str_next_token(&rest, '&', &parameter)) {
        ptrdiff_t equals = str_find_char(parameter, '=');
        struct str name = str_slice(parameter, 0, equals < 0 ? 0 : (size_t)equals);
        struct str value = str_skip(parameter, name.len + 1);
        if (str_equal_cstr(name, "password_file"))
            result = take_path(value, address->password_path);
        else if (str_equal_cstr(name, "ca_file") && address->has_tls)
            result = take_path(value, address->authorities_path);
        else
            result = ERR_INVALID;
    }
    curl_free(text);
    return result;
}

static int take_all(CURLU *url, const char *text, struct redis_address *address)
{
    int64_t port = REDIS_PORT_DEFAULT;
    CURLUcode code = curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME);
    if (code != CURLUE_OK)
        return code == CURLUE_OUT_OF_MEMORY ? ERR_NO_MEMORY : ERR_INVALID;
    address->has_tls = strncmp(text, TLS_PREFIX, strlen(TLS_PREFIX)) == 0;
    TRY(take_host(url, address));
    TRY(take_number(url, CURLUPART_PORT, 1, UINT16_MAX, &port));
    address->port = (unsigned short)port;
    TRY(take_number(url, CURLUPART_PATH, 0, INT16_MAX, &address->database));
    TRY(take_secret(url, CURLUPART_USER, &address->user));
    TRY(take_secret(url, CURLUPART_PASSWORD, &address->password));
    TRY(take_parameters(url, address));
    return address->password && address->password_path[0] ? ERR_INVALID : 0;
}

/* An '@' in the host is what stood behind one in a password, and a '#' ends the password where nobody sees it. */
static bool is_unambiguous(const char *text)
{
    const char *first = strchr(text, '@');
    return !strchr(text, '#') && (!first || !strchr(first + 1, '@'));
}

static bool is_safe(const struct redis_address *address)
{
    return address->has_tls || is_loopback_host(str_from_cstr(address->host));
}

static const char *what_is_wrong(int error)
{
    switch (error) {
    case ERR_NO_MEMORY:
        return "cannot be read, as there is no memory";
    case ERR_FORBIDDEN:
        return "names another machine, so it must begin with rediss:// (TLS): nobody between may read or change what "
               "is "
               "sent there";
    default:
        return "is no address of Redis: redis://USER:PASSWORD@HOST:6379/0, rediss:// for TLS, with ?password_file=PATH "
               "instead of the password and ?ca_file=PATH for TLS, where what is none of A-Z a-z 0-9 - . _ ~ stands as "
               "%XX";
    }
}

int redis_address_parse(enum port port, const char *url, struct redis_address *ret_address,
                        char ret_message[REDIS_MESSAGE_BYTES])
{
    struct redis_address address = {0};
    CURLU *parsed = curl_url();
    int result = !parsed ? ERR_NO_MEMORY : is_unambiguous(url) ? take_all(parsed, url, &address) : ERR_INVALID;
    curl_url_cleanup(parsed);
    if (result == 0 && !is_safe(&address))
        result = ERR_FORBIDDEN;
    if (result == 0) {
        *ret_address = address;
        return 0;
    }
    redis_address_free(&address);
    snprintf(ret_message, REDIS_MESSAGE_BYTES, "%s %s", port_settings[port].name, what_is_wrong(result));
    return result == ERR_NO_MEMORY ? result : ERR_INVALID;
}

void redis_address_free(struct redis_address *address)
{
    secret_free(address->user);
    secret_free(address->password);
    *address = (struct redis_address){0};
}

int redis_get_reach(enum port port, const char *url, struct redis_reach *ret_reach,
                    char ret_message[REDIS_MESSAGE_BYTES])
{
    struct redis_address address;
    *ret_reach = (struct redis_reach){0};
    if (!redis_address_is_meant(url))
        return 0;
    TRY(redis_address_parse(port, url, &address, ret_message));
    ret_reach->ports[ret_reach->port_count++] = address.port;
    if (!is_numeric_host(str_from_cstr(address.host)))
        ret_reach->ports[ret_reach->port_count++] = DNS_PORT;
    for (const char *const *path = (const char *const[]){address.password_path, address.authorities_path, NULL}; *path;
         path++)
        if (**path)
            snprintf(ret_reach->files[ret_reach->file_count++], REDIS_PATH_BYTES, "%s", *path);
    redis_address_free(&address);
    return 0;
}

/* -- What stands in files ----------------------------------------------------------------------------------------- */

static struct str cut_line_break(struct str text)
{
    while (text.len && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
        text.len--;
    return text;
}

int redis_address_read_password(const struct redis_address *address, struct secret **ret_password,
                                char ret_message[REDIS_MESSAGE_BYTES])
{
    char bytes[PASSWORD_BYTES_MAX];
    *ret_password = NULL;
    if (!address->password_path[0])
        return address->password ? secret_new(secret_bytes(address->password), ret_password) : 0;
    int file = open(address->password_path, O_RDONLY | O_CLOEXEC);
    ssize_t size = file < 0 ? -1 : read(file, bytes, sizeof(bytes));
    int error = errno;
    if (file >= 0)
        close(file);
    struct str password = cut_line_break(str_from(bytes, size < 0 ? 0 : (size_t)size));
    int result = password.len ? secret_new(password, ret_password) : ERR_UNAVAILABLE;
    explicit_bzero(bytes, sizeof(bytes));
    if (result == ERR_UNAVAILABLE)
        snprintf(ret_message, REDIS_MESSAGE_BYTES, "the password's file %.300s: %s", address->password_path,
                 size < 0 ? strerror(error) : "it is empty");
    return result;
}

int redis_address_make_tls(const struct redis_address *address, SSL_CTX **ret_context,
                           char ret_message[REDIS_MESSAGE_BYTES])
{
    *ret_context = NULL;
    if (!address->has_tls)
        return 0;
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (!context)
        return ERR_NO_MEMORY;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    bool has_authorities =
        SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
        (address->authorities_path[0] ? SSL_CTX_load_verify_locations(context, address->authorities_path, NULL) == 1
                                      : SSL_CTX_set_default_verify_paths(context) == 1);
    if (has_authorities) {
        *ret_context = context;
        return 0;
    }
    SSL_CTX_free(context);
    snprintf(ret_message, REDIS_MESSAGE_BYTES, "there is no certificate of an authority that can be read in %.300s",
             address->authorities_path[0] ? address->authorities_path : "the system's folder");
    return ERR_UNAVAILABLE;
}
