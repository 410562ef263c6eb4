// What the kernel says of a process.

import { readFileSync } from 'node:fs';

/** Length of a tick of utime and stime: USER_HZ is 100 on every Linux. */
const TICK_MS = 10;

/** Processor time so far, user and system, in milliseconds; steps of 10 ms. */
export function cpuMs(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // the name, in parentheses, may hold anything
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

function statusOf(pid: number, name: string): number {
  const line = new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  if (!line) throw new Error(`/proc/${pid}/status: no ${name}`);
  return Number(line[1]);
}

/** Resident memory, in KiB. */
export const residentKb = (pid: number): number => statusOf(pid, 'VmRSS');

/** How often it slept and woke so far. */
export const wakeups = (pid: number): number => statusOf(pid, 'voluntary_ctxt_switches');
