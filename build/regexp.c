// The engine's regular expressions, compiled to little-endian bytecode on every machine. Release 2025-04-26 keeps it in the order of
// the machine, and swaps all other bytecode as it loads it but not this: big-endian machines would run what this one compiled.
// Without `\p{...}`, whose tables are 40 KB.
#include <cutils.h>
#include <libunicode.h>
#undef CONFIG_ALL_UNICODE

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
// All access to that bytecode goes through these. A macro does not expand itself again.
#define get_u16(from) bswap16(get_u16(from))
#define get_u32(from) bswap32(get_u32(from))
#define put_u32(to, value) put_u32(to, bswap32(value))
#define dbuf_put_u16(to, value) dbuf_put_u16(to, bswap16(value))
#define dbuf_put_u32(to, value) dbuf_put_u32(to, bswap32(value))
#endif

#include <libregexp.c>
