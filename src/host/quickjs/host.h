// What the files of the C host share: main.c (engine, fatal errors), loop.c (descriptors, timer, signals),
// socket.c (streams), process.c (children), file.c (files and the rest), crypto.c (hashes and signatures). The contract is src/host/native.ts.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <quickjs.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "program.h"

// The contract's numbers; that of the signal is another one on MIPS.
enum { READABLE = 1, WRITABLE = 2, CONTRACT_SIGUSR1 = 10 };

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

// The signature of everything that the program can call.
#define CALL(name) static JSValue name(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
#define CALL_MAGIC(name) static JSValue name(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv, int magic)

// main.c
extern int arg_count;
extern char **arg_values;
_Noreturn void fatal(const char *what, const char *why);
// Calls back, then runs the promise jobs that are due; what nobody catches ends the process.
void run_callback(JSContext *ctx, JSValueConst callback, int argc, JSValue *argv);
// An Error with `call subject: reason`, without subject where it is NULL; the second form takes the reason from errno.
JSValue throw_error(JSContext *ctx, const char *call, const char *subject, const char *reason);
JSValue throw_errno(JSContext *ctx, const char *call, const char *subject);
// Arguments; false or NULL: an exception is pending.
typedef char text[4096];
bool text_arg(JSContext *ctx, JSValueConst value, const char *call, text out);
bool int_arg(JSContext *ctx, JSValueConst value, int64_t min, int64_t max, const char *name, int64_t *out);
const uint8_t *bytes_arg(JSContext *ctx, JSValueConst *buffer_offset_length, const char *call, size_t *length);

// loop.c
void loop_open(void);
// Waits once and tells everybody whom it concerns; false: there is nothing left to wait for.
bool loop_once(JSContext *ctx);
double now_ms(clockid_t clock);
void loop_close(JSContext *ctx);
// Takes a descriptor over and answers with its number; closes it when that fails.
JSValue own(JSContext *ctx, int fd);
// The number of an owned descriptor; -1: an exception is pending.
int fd_arg(JSContext *ctx, JSValueConst value, const char *call);
// One more than the highest descriptor that this process may hold.
int fd_limit(void);
// Signals as they were when the process started.
extern sigset_t original_signals;

// process.c
// Collects children that ended and tells `callback` of each program; without one, programs stay.
void reap(JSContext *ctx, JSValueConst callback);
bool has_programs(void);
// The output of a name resolution was closed: nobody waits for its end.
void end_resolver(int fd);

// tls.c, with which a program is linked or not: NULL where it is not. Like read(2) and write(2) where a descriptor has no TLS; for
// errno TLS_FAILED, `tls_reason` says why.
enum { TLS_FAILED = 5000 };
extern char tls_reason[48] __attribute__((weak));
extern __attribute__((weak)) ssize_t tls_read(int fd, void *bytes, size_t length), tls_write(int fd, const void *bytes, size_t length);
extern __attribute__((weak)) void tls_end(int fd);
extern __attribute__((weak)) const JSCFunctionListEntry tls_calls[2];

extern const JSCFunctionListEntry loop_calls[8], socket_calls[9], process_calls[3], file_calls[10], crypto_calls[4];
