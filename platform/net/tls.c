#include "platform/net/tls.h"

#include "platform/base/err.h"
#include "platform/net/tls_context.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct tls_identity {
    SSL_CTX *context;
    SSL_CTX *client_context; /* once peers are required */
};

/* What OpenSSL says of its last failure; what it remembers of it is forgotten. */
static const char *take_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    ERR_clear_error();
    return reason ? reason : "not a PEM file";
}

static int complain(char *ret_message, const char *what, const char *path, const char *reason)
{
    snprintf(ret_message, TLS_MESSAGE_BYTES, "the TLS %s %.300s %.120s", what, path, reason);
    return ERR_INVALID;
}

/* "cannot be read: " and the system's words. */
static int complain_unreadable(char *ret_message, const char *what, const char *path)
{
    char words[80], reason[120];

    snprintf(reason, sizeof(reason), "cannot be read: %s", strerror_r(errno, words, sizeof(words)));
    return complain(ret_message, what, path, reason);
}

/* -- The certificates ---------------------------------------------------------------------------------------------- */

static int load_chain(SSL_CTX *context, const char *path, char *ret_message)
{
    char reason[120];

    if (access(path, R_OK) != 0)
        return complain_unreadable(ret_message, "certificate", path);
    if (SSL_CTX_use_certificate_chain_file(context, path) == 1)
        return 0;
    snprintf(reason, sizeof(reason), "cannot be used: %s", take_reason());
    return complain(ret_message, "certificate", path, reason);
}

/* -- The key ------------------------------------------------------------------------------------------------------- */

/* Nobody types a password at a server's start. */
static int no_password(char *buffer, int size, int is_writing, void *argument)
{
    (void)buffer;
    (void)size;
    (void)is_writing;
    *(bool *)argument = true;
    return -1;
}

/* The group may read it: that is how a key is shared with who renews it. */
static int open_key(const char *path, FILE **ret_file, char *ret_message)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    int result = 0;

    if (descriptor < 0 || fstat(descriptor, &status) != 0)
        result = complain_unreadable(ret_message, "key", path);
    else if (!S_ISREG(status.st_mode))
        result = complain(ret_message, "key", path, "is no file");
    else if (status.st_mode & S_IRWXO)
        result = complain(ret_message, "key", path, "is open to every user of this machine; chmod o= takes that away");
    if (result == 0 && !(*ret_file = fdopen(descriptor, "r")))
        result = ERR_NO_MEMORY;
    if (result < 0 && descriptor >= 0)
        close(descriptor);
    return result;
}

static int load_key(SSL_CTX *context, const char *certificate_path, const char *path, char *ret_message)
{
    bool is_encrypted = false;
    char reason[120];
    FILE *file = NULL;

    TRY(open_key(path, &file, ret_message));
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, no_password, &is_encrypted);
    fclose(file);
    if (!key) {
        const char *why = take_reason();
        snprintf(reason, sizeof(reason), "cannot be used: %s", is_encrypted ? "it is locked by a password" : why);
        return complain(ret_message, "key", path, reason);
    }
    int result = 0;
    if (X509_check_private_key(SSL_CTX_get0_certificate(context), key) != 1) {
        snprintf(reason, sizeof(reason), "is not the one of the certificate %.80s", certificate_path);
        result = complain(ret_message, "key", path, reason);
    } else if (SSL_CTX_use_PrivateKey(context, key) != 1) {
        snprintf(reason, sizeof(reason), "cannot be used: %s", take_reason());
        result = complain(ret_message, "key", path, reason);
    }
    ERR_clear_error();
    EVP_PKEY_free(key);
    return result;
}

/* -- Both ---------------------------------------------------------------------------------------------------------- */

int tls_identity_load(struct tls_identity **ret_identity, const char *certificate_path, const char *key_path,
                      char ret_message[TLS_MESSAGE_BYTES])
{
    struct tls_identity *identity = calloc(1, sizeof(*identity));
    int result = identity && (identity->context = tls_context_new()) ? 0 : ERR_NO_MEMORY;

    snprintf(ret_message, TLS_MESSAGE_BYTES, "out of memory");
    if (result == 0)
        result = load_chain(identity->context, certificate_path, ret_message);
    if (result == 0)
        result = load_key(identity->context, certificate_path, key_path, ret_message);
    if (result < 0) {
        tls_identity_free(identity);
        return result;
    }
    *ret_identity = identity;
    return 0;
}

void tls_identity_free(struct tls_identity *identity)
{
    if (identity) {
        SSL_CTX_free(identity->context);
        SSL_CTX_free(identity->client_context);
    }
    free(identity);
}

SSL_CTX *tls_identity_context(const struct tls_identity *identity)
{
    return SSL_CTX_up_ref(identity->context) == 1 ? identity->context : NULL;
}

/* -- Peers that have certificates ---------------------------------------------------------------------------------- */

/* The same certificates and key, to connect with. */
static SSL_CTX *make_client_context(SSL_CTX *server)
{
    static const unsigned char OURS[] = "\x02h2";
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    STACK_OF(X509) *chain = NULL;

    if (!context)
        return NULL;
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE);
    bool is_whole = SSL_CTX_use_certificate(context, SSL_CTX_get0_certificate(server)) == 1 &&
                    SSL_CTX_use_PrivateKey(context, SSL_CTX_get0_privatekey(server)) == 1 &&
                    SSL_CTX_get0_chain_certs(server, &chain) == 1 && SSL_CTX_set1_chain(context, chain) == 1 &&
                    SSL_CTX_set_alpn_protos(context, OURS, sizeof(OURS) - 1) == 0;
    if (is_whole)
        return context;
    SSL_CTX_free(context);
    return NULL;
}

int tls_identity_require_peers(struct tls_identity *identity, const char *authorities_path,
                               char ret_message[TLS_MESSAGE_BYTES])
{
    char reason[120];

    snprintf(ret_message, TLS_MESSAGE_BYTES, "out of memory");
    if (access(authorities_path, R_OK) != 0)
        return complain_unreadable(ret_message, "authorities", authorities_path);
    identity->client_context = make_client_context(identity->context);
    if (!identity->client_context)
        return ERR_NO_MEMORY;
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(authorities_path);
    if (!names || SSL_CTX_load_verify_file(identity->context, authorities_path) != 1 ||
        SSL_CTX_load_verify_file(identity->client_context, authorities_path) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        snprintf(reason, sizeof(reason), "cannot be used: %s", take_reason());
        return complain(ret_message, "authorities", authorities_path, reason);
    }
    SSL_CTX_set_client_CA_list(identity->context, names);
    SSL_CTX_set_verify(identity->context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_verify(identity->client_context, SSL_VERIFY_PEER, NULL);
    /* Each connection shows its certificate anew: there are few of them. */
    SSL_CTX_set_session_cache_mode(identity->context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(identity->context, 0);
    return 0;
}

SSL_CTX *tls_identity_client_context(const struct tls_identity *identity)
{
    return SSL_CTX_up_ref(identity->client_context) == 1 ? identity->client_context : NULL;
}

void tls_peer_names(const SSL *ssl, struct buf *to)
{
    const X509 *certificate = SSL_get0_peer_certificate(ssl);
    GENERAL_NAMES *names = certificate ? X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL) : NULL;

    for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

        if (name->type != GEN_URI)
            continue;
        struct str uri = str_from(ASN1_STRING_get0_data(name->d.uniformResourceIdentifier),
                                  (size_t)ASN1_STRING_length(name->d.uniformResourceIdentifier));
        /* One with a line end in it would be two. */
        if (str_find_char(uri, '\n') >= 0 || uri.len == 0)
            continue;
        buf_append(to, uri);
        buf_append_char(to, '\n');
    }
    GENERAL_NAMES_free(names);
    if (buf_error(to) < 0) /* Half a name may be another one. */
        buf_clear(to);
}

bool tls_has_name(struct str names, struct str wanted)
{
    struct str line;

    while (names.ptr && str_next_token(&names, '\n', &line)) {
        if (line.len > 0 && str_equal(line, wanted))
            return true;
    }
    return false;
}
