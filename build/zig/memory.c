// Copying and filling by words, for programs that zig links small: its own take one byte at a time then.
#include <stddef.h>
#include <stdint.h>

enum { WORD = sizeof(size_t) };
typedef size_t __attribute__((may_alias)) word;
// A word at any address.
typedef struct {
	size_t value;
} __attribute__((packed, may_alias)) loose;

static int is_at_word(const void *at) {
	return (uintptr_t)at % WORD == 0;
}

// Right also where `to` lies before `from` and both overlap: what is written was read before.
static void *copy_up(unsigned char *to, const unsigned char *from, size_t count) {
	unsigned char *t = to;
	if (count >= 2 * WORD) {
		for (; !is_at_word(t); count--) *t++ = *from++;
		if (is_at_word(from))
			for (; count >= WORD; count -= WORD, t += WORD, from += WORD) *(word *)t = *(const word *)from;
		else
			for (; count >= WORD; count -= WORD, t += WORD, from += WORD) *(word *)t = ((const loose *)from)->value;
	}
	while (count--) *t++ = *from++;
	return to;
}

static void *copy_down(unsigned char *to, const unsigned char *from, size_t count) {
	unsigned char *t = to + count;
	from += count;
	if (count >= 2 * WORD) {
		for (; !is_at_word(t); count--) *--t = *--from;
		for (; count >= WORD; count -= WORD) {
			t -= WORD;
			from -= WORD;
			*(word *)t = ((const loose *)from)->value;
		}
	}
	while (count--) *--t = *--from;
	return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t count) {
	return copy_up(to, from, count);
}

void *memmove(void *to, const void *from, size_t count) {
	return (uintptr_t)to - (uintptr_t)from >= count ? copy_up(to, from, count) : copy_down(to, from, count);
}

void *memset(void *to, int byte, size_t count) {
	unsigned char *t = to;
	if (count >= 2 * WORD) {
		word all = (unsigned char)byte * (SIZE_MAX / 255);
		for (; !is_at_word(t); count--) *t++ = byte;
		for (; count >= WORD; count -= WORD, t += WORD) *(word *)t = all;
	}
	while (count--) *t++ = byte;
	return to;
}
