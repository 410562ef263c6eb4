import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { INTERNET, LAN, LINE, PEER_NAME, PEER_PORT, WEB_NAME } from './internet/address.ts';
import { judge } from './internet/capture.ts';

const ETHERNET = [...Array<number>(12).fill(2)];
const port = (number: number): number[] => [number >> 8, number & 255];

function packet4(protocol: number, from: string, to: string, payload: readonly number[]): Uint8Array {
  const ip = (text: string): number[] => text.split('.').map(Number);
  return new Uint8Array([
    ...[...ETHERNET, 8, 0, 0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0, ...ip(from), ...ip(to)],
    ...payload,
  ]);
}

function packet6(next: number, payload: readonly number[]): Uint8Array {
  const head = [0x60, 0, 0, 0, 0, payload.length, next, 64, ...Array<number>(32).fill(0x20)];
  return new Uint8Array([...ETHERNET, 0x86, 0xdd, ...head, ...payload]);
}

function question(name: string): number[] {
  const labels = name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]);
  return [0, 0, 0, 0, 7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, 1, 0, 1];
}

const owner = (frame: Uint8Array): string => judge(frame).owner;
const toPeer = [...port(40_000), ...port(PEER_PORT)];

const capture = suite('judge');
capture('knows what is of the cable itself', () => {
  assert.is(owner(new Uint8Array([...ETHERNET, 8, 6, 0, 1])), 'link');
  assert.is(owner(packet6(58, [135, 0, 0, 0])), 'link', '~> neighbour solicitation');
  assert.is(owner(packet6(0, [58, 0, 5, 2, 0, 0, 1, 0, 143])), 'link', '~> membership of a group');
});
capture("knows Yggdrasil's connections, and takes no datagram for one", () => {
  assert.is(owner(packet4(6, LINE.home4, INTERNET.peer4, toPeer)), 'yggdrasil');
  assert.is(owner(packet4(17, LINE.home4, INTERNET.peer4, toPeer)), 'leak');
});
capture("knows the router's own look-ups from those of the LAN, by name and by where they go", () => {
  const asks = (from: string, to: string, name: string): Uint8Array =>
    packet4(17, from, to, [...port(5000), ...port(53), ...question(name)]);
  assert.is(owner(asks(LINE.home4, LINE.router4, PEER_NAME)), 'look-up');
  assert.is(owner(asks(LINE.home4, LINE.router4, WEB_NAME)), 'leak');
  assert.is(owner(asks(LAN.host4, LINE.router4, PEER_NAME)), 'leak');
  assert.is(owner(asks(LINE.home4, INTERNET.dns4, PEER_NAME)), 'leak');
});
capture('takes everything else for a leak: refusals that quote, echoes, other protocols', () => {
  assert.is(owner(packet4(1, LINE.home4, LAN.host4, [3, 13])), 'leak');
  assert.is(owner(packet6(58, [128, 0])), 'leak', '~> echo request');
  assert.is(owner(packet4(47, LINE.home4, INTERNET.web4, [])), 'leak');
  assert.is(owner(new Uint8Array([...ETHERNET, 0x88, 0x99, 0])), 'leak');
  assert.match(
    judge(packet4(6, LINE.home4, INTERNET.web4, [...port(1), ...port(80)])).what,
    /TCP 192\.168\.8\.2 1 > 203\.0\.113\.80 80/,
  );
});
capture.run();
