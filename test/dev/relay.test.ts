import { connect, createServer, type Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Relay } from '../../src/dev/lab/relay.ts';

const relay = suite('Relay');

relay('passes bytes both ways, stalls while cut, loses nothing', async () => {
  const far: Socket[] = [];
  const server = createServer((socket) => {
    far.push(socket);
    socket.on('data', (bytes) => socket.write(`<${bytes}>`));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cable = await Relay.open((server.address() as { port: number }).port);
  const near = connect(cable.port, '127.0.0.1');
  let got = '';
  let tell: () => void = () => {};
  near.setEncoding('utf8').on('data', (text: string) => {
    got += text;
    tell();
  });
  const heard = (): Promise<void> =>
    new Promise((resolve) => {
      tell = resolve;
    });

  near.write('one');
  await heard();
  assert.is(got, '<one>');

  cable.cut = true;
  near.write('two');
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.is(got, '<one>');
  assert.is(near.readyState, 'open', '~> nobody was told');

  cable.cut = false;
  await heard();
  assert.is(got, '<one><two>');

  const closed = new Promise((resolve) => near.once('close', resolve));
  await cable.close();
  await closed;
  server.close();
  for (const socket of far) socket.destroy();
});

relay('hangs up when there is nobody at the other end', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  const cable = await Relay.open(port);
  const near = connect(cable.port, '127.0.0.1');
  near.on('error', () => {});
  await new Promise((resolve) => near.once('close', resolve).resume());
  await cable.close();
});

relay.run();
