// A native ubus client for measurements: the wire protocol and nothing else. Times are in nanoseconds.
//
//   client call SOCKET PATH METHOD COUNT            calls one after the other
//   client rate SOCKET PATH METHOD RATE SECONDS     calls at fixed times
//   client provide SOCKET PATH                      publishes an object that answers every call with success, until killed
//   client admin SOCKET COUNT                       connects to an admin socket, asks getPeers, reads to the end
//   client spawn COUNT PROGRAM [ARGUMENT]...        starts a program and waits for its end
//
// All but `provide` print: count, total, median, 99th percentile, bytes of the last answer.

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { HELLO, STATUS, DATA, PING, LOOKUP, INVOKE, ADD_OBJECT };
enum { ATTR_STATUS = 1, ATTR_PATH, ATTR_OBJECT, ATTR_METHOD, ATTR_TYPE, ATTR_SIGNATURE, ATTR_DATA };
enum { HEAD = 12, MAX_FRAME = 1 << 21 };

extern char **environ;
static uint8_t in[MAX_FRAME], out[4096];
static size_t have, used, out_length, answer_bytes;
static int fd;

static void fail(const char *what) {
  fprintf(stderr, "client: %s: %s\n", what, errno ? strerror(errno) : "unexpected answer");
  exit(1);
}

static void put32(uint8_t *at, uint32_t value) {
  for (int i = 0; i < 4; i++) at[i] = value >> (24 - 8 * i);
}

static uint32_t get32(const uint8_t *at) {
  return (uint32_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000ull + time.tv_nsec;
}

static int dial(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (s < 0 || strlen(path) >= sizeof address.sun_path) fail(path);
  strcpy(address.sun_path, path);
  if (connect(s, (struct sockaddr *)&address, sizeof address)) fail(path);
  return s;
}

static void begin(int type, uint16_t seq, uint32_t peer) {
  put32(out, (uint32_t)type << 16 | seq);
  put32(out + 4, peer);
  out_length = HEAD;
}

static void attribute(int id, const void *content, size_t length) {
  put32(out + out_length, (uint32_t)id << 24 | (4 + length));
  memset(out + out_length + 4, 0, (length + 3) & ~3);
  memcpy(out + out_length + 4, content, length);
  out_length += 4 + ((length + 3) & ~3);
}

static void number(int id, uint32_t value) {
  uint8_t bytes[4];
  put32(bytes, value);
  attribute(id, bytes, 4);
}

static void send_frame(void) {
  put32(out + 8, out_length - 8);
  if (write(fd, out, out_length) != (ssize_t)out_length) fail("write");
}

/** The next frame; it stays valid until the next call. */
static const uint8_t *next_frame(void) {
  for (;;) {
    if (have - used >= HEAD) {
      const uint8_t *frame = in + used;
      size_t length = 8 + ((get32(frame + 8) + 3) & 0xfffffc);
      if (have - used >= length) {
        used += length;
        return frame;
      }
    }
    if (used > 0) {
      memmove(in, in + used, have - used);
      have -= used;
      used = 0;
    }
    ssize_t got = read(fd, in + have, sizeof in - have);
    if (got <= 0) fail("read");
    have += got;
  }
}

/** The number in an attribute; 0 when it is absent. */
static uint32_t number_in(const uint8_t *frame, int id) {
  const uint8_t *end = frame + 8 + (get32(frame + 8) & 0xffffff);
  for (const uint8_t *at = frame + HEAD; at + 8 <= end; at += ((get32(at) & 0xffffff) + 3) & ~3)
    if ((at[0] & 0x7f) == id) return get32(at + 4);
  return 0;
}

/** Reads to the status of the last request; answers the object's id that came with it. */
static uint32_t finish(uint16_t seq) {
  uint32_t object = 0;
  answer_bytes = 0;
  for (;;) {
    const uint8_t *frame = next_frame();
    if ((frame[2] << 8 | frame[3]) != seq) continue;
    if (frame[1] == DATA) {
      object = number_in(frame, ATTR_OBJECT);
      answer_bytes += 8 + (get32(frame + 8) & 0xffffff);
    }
    if (frame[1] != STATUS) continue;
    errno = 0;
    if (number_in(frame, ATTR_STATUS)) fail("status");
    return object;
  }
}

static uint32_t open_bus(const char *path, const char *object) {
  fd = dial(path);
  next_frame();
  if (!object) return 0;
  begin(LOOKUP, 1, 0);
  attribute(ATTR_PATH, object, strlen(object) + 1);
  send_frame();
  return finish(1);
}

static void invoke(uint32_t object, const char *method, uint16_t seq) {
  begin(INVOKE, seq, object);
  number(ATTR_OBJECT, object);
  attribute(ATTR_METHOD, method, strlen(method) + 1);
  attribute(ATTR_DATA, "", 0);
  send_frame();
  finish(seq);
}

static void provide(const char *path, const char *object) {
  // one method: a table of no arguments, named `noop`
  static const uint8_t signature[] = {0x82, 0, 0, 12, 0, 4, 'n', 'o', 'o', 'p', 0, 0};
  open_bus(path, NULL);
  begin(ADD_OBJECT, 1, 0);
  attribute(ATTR_PATH, object, strlen(object) + 1);
  attribute(ATTR_SIGNATURE, signature, sizeof signature);
  send_frame();
  uint32_t id = finish(1);
  for (;;) {
    const uint8_t *frame = next_frame();
    if (frame[1] != INVOKE) continue;
    begin(STATUS, frame[2] << 8 | frame[3], get32(frame + 4));
    number(ATTR_STATUS, 0);
    number(ATTR_OBJECT, id);
    send_frame();
  }
}

static void admin(const char *path) {
  static const char request[] = "{\"request\":\"getPeers\"}\n";
  int s = dial(path);
  if (write(s, request, sizeof request - 1) != sizeof request - 1) fail("write");
  ssize_t got;
  answer_bytes = 0;
  while ((got = read(s, in, sizeof in)) > 0) answer_bytes += got;
  if (got < 0 || answer_bytes < 100) fail("admin");
  close(s);
}

static void run(char **argv) {
  posix_spawn_file_actions_t actions;
  pid_t child;
  int status;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  errno = posix_spawnp(&child, argv[0], &actions, NULL, argv, environ);
  if (errno) fail(argv[0]);
  if (waitpid(child, &status, 0) < 0 || status) fail(argv[0]);
  posix_spawn_file_actions_destroy(&actions);
}

static int compare(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  const char *mode = argc > 3 ? argv[1] : "";
  uint64_t interval = 0;
  uint32_t object = 0;
  int count;
  if (!strcmp(mode, "provide")) provide(argv[2], argv[3]);
  else if (!strcmp(mode, "call") && argc == 6) count = atoi(argv[5]);
  else if (!strcmp(mode, "rate") && argc == 7) {
    count = atoi(argv[5]) * atoi(argv[6]);
    interval = 1000000000ull / atoi(argv[5]);
  } else if (!strcmp(mode, "admin")) count = atoi(argv[3]);
  else if (!strcmp(mode, "spawn")) count = atoi(argv[2]);
  else return fprintf(stderr, "client: unknown arguments\n"), 2;
  if (mode[0] == 'c' || mode[0] == 'r') object = open_bus(argv[2], argv[3]);
  uint64_t *times = calloc(count, sizeof *times), start = now();
  if (!times || count < 1) fail("count");
  for (int i = 0; i < count; i++) {
    uint64_t due = start + i * interval;
    struct timespec at = {due / 1000000000, due % 1000000000};
    if (interval) clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
    uint64_t begun = now();
    if (object) invoke(object, argv[4], 2 + i);
    else if (mode[0] == 'a') admin(argv[2]);
    else run(argv + 3);
    times[i] = now() - begun;
  }
  uint64_t total = now() - start;
  qsort(times, count, sizeof *times, compare);
  printf("%d %llu %llu %llu %zu\n", count, (unsigned long long)total, (unsigned long long)times[count / 2],
         (unsigned long long)times[count * 99ll / 100], answer_bytes);
  return 0;
}
