// Starts the engine with the program that the build put in, runs callbacks and promise jobs, and ends the process on what nobody caught.
#include "host.h"

#include <malloc.h>
#include <sys/mman.h>

enum { EXIT_FATAL = 70, START_MS = 10000 }; // EX_SOFTWARE of sysexits.h
enum { SMALL_BYTES = 64 * 1024, COLLECT_BYTES = 32 * 1024, BURST_BYTES = 1024 * 1024 };

int arg_count;
char **arg_values;

// Promises that were rejected while nobody listened; one that is still here when no job is left is fatal.
static JSValue *rejected;
static size_t rejected_count;

static size_t heap_bytes;

void fatal(const char *what, const char *why) {
	dprintf(STDERR_FILENO, "meshbridge: %s: %s\n", what, why);
	_exit(EXIT_FATAL);
}

static size_t heap_size(const void *block) {
	return block ? malloc_usable_size((void *)block) : 0;
}

static void heap_give(JSMallocState *heap, void *block) {
	if (!block) return;
	heap->malloc_count--;
	heap_bytes = heap->malloc_size -= malloc_usable_size(block);
	free(block);
}

// Past the limit, a large block is refused, which the program sees as an exception. A small one ends the process: the engine's own
// ways out of errors are not safe when nothing at all is left (release 2025-04-26, build_backtrace: use after free).
static void *heap_resize(JSMallocState *heap, void *block, size_t size) {
	if (!size) return heap_give(heap, block), NULL;
	size_t others = heap->malloc_size - heap_size(block);
	bool fits = size <= heap->malloc_limit && others <= heap->malloc_limit - size;
	void *after = fits ? realloc(block, size) : NULL;
	if (!after && size <= SMALL_BYTES) fatal("heap", "out of memory");
	if (!after) return NULL;
	heap->malloc_count += !block;
	heap_bytes = heap->malloc_size = others + malloc_usable_size(after);
	return after;
}

static void *heap_take(JSMallocState *heap, size_t size) {
	bool fits = size <= heap->malloc_limit && heap->malloc_size <= heap->malloc_limit - size;
	void *block = fits ? malloc(size) : NULL;
	if (!block) return heap_resize(heap, NULL, size);
	heap->malloc_count++;
	heap_bytes = heap->malloc_size += malloc_usable_size(block);
	return block;
}

JSValue throw_error(JSContext *ctx, const char *call, const char *subject, const char *reason) {
	char message[sizeof(text) + 256];
	snprintf(message, sizeof message, "%s%s%s: %s", call, subject ? " " : "", subject ? subject : "", reason);
	JSValue error = JS_NewError(ctx), value = JS_IsException(error) ? error : JS_NewString(ctx, message);
	int flags = JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE;
	if (!JS_IsException(value) && JS_DefinePropertyValueStr(ctx, error, "message", value, flags) >= 0)
		return JS_Throw(ctx, error);
	JS_FreeValue(ctx, error);
	return JS_EXCEPTION;
}

JSValue throw_errno(JSContext *ctx, const char *call, const char *subject) {
	return throw_error(ctx, call, subject, errno == TLS_FAILED ? tls_reason : strerror(errno));
}

bool text_arg(JSContext *ctx, JSValueConst value, const char *call, text out) {
	size_t length;
	const char *characters = JS_ToCStringLen(ctx, &length, value);
	if (!characters) return false;
	bool fits = length < sizeof(text) && strlen(characters) == length;
	snprintf(out, sizeof(text), "%s", characters);
	JS_FreeCString(ctx, characters);
	if (!fits) throw_error(ctx, call, out, "longer than 4095 bytes, or a NUL in it");
	return fits;
}

bool int_arg(JSContext *ctx, JSValueConst value, int64_t min, int64_t max, const char *name, int64_t *out) {
	if (JS_ToInt64(ctx, out, value)) return false;
	if (*out >= min && *out <= max) return true;
	JS_ThrowRangeError(ctx, "%s: %lld, expected %lld to %lld", name, (long long)*out, (long long)min, (long long)max);
	return false;
}

const uint8_t *bytes_arg(JSContext *ctx, JSValueConst *argv, const char *call, size_t *length) {
	int64_t offset, count;
	size_t size;
	// The numbers first: converting them may run code that detaches the buffer.
	if (JS_ToInt64(ctx, &offset, argv[1]) || JS_ToInt64(ctx, &count, argv[2])) return NULL;
	const uint8_t *bytes = JS_GetArrayBuffer(ctx, &size, argv[0]);
	if (!bytes) return NULL;
	*length = (size_t)count;
	if (offset >= 0 && count >= 0 && (uint64_t)offset <= size && (uint64_t)count <= size - (size_t)offset)
		return bytes + offset;
	JS_ThrowRangeError(ctx, "%s: %lld bytes at %lld of %zu", call, (long long)count, (long long)offset, size);
	return NULL;
}

// Ends the process over a thrown value; `null` is what the engine throws when it has no memory left to make an error.
static _Noreturn void die(JSContext *ctx, const char *what, JSValueConst thrown) {
	const char *message = JS_IsNull(thrown) ? NULL : JS_ToCString(ctx, thrown);
	JSValue stack = JS_IsError(ctx, thrown) ? JS_GetPropertyStr(ctx, thrown, "stack") : JS_UNDEFINED;
	const char *trace = JS_IsString(stack) ? JS_ToCString(ctx, stack) : NULL;
	dprintf(STDERR_FILENO, "meshbridge: %s: %s\n%s", what, message ? message : "out of memory", trace ? trace : "");
	_exit(EXIT_FATAL);
}

static void on_rejection(JSContext *ctx, JSValueConst promise, JSValueConst reason, JS_BOOL is_handled, void *opaque) {
	for (size_t i = 0; is_handled && i < rejected_count; i++) {
		if (JS_VALUE_GET_PTR(rejected[i]) != JS_VALUE_GET_PTR(promise)) continue;
		JS_FreeValue(ctx, rejected[i]);
		rejected[i] = rejected[--rejected_count];
	}
	if (is_handled) return;
	rejected = realloc(rejected, (rejected_count + 1) * sizeof *rejected);
	if (!rejected) fatal("unhandled rejection", "out of memory");
	rejected[rejected_count++] = JS_DupValue(ctx, promise);
}

static void run_jobs(JSContext *ctx) {
	JSContext *job_context; // the release of 2025 wants it
	int left;
	while ((left = JS_ExecutePendingJob(JS_GetRuntime(ctx), &job_context)) > 0);
	if (left < 0) die(ctx, "uncaught", JS_GetException(ctx));
	if (rejected_count) die(ctx, "unhandled rejection", JS_PromiseResult(ctx, rejected[0]));
}

void run_callback(JSContext *ctx, JSValueConst callback, int argc, JSValue *argv) {
	if (!JS_IsFunction(ctx, callback)) return;
	JSValue function = JS_DupValue(ctx, callback); // it may be replaced while it runs
	JSValue result = JS_Call(ctx, function, JS_UNDEFINED, argc, argv);
	JS_FreeValue(ctx, function);
	if (JS_IsException(result)) die(ctx, "uncaught", JS_GetException(ctx));
	JS_FreeValue(ctx, result);
	run_jobs(ctx);
}

static int init_native(JSContext *ctx, JSModuleDef *module) {
	JSValue native = JS_NewObject(ctx);
	if (JS_IsException(native)) return -1;
	JS_SetPropertyFunctionList(ctx, native, loop_calls, COUNT(loop_calls));
	JS_SetPropertyFunctionList(ctx, native, socket_calls, COUNT(socket_calls));
	JS_SetPropertyFunctionList(ctx, native, process_calls, COUNT(process_calls));
	JS_SetPropertyFunctionList(ctx, native, file_calls, COUNT(file_calls));
	JS_SetPropertyFunctionList(ctx, native, crypto_calls, COUNT(crypto_calls));
	if (tls_calls) JS_SetPropertyFunctionList(ctx, native, tls_calls, COUNT(tls_calls));
	return JS_SetModuleExport(ctx, module, "default", native);
}

// All that ECMAScript has but `eval` and `Function` from text: they would bring the compiler in.
static void add_intrinsics(JSContext *ctx) {
	void (*const parts[])(JSContext *) = {
		JS_AddIntrinsicBaseObjects, JS_AddIntrinsicDate,        JS_AddIntrinsicRegExp,  JS_AddIntrinsicJSON,    JS_AddIntrinsicProxy,
		JS_AddIntrinsicMapSet,      JS_AddIntrinsicTypedArrays, JS_AddIntrinsicPromise, JS_AddIntrinsicWeakRef,
	};
	for (int i = 0; i < COUNT(parts); i++) parts[i](ctx);
}

// The program by whose name the executable was called, which it was told first, or one of its options; else the usual one.
static const struct program *chosen_program(void) {
	const char *slash = strrchr(arg_values[0], '/'), *called = slash ? slash + 1 : arg_values[0];
	for (int i = 1; i < program_count; i++) {
		const char *name = programs[i].name;
		if (!strcmp(called, name)) return &programs[i];
		for (int a = 1; a < (*name == '-' || arg_count < 2 ? arg_count : 2); a++)
			if (!strcmp(arg_values[a], name)) return &programs[i];
	}
	return programs;
}

// The engine copies what it reads: the pages need not stay in memory, neither those of other modules that the kernel maps around them.
static JSValue read_module(JSContext *ctx, const struct program *module) {
	JSValue value = JS_ReadObject(ctx, module->bytecode, module->bytes, JS_READ_OBJ_BYTECODE);
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = UINTPTR_MAX, end = 0;
	for (int i = 0; i < module_count + program_count; i++) {
		const struct program *one = i < module_count ? &modules[i] : &programs[i - module_count];
		uintptr_t from = ((uintptr_t)one->bytecode + page - 1) & -page, to = ((uintptr_t)one->bytecode + one->bytes) & -page;
		if (from < start) start = from;
		if (to > end) end = to;
	}
	if (start < end) madvise((void *)start, end - start, MADV_DONTNEED);
	return value;
}

static JSModuleDef *load_module(JSContext *ctx, const char *name, void *opaque) {
	int i = 0;
	while (i < module_count && strcmp(modules[i].name, name)) i++;
	if (i == module_count) return JS_ThrowReferenceError(ctx, "%s: no such module", name), NULL;
	JSValue module = read_module(ctx, &modules[i]);
	if (JS_IsException(module)) return NULL;
	JS_FreeValue(ctx, module); // the context keeps it
	return JS_VALUE_GET_PTR(module);
}

// Stands for `import()`, which the engine refuses to programs without debug information.
static JSValue load(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv) {
	text name;
	return text_arg(ctx, argv[0], "load", name) ? JS_LoadModule(ctx, "", name) : JS_EXCEPTION;
}

static JSValue start_program(JSContext *ctx) {
	JS_SetModuleLoaderFunc(JS_GetRuntime(ctx), NULL, load_module, NULL);
	JSValue global = JS_GetGlobalObject(ctx);
	JS_SetPropertyStr(ctx, global, "load", JS_NewCFunction(ctx, load, "load", 1));
	JS_FreeValue(ctx, global);
	JSModuleDef *module = JS_NewCModule(ctx, "native", init_native);
	if (!module || JS_AddModuleExport(ctx, module, "default") < 0) return JS_EXCEPTION;
	JSValue program = read_module(ctx, chosen_program());
	if (JS_IsException(program) || JS_ResolveModule(ctx, program) < 0) return JS_EXCEPTION;
	return JS_EvalFunction(ctx, program);
}

int main(int argc, char **argv) {
	arg_count = argc;
	arg_values = argv;
	// 0, 1 and 2 must be taken, or a socket would become somebody's standard output.
	int fd;
	while ((fd = open("/dev/null", O_RDWR | O_CLOEXEC)) >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0) close(fd);
	loop_open();

	JSRuntime *runtime = JS_NewRuntime2(&(JSMallocFunctions){heap_take, heap_give, heap_resize, heap_size}, NULL);
	if (!runtime) fatal("start", "out of memory");
	JS_SetMemoryLimit(runtime, heap_limit_bytes);
	JS_SetMaxStackSize(runtime, stack_limit_bytes);
	JS_SetGCThreshold(runtime, BURST_BYTES);
	JS_SetHostPromiseRejectionTracker(runtime, on_rejection, NULL);
	JSContext *ctx = JS_NewContextRaw(runtime);
	if (!ctx) fatal("start", "out of memory");
	add_intrinsics(ctx);
	JSValue started = start_program(ctx);
	if (JS_IsException(started)) die(ctx, "start", JS_GetException(ctx));
	run_jobs(ctx);
	// The engine collects cycles in the middle of large work alone: first at BURST_BYTES, then when the heap has grown by half. Too late for
	// a router: here after little growth, once a second at most, but not while a start takes in what is to stay.
	double due_ms = now_ms(CLOCK_MONOTONIC) + START_MS;
	for (size_t collected = heap_bytes; loop_once(ctx);) {
		if (heap_bytes <= collected + COLLECT_BYTES || now_ms(CLOCK_MONOTONIC) < due_ms) continue;
		JS_RunGC(runtime);
		collected = heap_bytes;
		due_ms = now_ms(CLOCK_MONOTONIC) + 1000;
	}
	if (JS_PromiseState(ctx, started) == JS_PROMISE_PENDING) fatal("main module", "awaits what can no longer come");

	// Everything given back: a leak in the host or a wrong count of references shows in any debug build.
	JS_FreeValue(ctx, started);
	loop_close(ctx);
	JS_FreeContext(ctx);
	JS_FreeRuntime(runtime);
	free(rejected);
	return 0;
}
