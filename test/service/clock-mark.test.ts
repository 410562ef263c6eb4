import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DAEMON_ID, RouterRoot, rootProblem, type ShellName, shellNames } from './root.ts';

const SCRIPT = '/etc/hotplug.d/ntp/95-meshbridge';
const RUN = '/var/run/meshbridge';
const MARK = `${RUN}/clock-set`;

const problem = await rootProblem();
if (problem) console.log(`skipped: the mark of a clock that was set, in a root of its own: ${problem}`);
else for (const shell of shellNames()) marks(shell).run();

function marks(shell: ShellName) {
  const mark = suite<{ root: RouterRoot }>(`the mark of a clock that was set (${shell})`);
  mark.before.each(async (context) => {
    context.root = await RouterRoot.open(shell);
    context.root.directoryAt(RUN, 0o3770);
  });
  mark.after.each(({ root }) => root.close());
  /** As OpenWrt's hotplug-call does: the script is read, not run. */
  const call = (root: RouterRoot, env: Record<string, string>) => {
    assert.equal(root.run(['sh', '-c', `. ${SCRIPT}`], { env }), { status: 0, stdout: '', stderr: '' });
    return root.entry(MARK) !== undefined;
  };

  for (const action of ['step', 'stratum', 'periodic'])
    mark(`is there once sysntpd says ${action}, and follows somebody`, ({ root }) => {
      assert.is(call(root, { ACTION: action, stratum: '16' }), false);
      assert.is(call(root, { ACTION: action }), false);
      assert.is(call(root, { ACTION: action, stratum: '3' }), true);
      assert.is(call(root, { ACTION: action, stratum: '3' }), true);
    });
  mark('is gone when sysntpd has lost all its servers', ({ root }) => {
    call(root, { ACTION: 'stratum', stratum: '2' });
    assert.is(call(root, { ACTION: 'unsync' }), false);
  });
  mark('is not made by other words', ({ root }) => {
    for (const action of ['', 'start', 'ifup']) assert.is(call(root, { ACTION: action, stratum: '2' }), false);
  });
  mark('leads nowhere, whatever the user of the daemon puts in its place', ({ root }) => {
    root.run(['sh', '-c', `chown ${DAEMON_ID}:${DAEMON_ID} ${RUN}`]);
    root.directoryAt('/etc/keep', 0o700);
    root.write('/etc/keep/file', 'kept', 0o600);
    root.run(['ln', '-s', '/etc/keep', MARK], { user: DAEMON_ID });
    const before = [...root.tree('/etc')];
    for (const env of [{ ACTION: 'stratum', stratum: '2' }, { ACTION: 'unsync' }])
      root.run(['sh', '-c', `. ${SCRIPT}`], { env });
    assert.equal([...root.tree('/etc')], before);
  });
  return mark;
}
