// What zig's runtime lacks for ARM before v6: atomic operations, and the thread's own memory, which it would look up by an
// instruction of v6.
#include <stdint.h>

// Called where others read a register: only r0 and the flags may change. musl knows at its start which way this processor has.
__asm__(".global __aeabi_read_tp\n"
		"__aeabi_read_tp:\n"
		"	ldr r0, 2f\n"
		"1:	add r0, pc, r0\n"
		"	ldr pc, [r0]\n"
		"2:	.word __a_gettp_ptr - 1b - 8\n");

// Plain reads and writes do for atomic ones, since the program is one thread and no signal handler uses them.
// The compiler knows functions of these names, and lets nobody define them: so they are called otherwise here.
#define FETCH(bits, bytes, name, operator)                                                                             \
	uint##bits##_t fetch_##name##_##bytes(uint##bits##_t *at, uint##bits##_t operand)                                  \
		__asm__("__sync_fetch_and_" #name "_" #bytes);                                                                 \
	uint##bits##_t fetch_##name##_##bytes(uint##bits##_t *at, uint##bits##_t operand) {                                \
		uint##bits##_t before = *at;                                                                                   \
		*at = before operator operand;                                                                                 \
		return before;                                                                                                 \
	}

#define ALL(bits, bytes)                                                                                               \
	FETCH(bits, bytes, add, +)                                                                                         \
	FETCH(bits, bytes, sub, -)                                                                                         \
	FETCH(bits, bytes, and, &)                                                                                         \
	FETCH(bits, bytes, or, |)                                                                                          \
	FETCH(bits, bytes, xor, ^)                                                                                         \
	uint##bits##_t exchange_##bytes(uint##bits##_t *at, uint##bits##_t value)                                          \
		__asm__("__sync_lock_test_and_set_" #bytes);                                                                   \
	uint##bits##_t exchange_##bytes(uint##bits##_t *at, uint##bits##_t value) {                                        \
		uint##bits##_t before = *at;                                                                                   \
		*at = value;                                                                                                   \
		return before;                                                                                                 \
	}                                                                                                                  \
	uint##bits##_t compare_##bytes(uint##bits##_t *at, uint##bits##_t expected, uint##bits##_t value)                  \
		__asm__("__sync_val_compare_and_swap_" #bytes);                                                                \
	uint##bits##_t compare_##bytes(uint##bits##_t *at, uint##bits##_t expected, uint##bits##_t value) {                \
		uint##bits##_t before = *at;                                                                                   \
		if (before == expected) *at = value;                                                                           \
		return before;                                                                                                 \
	}

ALL(8, 1)
ALL(16, 2)
ALL(32, 4)
ALL(64, 8)
