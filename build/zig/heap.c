// malloc for programs that zig links: its own rounds each block up to a power of two, after adding a header of 16 bytes, and never gives
// memory back. Here a block is as large as it must be, and has one word before it; neighbours that are free become one. For one
// thread; aligned_alloc and its like, which nothing calls, stay zig's.
//
// head: size of the block, which is a multiple of GRAIN and counts the head, and flags. The last word of a free block is its size, too.
#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { WORD = sizeof(size_t), GRAIN = 2 * WORD, LEAST = 4 * WORD, CHUNK = 64 * 1024 };
// MAPPED: alone in a mapping of its own, whose size the head has.
enum { FREE = 1, PREVIOUS_FREE = 2, MAPPED = 4, FLAGS = 7 };
// Bins of one size each, then four for each power of two.
enum { EXACT = 64, BINS = 128 };

struct block {
	size_t head;
	struct block *next, *previous; // in its bin, while it is free
};

static struct block *bins[BINS];
static uint32_t taken[BINS / 32]; // a bit for each bin that is not empty
static struct block *rest; // of the newest chunk: in no bin, and not marked as free

static size_t size_of(const struct block *block) {
	return block->head & ~(size_t)FLAGS;
}

static struct block *at(void *base, ptrdiff_t offset) {
	return (struct block *)((char *)base + offset);
}

static struct block *after(struct block *block) {
	return at(block, size_of(block));
}

static struct block *block_of(void *memory) {
	return (struct block *)((char *)memory - WORD);
}

static void *memory_of(struct block *block) {
	return (char *)block + WORD;
}

static unsigned bin_of(size_t size) {
	if (size < EXACT * GRAIN) return size / GRAIN;
	unsigned power = 8 * WORD - 1 - __builtin_clzl(size), first = 8 * WORD - 1 - __builtin_clzl(EXACT * GRAIN);
	unsigned bin = EXACT + 4 * (power - first) + (size >> (power - 2) & 3);
	return bin < BINS ? bin : BINS - 1;
}

static void unlink_block(struct block *block) {
	unsigned bin = bin_of(size_of(block));
	if (block->next) block->next->previous = block->previous;
	if (block->previous) block->previous->next = block->next;
	else if (!(bins[bin] = block->next)) taken[bin / 32] &= ~(1u << bin % 32);
}

// Makes `size` bytes at `block` a free block; the one before is not free, neither is the one behind.
static void put_free(struct block *block, size_t size) {
	unsigned bin = bin_of(size);
	block->head = size | FREE;
	*(size_t *)((char *)block + size - WORD) = size;
	after(block)->head |= PREVIOUS_FREE;
	block->previous = NULL;
	if ((block->next = bins[bin])) block->next->previous = block;
	bins[bin] = block;
	taken[bin / 32] |= 1u << bin % 32;
}

// A free block of at least `size` bytes, still in its bin; NULL: none.
static struct block *find(size_t size) {
	unsigned bin = bin_of(size);
	for (struct block *block = bins[bin]; block; block = block->next)
		if (size_of(block) >= size) return block;
	for (uint32_t word = ++bin / 32, mask = ~0u << bin % 32; word < BINS / 32; word++, mask = ~0u)
		if (taken[word] & mask) return bins[32 * word + __builtin_ctz(taken[word] & mask)];
	return NULL;
}

static void *map(size_t bytes) {
	void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return base == MAP_FAILED ? NULL : base;
}

// The first block of a chunk begins a word before a multiple of GRAIN; a head of size 0, never free, ends the chunk.
enum { FIRST = GRAIN - WORD, WHOLE = CHUNK - GRAIN };

static bool new_chunk(void) {
	void *base = map(CHUNK);
	if (!base) return false;
	if (rest) free(memory_of(rest));
	rest = at(base, FIRST);
	rest->head = WHOLE;
	at(base, FIRST + WHOLE)->head = 0;
	return true;
}

// Takes `size` bytes of a block that is in no bin, and `have` long; gives the rest back.
static void *cut(struct block *block, size_t have, size_t size, size_t flags) {
	if (have - size >= LEAST) {
		block->head = size | flags;
		put_free(after(block), have - size);
	} else {
		block->head = have | flags;
		after(block)->head &= ~(size_t)PREVIOUS_FREE;
	}
	return memory_of(block);
}

static size_t rounded(size_t bytes) {
	size_t size = (bytes + WORD + GRAIN - 1) & ~(size_t)(GRAIN - 1);
	return size < LEAST ? LEAST : size;
}

static void *fail(void) {
	errno = ENOMEM;
	return NULL;
}

enum { PAGE = 4096 }; // mappings end at pages anyhow, of whatever size

static size_t mapped_size(size_t bytes) {
	return (bytes + GRAIN + PAGE - 1) & ~(size_t)(PAGE - 1);
}

static void *at_mapping(void *base, size_t bytes) {
	if (!base) return fail();
	struct block *block = at(base, FIRST);
	block->head = bytes | MAPPED;
	return memory_of(block);
}

void *malloc(size_t bytes) {
	if (bytes > PTRDIFF_MAX - PAGE) return fail();
	size_t size = rounded(bytes);
	if (size > CHUNK / 2) return at_mapping(map(mapped_size(bytes)), mapped_size(bytes));
	struct block *block = size < EXACT * GRAIN ? bins[size / GRAIN] : NULL; // the usual case
	if (block || (block = find(size))) {
		unlink_block(block);
		return cut(block, size_of(block), size, 0);
	}
	// what is left of the rest is never too small to be a block
	if ((!rest || size_of(rest) < size + LEAST) && !new_chunk()) return fail();
	block = rest;
	rest = at(block, size);
	rest->head = size_of(block) - size;
	block->head = size | (block->head & PREVIOUS_FREE);
	return memory_of(block);
}

void free(void *memory) {
	if (!memory) return;
	struct block *block = block_of(memory);
	size_t size = size_of(block);
	if (block->head & FREE) __builtin_trap(); // given back twice
	if (block->head & MAPPED) {
		munmap(at(block, -FIRST), size);
		return;
	}
	block->head |= FREE;
	struct block *behind = after(block);
	if (behind->head & FREE) {
		unlink_block(behind);
		size += size_of(behind);
	}
	if (block->head & PREVIOUS_FREE) {
		size_t before = ((size_t *)block)[-1];
		block = at(block, -(ptrdiff_t)before);
		unlink_block(block);
		size += before;
	}
	if (size == WHOLE) munmap(at(block, -FIRST), CHUNK);
	else put_free(block, size);
}

size_t malloc_usable_size(void *memory) {
	if (!memory) return 0;
	struct block *block = block_of(memory);
	return size_of(block) - (block->head & MAPPED ? GRAIN : WORD);
}

// Where the block can stay, `true`: there is room behind it, or it shrinks.
static bool resize_in_place(struct block *block, size_t size) {
	size_t have = size_of(block);
	struct block *behind = after(block);
	if (have < size && behind->head & FREE && have + size_of(behind) >= size) {
		unlink_block(behind);
		have += size_of(behind);
	} else if (have < size) return false;
	else if (have - size < LEAST) return true;
	else if (behind->head & FREE) {
		unlink_block(behind);
		have += size_of(behind);
	}
	cut(block, have, size, block->head & PREVIOUS_FREE);
	return true;
}

void *realloc(void *memory, size_t bytes) {
	if (!memory) return malloc(bytes);
	if (!bytes) {
		free(memory);
		return NULL;
	}
	if (bytes > PTRDIFF_MAX - PAGE) return fail();
	struct block *block = block_of(memory);
	size_t size = rounded(bytes), have = malloc_usable_size(memory);
	bool mapped = block->head & MAPPED, large = size > CHUNK / 2;
	if (mapped && large) {
		void *base = mremap(at(block, -FIRST), size_of(block), mapped_size(bytes), MREMAP_MAYMOVE);
		return at_mapping(base == MAP_FAILED ? NULL : base, mapped_size(bytes));
	}
	if (!mapped && !large && resize_in_place(block, size)) return memory;
	void *other = malloc(bytes);
	if (!other) return NULL;
	memcpy(other, memory, have < bytes ? have : bytes);
	free(memory);
	return other;
}

void *calloc(size_t count, size_t each) {
	size_t bytes;
	void *memory = __builtin_mul_overflow(count, each, &bytes) ? fail() : malloc(bytes);
	return memory ? memset(memory, 0, bytes) : NULL;
}
