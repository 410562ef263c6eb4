// What four real nodes 0.5.12 answered, captured while they peered with one another: the stage of the stand-in.

import oldSelf from '../../../test/fixtures/yggdrasil/0.4.7-a-getSelf.json';
import oldList from '../../../test/fixtures/yggdrasil/0.4.7-a-list.json';
import aMulticast from '../../../test/fixtures/yggdrasil/0.5.12-a-getMulticastInterfaces-after-traffic.json';
import infoB from '../../../test/fixtures/yggdrasil/0.5.12-a-getNodeInfo-remote-b.json';
import aPaths from '../../../test/fixtures/yggdrasil/0.5.12-a-getPaths-after-traffic.json';
import aPeers from '../../../test/fixtures/yggdrasil/0.5.12-a-getPeers-after-traffic.json';
import aSelf from '../../../test/fixtures/yggdrasil/0.5.12-a-getSelf-after-traffic.json';
import aSessions from '../../../test/fixtures/yggdrasil/0.5.12-a-getSessions-after-traffic.json';
import aTree from '../../../test/fixtures/yggdrasil/0.5.12-a-getTree-after-traffic.json';
import aTun from '../../../test/fixtures/yggdrasil/0.5.12-a-getTun-after-traffic.json';
import bMulticast from '../../../test/fixtures/yggdrasil/0.5.12-b-getMulticastInterfaces-after-traffic.json';
import bPaths from '../../../test/fixtures/yggdrasil/0.5.12-b-getPaths-after-traffic.json';
import bPeers from '../../../test/fixtures/yggdrasil/0.5.12-b-getPeers-after-traffic.json';
import bSelf from '../../../test/fixtures/yggdrasil/0.5.12-b-getSelf-after-traffic.json';
import bSessions from '../../../test/fixtures/yggdrasil/0.5.12-b-getSessions-after-traffic.json';
import bTree from '../../../test/fixtures/yggdrasil/0.5.12-b-getTree-after-traffic.json';
import bTun from '../../../test/fixtures/yggdrasil/0.5.12-b-getTun-after-traffic.json';
import list from '../../../test/fixtures/yggdrasil/0.5.12-b-list.json';
import cMulticast from '../../../test/fixtures/yggdrasil/0.5.12-c-getMulticastInterfaces-after-traffic.json';
import cPaths from '../../../test/fixtures/yggdrasil/0.5.12-c-getPaths-after-traffic.json';
import cPeers from '../../../test/fixtures/yggdrasil/0.5.12-c-getPeers-after-traffic.json';
import cSelf from '../../../test/fixtures/yggdrasil/0.5.12-c-getSelf-after-traffic.json';
import cSessions from '../../../test/fixtures/yggdrasil/0.5.12-c-getSessions-after-traffic.json';
import cTree from '../../../test/fixtures/yggdrasil/0.5.12-c-getTree-after-traffic.json';
import cTun from '../../../test/fixtures/yggdrasil/0.5.12-c-getTun-after-traffic.json';
import eMulticast from '../../../test/fixtures/yggdrasil/0.5.12-e-getMulticastInterfaces-after-traffic.json';
import infoC from '../../../test/fixtures/yggdrasil/0.5.12-e-getNodeInfo-remote-c-multihop.json';
import ePaths from '../../../test/fixtures/yggdrasil/0.5.12-e-getPaths-after-traffic.json';
import ePeers from '../../../test/fixtures/yggdrasil/0.5.12-e-getPeers-after-traffic.json';
import eSelf from '../../../test/fixtures/yggdrasil/0.5.12-e-getSelf-after-traffic.json';
import eSessions from '../../../test/fixtures/yggdrasil/0.5.12-e-getSessions-after-traffic.json';
import eTree from '../../../test/fixtures/yggdrasil/0.5.12-e-getTree-after-traffic.json';
import eTun from '../../../test/fixtures/yggdrasil/0.5.12-e-getTun-after-traffic.json';

export type NodeName = 'a' | 'b' | 'c' | 'e';

/** One entry of getPeers, as 0.5.12 sends it. */
export interface RawPeer {
  remote?: string;
  up: boolean;
  inbound: boolean;
  address?: string;
  key: string;
  port: number;
  priority: number;
  cost: number;
  bytes_recvd?: number;
  bytes_sent?: number;
  rate_recvd?: number;
  rate_sent?: number;
  uptime?: number;
  latency?: number;
  last_error_time?: number;
  last_error?: string;
}

export interface RawSession {
  address: string;
  key: string;
  bytes_recvd: number;
  bytes_sent: number;
  uptime: number;
}

export interface RawMulticast {
  name: string;
  address: string;
  beacon: boolean;
  listen: boolean;
  password: boolean;
}

/** The answers of one node. */
export interface Transcript {
  self: {
    build_name: string;
    build_version: string;
    key: string;
    address: string;
    routing_entries: number;
    subnet: string;
  };
  peers: readonly RawPeer[];
  sessions: readonly RawSession[];
  paths: readonly object[];
  tree: readonly object[];
  tun: object;
  multicast: readonly RawMulticast[];
  /** What it says of itself to others. */
  nodeInfo: object;
}

interface Captured {
  response: string;
}

function responseOf(captured: Captured) {
  return JSON.parse(captured.response).response;
}

function transcript(
  self: Captured,
  peers: Captured,
  sessions: Captured,
  paths: Captured,
  tree: Captured,
  tun: Captured,
  multicast: Captured,
  nodeInfo: object,
): Transcript {
  return {
    self: responseOf(self),
    peers: responseOf(peers).peers,
    sessions: responseOf(sessions).sessions,
    paths: responseOf(paths).paths,
    tree: responseOf(tree).tree,
    tun: responseOf(tun),
    multicast: responseOf(multicast).multicast_interfaces,
    nodeInfo,
  };
}

/** What a node without a configured node info says. */
const PLAIN = { buildarch: 'amd64', buildname: 'yggdrasil', buildplatform: 'linux', buildversion: '0.5.12' };

export const TRANSCRIPTS: Readonly<Record<NodeName, Transcript>> = {
  a: transcript(aSelf, aPeers, aSessions, aPaths, aTree, aTun, aMulticast, PLAIN),
  b: transcript(
    bSelf,
    bPeers,
    bSessions,
    bPaths,
    bTree,
    bTun,
    bMulticast,
    Object.values<object>(responseOf(infoB))[0]!,
  ),
  c: transcript(
    cSelf,
    cPeers,
    cSessions,
    cPaths,
    cTree,
    cTun,
    cMulticast,
    Object.values<object>(responseOf(infoC))[0]!,
  ),
  e: transcript(eSelf, ePeers, eSessions, ePaths, eTree, eTun, eMulticast, PLAIN),
};

/** One entry of `list`. */
export interface Command {
  command: string;
  description: string;
  fields?: string[];
}

/** What 0.5.12 lists; 0.5.13 adds a field to `getpeers`. */
export const COMMANDS: readonly Command[] = responseOf(list).list;

/** What 0.4.7 lists, and says of itself. */
export const OLD = { list: responseOf(oldList), self: responseOf(oldSelf) } as const;
