// What the build puts into the host: programs as bytecode, and what the engine may take. Made by build/bytecode.c.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct program {
	const char *name; // NULL: the usual program, the first. Others run when the executable, or an option (`--name`), is called so.
	const uint8_t *bytecode;
	size_t bytes;
};

extern const struct program programs[];
// Modules that programs share, or load when they need them, by the names of their files.
extern const struct program modules[];
extern const int program_count, module_count;
extern const size_t heap_limit_bytes, stack_limit_bytes;
