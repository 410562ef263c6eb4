// LuCI's poll: one ticker a second; an entry whose turn it is runs, unless its last promise is pending.
// Source: luci-base, resources/luci.js (poll).

interface Entry {
  work: () => Promise<void>;
  seconds: number;
  ready: boolean;
}

const entries: Entry[] = [];
let tick = 0;

function step(): void {
  for (const entry of entries) {
    if (tick % entry.seconds !== 0 || !entry.ready) continue;
    entry.ready = false;
    // in LuCI too, work that throws before its promise is never called again
    void entry.work().finally(() => {
      entry.ready = true;
    });
  }
  tick++;
}

export const poll = {
  add(work: () => Promise<void>, seconds: number): boolean {
    entries.push({ work, seconds, ready: true });
    return true;
  },
  start(): void {
    window.setInterval(step, 1000);
    step();
  },
};
