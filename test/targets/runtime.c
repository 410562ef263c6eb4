// Whether what mends zig's runtime (build/zig/heap.c, memory.c) does what C wants of it; ends with 0, or says what went wrong and ends with 1.
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { SLOTS = 6000, ROUNDS = 150000, MOST_LIVE = 4 << 20, ALLOWED = 2 * MOST_LIVE };

static void must(int holds, const char *what) {
	if (holds) return;
	printf("expected: %s\n", what);
	exit(1);
}

static uint32_t random_state = 1;

static uint32_t random_below(uint32_t limit) {
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state % limit;
}

// Mostly small, as the engine's are.
static size_t random_size(void) {
	uint32_t kind = random_below(1000);
	return random_below(kind < 900 ? 200 : kind < 995 ? 6000 : 200000) + (kind < 5 ? 0 : 1);
}

static struct {
	unsigned char *memory;
	size_t size;
} slots[SLOTS];
static size_t live;

static void fill(int slot) {
	for (size_t i = 0; i < slots[slot].size; i++) slots[slot].memory[i] = (unsigned char)(slot + i);
}

static void check(int slot, size_t size) {
	for (size_t i = 0; i < size; i++) must(slots[slot].memory[i] == (unsigned char)(slot + i), "what was written");
}

static void taken(int slot, void *memory, size_t size) {
	must(memory != NULL, "memory, as long as little of it is in use");
	must((uintptr_t)memory % (2 * sizeof(size_t)) == 0, "memory for any type");
	must(malloc_usable_size(memory) >= size, "as much as was asked for");
	slots[slot].memory = memory;
	slots[slot].size = size;
	live += size;
}

static void give_back(int slot) {
	check(slot, slots[slot].size);
	free(slots[slot].memory);
	live -= slots[slot].size;
	slots[slot].memory = NULL;
}

static void step(int slot) {
	size_t size = random_size();
	if (!slots[slot].memory) {
		int zeroed = random_below(8) == 0;
		taken(slot, zeroed ? calloc(size, 1) : malloc(size), size);
		for (size_t i = 0; zeroed && i < size; i++) must(slots[slot].memory[i] == 0, "zeroes of calloc");
		fill(slot);
	} else if (random_below(2)) {
		give_back(slot);
	} else {
		size_t before = slots[slot].size;
		void *moved = realloc(slots[slot].memory, size = size ? size : 1);
		live -= before;
		taken(slot, moved, size);
		check(slot, before < size ? before : size);
		fill(slot);
	}
}

static void check_heap(void) {
	struct rlimit limit = {ALLOWED, ALLOWED};
	setrlimit(RLIMIT_DATA, &limit); // qemu passes this over
	for (int round = 0; round < ROUNDS; round++) {
		int slot = (int)random_below(SLOTS);
		if (live < MOST_LIVE) step(slot);
		else if (slots[slot].memory) give_back(slot);
	}
	for (int slot = 0; slot < SLOTS; slot++)
		if (slots[slot].memory) give_back(slot);
	void *most = malloc(ALLOWED - (1 << 20));
	must(most != NULL, "memory that was given back to the system");
	free(most);
	must(malloc(SIZE_MAX - 100) == NULL, "no memory of an impossible size");
	must(calloc(SIZE_MAX / 2, 3) == NULL, "no product that does not fit");
	void *kept = malloc(10), *same = realloc(kept, SIZE_MAX - 100);
	must(same == NULL && malloc_usable_size(kept) >= 10, "the old memory where there is no new");
	must(realloc(kept, 0) == NULL && malloc_usable_size(NULL) == 0, "nothing of nothing");
	free(NULL);
}

enum { ROOM = 400 };

static void check_copy(size_t to, size_t from, size_t count, int moves) {
	static unsigned char bytes[ROOM], before[ROOM];
	for (int i = 0; i < ROOM; i++) before[i] = bytes[i] = (unsigned char)(i * 7 + 1);
	void *result = moves ? memmove(bytes + to, bytes + from, count) : memcpy(bytes + to, bytes + from, count);
	must(result == bytes + to, "the place that was copied to");
	for (size_t i = 0; i < ROOM; i++)
		must(bytes[i] == (i >= to && i < to + count ? before[i - to + from] : before[i]), moves ? "memmove" : "memcpy");
}

static void check_fill(size_t to, size_t count, int byte) {
	static unsigned char bytes[ROOM];
	for (int i = 0; i < ROOM; i++) bytes[i] = 0x55;
	must(memset(bytes + to, byte, count) == bytes + to, "the place that was filled");
	for (size_t i = 0; i < ROOM; i++)
		must(bytes[i] == (i >= to && i < to + count ? (unsigned char)byte : 0x55), "memset");
}

static void check_memory(void) {
	for (size_t to = 0; to < 20; to++)
		for (size_t count = 0; count < 70; count++) {
			for (size_t from = 0; from < 20; from++) {
				check_copy(to, 200 + from, count, 0);
				check_copy(to, from, count, 1);
			}
			check_fill(to, count, to % 2 ? -3 : 0);
		}
}

int main(void) {
	check_memory();
	check_heap();
	return 0;
}
