/* The server over TLS, spoken to by OpenSSL's client side over a blocking socket. */
#include "platform/net/test_certificate.h"

#include <openssl/ssl.h>
#include <sys/stat.h>

static struct test_certificate certificate;
static struct test_server *server;

static int make_certificate(void **state)
{
    (void)state;
    test_certificate_make(&certificate);
    return 0;
}

static int remove_certificate(void **state)
{
    (void)state;
    test_certificate_remove(&certificate);
    return 0;
}

static struct http_server_config tls_config(void)
{
    struct http_server_config config = test_config();
    config.tls = certificate.identity;
    return config;
}

static int set_up(void **state)
{
    (void)state;
    server = test_server_start(tls_config());
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_server_stop(server);
    return 0;
}

struct peer {
    SSL_CTX *context;
    SSL *ssl;
    int descriptor;
};

/* What a client offers; ciphers (of TLS 1.2) and alpn, in wire format, may be NULL. */
struct offer {
    const char *alpn, *ciphers;
    int version_max;
};

/* Returns whether the handshake came about. */
static bool peer_offer(struct peer *peer, struct offer offer)
{
    peer->context = SSL_CTX_new(TLS_client_method());
    assert_non_null(peer->context);
    assert_int_equal(SSL_CTX_set_max_proto_version(peer->context, offer.version_max), 1);
    if (offer.version_max < TLS1_2_VERSION || offer.ciphers) { /* OpenSSL itself refuses to speak it otherwise. */
        SSL_CTX_set_min_proto_version(peer->context, offer.version_max);
        SSL_CTX_set_security_level(peer->context, 0);
    }
    if (offer.ciphers)
        assert_int_equal(SSL_CTX_set_cipher_list(peer->context, offer.ciphers), 1);
    peer->ssl = SSL_new(peer->context);
    assert_non_null(peer->ssl);
    if (offer.alpn)
        assert_int_equal(
            SSL_set_alpn_protos(peer->ssl, (const unsigned char *)offer.alpn, (unsigned)strlen(offer.alpn)), 0);
    peer->descriptor = test_connect(server->port);
    assert_int_equal(SSL_set_fd(peer->ssl, peer->descriptor), 1);
    return SSL_connect(peer->ssl) == 1;
}

static bool peer_connect(struct peer *peer, const char *alpn, int version_max)
{
    return peer_offer(peer, (struct offer){.alpn = alpn, .version_max = version_max});
}

static void peer_close(struct peer *peer)
{
    SSL_free(peer->ssl);
    SSL_CTX_free(peer->context);
    close(peer->descriptor);
}

/* Everything until close_notify; fails when the end comes without one. Free it. */
static char *peer_read_all(struct peer *peer, size_t *ret_len)
{
    size_t capacity = LARGE_BYTES + 65536;
    size_t len = 0;
    char *bytes = malloc(capacity);
    assert_non_null(bytes);
    int count;
    while ((count = SSL_read(peer->ssl, bytes + len, (int)(capacity - len - 1))) > 0)
        len += (size_t)count;
    assert_int_equal(SSL_get_error(peer->ssl, count), SSL_ERROR_ZERO_RETURN);
    bytes[len] = '\0';
    *ret_len = len;
    return bytes;
}

static void assert_serves(const char *alpn, int version_max, const char *chosen)
{
    struct peer peer;
    assert_true(peer_connect(&peer, alpn, version_max));
    const unsigned char *name = NULL;
    unsigned name_len = 0;
    SSL_get0_alpn_selected(peer.ssl, &name, &name_len);
    assert_true(str_equal_cstr(str_from(name, name_len), chosen));
    static const char REQUEST[] = "POST /x HTTP/1.1\r\nHost: shop\r\nContent-Length: 4\r\n"
                                  "Connection: close\r\n\r\nbody";
    assert_int_equal(SSL_write(peer.ssl, REQUEST, sizeof REQUEST - 1), sizeof REQUEST - 1);
    size_t len = 0;
    char *answer = peer_read_all(&peer, &len);
    assert_contains(answer, "\r\n\r\nPOST /x? shop body");
    free(answer);
    peer_close(&peer);
}

/* HTTP/1.1 in TLS 1.2 and 1.3, with ALPN and without. */
static void test_server_tls__http1(void **state)
{
    (void)state;
    assert_serves("\x08http/1.1", TLS1_3_VERSION, "http/1.1");
    assert_serves("\x08http/1.1", TLS1_2_VERSION, "http/1.1");
    assert_serves(NULL, TLS1_3_VERSION, "");
}

/* A body of many records, and bytes that come one by one. */
static void test_server_tls__large_answer(void **state)
{
    (void)state;
    struct peer peer;
    assert_true(peer_connect(&peer, "\x08http/1.1", TLS1_3_VERSION));
    static const char REQUEST[] = "GET /large HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n";
    for (size_t i = 0; i < sizeof REQUEST - 1; i++)
        assert_int_equal(SSL_write(peer.ssl, REQUEST + i, 1), 1);
    size_t len = 0;
    char *answer = peer_read_all(&peer, &len);
    const char *body = strstr(answer, "\r\n\r\n");
    assert_non_null(body);
    assert_int_equal(len - (size_t)(body + 4 - answer), LARGE_BYTES);
    free(answer);
    peer_close(&peer);
}

/* The server prefers h2, and greets with its SETTINGS at once. */
static void test_server_tls__http2(void **state)
{
    (void)state;
    struct peer peer;
    assert_true(peer_connect(&peer, "\x08http/1.1\x02h2", TLS1_3_VERSION));
    const unsigned char *name = NULL;
    unsigned len = 0;
    SSL_get0_alpn_selected(peer.ssl, &name, &len);
    assert_int_equal(len, 2);
    unsigned char frame[9];
    assert_int_equal(SSL_read(peer.ssl, frame, sizeof frame), sizeof frame);
    assert_int_equal(frame[3], 4);
    peer_close(&peer);
}

/* A protocol that is not ours, an old TLS, and what is no TLS at all are refused, and nothing hangs. */
static void test_server_tls__refusals(void **state)
{
    (void)state;
    struct peer peer;
    assert_false(peer_connect(&peer, "\x06spdy/3", TLS1_3_VERSION));
    peer_close(&peer);
    assert_false(peer_connect(&peer, NULL, TLS1_1_VERSION));
    peer_close(&peer);
    int descriptor = test_connect(server->port);
    char bytes[1000];
    assert_true(test_send(descriptor, STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n")));
    while (recv(descriptor, bytes, sizeof bytes, 0) > 0)
        continue;
    close(descriptor);
    test_server_await_connections(server, 0);
    assert_int_equal(atomic_load(&server->requests), 0);
}

/* Forward secrecy and AEAD alone (RFC 9325, 4.2). */
static void test_server_tls__ciphers(void **state)
{
    (void)state;
    static const char *const taken[] = {"ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256",
                                        "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-CHACHA20-POLY1305"};
    static const char *const refused[] = {"ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA256",
                                          "ECDHE-RSA-AES256-SHA:ECDHE-ECDSA-AES256-SHA",
                                          "AES128-GCM-SHA256",
                                          "AES256-SHA",
                                          "NULL-SHA256",
                                          "ECDHE-RSA-NULL-SHA:ECDHE-ECDSA-NULL-SHA"};
    struct peer peer;
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        assert_true(peer_offer(&peer, (struct offer){.ciphers = taken[i], .version_max = TLS1_2_VERSION}));
        peer_close(&peer);
    }
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_false(peer_offer(&peer, (struct offer){.ciphers = refused[i], .version_max = TLS1_2_VERSION}));
        peer_close(&peer);
    }
}

/* A peer that begins a handshake and stops is closed. */
static void test_server_tls__slow_handshake(void **state)
{
    (void)state;
    test_server_stop(server);
    struct http_server_config config = tls_config();
    config.limits.head_timeout_ms = 60;
    server = test_server_start(config);
    char *answer = test_exchange(server->port, "\x16\x03\x01");
    free(answer);
    test_server_await_connections(server, 0);
}

/* A peer that vanishes while its answer is prepared. */
static void test_server_tls__dead_peer(void **state)
{
    (void)state;
    struct peer peer;
    assert_true(peer_connect(&peer, NULL, TLS1_3_VERSION));
    static const char REQUEST[] = "GET /held HTTP/1.1\r\nHost: shop\r\n\r\n";
    assert_int_equal(SSL_write(peer.ssl, REQUEST, sizeof REQUEST - 1), sizeof REQUEST - 1);
    test_server_await_held(server, 1);
    peer_close(&peer);
    test_server_await_connections(server, 0);
    assert_true(http_exchange_is_dead(server->held[0]));
    test_server_release(server);
}

/* Each message names the file and what is wrong with it. */
static void assert_refused(const char *chain, const char *key, const char *path, const char *words)
{
    struct tls_identity *refused = NULL;
    char message[TLS_MESSAGE_BYTES] = "";
    assert_int_equal(tls_identity_load(&refused, chain, key, message), ERR_INVALID);
    assert_null(refused);
    assert_contains(message, path);
    assert_contains(message, words);
}

static void test_server_tls__bad_files(void **state)
{
    (void)state;
    const char *certificate_path = certificate.certificate_path, *key_path = certificate.key_path;
    char other[64];
    EVP_PKEY *key = EVP_EC_gen("P-256");
    test_write_pem(other, key, NULL);
    EVP_PKEY_free(key);
    assert_refused("/nonexistent.pem", key_path, "/nonexistent.pem", "No such file");
    assert_refused(certificate_path, "/nonexistent.key", "/nonexistent.key", "No such file");
    assert_refused(key_path, key_path, key_path, "cannot be used");
    assert_refused(certificate_path, certificate_path, certificate_path, "cannot be used");
    assert_refused(certificate_path, "/tmp", "/tmp", "is no file");
    assert_refused(certificate_path, other, other, certificate_path);
    assert_int_equal(chmod(other, 0604), 0);
    assert_refused(certificate_path, other, other, "every user");
    unlink(other);
}

static void test_server_tls__a_locked_key(void **state)
{
    (void)state;
    char locked[] = "/tmp/shopstream-test-key-XXXXXX";
    EVP_PKEY *key = EVP_EC_gen("P-256");
    FILE *file = fdopen(mkstemp(locked), "w");
    assert_non_null(file);
    assert_int_equal(
        PEM_write_PrivateKey(file, key, EVP_aes_256_cbc(), (const unsigned char *)"password", 8, NULL, NULL), 1);
    fclose(file);
    EVP_PKEY_free(key);
    assert_refused(certificate.certificate_path, locked, locked, "locked by a password");
    unlink(locked);
}

/* Every answer asks to stay with TLS, and none without it does. */
static void test_server_tls__strict_transport(void **state)
{
    (void)state;
    static const char REQUEST[] = "GET /x HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n";
    struct peer peer;
    size_t len = 0;
    assert_true(peer_connect(&peer, NULL, TLS1_3_VERSION));
    assert_int_equal(SSL_write(peer.ssl, REQUEST, sizeof REQUEST - 1), sizeof REQUEST - 1);
    char *answer = peer_read_all(&peer, &len);
    assert_contains(answer, "\r\nStrict-Transport-Security: max-age=31536000; includeSubDomains\r\n");
    free(answer);
    peer_close(&peer);
    assert_true(peer_connect(&peer, NULL, TLS1_3_VERSION));
    assert_int_equal(SSL_write(peer.ssl, "BAD\r\n\r\n", 7), 7);
    answer = peer_read_all(&peer, &len);
    assert_contains(answer, " 400 ");
    assert_contains(answer, "\r\nStrict-Transport-Security: ");
    free(answer);
    peer_close(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_server_tls__http1, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_tls__large_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_tls__http2, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_tls__refusals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_tls__ciphers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_tls__slow_handshake, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_tls__dead_peer, set_up, tear_down),
        cmocka_unit_test(test_server_tls__bad_files),
        cmocka_unit_test(test_server_tls__a_locked_key),
        cmocka_unit_test_setup_teardown(test_server_tls__strict_transport, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, make_certificate, remove_certificate);
}
