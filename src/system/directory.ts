// Writes files into a directory that need not be there yet: a package brings none that is empty.

import type { Files, Processes } from '../transport/host.ts';

/** The part of the port that is needed here. */
export interface DirectoryHost {
  readonly files: Pick<Files, 'write'>;
  readonly processes: Processes;
}

/** Writes a file; where that fails, makes its directory (0755) and tries once more. @throws Error (rejects) */
export async function writeWithDirectory(
  { files, processes }: DirectoryHost,
  path: string,
  bytes: Uint8Array,
  mode: number,
): Promise<void> {
  try {
    files.write(path, bytes, mode);
  } catch {
    await makeDirectory(processes, path.replace(/\/[^/]*$/, ''));
    files.write(path, bytes, mode);
  }
}

function makeDirectory(processes: Processes, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = processes.spawn(['mkdir', '-p', '-m', '0755', path], {
      onExit: (status) => {
        if ('code' in status && status.code === 0) resolve();
        else reject(new Error(`${path}: not made, mkdir failed`));
      },
    });
    child.write(undefined);
  });
}
