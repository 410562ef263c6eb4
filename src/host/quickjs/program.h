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
extern const int program_count;
extern const size_t heap_limit_bytes, stack_limit_bytes;
