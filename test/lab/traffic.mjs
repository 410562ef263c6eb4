// Real traffic for the labs: one process inside a namespace that serves, and asks others, as it is told line by line.

import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

const CHUNK = Buffer.alloc(64 * 1024, 'x');
const QUIET_MS = 1500;

/** Takes connections: sends the asking address and port in one line, then as many bytes as were asked for; takes bytes on port 9; and returns packets on port 7. */
async function serve(ports) {
  for (const port of ports) {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', (data) => {
        let left = Number(data.toString());
        socket.write(`${socket.remoteAddress.replace(/^::ffff:/, '')} ${socket.remotePort}\n`);
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
  const sink = createServer({ allowHalfOpen: true }, (socket) => {
    let count = 0;
    socket.on('error', () => {});
    socket.on('data', (data) => {
      count += data.length;
    });
    socket.on('end', () => socket.end(String(count)));
  });
  await new Promise((resolve) => sink.listen({ port: 9, host: '::' }, resolve));
  const echo = createSocket({ type: 'udp6', ipv6Only: false });
  echo.on('message', (message, from) => echo.send(message, from.port, from.address));
  await new Promise((resolve) => echo.bind(7, resolve));
}

/** Asks for bytes: whom the server saw, how many came, and how it ended. */
function get(host, port, bytes, from) {
  return new Promise((resolve) => {
    const socket = connect({ host, port, ...(from && { localAddress: from }) });
    const begunMs = performance.now();
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
    socket.on('close', () => {
      const [seen, seenPort] = text.split('\n')[0].split(' ');
      resolve({ from: seen, port: Number(seenPort), bytes: count, ms: performance.now() - begunMs, error });
    });
  });
}

/** Sends bytes to port 9: how many came there, and how long that took. */
function put(host, bytes) {
  return new Promise((resolve) => {
    const socket = connect({ host, port: 9, allowHalfOpen: true });
    const begunMs = performance.now();
    let left = bytes;
    let text = '';
    let error;
    socket.setTimeout(QUIET_MS * 4, () => {
      error = 'ETIMEDOUT';
      socket.destroy();
    });
    const more = () => {
      while (left > 0) {
        const part = CHUNK.subarray(0, Math.min(left, CHUNK.length));
        left -= part.length;
        if (!socket.write(part)) return socket.once('drain', more);
      }
      socket.end();
    };
    socket.on('connect', more);
    socket.on('data', (data) => {
      text += data.toString();
    });
    socket.on('error', (caught) => {
      error = caught.code;
    });
    socket.on('close', () => resolve({ bytes: Number(text), ms: performance.now() - begunMs, error }));
  });
}

const open = [];

/** Opens connections and leaves them open: how many of them stand, and how the first that does not ended. */
async function hold(host, port, count) {
  let error;
  let stand = 0;
  for (let i = 0; i < count; i++) {
    const socket = connect({ host, port });
    const ended = await new Promise((resolve) => {
      socket.on('error', (caught) => resolve(caught.code));
      socket.setTimeout(QUIET_MS, () => resolve('ETIMEDOUT'));
      socket.on('connect', () => resolve(undefined));
    });
    if (ended === undefined) {
      stand++;
      socket.setTimeout(0);
      open.push(socket);
    } else {
      error ??= ended;
      socket.destroy();
    }
  }
  return { stand, error };
}

/** Ends those, and waits until they have. */
async function drop() {
  const ended = open.splice(0).map((socket) => {
    socket.resetAndDestroy();
    return new Promise((resolve) => socket.on('close', resolve));
  });
  await Promise.all(ended);
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

const ACTS = { serve, get, put, hold, drop, startEcho, endEcho };

createInterface({ input: process.stdin })
  .on('line', async (line) => {
    const { id, act, args } = JSON.parse(line);
    console.log(JSON.stringify({ id, result: await ACTS[act](...args) }));
  })
  .on('close', () => process.exit(0));
