// Makes the x87 round to doubles, not to its own 80 bits: zig's floor() and ceil() and the language of the program count on it.
#include <stdint.h>

// All exceptions masked, 53 bits, to nearest.
static const uint16_t control_word = 0x027f;

__attribute__((constructor)) static void round_to_doubles(void) {
	__asm__ volatile("fldcw %0" ::"m"(control_word));
}
