// Byte streams: unix and TCP sockets, and reading and writing of any descriptor. Everything is non-blocking and closed on exec.
#include "host.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { BACKLOG = 64, READ_MAX = 65536 };
enum { UNIX, TCP };

// Where a socket goes, and its name for people.
struct address {
	union {
		struct sockaddr sa;
		struct sockaddr_un un;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_storage any;
	};
	socklen_t length;
	char name[sizeof(text) + 16];
};

static bool unix_address(JSContext *ctx, const char *call, JSValueConst *argv, struct address *out) {
	text name;
	if (!text_arg(ctx, argv[0], call, name)) return false;
	size_t length = strlen(name);
	if (length >= sizeof out->un.sun_path) {
		throw_error(ctx, call, name, strerror(ENAMETOOLONG));
		return false;
	}
	memset(out, 0, sizeof *out);
	out->un.sun_family = AF_UNIX;
	memcpy(out->un.sun_path, name, length);
	memcpy(out->name, name, length);
	// `@name` is in the abstract name space: a NUL in front, none at the end.
	if (name[0] == '@') out->un.sun_path[0] = '\0';
	out->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (name[0] != '@'));
	return true;
}

static bool tcp_address(JSContext *ctx, const char *call, JSValueConst *argv, struct address *out) {
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM}, *found;
	text host;
	int64_t port;
	char service[8];
	if (!text_arg(ctx, argv[0], call, host) || !int_arg(ctx, argv[1], 1, 65535, "port", &port)) return false;
	snprintf(service, sizeof service, "%d", (int)port);
	snprintf(out->name, sizeof out->name, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, service);
	if (!*host || getaddrinfo(host, service, &hints, &found)) { // an empty one would mean loopback
		throw_error(ctx, call, out->name, "not a numeric address");
		return false;
	}
	memcpy(&out->any, found->ai_addr, found->ai_addrlen);
	out->length = found->ai_addrlen;
	freeaddrinfo(found);
	return true;
}

static int open_socket(const struct address *address) {
	int on = 1, fd = socket(address->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && address->sa.sa_family != AF_UNIX) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return fd;
}

// The result of a call that opens a descriptor, by errno where `done` is not 0.
static JSValue opened(JSContext *ctx, int fd, int done, const char *call, const struct address *address) {
	if (fd >= 0 && done == 0) return own(ctx, fd);
	throw_errno(ctx, call, address->name);
	if (fd >= 0) close(fd);
	return JS_EXCEPTION;
}

CALL_MAGIC(js_connect) {
	struct address address, from = {.length = 0};
	JSValueConst local[] = {argv[2], argv[1]};
	if (!(magic == UNIX ? unix_address : tcp_address)(ctx, "connect", argv, &address)) return JS_EXCEPTION;
	if (magic == TCP && !JS_IsUndefined(argv[2]) && !tcp_address(ctx, "connect", local, &from)) return JS_EXCEPTION;
	from.in.sin_port = 0; // any; where IPv6 has it, too
	int fd = open_socket(&address), done = fd < 0 ? -1 : from.length ? bind(fd, &from.sa, from.length) : 0;
	if (done == 0) done = connect(fd, &address.sa, address.length);
	return opened(ctx, fd, done < 0 && errno == EINPROGRESS ? 0 : done, "connect", &address);
}

// A socket file that nobody answers on. EAGAIN is an answer: the queue is full.
static bool is_stale(const struct address *address) {
	struct stat st;
	if (address->sa.sa_family != AF_UNIX || !address->un.sun_path[0]) return false;
	if (lstat(address->un.sun_path, &st) < 0 || !S_ISSOCK(st.st_mode)) return false;
	int fd = open_socket(address);
	bool refused = fd >= 0 && connect(fd, &address->sa, address->length) < 0 && errno == ECONNREFUSED;
	if (fd >= 0) close(fd);
	return refused;
}

CALL_MAGIC(js_listen) {
	struct address address;
	if (!(magic == UNIX ? unix_address : tcp_address)(ctx, "listen", argv, &address)) return JS_EXCEPTION;
	int on = 1, fd = open_socket(&address);
	if (fd >= 0 && magic == TCP) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	// `::` leaves the port free on 0.0.0.0, whatever the machine's default is.
	if (fd >= 0 && address.sa.sa_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
	if (is_stale(&address)) unlink(address.un.sun_path);
	mode_t mask = umask(0177); // a unix socket is 0600 from its first moment
	int done = fd < 0 ? -1 : bind(fd, &address.sa, address.length) < 0 ? -1 : listen(fd, BACKLOG);
	umask(mask);
	return opened(ctx, fd, done, "listen", &address);
}

CALL(js_accept) {
	int on = 1, fd = fd_arg(ctx, argv[0], "accept");
	if (fd < 0) return JS_EXCEPTION;
	int accepted;
	while ((accepted = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) < 0 && errno == ECONNABORTED);
	if (accepted < 0) return errno == EAGAIN ? JS_UNDEFINED : throw_errno(ctx, "accept", NULL);
	setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); // fails on a unix socket, which needs none
	return own(ctx, accepted);
}

CALL(js_peer_address) {
	struct address peer = {.length = sizeof peer.any};
	int fd = fd_arg(ctx, argv[0], "peer");
	if (fd < 0) return JS_EXCEPTION;
	if (getpeername(fd, &peer.sa, &peer.length) < 0) return throw_errno(ctx, "peer", NULL);
	int family = peer.sa.sa_family;
	if (family != AF_UNIX) inet_ntop(family, family == AF_INET6 ? (void *)&peer.in6.sin6_addr : &peer.in.sin_addr, peer.name, sizeof peer.name);
	return JS_NewString(ctx, peer.name);
}

CALL(js_socket_error) {
	int error, fd = fd_arg(ctx, argv[0], "socket");
	socklen_t length = sizeof error;
	if (fd < 0) return JS_EXCEPTION;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0) return throw_errno(ctx, "socket", NULL);
	return error ? JS_NewString(ctx, strerror(error)) : JS_UNDEFINED;
}

CALL(js_read) {
	static uint8_t bytes[READ_MAX];
	int64_t max;
	int fd = fd_arg(ctx, argv[0], "read");
	if (fd < 0 || !int_arg(ctx, argv[1], 1, INT32_MAX, "read: bytes", &max)) return JS_EXCEPTION;
	size_t room = max < READ_MAX ? (size_t)max : READ_MAX;
	ssize_t count = tls_read ? tls_read(fd, bytes, room) : read(fd, bytes, room);
	if (count > 0) return JS_NewArrayBufferCopy(ctx, bytes, (size_t)count);
	if (count == 0) return JS_NULL;
	return errno == EAGAIN ? JS_UNDEFINED : throw_errno(ctx, "read", NULL);
}

CALL(js_write) {
	size_t length;
	int fd = fd_arg(ctx, argv[0], "write");
	const uint8_t *bytes = fd < 0 ? NULL : bytes_arg(ctx, argv + 1, "write", &length);
	if (!bytes) return JS_EXCEPTION;
	ssize_t count = tls_write ? tls_write(fd, bytes, length) : write(fd, bytes, length); // SIGPIPE is ignored
	if (count < 0 && errno == EAGAIN) count = 0;
	return count < 0 ? throw_errno(ctx, "write", NULL) : JS_NewInt64(ctx, count);
}

const JSCFunctionListEntry socket_calls[] = {
	JS_CFUNC_MAGIC_DEF("connectUnix", 3, js_connect, UNIX), JS_CFUNC_MAGIC_DEF("connectTcp", 3, js_connect, TCP),
	JS_CFUNC_MAGIC_DEF("listenUnix", 1, js_listen, UNIX),   JS_CFUNC_MAGIC_DEF("listenTcp", 2, js_listen, TCP),
	JS_CFUNC_DEF("accept", 1, js_accept),                   JS_CFUNC_DEF("peerAddress", 1, js_peer_address),
	JS_CFUNC_DEF("socketError", 1, js_socket_error),
	JS_CFUNC_DEF("read", 2, js_read),                       JS_CFUNC_DEF("write", 4, js_write),
};
