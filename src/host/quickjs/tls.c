// TLS under the reads and writes of a socket, by mbedtls. Whom to trust is the program's to decide.
#include "host.h"

#include <mbedtls/net_sockets.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/ssl.h>

static struct session {
	struct session *next;
	mbedtls_net_context socket;
	mbedtls_ssl_context ssl;
	mbedtls_ssl_config config;
	mbedtls_x509_crt authorities, own; // until the handshake is over: authorities of a whole bundle take half a megabyte
	mbedtls_pk_context key;
} *sessions;

char tls_reason[48];

// Where the session of a descriptor hangs; NULL hangs there when it has none.
static struct session **find(int fd) {
	struct session **link = &sessions;
	while (*link && (*link)->socket.fd != fd) link = &(*link)->next;
	return link;
}

// What only the handshake needs.
static void forget(struct session *session) {
	mbedtls_x509_crt_free(&session->authorities);
	mbedtls_x509_crt_free(&session->own);
	mbedtls_pk_free(&session->key);
}

// An error of the library's as errno.
static int fail(const mbedtls_ssl_context *ssl, int error) {
	bool alert = error == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE;
	const char *reason = error == MBEDTLS_ERR_SSL_CONN_EOF ? "cut off: no close_notify came" :
		error == MBEDTLS_ERR_SSL_INVALID_RECORD ? "what came is not TLS" : alert ? "alert %d came" : "mbedtls error -0x%04X";
	snprintf(tls_reason, sizeof tls_reason, reason, alert ? ssl->MBEDTLS_PRIVATE(in_msg)[1] : -error);
	if (error == MBEDTLS_ERR_SSL_WANT_READ || error == MBEDTLS_ERR_SSL_WANT_WRITE) errno = EAGAIN;
	else if (error < MBEDTLS_ERR_NET_CONN_RESET || error > MBEDTLS_ERR_NET_RECV_FAILED) errno = TLS_FAILED;
	return -1;
}

ssize_t tls_read(int fd, void *bytes, size_t length) {
	struct session *session = *find(fd);
	if (!session) return read(fd, bytes, length);
	int count = mbedtls_ssl_read(&session->ssl, bytes, length);
	if (count == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) return 0;
	return count > 0 ? count : fail(&session->ssl, count == 0 ? MBEDTLS_ERR_SSL_CONN_EOF : count);
}

ssize_t tls_write(int fd, const void *bytes, size_t length) {
	struct session *session = *find(fd);
	if (!session) return write(fd, bytes, length);
	int count = mbedtls_ssl_write(&session->ssl, bytes, length);
	return count >= 0 ? count : fail(&session->ssl, count);
}

void tls_end(int fd) {
	struct session **link = find(fd), *session = *link;
	if (!session) return;
	*link = session->next;
	mbedtls_ssl_close_notify(&session->ssl); // if there is room for it now
	mbedtls_ssl_free(&session->ssl);
	mbedtls_ssl_config_free(&session->config);
	forget(session);
	free(session);
}

CALL(js_tls_start) {
	text name;
	size_t length, own_length;
	int error, fd = fd_arg(ctx, argv[0], "tls");
	const uint8_t *pem = fd >= 0 && text_arg(ctx, argv[1], "tls", name) ? JS_GetArrayBuffer(ctx, &length, argv[2]) : NULL;
	const uint8_t *own = pem ? JS_GetArrayBuffer(ctx, &own_length, argv[3]) : NULL;
	if (!own) return JS_EXCEPTION;
	struct session *session = malloc(sizeof *session);
	if (!session || *find(fd)) fatal("tls", "out of memory, or begun twice");
	*session = (struct session){.next = sessions, .socket = {.fd = fd}};
	sessions = session;
	const char *subject = NULL;
	mbedtls_ssl_config *config = &session->config;
	mbedtls_ssl_init(&session->ssl);
	mbedtls_ssl_config_init(config);
	mbedtls_x509_crt_init(&session->authorities);
	mbedtls_x509_crt_init(&session->own);
	mbedtls_pk_init(&session->key);
	mbedtls_ssl_config_defaults(config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
	mbedtls_ssl_conf_rng(config, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
	mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_OPTIONAL); // all is looked at, and told when the handshake is over
	mbedtls_ssl_conf_ca_chain(config, length ? &session->authorities : NULL, NULL);
	mbedtls_ssl_set_bio(&session->ssl, &session->socket, mbedtls_net_send, mbedtls_net_recv, NULL);
	if (!(error = psa_crypto_init()) && length) {
		subject = "with these authorities";
		if ((error = mbedtls_x509_crt_parse(&session->authorities, pem, length)) > 0) error = 0; // some of them
	}
	if (!error && own_length) {
		subject = "with this certificate";
		if (!(error = mbedtls_x509_crt_parse(&session->own, own, own_length)) &&
		    !(error = mbedtls_pk_parse_key(&session->key, own, own_length, NULL, 0, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE)) &&
		    !(error = mbedtls_pk_check_pair(&session->own.pk, &session->key, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE)))
			error = mbedtls_ssl_conf_own_cert(config, &session->own, &session->key);
	}
	if (error || (error = mbedtls_ssl_setup(&session->ssl, config)) ||
	    (error = mbedtls_ssl_set_hostname(&session->ssl, *name ? name : NULL))) {
		fail(&session->ssl, error);
		return throw_errno(ctx, "tls", subject);
	}
	return JS_UNDEFINED;
}

CALL(js_tls_handshake) {
	size_t length;
	uint32_t found[1 + 32 / 4]; // problems, then the key's hash
	int result, fd = fd_arg(ctx, argv[0], "tls");
	struct session *session = *find(fd);
	if (!session) return fd < 0 ? JS_EXCEPTION : throw_error(ctx, "tls", NULL, strerror(EBADF));
	if ((result = mbedtls_ssl_handshake(&session->ssl))) {
		if (fail(&session->ssl, result) && errno != EAGAIN) return throw_errno(ctx, "tls", NULL);
		return JS_NewInt32(ctx, result == MBEDTLS_ERR_SSL_WANT_READ ? READABLE : WRITABLE);
	}
	found[0] = mbedtls_ssl_get_verify_result(&session->ssl);
	const mbedtls_x509_crt *crt = mbedtls_ssl_get_peer_cert(&session->ssl);
	if (!crt || psa_hash_compute(PSA_ALG_SHA_256, crt->pk_raw.p, crt->pk_raw.len, (uint8_t *)(found + 1), 32, &length))
		return throw_error(ctx, "tls", NULL, "no certificate came");
	forget(session);
	return JS_NewArrayBufferCopy(ctx, (uint8_t *)found, sizeof found);
}

const JSCFunctionListEntry tls_calls[] = {JS_CFUNC_DEF("tlsStart", 4, js_tls_start), JS_CFUNC_DEF("tlsHandshake", 1, js_tls_handshake)};
