import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BUDGETS } from '../../build/targets.ts';
import { measureFootprint } from '../bench/footprint.ts';

const footprint = suite('the daemon on a router');
const measured = await measureFootprint((line) => console.log(`skipped: ${line}`));

for (const [what, value, budget] of [
  ['memory while nobody looks', measured.idleBytes, BUDGETS.idleRss],
  ['instructions until its first object is there', measured.startInstructions, BUDGETS.startInstructions],
] as const)
  if (value !== undefined) {
    console.log(`measured: ${what}: ${value}, budget ${budget}`);
    footprint(`keeps the budget of ${what}`, () => assert.ok(value <= budget, `~> ${value}`));
  }
footprint.run();
