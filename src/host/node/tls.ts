// TLS over a connected socket of Node, with the words and numbers of the C host. Unlike it, node:tls takes an end without close_notify
// for an orderly one, and of several problems with a chain it tells one.

import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { READABLE, TLS_EXPIRED, TLS_NOT_YET, TLS_OTHER_NAME, TLS_UNTRUSTED, WRITABLE } from '../native.ts';
import { SocketDescriptor } from './descriptor.ts';
import { errorCode, reasonOf } from './errno.ts';

/** By OpenSSL's names; all others mean that the chain leads to no known authority. */
const PROBLEMS: Readonly<Record<string, number>> = {
  CERT_HAS_EXPIRED: TLS_EXPIRED,
  CERT_NOT_YET_VALID: TLS_NOT_YET,
};

/** Why a handshake failed, or what came after it. */
function tlsReason(error: Error): string {
  const [, alert] = /SSL alert number (\d+)/.exec(error.message) ?? [];
  if (alert !== undefined) return `alert ${alert} came`;
  if (errorCode(error) === 'ERR_SSL_WRONG_VERSION_NUMBER') return 'what came is not TLS';
  return 'syscall' in error || errorCode(error) !== 'ECONNRESET' ? reasonOf(error) : 'cut off: no close_notify came';
}

function pemText(bytes: ArrayBuffer): string {
  return new TextDecoder('latin1').decode(bytes).replace(/\0$/, '');
}

function startTls(socket: Socket, serverName: string, authorities: ArrayBuffer, identity: ArrayBuffer): TLSSocket {
  const ca = pemText(authorities);
  const own = pemText(identity);
  if (ca !== '' && !ca.includes('-----BEGIN CERTIFICATE-----'))
    throw new Error('tls with these authorities: no certificate among them');
  let secureContext: SecureContext;
  try {
    secureContext = createSecureContext({ ...(ca !== '' && { ca }), ...(own !== '' && { cert: own, key: own }) });
  } catch (error) {
    throw new Error(`tls with this certificate: ${(error as Error).message}`, { cause: error });
  }
  return connect({
    socket,
    secureContext,
    ...(serverName !== '' && { servername: serverName }),
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  });
}

/** Takes the place of the descriptor whose socket it runs over. */
export class TlsDescriptor extends SocketDescriptor {
  private readonly tls: TLSSocket;
  private isSecured = false;
  /** The result of the handshake was taken. */
  private isTaken = false;

  /** @throws Error when there are authorities, but no certificate among them, or when certificate and key are none of ours. */
  constructor(
    under: SocketDescriptor,
    private readonly serverName: string,
    authorities: ArrayBuffer,
    identity: ArrayBuffer,
  ) {
    const tls = startTls(under.socket, serverName, authorities, identity);
    super(tls);
    this.tls = tls;
    tls.on('secureConnect', () => {
      this.isSecured = true;
      this.poke();
    });
  }

  /** As `tlsHandshake` of the native contract. */
  handshake(): number | ArrayBuffer {
    if (this.error) throw new Error(`tls: ${tlsReason(this.error)}`);
    if (!this.isSecured) return READABLE;
    this.isTaken = true;
    const { tls, serverName } = this;
    const certificate = tls.getPeerX509Certificate();
    if (!certificate) throw new Error('tls: no certificate came');
    const key = certificate.publicKey.export({ type: 'spki', format: 'der' });
    const isOther = serverName !== '' && certificate.checkHost(serverName) === undefined;
    const chain = tls.authorizationError ? (PROBLEMS[String(tls.authorizationError)] ?? TLS_UNTRUSTED) : 0;
    const found = new Uint8Array(36);
    found.set(createHash('sha256').update(key).digest(), 4);
    new Uint32Array(found.buffer)[0] = chain | (isOther ? TLS_OTHER_NAME : 0);
    return found.buffer;
  }

  protected override reason(error: Error): string {
    return tlsReason(error);
  }

  protected override ready(): number {
    if (this.isTaken) return super.ready();
    return this.isSecured ? READABLE | WRITABLE : WRITABLE;
  }

  /** There is a close_notify to send. */
  protected override isDone(): boolean {
    return !this.isSecured;
  }
}
