// Captains, reports and the log of leases of a gateway, in memory.

import { type CaptainRecord, Captains } from '../../src/mesh/captain.ts';
import type { PeopleOptions } from '../../src/mesh/people.ts';
import { type ReportRecord, Reports } from '../../src/mesh/report.ts';
import { Signer } from './signed.ts';

/** A disk that may be full. */
export interface Disk {
  full: boolean;
}

export const CAPTAIN = new Signer(new Uint8Array(32).fill(21));
export const OTHER_CAPTAIN = new Signer(new Uint8Array(32).fill(22));

/** Captains that are kept in memory. */
export function memoryCaptains(disk: Disk = { full: false }) {
  const kept: { records: readonly CaptainRecord[] } = { records: [] };
  const captains = new Captains({
    load: () => [],
    save(records) {
      if (disk.full) throw new Error('No space left on device');
      kept.records = records;
    },
  });
  return { captains, kept };
}

/** Reports that are kept in memory. */
export function memoryReports(disk: Disk = { full: false }) {
  const kept = new Map<number, ReportRecord>();
  const reports = new Reports({
    load: () => [],
    save(changes) {
      if (disk.full) throw new Error('No space left on device');
      for (const [id, record] of changes) {
        if (record) kept.set(id, record);
        else kept.delete(id);
      }
    },
  });
  return { reports, kept };
}

/** A desk that knows no captain yet, and keeps no log of leases. */
export function noPeople(disk?: Disk): Pick<PeopleOptions, 'captains' | 'reports' | 'leaseLog'> {
  return { captains: memoryCaptains(disk).captains, reports: memoryReports(disk).reports, leaseLog: undefined };
}
