// Gets the sources of the TLS library, mbedtls, and says how they are compiled: build/mbedtls.h leaves of them what a client needs.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inProject } from './project.ts';
import { type Library, unpackSource } from './source.ts';

/** The release of all builds with TLS; a security fix in Debian is a new version and sum here. */
export const MBEDTLS = {
  name: 'mbedtls',
  version: '3.6.6',
  suite: 'trixie',
  source: 'mbedtls',
  sha256: '8fb65fae8dcae5840f793c0a334860a411f884cc537ea290ce1c52bb64ca007a',
  mended: [
    {
      // 3.6.6 offers RSA-PSS and then refuses it in TLS 1.2, which is most servers with an RSA key and no TLS 1.3. Fixed after it:
      // https://github.com/Mbed-TLS/mbedtls/pull/10674
      file: 'library/ssl_misc.h',
      from: '    /* High byte is hash */\n    unsigned char hash = MBEDTLS_BYTE_1(sig_alg);\n',
      to: `    /* High byte is hash, but in those that came with TLS 1.3 */
    if (sig_alg >= MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA256 && sig_alg <= MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA512) return 1;
    unsigned char hash = MBEDTLS_BYTE_1(sig_alg);
`,
    },
  ],
} as const;

/** The files of `library/` that are not empty under our configuration. */
const FILES = `aes asn1parse asn1write base64 bignum bignum_core chacha20 chachapoly cipher cipher_wrap constant_time ctr_drbg ecdh
  ecdsa ecp ecp_curves entropy entropy_poll gcm md net_sockets oid pem pk pk_ecc pk_wrap pkparse platform_util poly1305 psa_crypto
  psa_crypto_aead psa_crypto_cipher psa_crypto_client psa_crypto_driver_wrappers_no_static psa_crypto_ecp psa_crypto_hash
  psa_crypto_mac psa_crypto_random psa_crypto_rsa psa_crypto_slot_management psa_util rsa rsa_alt_helpers sha1 sha256 sha512
  ssl_ciphersuites ssl_client ssl_msg ssl_tls ssl_tls12_client ssl_tls13_client ssl_tls13_generic ssl_tls13_keys x509 x509_crt`;

/** Gets the library's sources the first time. @throws Error as `unpackSource` does. */
export async function tlsLibrary(log: (line: string) => void): Promise<Library> {
  const directory = await unpackSource(MBEDTLS, log);
  const config = inProject('build/mbedtls.h');
  return {
    files: FILES.split(/\s+/).map((name) => join(directory, 'library', `${name}.c`)),
    flags: ['-isystem', join(directory, 'include'), '-I', inProject('build'), '-DMBEDTLS_CONFIG_FILE="mbedtls.h"'],
    key: `${JSON.stringify(MBEDTLS)} ${readFileSync(config, 'utf8')}`,
  };
}
