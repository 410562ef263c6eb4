// What a host of a home's LAN does all day, and what answers it: runs by itself inside a namespace, one JSON object a line.

import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns';
import { connect, createServer } from 'node:net';

const [role, ...args] = process.argv.slice(2);
const say = (value) => console.log(JSON.stringify(value));
const ignore = () => {};

/** Tells who asks, and then sends a byte for each that comes; datagrams are answered with who sent them. */
function serve() {
  for (const port of [80, 8080])
    createServer((socket) => {
      socket.on('error', ignore);
      socket.write(`${socket.remoteAddress.replace(/^::ffff:/, '')}\n`);
      socket.on('data', (data) => socket.write(data));
    }).listen({ port, host: '::' });
  const echo = createSocket({ type: 'udp6', ipv6Only: false });
  echo.on('message', (_, { port, address }) => echo.send(address.replace(/^::ffff:/, ''), port, address, ignore));
  echo.bind(9, () => say({ ready: true }));
}

/** Who the server saw, or why it was not reached. */
function ask(host, port) {
  const socket = connect({ host, port: Number(port) });
  const timer = setTimeout(() => end({ error: 'ETIMEDOUT' }), 3000);
  const end = (what) => {
    clearTimeout(timer);
    socket.destroy();
    say(what);
  };
  socket.on('data', (data) => end({ from: data.toString().split('\n')[0] }));
  socket.on('error', ({ code }) => end({ error: code }));
}

/** A flow that goes on: a byte each 50 ms. Says when it stands, and how it ends; `stalled` after a minute without an answer. */
function hold(host, port) {
  const socket = connect({ host, port: Number(port) });
  let open = false;
  let lastMs = Date.now();
  const end = (what) => {
    clearInterval(timer);
    socket.destroy();
    say(what);
    process.exit(0);
  };
  const timer = setInterval(() => {
    if (Date.now() - lastMs > 60_000) return end({ ended: 'stalled' });
    socket.write('x');
  }, 50);
  socket.on('data', () => {
    lastMs = Date.now();
    if (!open) say({ open: true });
    open = true;
  });
  socket.on('error', ({ code }) => end({ ended: code }));
  socket.on('close', () => end({ ended: 'closed' }));
}

/** Datagrams, connections and questions for names, to IPv4 and IPv6, until its input closes. Tells how many datagrams were sent and answered. */
function flood(hosts, server) {
  let sent = 0;
  let answered = 0;
  const sockets = hosts.map((host) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.on('error', ignore);
    socket.on('message', () => answered++);
    return { host, socket };
  });
  const resolver = new Resolver({ timeout: 500, tries: 1 });
  resolver.setServers([server]);
  let turn = 0;
  setInterval(() => {
    for (const { host, socket } of sockets) {
      sent++;
      socket.send('x', 9, host, ignore);
    }
    if (turn++ % 20 > 0) return;
    for (const host of hosts) {
      const socket = connect({ host, port: 80 });
      socket.on('error', ignore);
      socket.on('data', () => socket.destroy());
      setTimeout(() => socket.destroy(), 2000);
    }
    resolver.resolve4(`name${turn}.example`, ignore);
  }, 5);
  process.stdin.resume().on('end', () => {
    say({ sent, answered });
    process.exit(0);
  });
  say({ ready: true });
}

/** Asks a resolver for a name. */
function resolve(server, name) {
  const resolver = new Resolver({ timeout: 1000, tries: 1 });
  resolver.setServers([server]);
  resolver.resolve4(name, (error, addresses) => say(error ? { error: error.code } : { addresses }));
}

if (role === 'serve') serve();
else if (role === 'ask') ask(...args);
else if (role === 'hold') hold(...args);
else if (role === 'flood') flood(args.slice(1), args[0]);
else resolve(...args);
