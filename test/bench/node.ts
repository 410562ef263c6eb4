// A played Yggdrasil with as many peers as wanted: entries of the shape that was captured, all up, their counters moving.

import type { Outcome, PlayedRequest } from '../../src/dev/standin/node.ts';
import { PlayedNode } from '../../src/dev/standin/node.ts';
import { type RawPeer, TRANSCRIPTS } from '../../src/dev/standin/transcript.ts';

/** Version played. */
const VERSION = '0.5.12';

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

function entry(model: RawPeer, i: number): RawPeer {
  return {
    ...model,
    remote: `tls://[2001:db8::${hex(i + 1, 1)}]:4001`,
    key: hex(i + 1, 64),
    address: `200:${hex(0x1000 + i, 4)}:9d43:51f5:${hex(i, 4)}:8a3c:41b2:77de`,
    port: i + 1,
  };
}

export class CrowdedNode extends PlayedNode {
  private readonly peers: RawPeer[];
  private readonly begunMs = Date.now();

  constructor(count: number) {
    super('a', VERSION, Date.now);
    const models = TRANSCRIPTS.a.peers.filter(({ up, bytes_recvd }) => up && bytes_recvd);
    this.peers = Array.from({ length: count }, (_, i) => entry(models[i % models.length]!, i));
  }

  override async answer(request: PlayedRequest): Promise<Outcome> {
    if (request.name.toLowerCase() !== 'getpeers') return super.answer(request);
    const passed = Date.now() - this.begunMs;
    const peers = this.peers.map((peer) => ({
      ...peer,
      uptime: peer.uptime! + passed / 1000,
      bytes_recvd: peer.bytes_recvd! + passed,
      bytes_sent: peer.bytes_sent! + passed,
    }));
    return { response: { peers } };
  }
}
