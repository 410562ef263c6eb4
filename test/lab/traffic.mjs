// Real traffic for the labs: one process inside a namespace that serves, and asks others, as it is told line by line.

import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

const CHUNK = Buffer.alloc(64 * 1024, 'x');
const QUIET_MS = 1500;

/** Takes connections: sends the asking address in one line, then as many bytes as were asked for; and returns packets on port 7. */
async function serve(ports) {
  for (const port of ports) {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', (data) => {
        let left = Number(data.toString());
        socket.write(`${socket.remoteAddress.replace(/^::ffff:/, '')}\n`);
        const more = () => {
          while (left > 0 && !socket.destroyed) {
            const part = CHUNK.subarray(0, Math.min(left, CHUNK.length));
            left -= part.length;
            if (!socket.write(part)) return socket.once('drain', more);
          }
          socket.end();
        };
        more();
      });
    });
    await new Promise((resolve) => server.listen({ port, host: '::' }, resolve));
  }
  const echo = createSocket({ type: 'udp6', ipv6Only: false });
  echo.on('message', (message, from) => echo.send(message, from.port, from.address));
  await new Promise((resolve) => echo.bind(7, resolve));
}

/** Asks for bytes: whom the server saw, how many came, and how it ended. */
function get(host, port, bytes, from) {
  return new Promise((resolve) => {
    const socket = connect({ host, port, ...(from && { localAddress: from }) });
    let text = '';
    let count = 0;
    let error;
    socket.setTimeout(QUIET_MS, () => {
      error = 'ETIMEDOUT';
      socket.destroy();
    });
    socket.on('connect', () => socket.write(String(bytes)));
    socket.on('data', (data) => {
      if (!text.includes('\n')) text += data.toString('latin1', 0, 80);
      count += data.length;
    });
    socket.on('error', (caught) => {
      error = caught.code;
    });
    socket.on('close', () => resolve({ from: text.split('\n')[0], bytes: count, error }));
  });
}

const missing = new Set();
let sent = 0;
let stopEcho = () => {};

/** Sends a numbered packet each 5 ms from now on; resolves when one came back, or none did. */
function startEcho(host) {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  missing.clear();
  sent = 0;
  const timer = setInterval(() => {
    missing.add(++sent);
    socket.send(String(sent), 7, host, () => {});
  }, 5);
  stopEcho = () => clearInterval(timer);
  return new Promise((resolve) => {
    setTimeout(resolve, QUIET_MS);
    socket.on('error', () => {});
    socket.on('message', (message) => {
      missing.delete(Number(message.toString()));
      resolve();
    });
  });
}

/** Ends that, and tells how many were sent and how many never came back. */
async function endEcho() {
  stopEcho();
  await new Promise((resolve) => setTimeout(resolve, 500));
  return { sent, lost: missing.size };
}

const ACTS = { serve, get, startEcho, endEcho };

createInterface({ input: process.stdin })
  .on('line', async (line) => {
    const { id, act, args } = JSON.parse(line);
    console.log(JSON.stringify({ id, result: await ACTS[act](...args) }));
  })
  .on('close', () => process.exit(0));
