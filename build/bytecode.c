// Compiles one ES module, the program of the C host, to bytecode of the engine that it is linked with.
// Usage: bytecode <module name> <input.js> <output> [debug]; without `debug` names and lines of the source are left out.
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

int main(int argc, char **argv) {
	size_t length, size;
	if (argc < 4) {
		fprintf(stderr, "usage: bytecode <module name> <input.js> <output> [debug]\n");
		return 2;
	}
	bool debug = argc > 4 && !strcmp(argv[4], "debug");
	char *text = read_file(argv[2], &length);
	if (!text) {
		fprintf(stderr, "%s: cannot be read\n", argv[2]);
		return 1;
	}
	JSRuntime *runtime = JS_NewRuntime();
	JSContext *ctx = runtime ? JS_NewContext(runtime) : NULL;
	if (!ctx) return 1;
	JS_SetStripInfo(runtime, debug ? JS_STRIP_SOURCE : JS_STRIP_DEBUG);
	JSModuleDef *native = JS_NewCModule(ctx, "native", init_native);
	if (!native || JS_AddModuleExport(ctx, native, "default") < 0) return fail(ctx, argv[2]);
	JSValue module = JS_Eval(ctx, text, length, argv[1], JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
	if (JS_IsException(module)) return fail(ctx, argv[2]);
	uint8_t *bytes = JS_WriteObject(ctx, &size, module, JS_WRITE_OBJ_BYTECODE);
	if (!bytes) return fail(ctx, argv[2]);
	FILE *out = fopen(argv[3], "wb");
	size_t written = out ? fwrite(bytes, 1, size, out) : 0;
	if (!out || fclose(out) != 0 || written != size) {
		fprintf(stderr, "%s: cannot be written\n", argv[3]);
		return 1;
	}
	return 0;
}
