// A Yggdrasil in memory: answers what was captured of 0.5.12, until a test says otherwise.

import { LinkDownError } from '../../src/errors.ts';
import type { AdminClient } from '../../src/source/yggdrasil.ts';
import type { AdminResponse } from '../../src/yggdrasil/admin.ts';
import nodePeers from '../fixtures/yggdrasil/0.5.12-a-debug_remoteGetPeers-b.json';
import remoteSelf from '../fixtures/yggdrasil/0.5.12-a-debug_remoteGetSelf-b.json';
import multicast from '../fixtures/yggdrasil/0.5.12-a-getMulticastInterfaces-after-traffic.json';
import nodeInfo from '../fixtures/yggdrasil/0.5.12-a-getNodeInfo-remote-b.json';
import paths from '../fixtures/yggdrasil/0.5.12-a-getPaths-after-traffic.json';
import peers from '../fixtures/yggdrasil/0.5.12-a-getPeers-after-traffic.json';
import self from '../fixtures/yggdrasil/0.5.12-a-getSelf-after-traffic.json';
import sessions from '../fixtures/yggdrasil/0.5.12-a-getSessions-after-traffic.json';
import tree from '../fixtures/yggdrasil/0.5.12-a-getTree-after-traffic.json';
import tun from '../fixtures/yggdrasil/0.5.12-a-getTun-after-traffic.json';
import list from '../fixtures/yggdrasil/0.5.12-b-list.json';

/** Key of the node that was asked, and of the one that it asked. */
export const OWN_KEY = '5f834fd742aa1172a88edd5c5fd17b9ed797d051c00ac0247254db85aa992419';
export const OTHER_KEY = '4512203662748b353e55c974da1247501b28711f0135fb3dab9ef82894adee11';

function responseOf(captured: { response: string }): AdminResponse {
  return JSON.parse(captured.response).response;
}

/** The captured responses, by request in lower case. */
export function capturedResponses(): Record<string, AdminResponse> {
  return {
    list: responseOf(list),
    getself: responseOf(self),
    getpeers: responseOf(peers),
    getsessions: responseOf(sessions),
    getpaths: responseOf(paths),
    gettree: responseOf(tree),
    gettun: responseOf(tun),
    getmulticastinterfaces: responseOf(multicast),
    getnodeinfo: responseOf(nodeInfo),
    debug_remotegetself: responseOf(remoteSelf),
    debug_remotegetpeers: responseOf(nodePeers),
    addpeer: {},
    removepeer: {},
  };
}

/** One entry of getPeers, outgoing and up. */
export function peerEntry(remote: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return { remote, up: true, inbound: false, key: OTHER_KEY, uptime: 60, bytes_recvd: 1000, bytes_sent: 1000, ...more };
}

type Answer = AdminResponse | Error | Promise<AdminResponse>;

export class FakeAdmin implements AdminClient {
  up = true;
  /** What was asked, oldest first: the request in lower case and its arguments. */
  readonly asked: string[] = [];
  /** What is answered, by request. */
  readonly answers: Record<string, Answer> = capturedResponses();

  /** How often a request was made. */
  count(request: string): number {
    return this.asked.filter((line) => line.split(' ')[0] === request).length;
  }

  /** The peers that are listed from now on. */
  set peers(entries: readonly Record<string, unknown>[]) {
    this.answers.getpeers = { peers: entries };
  }

  getSelf = () => this.ask('getself');
  getPeers = () => this.ask('getpeers');
  getSessions = () => this.ask('getsessions');
  getPaths = () => this.ask('getpaths');
  getTree = () => this.ask('gettree');
  getTun = () => this.ask('gettun');
  getMulticastInterfaces = () => this.ask('getmulticastinterfaces');
  getNodeInfo = (key: string) => this.ask('getnodeinfo', key);
  remoteSelf = (key: string) => this.ask('debug_remotegetself', key);
  remotePeers = (key: string) => this.ask('debug_remotegetpeers', key);

  async addPeer(uri: string, device?: string): Promise<'added' | 'present'> {
    await this.ask('addpeer', uri, device);
    const { peers } = (await this.answers.getpeers) as { peers: { remote: string }[] };
    return peers.some(({ remote }) => remote === uri) ? 'present' : 'added';
  }

  async removePeer(uri: string, device?: string): Promise<'removed'> {
    await this.ask('removepeer', uri, device);
    return 'removed';
  }

  private async ask(request: string, ...args: (string | undefined)[]): Promise<AdminResponse> {
    this.asked.push([request, ...args].filter((part) => part !== undefined).join(' '));
    if (!this.up) throw new LinkDownError('not connected');
    const answer = this.answers[request]!;
    if (answer instanceof Error) throw answer;
    return answer;
  }
}
