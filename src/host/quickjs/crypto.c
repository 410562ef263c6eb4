// SHA-512 and ed25519 (RFC 8032) of the arithmetic of tinyssh. Checking takes as long as the data says, which nobody need hide.
#include "host.h"

#include <crypto_hash_sha512.h>
#include <ge25519.h>
#include <sc25519.h>

typedef uint8_t half[32];

// The base point, with the sign that makes `ge25519_frombytes_negate_vartime` give it.
static const half NEGATED_BASE = {[0] = 0x58, [1 ... 30] = 0x66, [31] = 0xe6};

// The bytes of an argument that has so many of them; NULL: an exception is pending.
static const uint8_t *exact(JSContext *ctx, JSValueConst value, const char *what, size_t bytes) {
	size_t length;
	const uint8_t *data = JS_GetArrayBuffer(ctx, &length, value);
	if (!data || length == bytes) return data;
	JS_ThrowRangeError(ctx, "%s: %zu bytes, expected %zu", what, length, bytes);
	return NULL;
}

// Room for a signature's two halves and the message behind them, to be freed; NULL: an exception is pending.
static uint8_t *with_room(JSContext *ctx, JSValueConst value, size_t *length) {
	const uint8_t *message = JS_GetArrayBuffer(ctx, length, value);
	uint8_t *room = message ? js_malloc(ctx, *length + 64) : NULL;
	return room ? memcpy(room + 64, message, *length) - 64 : NULL;
}

// The secret scalar and the prefix of nonces that a seed stands for, and its public key.
static void expand(const uint8_t *seed, uint8_t secret[64], half public) {
	ge25519 point;
	crypto_hash_sha512(secret, seed, 32);
	secret[0] &= 248;
	secret[31] = (secret[31] & 127) | 64;
	ge25519_scalarmult_base(point, secret);
	ge25519_tobytes(public, point);
}

CALL(js_sha512) {
	uint8_t hash[64];
	size_t length;
	const uint8_t *bytes = JS_GetArrayBuffer(ctx, &length, argv[0]);
	if (!bytes) return JS_EXCEPTION;
	crypto_hash_sha512(hash, bytes, length);
	return JS_NewArrayBufferCopy(ctx, hash, sizeof hash);
}

CALL(js_public) {
	uint8_t secret[64];
	half public;
	const uint8_t *seed = exact(ctx, argv[0], "public: seed", 32);
	if (!seed) return JS_EXCEPTION;
	expand(seed, secret, public);
	explicit_bzero(secret, sizeof secret);
	return JS_NewArrayBufferCopy(ctx, public, sizeof public);
}

CALL(js_sign) {
	uint8_t secret[64], nonce[64], hash[64], signature[64];
	size_t length;
	ge25519 point;
	const uint8_t *seed = exact(ctx, argv[0], "sign: seed", 32);
	uint8_t *room = seed ? with_room(ctx, argv[1], &length) : NULL;
	if (!room) return JS_EXCEPTION;
	expand(seed, secret, signature + 32);
	memcpy(room + 32, secret + 32, 32);
	crypto_hash_sha512(nonce, room + 32, length + 32);
	sc25519_reduce(nonce);
	ge25519_scalarmult_base(point, nonce);
	ge25519_tobytes(room, point);
	memcpy(room + 32, signature + 32, 32);
	memcpy(signature, room, 32);
	crypto_hash_sha512(hash, room, length + 64);
	sc25519_reduce(hash);
	sc25519_muladd(signature + 32, hash, secret, nonce);
	explicit_bzero(secret, sizeof secret);
	explicit_bzero(nonce, sizeof nonce);
	js_free(ctx, room);
	return JS_NewArrayBufferCopy(ctx, signature, sizeof signature);
}

CALL(js_verify) {
	uint8_t hash[64], scalar[64] = {0};
	half found;
	size_t length;
	ge25519 sums[4], point;
	const uint8_t *key = exact(ctx, argv[0], "verify: key", 32), *signature = exact(ctx, argv[2], "verify: signature", 64);
	uint8_t *room = key && signature ? with_room(ctx, argv[1], &length) : NULL;
	if (!room) return JS_EXCEPTION;
	memcpy(room, signature, 32);
	memcpy(room + 32, key, 32);
	crypto_hash_sha512(hash, room, length + 64);
	js_free(ctx, room);
	memcpy(scalar, signature + 32, 32);
	sc25519_reduce(hash);
	sc25519_reduce(scalar);
	// a scalar that is not the least would make a second signature of a known one
	if (memcmp(scalar, signature + 32, 32) || ge25519_frombytes_negate_vartime(sums[1], key)) return JS_FALSE;
	ge25519_frombytes_negate_vartime(sums[2], NEGATED_BASE);
	ge25519_add(sums[3], sums[1], sums[2]);
	// scalar times base less hash times key, bit by bit of both at once, which must be the point that the signature begins with
	fe_0(point[0]), fe_1(point[1]), fe_1(point[2]), fe_0(point[3]);
	for (int i = 252; i >= 0; i--) {
		int bits = (hash[i / 8] >> i % 8 & 1) | (scalar[i / 8] >> i % 8 & 1) << 1;
		ge25519_add(point, point, point);
		if (bits) ge25519_add(point, point, sums[bits]);
	}
	ge25519_tobytes(found, point);
	return JS_NewBool(ctx, !memcmp(found, signature, 32));
}

const JSCFunctionListEntry crypto_calls[] = {
	JS_CFUNC_DEF("sha512", 1, js_sha512),
	JS_CFUNC_DEF("ed25519Public", 1, js_public),
	JS_CFUNC_DEF("ed25519Sign", 2, js_sign),
	JS_CFUNC_DEF("ed25519Verify", 3, js_verify),
};
