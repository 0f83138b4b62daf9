/* TLS (RFC 8446, RFC 5246) by OpenSSL. It reads from the loop's read buffer and writes into the connection's output
 * through a BIO of ours, so that no bytes are kept between the two but an incomplete record. */
#include "platform/base/err.h"
#include "platform/net/server_internal.h"
#include "platform/net/tls_context.h"

#include <openssl/err.h>
#include <stdlib.h>

#define TLS_CIPHERS_1_2 "ECDHE+AESGCM:ECDHE+CHACHA20" /* forward secrecy and AEAD alone; TLS 1.3 has no others */

struct http_tls {
    SSL *ssl;
    struct str input; /* what was read and not yet taken by OpenSSL */
    bool failed;      /* no close_notify may follow */
    struct buf names; /* of the peer's certificate */
};

/* -- The BIO ------------------------------------------------------------------------------------------------------ */

static int bio_write(BIO *bio, const char *bytes, int len)
{
    struct http_connection *connection = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (len <= 0)
        return 0;
    return http_output_append(connection->loop, &connection->wire, str_from(bytes, (size_t)len)) ? len : -1;
}

static int bio_read(BIO *bio, char *bytes, int len)
{
    struct http_connection *connection = BIO_get_data(bio);
    struct str *input = &connection->tls->input;
    BIO_clear_retry_flags(bio);
    if (input->len == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t taken = input->len < (size_t)len ? input->len : (size_t)len;
    memcpy(bytes, input->ptr, taken);
    *input = str_skip(*input, taken);
    return (int)taken;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

/* -- The context -------------------------------------------------------------------------------------------------- */

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
                       unsigned in_len, void *context)
{
    (void)ssl;
    (void)context;
    static const unsigned char OURS[] = "\x02h2\x08http/1.1";
    unsigned char *chosen = NULL;
    if (SSL_select_next_proto(&chosen, out_len, OURS, sizeof OURS - 1, in, in_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL; /* RFC 7301, 3.2 */
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

SSL_CTX *tls_context_new(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context)
        return NULL;
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(context, TLS_CIPHERS_1_2);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS); /* An idle connection keeps no record buffers. */
    SSL_CTX_set_alpn_select_cb(context, choose_alpn, NULL);
    return context;
}

int http_tls_open_context(struct http_server *server)
{
    server->tls_bio = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "http connection");
    server->tls_context = tls_identity_context(server->config.tls);
    if (!server->tls_bio || !server->tls_context)
        return ERR_NO_MEMORY;
    BIO_meth_set_write(server->tls_bio, bio_write);
    BIO_meth_set_read(server->tls_bio, bio_read);
    BIO_meth_set_ctrl(server->tls_bio, bio_control);
    BIO_meth_set_create(server->tls_bio, bio_create);
    return 0;
}

void http_tls_close_context(struct http_server *server)
{
    SSL_CTX_free(server->tls_context);
    BIO_meth_free(server->tls_bio);
}

/* -- Connections -------------------------------------------------------------------------------------------------- */

int http_tls_open(struct http_connection *connection)
{
    struct http_server *server = connection->loop->server;
    struct http_tls *tls = calloc(1, sizeof *tls);
    SSL *ssl = SSL_new(server->tls_context);
    BIO *bio = BIO_new(server->tls_bio);
    if (!tls || !ssl || !bio) {
        free(tls);
        SSL_free(ssl);
        BIO_free(bio);
        return ERR_NO_MEMORY;
    }
    BIO_set_data(bio, connection);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_accept_state(ssl);
    tls->ssl = ssl;
    tls->names = BUF((size_t)TLS_NAMES_BYTES_MAX);
    connection->tls = tls;
    return 0;
}

void http_tls_close(struct http_connection *connection)
{
    struct http_tls *tls = connection->tls;
    if (!tls)
        return;
    SSL_free(tls->ssl);
    tls->ssl = NULL;
    buf_free(&tls->names);
    free(tls);
    connection->tls = NULL;
}

static void choose_by_alpn(struct http_connection *connection)
{
    const unsigned char *name = NULL;
    unsigned len = 0;
    if (connection->protocol != HTTP_PROTOCOL_UNKNOWN || !SSL_is_init_finished(connection->tls->ssl))
        return;
    if (connection->tls->names.len == 0)
        tls_peer_names(connection->tls->ssl, &connection->tls->names);
    SSL_get0_alpn_selected(connection->tls->ssl, &name, &len);
    if (len == 2)
        http_connection_choose(connection, HTTP_PROTOCOL_2);
    else if (len > 0)
        http_connection_choose(connection, HTTP_PROTOCOL_1);
}

struct str http_tls_names(const struct http_connection *connection)
{
    return connection->tls ? buf_str(&connection->tls->names) : STR_EMPTY;
}

/* What OpenSSL says when it reads no more. */
static void take_end(struct http_connection *connection, int result)
{
    struct http_tls *tls = connection->tls;
    int error = SSL_get_error(tls->ssl, result);
    ERR_clear_error();
    if (error == SSL_ERROR_WANT_READ)
        return;
    if (error != SSL_ERROR_ZERO_RETURN)
        tls->failed = true; /* Its alert, if there is one, lies in the output. */
    connection->last_request_seen = true;
    connection->close_after_write = true;
}

void http_tls_receive(struct http_connection *connection, struct str bytes)
{
    struct http_tls *tls = connection->tls;
    tls->input = bytes;
    while (!connection->closing && !tls->failed) {
        char *buffer = connection->loop->plain_buffer;
        int count = SSL_read(tls->ssl, buffer, sizeof connection->loop->plain_buffer);
        choose_by_alpn(connection);
        if (connection->closing)
            return;
        if (count <= 0) {
            take_end(connection, count);
            break;
        }
        http_connection_receive(connection, str_from(buffer, (size_t)count));
    }
    if (!connection->closing)
        tls->input = STR_EMPTY;
}

void http_tls_encode(struct http_connection *connection)
{
    struct http_tls *tls = connection->tls;
    uv_buf_t buffers[HTTP_WRITE_BUFFERS_MAX];
    while (connection->output.bytes > 0 && connection->wire.bytes < HTTP_OUTPUT_BYTES_MAX && !tls->failed) {
        if (http_output_buffers(&connection->output, buffers) == 0)
            return;
        size_t size = buffers[0].len < 16384 ? buffers[0].len : 16384; /* a record */
        int written = SSL_write(tls->ssl, buffers[0].base, (int)size);
        if (written <= 0) {
            ERR_clear_error();
            http_connection_close(connection);
            return;
        }
        http_output_consume(connection->loop, &connection->output, (size_t)written);
    }
}

void http_tls_end(struct http_connection *connection)
{
    struct http_tls *tls = connection->tls;
    if (!tls->failed && SSL_is_init_finished(tls->ssl))
        SSL_shutdown(tls->ssl);
    ERR_clear_error();
    tls->failed = true; /* once */
}
