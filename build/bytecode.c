// Compiles ES modules, the programs of the C host, to bytecode of the engine that it is linked with, and prints them as C source:
// the data that src/host/quickjs/program.h declares.
// Usage: bytecode debug|strip <heap limit> <stack limit> <main.js> [<name>[,<name> ...]=<other.js> ...] [<part.js> ...] > out.c
// Parts are modules that programs import or load from where they are themselves, by the names of their files.
// `strip` leaves names and lines of the source out. Limits are bytes.
// Bytecode belongs to one release of the engine. It is little-endian on every machine; big-endian ones swap it as they load it.
#include <quickjs.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_file(const char *path, size_t *length) {
	FILE *file = fopen(path, "rb");
	char *text = NULL;
	long size = -1;
	if (file && fseek(file, 0, SEEK_END) == 0) size = ftell(file);
	if (size >= 0 && fseek(file, 0, SEEK_SET) == 0) text = malloc((size_t)size + 1);
	if (text && fread(text, 1, (size_t)size, file) != (size_t)size) {
		free(text);
		text = NULL;
	}
	if (file) fclose(file);
	if (!text) return NULL;
	text[size] = '\0'; // the engine's parser wants it
	*length = (size_t)size;
	return text;
}

static const char *path_of(const char *arg) {
	const char *equals = strchr(arg, '=');
	return equals ? equals + 1 : arg;
}

static const char *file_of(const char *path) {
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

// Stands for the host's module, so that the import resolves; it is never run here.
static int init_native(JSContext *ctx, JSModuleDef *module) {
	return JS_SetModuleExport(ctx, module, "default", JS_UNDEFINED);
}

static int fail(JSContext *ctx, const char *path) {
	JSValue thrown = JS_GetException(ctx);
	const char *message = JS_ToCString(ctx, thrown);
	JSValue stack = JS_GetPropertyStr(ctx, thrown, "stack");
	const char *trace = JS_ToCString(ctx, stack);
	fprintf(stderr, "%s: %s\n%s", path, message ? message : "out of memory", trace ? trace : "");
	return 1;
}

// Modules of one directory import one another; each is printed for itself.
static JSModuleDef *load_module(JSContext *ctx, const char *name, void *opaque) {
	char path[4096];
	const char *program = opaque, *slash = strrchr(program, '/');
	int directory = slash ? (int)(slash + 1 - program) : 0;
	snprintf(path, sizeof path, "%.*s%s", directory, program, name);
	size_t length;
	char *text = read_file(path, &length);
	if (!text) return JS_ThrowReferenceError(ctx, "%s: cannot be read", path), NULL;
	JSValue module = JS_Eval(ctx, text, length, name, JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
	free(text);
	if (JS_IsException(module)) return NULL;
	JS_FreeValue(ctx, module); // the context keeps it
	return JS_VALUE_GET_PTR(module);
}

// Prints bytes as a string. Octal escapes: three digits never run into what follows.
static void print_bytes(int number, const uint8_t *bytes, size_t size) {
	printf("static const uint8_t bytecode_%d[] =\n\"", number);
	for (size_t i = 0; i < size; i++) printf("%s\\%03o", i && i % 64 == 0 ? "\"\n\"" : "", bytes[i]);
	printf("\";\n");
}

// Compiles one module in an engine of its own and prints its bytecode.
static int print_program(const char *path, bool debug, int number, size_t *size) {
	size_t length;
	char *text = read_file(path, &length);
	if (!text) {
		fprintf(stderr, "%s: cannot be read\n", path);
		return 1;
	}
	JSRuntime *runtime = JS_NewRuntime();
	JSContext *ctx = runtime ? JS_NewContext(runtime) : NULL;
	if (!ctx) return 1;
	JS_SetModuleLoaderFunc(runtime, NULL, load_module, (void *)path);
	JS_SetStripInfo(runtime, debug ? JS_STRIP_SOURCE : JS_STRIP_DEBUG);
	JSModuleDef *native = JS_NewCModule(ctx, "native", init_native);
	if (!native || JS_AddModuleExport(ctx, native, "default") < 0) return fail(ctx, path);
	int flags = JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY;
	JSValue module = JS_Eval(ctx, text, length, file_of(path), flags);
	if (JS_IsException(module)) return fail(ctx, path);
	uint8_t *bytes = JS_WriteObject(ctx, size, module, JS_WRITE_OBJ_BYTECODE);
	if (!bytes) return fail(ctx, path);
	print_bytes(number, bytes, *size);
	return 0;
}

int main(int argc, char **argv) {
	enum { MAX_MODULES = 128 };
	size_t sizes[MAX_MODULES];
	int count = argc - 4;
	char **modules = argv + 4;
	if (count < 1 || count > MAX_MODULES) {
		fprintf(stderr, "usage: bytecode debug|strip <heap limit> <stack limit> <main.js> [<name>[,<name> ...]=<other.js> ...] [<part.js> ...]\n");
		return 2;
	}
	bool debug = !strcmp(argv[1], "debug");
	printf("#include \"program.h\"\n");
	for (int i = 0; i < count; i++)
		if (print_program(i ? path_of(modules[i]) : modules[i], debug, i, &sizes[i])) return 1;
	int part_count = 0, names = 1;
	// one more than there may be: C has no empty arrays
	printf("const struct program modules[] = {\n");
	for (int i = 1; i < count; i++)
		if (!strchr(modules[i], '='))
			part_count += printf("\t{\"%s\", bytecode_%d, %zu},\n", file_of(modules[i]), i, sizes[i]) > 0;
	printf("\t{NULL, NULL, 0},\n};\nconst struct program programs[] = {\n\t{NULL, bytecode_0, %zu},\n", sizes[0]);
	for (int i = 1; i < count; i++)
		if (strchr(modules[i], '='))
			for (char *name = strtok(strtok(modules[i], "="), ","); name; name = strtok(NULL, ","), names++)
				printf("\t{\"%s\", bytecode_%d, %zu},\n", name, i, sizes[i]);
	printf("};\nconst int program_count = %d, module_count = %d;\n", names, part_count);
	printf("const size_t heap_limit_bytes = %s, stack_limit_bytes = %s;\n", argv[2], argv[3]);
	if (fflush(stdout) == 0) return 0;
	fprintf(stderr, "the output cannot be written\n");
	return 1;
}
