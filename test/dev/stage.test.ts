import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Cable, type Line, Mischief, type Stage, type StageNode } from '../../src/dev/stage.ts';

class FakeNode implements StageNode {
  readonly iface = 'ygg0';
  readonly key = '';
  readonly address = '';
  readonly socket = '';
  readonly peers = [];
  isRunning = true;

  constructor(readonly name: string) {}

  async start(): Promise<void> {
    this.isRunning = true;
  }

  async kill(): Promise<void> {
    this.isRunning = false;
  }
}

function stage(): Stage {
  let cables: Cable[] = [
    { from: 'a', to: 'b', isCut: false },
    { from: 'b', to: 'c', isCut: false },
  ];
  return {
    nodes: [new FakeNode('a'), new FakeNode('b')],
    cables: () => cables,
    async setCut({ from }, cut) {
      cables = cables.map((cable) => (cable.from === from ? { ...cable, isCut: cut } : cable));
    },
  };
}

function line(): Line {
  return {
    isPlugged: true,
    plug(plugged) {
      Object.assign(this, { isPlugged: plugged });
    },
  };
}

const mischief = suite('Mischief');

mischief('cuts one cable after the other, joining each before the next', async () => {
  const subject = new Mischief(stage(), line());
  const done = [];
  for (let i = 0; i < 5; i++) done.push((await subject.toggleCable()).slice(0, 18));
  assert.equal(done, [
    'cable a-b cut in s',
    'cable a-b joined a',
    'cable b-c cut in s',
    'cable b-c joined a',
    'cable a-b cut in s',
  ]);
});

mischief('kills one node after the other, starting each before the next', async () => {
  const subject = new Mischief(stage(), line());
  const done = [];
  for (let i = 0; i < 4; i++) done.push(await subject.toggleNode());
  assert.equal(done, ['node b killed', 'node b started again', 'node a killed', 'node a started again']);
});

mischief('pulls the Internet line out and plugs it in again', () => {
  const subject = new Mischief(stage(), line());
  assert.is(subject.toggleLine(), 'the Internet line is pulled out');
  assert.is(subject.toggleLine(), 'the Internet line is plugged in again');
});

mischief('says so when there is nothing to cut', async () => {
  const bare: Stage = { ...stage(), cables: () => [] };
  assert.is(await new Mischief(bare, line()).toggleCable(), 'there is no cable to cut');
});

mischief.run();
