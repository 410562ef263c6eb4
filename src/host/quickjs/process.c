// Children: programs with pipes, and name resolution, which blocks and therefore happens in a child of its own.
#include "host.h"

#include <netdb.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { CHILDREN_MAX = 64, WORDS_MAX = 256, RESOLVE_MAX_S = 30, KILLED = 256 };
enum { STDIN, STDOUT, STDERR, STANDARD };
enum { PROGRAM = -1, CLOSED = -2 };

// Programs that run, and name resolutions, of whose end nobody is told.
static struct child {
	pid_t pid;
	int resolver; // where its answer is read; PROGRAM; CLOSED when nobody reads it any more
} children[CHILDREN_MAX];
static int child_count;

bool has_programs(void) {
	for (int i = 0; i < child_count; i++)
		if (children[i].resolver == PROGRAM) return true;
	return false;
}

void end_resolver(int fd) {
	for (int i = 0; i < child_count; i++) {
		if (children[i].resolver != fd) continue;
		kill(children[i].pid, SIGKILL);
		children[i].resolver = CLOSED;
	}
}

void reap(JSContext *ctx, JSValueConst callback) {
	for (int i = child_count - 1; i >= 0; i--) {
		struct child child = children[i];
		int status;
		if (child.resolver == PROGRAM && !JS_IsFunction(ctx, callback)) continue;
		if (waitpid(child.pid, &status, WNOHANG) <= 0) continue;
		children[i] = children[--child_count];
		int code = WIFSIGNALED(status) ? KILLED + WTERMSIG(status) : WEXITSTATUS(status);
		JSValue args[] = {JS_NewInt32(ctx, child.pid), JS_NewInt32(ctx, code)};
		if (child.resolver == PROGRAM) run_callback(ctx, callback, COUNT(args), args);
	}
}

// Our end (0 to read, 1 to write) does not block; the child's does, as programs expect of theirs.
static bool open_pipe(int pair[2], int ours) {
	return pipe2(pair, O_CLOEXEC) == 0 && fcntl(pair[ours], F_SETFL, O_NONBLOCK) == 0;
}

static void close_pair(const int pair[2]) {
	for (int i = 0; i < 2; i++)
		if (pair[i] >= 0) close(pair[i]);
}

// 0, or why the program did not start: posix_spawn answers for exec as well.
static int start(char **words, int pipes[STANDARD][2], pid_t *pid) {
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t defaults;
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	int error = posix_spawn_file_actions_init(&actions);
	if (error) return error;
	if ((error = posix_spawnattr_init(&attributes))) goto done;
	for (int i = 0; i < STANDARD && !error; i++)
		error = posix_spawn_file_actions_adddup2(&actions, pipes[i][i != STDIN], i);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attributes, &original_signals);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	if (!error) error = posix_spawnp(pid, words[0], &actions, &attributes, words, environ);
	posix_spawnattr_destroy(&attributes);
done:
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

static bool words_arg(JSContext *ctx, JSValueConst list, char **words) {
	for (uint32_t i = 0; i < WORDS_MAX; i++) {
		text word;
		JSValue value = JS_GetPropertyUint32(ctx, list, i);
		if (JS_IsUndefined(value) && i > 0) return true;
		bool good = !JS_IsException(value) && text_arg(ctx, value, "spawn", word);
		JS_FreeValue(ctx, value);
		if (!good || !(words[i] = js_strdup(ctx, word))) return false;
	}
	throw_error(ctx, "spawn", words[0], strerror(E2BIG));
	return false;
}

CALL(js_spawn) {
	int pipes[STANDARD][2] = {{-1, -1}, {-1, -1}, {-1, -1}}, error = 0;
	char *words[WORDS_MAX + 1] = {NULL};
	pid_t pid = -1;
	JSValue result = JS_NewObject(ctx);
	if (JS_IsException(result) || !words_arg(ctx, argv[0], words)) goto fail;
	if (child_count == CHILDREN_MAX) error = EAGAIN;
	for (int i = 0; i < STANDARD && !error; i++)
		if (!open_pipe(pipes[i], i == STDIN)) error = errno;
	if (!error) error = start(words, pipes, &pid);
	if (error) {
		throw_error(ctx, "spawn", words[0], strerror(error));
		goto fail;
	}
	children[child_count++] = (struct child){pid, PROGRAM};
	const char *names[] = {"stdin", "stdout", "stderr", "pid"};
	int values[] = {pipes[STDIN][1], pipes[STDOUT][0], pipes[STDERR][0], pid};
	for (int i = 0; i < COUNT(names); i++)
		if (JS_DefinePropertyValueStr(ctx, result, names[i], JS_NewInt32(ctx, values[i]), JS_PROP_C_W_E) < 0) goto fail;
	for (int i = 0; i < STANDARD; i++) {
		own(ctx, values[i]);
		pipes[i][i == STDIN] = -1;
	}
	goto done;
fail:
	if (pid > 0 && !error) kill(pid, SIGKILL);
	JS_FreeValue(ctx, result);
	result = JS_EXCEPTION;
done:
	for (int i = 0; i < STANDARD; i++) close_pair(pipes[i]);
	for (int i = 0; words[i]; i++) js_free(ctx, words[i]);
	return result;
}

CALL(js_kill) {
	int64_t pid, number;
	if (JS_ToInt64(ctx, &pid, argv[0]) || !int_arg(ctx, argv[1], 0, 64, "kill: signal", &number)) return JS_EXCEPTION;
	if (number == CONTRACT_SIGUSR1) number = SIGUSR1;
	// Only our own: until they are reaped, nobody else can have their number.
	for (int i = 0; i < child_count; i++)
		if (children[i].pid == pid) kill((pid_t)pid, (int)number);
	return JS_UNDEFINED;
}

// In the child: one numeric address a line.
static _Noreturn void print_addresses(const char *name, int out) {
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
	int highest = out > fd_limit() ? out : fd_limit();
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &original_signals, NULL);
	alarm(RESOLVE_MAX_S);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	// Copies of the parent's sockets would keep connections open that it closes meanwhile.
	for (int fd = 0; fd < STANDARD; fd++) dup2(out, fd);
	for (int fd = STANDARD; fd <= highest; fd++) close(fd);
	if (getaddrinfo(name, NULL, &hints, &found) != 0) _exit(1);
	for (struct addrinfo *a = found; a; a = a->ai_next) {
		char address[NI_MAXHOST];
		struct addrinfo *b = found; // the first one like `a`
		while (a->ai_addrlen != b->ai_addrlen || memcmp(a->ai_addr, b->ai_addr, a->ai_addrlen)) b = b->ai_next;
		if (a == b && !getnameinfo(a->ai_addr, a->ai_addrlen, address, sizeof address, NULL, 0, NI_NUMERICHOST))
			dprintf(STDOUT, "%s\n", address);
	}
	_exit(0);
}

CALL(js_resolve) {
	int pair[2] = {-1, -1};
	text name;
	if (!text_arg(ctx, argv[0], "resolve", name)) return JS_EXCEPTION;
	errno = EAGAIN;
	pid_t pid = child_count < CHILDREN_MAX && open_pipe(pair, 0) ? fork() : -1;
	if (pid == 0) print_addresses(name, pair[1]);
	if (pid < 0) {
		throw_errno(ctx, "resolve", name);
		close_pair(pair);
		return JS_EXCEPTION;
	}
	close(pair[1]);
	children[child_count++] = (struct child){pid, pair[0]};
	return own(ctx, pair[0]);
}

const JSCFunctionListEntry process_calls[] = {
	JS_CFUNC_DEF("spawn", 1, js_spawn), JS_CFUNC_DEF("kill", 2, js_kill), JS_CFUNC_DEF("resolve", 1, js_resolve),
};
