// The poll loop: which descriptors the program holds and watches, one wake-up time, and signals as a descriptor among the others.
#include "host.h"

#include <limits.h>
#include <math.h>
#include <poll.h>
#include <sys/signalfd.h>

enum { SLOTS_STEP = 16 };
enum { ON_WAKE, ON_SIGNAL, ON_CHILD_EXIT, CALLBACKS };

// One per descriptor number.
static struct slot {
	JSValue callback;
	bool owned;
	bool polled; // what poll says now is for the watcher of now, not for an earlier one
	uint8_t events;
} *slots;
static struct pollfd *polled; // one more than there are slots: the first is the signals'
static int slot_count;

static JSValue callbacks[CALLBACKS];
static double wake_at_ms = INFINITY;
static int signal_fd = -1;
static sigset_t watched_signals;
sigset_t original_signals;

double now_ms(clockid_t clock) {
	struct timespec now;
	clock_gettime(clock, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

// Blocked and read from a descriptor: no handler interrupts a call, and busy sockets cannot starve a signal.
static void watch_signals(const int *numbers, int count) {
	for (int i = 0; i < count; i++) sigaddset(&watched_signals, numbers[i]);
	sigprocmask(SIG_BLOCK, &watched_signals, NULL);
	signal_fd = signalfd(signal_fd, &watched_signals, SFD_NONBLOCK | SFD_CLOEXEC);
	if (signal_fd < 0) fatal("signalfd", strerror(errno));
}

static void grow(int count) {
	slots = realloc(slots, (size_t)count * sizeof *slots);
	polled = realloc(polled, ((size_t)count + 1) * sizeof *polled);
	if (!slots || !polled) fatal("descriptors", "out of memory");
	for (; slot_count < count; slot_count++) slots[slot_count] = (struct slot){.callback = JS_UNDEFINED};
}

void loop_open(void) {
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL); // where it was ignored when we started, no child could be waited for
	sigprocmask(SIG_BLOCK, NULL, &original_signals);
	sigemptyset(&watched_signals);
	watch_signals((int[]){SIGCHLD}, 1);
	for (int i = 0; i < CALLBACKS; i++) callbacks[i] = JS_UNDEFINED;
	grow(SLOTS_STEP);
}

JSValue own(JSContext *ctx, int fd) {
	if (fd >= slot_count) grow((fd / SLOTS_STEP + 1) * SLOTS_STEP);
	slots[fd].owned = true;
	return JS_NewInt32(ctx, fd);
}

int fd_arg(JSContext *ctx, JSValueConst value, const char *call) {
	int32_t fd;
	if (JS_ToInt32(ctx, &fd, value)) return -1;
	if (fd >= 0 && fd < slot_count && slots[fd].owned) return fd;
	throw_error(ctx, call, NULL, strerror(EBADF));
	return -1;
}

int fd_limit(void) {
	return slot_count > signal_fd ? slot_count : signal_fd + 1;
}

static void replace(JSContext *ctx, JSValue *callback, JSValue next) {
	JSValue old = *callback;
	*callback = next;
	JS_FreeValue(ctx, old);
}

static void unwatch(JSContext *ctx, int fd) {
	slots[fd].polled = false;
	slots[fd].events = 0;
	replace(ctx, &slots[fd].callback, JS_UNDEFINED);
}

static void disown(JSContext *ctx, int fd) {
	unwatch(ctx, fd);
	slots[fd].owned = false;
	end_resolver(fd);
	if (tls_end) tls_end(fd);
	close(fd);
}

void loop_close(JSContext *ctx) {
	for (int fd = 0; fd < slot_count; fd++)
		if (slots[fd].owned) disown(ctx, fd);
	for (int i = 0; i < CALLBACKS; i++) replace(ctx, &callbacks[i], JS_UNDEFINED);
	free(slots);
	free(polled);
}

static void take_signals(JSContext *ctx) {
	struct signalfd_siginfo info;
	while (read(signal_fd, &info, sizeof info) == sizeof info) {
		int number = info.ssi_signo == SIGUSR1 ? CONTRACT_SIGUSR1 : (int)info.ssi_signo;
		if (info.ssi_signo == SIGCHLD) reap(ctx, callbacks[ON_CHILD_EXIT]);
		else run_callback(ctx, callbacks[ON_SIGNAL], 1, (JSValue[]){JS_NewInt32(ctx, number)});
	}
}

static int timeout_ms(void) {
	double left = ceil(wake_at_ms - now_ms(CLOCK_MONOTONIC));
	return isinf(wake_at_ms) ? -1 : left <= 0 ? 0 : left >= INT_MAX ? INT_MAX : (int)left;
}

bool loop_once(JSContext *ctx) {
	nfds_t count = 0;
	polled[count++] = (struct pollfd){.fd = signal_fd, .events = POLLIN};
	for (int fd = 0; fd < slot_count; fd++) {
		int events = (slots[fd].events & READABLE ? POLLIN : 0) | (slots[fd].events & WRITABLE ? POLLOUT : 0);
		slots[fd].polled = events != 0;
		if (events) polled[count++] = (struct pollfd){.fd = fd, .events = (short)events};
	}
	if (count == 1 && isinf(wake_at_ms) && !(has_programs() && JS_IsFunction(ctx, callbacks[ON_CHILD_EXIT]))) return false;
	if (poll(polled, count, timeout_ms()) < 0) {
		if (errno == EINTR) return true; // stopped and continued
		fatal("poll", strerror(errno));
	}
	bool signalled = polled[0].revents != 0;
	for (nfds_t i = 1; i < count; i++) {
		struct pollfd seen = polled[i]; // a copy: callbacks may open descriptors, which moves the tables
		if (!seen.revents || !slots[seen.fd].polled) continue;
		if (seen.revents & POLLNVAL) fatal("poll", "a watched descriptor was closed behind the host's back");
		int events = (seen.revents & POLLIN ? READABLE : 0) | (seen.revents & POLLOUT ? WRITABLE : 0);
		if (seen.revents & (POLLHUP | POLLERR)) events = READABLE | WRITABLE;
		run_callback(ctx, slots[seen.fd].callback, 1, (JSValue[]){JS_NewInt32(ctx, events)});
	}
	if (wake_at_ms <= now_ms(CLOCK_MONOTONIC)) {
		wake_at_ms = INFINITY;
		run_callback(ctx, callbacks[ON_WAKE], 0, NULL);
	}
	if (signalled) take_signals(ctx);
	return true;
}

CALL(js_watch) {
	int64_t events;
	int fd = fd_arg(ctx, argv[0], "watch");
	if (fd < 0 || !int_arg(ctx, argv[1], 0, READABLE | WRITABLE, "watch: events", &events)) return JS_EXCEPTION;
	if (events && !JS_IsFunction(ctx, argv[2])) return JS_ThrowTypeError(ctx, "watch: no callback");
	unwatch(ctx, fd);
	if (events) replace(ctx, &slots[fd].callback, JS_DupValue(ctx, argv[2]));
	slots[fd].events = (uint8_t)events;
	return JS_UNDEFINED;
}

CALL(js_close) {
	int fd = fd_arg(ctx, argv[0], "close");
	if (fd < 0) return JS_EXCEPTION;
	disown(ctx, fd);
	return JS_UNDEFINED;
}

CALL_MAGIC(js_time) {
	return JS_NewFloat64(ctx, magic == CLOCK_REALTIME ? floor(now_ms(magic)) : now_ms(magic));
}

CALL(js_wake_at) {
	double at;
	if (JS_ToFloat64(ctx, &at, argv[0])) return JS_EXCEPTION;
	if (isnan(at)) return JS_ThrowRangeError(ctx, "wakeAt: not a number");
	wake_at_ms = at;
	return JS_UNDEFINED;
}

CALL_MAGIC(js_on) {
	if (!JS_IsFunction(ctx, argv[0])) return JS_ThrowTypeError(ctx, "callback: not a function");
	replace(ctx, &callbacks[magic], JS_DupValue(ctx, argv[0]));
	// Until somebody listens, these end the process as usual.
	if (magic == ON_SIGNAL) watch_signals((int[]){SIGHUP, SIGINT, SIGUSR1, SIGTERM}, 4);
	if (magic == ON_CHILD_EXIT) raise(SIGCHLD); // for those that have ended already
	return JS_UNDEFINED;
}

const JSCFunctionListEntry loop_calls[] = {
	JS_CFUNC_DEF("watch", 3, js_watch),                             JS_CFUNC_DEF("close", 1, js_close),
	JS_CFUNC_MAGIC_DEF("monotonicMs", 0, js_time, CLOCK_MONOTONIC), JS_CFUNC_MAGIC_DEF("unixMs", 0, js_time, CLOCK_REALTIME),
	JS_CFUNC_DEF("wakeAt", 1, js_wake_at),                          JS_CFUNC_MAGIC_DEF("onWake", 1, js_on, ON_WAKE),
	JS_CFUNC_MAGIC_DEF("onSignal", 1, js_on, ON_SIGNAL),            JS_CFUNC_MAGIC_DEF("onChildExit", 1, js_on, ON_CHILD_EXIT),
};
