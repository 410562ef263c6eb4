import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LIVENESS_PACE, Liveness } from '../../src/mesh/liveness.ts';

function make() {
  const life = new Liveness(LIVENESS_PACE, 0);
  const at = { ms: 0, rx: 0, tx: 0 };
  life.sample({ rxPackets: 0, txPackets: 0 }, 0);
  /** Half a second in which so many packets came and went. */
  const step = (rx: number, tx: number): void => {
    at.ms += 500;
    at.rx += rx;
    at.tx += tx;
    life.sample({ rxPackets: at.rx, txPackets: at.tx }, at.ms);
  };
  return { life, at, step };
}

const liveness = suite('Liveness');
liveness('asks nothing while packets come', () => {
  const { life, at, step } = make();
  for (let i = 0; i < 1000; i++) {
    step(1, 1);
    assert.not.ok(life.isDue(at.ms));
  }
  assert.is(life.life, 'good');
});
liveness('asks once a minute while nothing happens', () => {
  const { life, at, step } = make();
  let probes = 0;
  for (let i = 0; i < 2 * 3600; i++) {
    // the probe itself is seen by the counters
    const due = life.isDue(at.ms);
    if (due) {
      probes++;
      life.probed(true, at.ms);
    }
    step(due ? 1 : 0, due ? 1 : 0);
  }
  assert.ok(probes >= 58 && probes <= 60, `~> ${probes} in an hour`);
});
liveness('asks when what is sent stays without anything back for a second', () => {
  const { life, at, step } = make();
  step(0, 3);
  assert.not.ok(life.isDue(at.ms));
  step(0, 3);
  assert.not.ok(life.isDue(at.ms));
  step(0, 3);
  assert.ok(life.isDue(at.ms), '~> a second after the first');
});
liveness(
  'is suspect with the first lost probe and dead with the third, within four seconds of the first packet',
  () => {
    const { life, at, step } = make();
    step(0, 1);
    const sentMs = at.ms;
    const lives: string[] = [];
    while (life.life !== 'dead') {
      if (life.isDue(at.ms)) {
        at.ms += 700;
        life.probed(false, at.ms);
        lives.push(life.life);
      } else step(0, 1);
    }
    assert.equal(lives, ['suspect', 'suspect', 'dead']);
    assert.ok(at.ms - sentMs <= 4000, `~> ${at.ms - sentMs} ms`);
    assert.not.ok(life.isDue(at.ms));
  },
);
liveness('takes any packet for a proof', () => {
  const { life, at, step } = make();
  life.probed(false, at.ms);
  life.probed(false, at.ms);
  step(1, 0);
  assert.is(life.life, 'good');
  assert.not.ok(life.isDue(at.ms));
});
liveness('asks no more than every other second while something is sent one way', () => {
  const { life, at, step } = make();
  let probes = 0;
  for (let i = 0; i < 40; i++) {
    step(0, 5);
    if (!life.isDue(at.ms)) continue;
    probes++;
    life.probed(true, at.ms);
  }
  assert.ok(probes >= 7 && probes <= 10, `~> ${probes} in 20 s`);
  assert.is(life.life, 'good');
});
liveness('is dead where the device is gone, and lives again with it', () => {
  const { life, at } = make();
  life.sample(undefined, at.ms);
  assert.is(life.life, 'dead');
  life.sample({ rxPackets: 0, txPackets: 0 }, at.ms);
  assert.is(life.life, 'good');
});
liveness('is not misled by counters that begin anew', () => {
  const { life, at } = make();
  life.sample({ rxPackets: 500, txPackets: 500 }, at.ms);
  life.sample({ rxPackets: 0, txPackets: 0 }, at.ms + 500);
  assert.is(life.life, 'good');
  assert.not.ok(life.isDue(at.ms + 500));
});
liveness.run();
