// Files, random bytes, the log, standard input and output, arguments and exit.
#include "host.h"

#include <dirent.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/uio.h>

enum { FILE_MAX = 64 << 20, RANDOM_MAX = 1 << 20, MODE_BITS = 07777, KEEPS = 010000 };

static JSValue missing_or(JSContext *ctx, const char *call, const char *path) {
	return errno == ENOENT ? JS_UNDEFINED : throw_errno(ctx, call, path);
}

CALL(js_read_file) {
	text path;
	int64_t max;
	struct stat st;
	char reason[64] = "not a regular file";
	if (!text_arg(ctx, argv[0], "read", path) || !int_arg(ctx, argv[1], 0, FILE_MAX, "read: bytes", &max)) return JS_EXCEPTION;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a FIFO must not hold us up
	if (fd < 0) return missing_or(ctx, "read", path);
	size_t length = 0, capacity = (size_t)max + 1; // pages that nothing is read into cost nothing
	uint8_t *bytes = js_malloc(ctx, capacity);
	bool regular = fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
	ssize_t count = 1;
	// To the end, not by size: files in /proc claim to have none.
	for (; bytes && regular && count > 0 && length < capacity; length += count > 0 ? (size_t)count : 0)
		count = read(fd, bytes + length, capacity - length);
	int error = errno;
	close(fd);
	JSValue result = JS_EXCEPTION;
	if (count < 0 || length == capacity) snprintf(reason, sizeof reason, "larger than %zu bytes", capacity - 1);
	if (bytes && regular && count == 0) result = JS_NewArrayBufferCopy(ctx, bytes, length);
	else if (bytes) throw_error(ctx, "read", path, count < 0 ? strerror(error) : reason);
	js_free(ctx, bytes);
	return result;
}

static bool write_all(int fd, const uint8_t *bytes, size_t length) {
	while (length > 0) {
		ssize_t count = write(fd, bytes, length);
		struct pollfd wait = {.fd = fd, .events = POLLOUT};
		// A terminal that another program made non-blocking takes everything all the same.
		if (count < 0 && errno == EAGAIN && poll(&wait, 1, -1) > 0) continue;
		if (count < 0) return false;
		bytes += count;
		length -= (size_t)count;
	}
	return true;
}

// So that the new name outlasts a cut of power, and comes before whatever is written after it. Some file systems cannot; they do without.
static void sync_directory_of(text path) {
	char *end = strrchr(path, '/');
	if (end) end[end == path] = 0;
	int fd = open(end ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) return;
	fsync(fd);
	close(fd);
}

CALL(js_write_file) {
	text path;
	char temporary[sizeof path + 8];
	size_t length;
	int64_t mode;
	if (!text_arg(ctx, argv[0], "write", path) || !int_arg(ctx, argv[4], 0, MODE_BITS | KEEPS, "write: mode", &mode)) return JS_EXCEPTION;
	const uint8_t *bytes = bytes_arg(ctx, argv + 1, "write", &length);
	if (!bytes) return JS_EXCEPTION;
	snprintf(temporary, sizeof temporary, "%s~XXXXXX", path);
	int fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) return throw_errno(ctx, "write", path);
	struct stat old;
	bool keeps = (mode & KEEPS) && stat(path, &old) == 0;
	if (keeps) mode = old.st_mode;
	bool given = !keeps || fchown(fd, old.st_uid, old.st_gid) == 0 || errno == EPERM; // who is not root may give nothing away
	bool whole = given && write_all(fd, bytes, length) && fchmod(fd, (mode_t)mode & MODE_BITS) == 0 && fsync(fd) == 0;
	JSValue result = whole && rename(temporary, path) == 0 ? JS_UNDEFINED : throw_errno(ctx, "write", path);
	if (JS_IsException(result)) unlink(temporary);
	else sync_directory_of(path);
	close(fd);
	return result;
}

// Takes `value` over; false: an exception is pending.
static bool append(JSContext *ctx, JSValueConst list, uint32_t at, JSValue value) {
	return !JS_IsException(value) && JS_DefinePropertyValueUint32(ctx, list, at, value, JS_PROP_C_W_E) >= 0;
}

// A list that was filled, or the exception that ended it.
static JSValue filled(JSContext *ctx, JSValue list, bool good) {
	return good ? list : (JS_FreeValue(ctx, list), JS_EXCEPTION);
}

CALL(js_list_directory) {
	text path;
	if (!text_arg(ctx, argv[0], "list", path)) return JS_EXCEPTION;
	DIR *directory = opendir(path);
	if (!directory) return missing_or(ctx, "list", path);
	JSValue list = JS_NewArray(ctx);
	bool good = !JS_IsException(list);
	uint32_t count = 0;
	struct dirent *entry;
	while (good && (errno = 0, entry = readdir(directory)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			good = append(ctx, list, count++, JS_NewString(ctx, entry->d_name));
	if (good && errno) good = !JS_IsException(throw_errno(ctx, "list", path));
	closedir(directory);
	return filled(ctx, list, good);
}

CALL(js_remove_file) {
	text path;
	if (!text_arg(ctx, argv[0], "remove", path)) return JS_EXCEPTION;
	return unlink(path) == 0 ? JS_UNDEFINED : missing_or(ctx, "remove", path);
}

CALL(js_random_bytes) {
	int64_t count;
	if (!int_arg(ctx, argv[0], 0, RANDOM_MAX, "random: bytes", &count)) return JS_EXCEPTION;
	uint8_t *bytes = js_malloc(ctx, (size_t)count + 1);
	if (!bytes) return JS_EXCEPTION;
	// Whole, for no handler of ours interrupts it.
	if (getrandom(bytes, (size_t)count, 0) != count) fatal("getrandom", strerror(errno));
	JSValue result = JS_NewArrayBufferCopy(ctx, bytes, (size_t)count);
	js_free(ctx, bytes);
	return result;
}

CALL_MAGIC(js_output) {
	size_t length;
	const char *characters = JS_ToCStringLen(ctx, &length, argv[0]);
	if (!characters) return JS_EXCEPTION;
	bool line = magic == STDERR_FILENO;
	struct iovec parts[] = {{(void *)characters, length}, {"\n", 1}}; // in one call: lines of several processes do not mix
	if (line && writev(magic, parts, COUNT(parts)) < 0) errno = 0; // there is nobody left to tell
	bool written = line || write_all(magic, (const uint8_t *)characters, length);
	JS_FreeCString(ctx, characters);
	return written ? JS_UNDEFINED : throw_errno(ctx, "print", "to standard output");
}

CALL(js_stdin) {
	return own(ctx, STDIN_FILENO);
}

CALL(js_args) {
	JSValue list = JS_NewArray(ctx);
	bool good = !JS_IsException(list);
	for (int i = 1; good && i < arg_count; i++)
		good = append(ctx, list, (uint32_t)i - 1, JS_NewString(ctx, arg_values[i]));
	return filled(ctx, list, good);
}

CALL(js_exit) {
	int64_t code;
	if (!int_arg(ctx, argv[0], 0, 255, "exit", &code)) return JS_EXCEPTION;
	_exit((int)code);
}

const JSCFunctionListEntry file_calls[] = {
	JS_CFUNC_DEF("readFile", 2, js_read_file),              JS_CFUNC_DEF("writeFile", 5, js_write_file),
	JS_CFUNC_DEF("listDirectory", 1, js_list_directory),    JS_CFUNC_DEF("removeFile", 1, js_remove_file),
	JS_CFUNC_DEF("randomBytes", 1, js_random_bytes),        JS_CFUNC_MAGIC_DEF("log", 1, js_output, STDERR_FILENO),
	JS_CFUNC_MAGIC_DEF("print", 1, js_output, STDOUT_FILENO), JS_CFUNC_DEF("args", 0, js_args),
	JS_CFUNC_DEF("exit", 1, js_exit),                       JS_CFUNC_DEF("stdin", 0, js_stdin),
};
