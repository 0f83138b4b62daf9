/* TLS of a connection to another process, by OpenSSL between two buffers. */
#include "platform/base/err.h"
#include "platform/net/tls_context.h"
#include "platform/rpc/rpc_client_internal.h"
#include "platform/rpc/rpc_identity.h"

#include <openssl/err.h>
#include <stdlib.h>

struct rpc_tls {
    SSL *ssl;
    BIO *in, *out; /* the SSL's */
    bool is_ready;
};

int rpc_tls_open(struct rpc_connection *connection, SSL_CTX *context)
{
    struct rpc_tls *tls = calloc(1, sizeof(*tls));

    if (!tls)
        return ERR_NO_MEMORY;
    connection->tls = tls;
    tls->ssl = SSL_new(context);
    tls->in = BIO_new(BIO_s_mem());
    tls->out = BIO_new(BIO_s_mem());
    if (!tls->ssl || !tls->in || !tls->out) {
        BIO_free(tls->in);
        BIO_free(tls->out);
        return ERR_NO_MEMORY;
    }
    SSL_set_bio(tls->ssl, tls->in, tls->out);
    SSL_set_connect_state(tls->ssl);
    return 0;
}

void rpc_tls_close(struct rpc_connection *connection)
{
    if (connection->tls)
        SSL_free(connection->tls->ssl);
    free(connection->tls);
    connection->tls = NULL;
}

/* -- In ------------------------------------------------------------------------------------------------------------ */

/* The chain was checked by OpenSSL; the name is the one of the service that is called. */
static bool is_wanted(const struct rpc_connection *connection)
{
    CLEANUP(buf_free) struct buf names = BUF((size_t)TLS_NAMES_BYTES_MAX);
    const struct rpc_client *client = connection->tcp.loop->data;
    const unsigned char *protocol = NULL;
    unsigned len = 0;

    SSL_get0_alpn_selected(connection->tls->ssl, &protocol, &len);
    tls_peer_names(connection->tls->ssl, &names);
    return len == 2 && memcmp(protocol, "h2", 2) == 0 &&
           rpc_identity_allows(buf_str(&names), client->trust_domain,
                               str_from_cstr(connection->address->service->name));
}

/* Goes on with the handshake; false when it has failed. */
static bool shake_hands(struct rpc_connection *connection)
{
    struct rpc_tls *tls = connection->tls;
    int result = SSL_do_handshake(tls->ssl);

    if (result == 1) {
        tls->is_ready = is_wanted(connection);
        return tls->is_ready;
    }
    bool goes_on = SSL_get_error(tls->ssl, result) == SSL_ERROR_WANT_READ;
    ERR_clear_error();
    return goes_on;
}

bool rpc_tls_take(struct rpc_connection *connection, struct str bytes)
{
    struct rpc_tls *tls = connection->tls;

    if (BIO_write(tls->in, bytes.ptr, (int)bytes.len) != (int)bytes.len)
        return false;
    return tls->is_ready || shake_hands(connection);
}

bool rpc_tls_is_ready(const struct rpc_connection *connection)
{
    return connection->tls->is_ready;
}

ssize_t rpc_tls_read(struct rpc_connection *connection)
{
    SSL *ssl = connection->tls->ssl;
    int len = SSL_read(ssl, connection->read_buffer, sizeof(connection->read_buffer));

    if (len > 0)
        return len;
    bool goes_on = SSL_get_error(ssl, len) == SSL_ERROR_WANT_READ;
    ERR_clear_error();
    return goes_on ? 0 : -1;
}

/* -- Out ----------------------------------------------------------------------------------------------------------- */

static bool encrypt(struct rpc_connection *connection)
{
    struct str rest = buf_str(&connection->output);

    while (rest.len > 0) {
        int written = SSL_write(connection->tls->ssl, rest.ptr, (int)rest.len);

        if (written <= 0) {
            ERR_clear_error();
            return false;
        }
        rest = str_skip(rest, (size_t)written);
    }
    buf_clear(&connection->output);
    return true;
}

bool rpc_tls_encode(struct rpc_connection *connection)
{
    struct rpc_tls *tls = connection->tls;

    if (!tls->is_ready && !SSL_is_init_finished(tls->ssl) && !shake_hands(connection))
        return false;
    if (tls->is_ready && !encrypt(connection))
        return false;
    size_t pending = BIO_ctrl_pending(tls->out);
    char *room = pending > 0 ? buf_reserve(&connection->wire, pending) : NULL;
    if (pending == 0)
        return true;
    if (!room)
        return false;
    int len = BIO_read(tls->out, room, (int)pending);
    if (len > 0)
        buf_commit(&connection->wire, (size_t)len);
    return len > 0;
}
