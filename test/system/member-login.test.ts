import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { errorText } from '../../src/errors.ts';
import { parseUci } from '../../src/lib/uci.ts';
import { MemberLogin } from '../../src/system/member-login.ts';
import { MemoryRouter } from '../support/router.ts';

const PATH = '/etc/config/rpcd';
const hash = (char: string): string => `$5$rounds=5000$salt$${char.repeat(43)}`;
const FILE = `config rpcd
	option socket /var/run/ubus/ubus.sock

config login
	option username 'root'
	option password '$p$root'
	list read '*'
	list write '*'

config login
	option username 'captain' # on leave
	option password '$p$captain'
`;
const login = (username: string, char: string): string => `
config login 'meshbridge_member'
	option username '${username}'
	option password '${hash(char)}'
	list read 'unauthenticated'
	list read 'luci-base'
	list read 'luci-app-meshbridge-member'
`;
/** As `ubus` prints what rpcd holds: a reply for each session. */
const SESSIONS = `{
	"ubus_rpc_session": "00000000000000000000000000000000",
	"data": {
		
	}
}
{
	"ubus_rpc_session": "one",
	"data": {
		"username": "home",
		"note": "{\\n}\\n{"
	}
}
{
	"ubus_rpc_session": "two",
	"data": {
		"username": "root"
	}
}
{
	"ubus_rpc_session": "three",
	"data": {
		"username": "home"
	}
}
`;

/** A router whose rpcd holds SESSIONS. */
function make(text: string | undefined = FILE) {
  const router = new MemoryRouter();
  if (text !== undefined) router.write(PATH, text);
  const ended: string[] = [];
  router.program = (argv) => {
    if (argv[5] === 'list') return { code: 0, stdout: SESSIONS };
    assert.equal(argv.slice(0, 6), ['ubus', '-t', '5', 'call', 'session', 'destroy']);
    ended.push((JSON.parse(argv[6]!) as { ubus_rpc_session: string }).ubus_rpc_session);
    return { code: 0 };
  };
  return { router, ended, member: new MemberLogin(router, '/etc/config') };
}

const logins = suite('MemberLogin');
logins('is made at the end, with the rights of a member alone', async () => {
  const { router, ended, member } = make();
  assert.is(member.read(), undefined);
  await member.set('home', hash('a'));
  assert.is(router.text(PATH), FILE + login('home', 'a'));
  assert.is(member.read(), 'home');
  assert.equal(ended, [], '~> nobody can be logged in by it');
});
logins('changes its password and its name, and ends its sessions', async () => {
  const { router, ended, member } = make(FILE + login('home', 'a').replace('luci-base', '*'));
  await member.set('home', hash('b'));
  assert.is(router.text(PATH), FILE + login('home', 'b'));
  assert.equal(ended, ['one', 'three']);
  await member.set('crew_2-b', hash('b'));
  assert.is(member.read(), 'crew_2-b');
});
logins('is removed, and nothing else', async () => {
  const { router, ended, member } = make(FILE + login('home', 'a'));
  await member.remove();
  assert.is(router.text(PATH), FILE);
  assert.equal(ended, ['one', 'three']);
  await member.remove();
  assert.is(router.files.writes.length, 1);
});
logins('is made where there is no file', async () => {
  const { router, member } = make(undefined);
  router.files.remove(PATH);
  assert.is(member.read(), undefined);
  await member.remove();
  assert.is(router.files.all.size, 0);
  await member.set('home', hash('a'));
  assert.is(parseUci(router.text(PATH)).sections.length, 1);
});
logins('takes no name that another login has', async () => {
  const { router, member } = make();
  assert.is(
    await member.set('captain', hash('a')).catch(errorText),
    'username: expected a name that no other login has',
  );
  assert.equal(router.files.writes, []);
});
logins('is none when it has no name', () => {
  assert.is(make(`${FILE}\nconfig login 'meshbridge_member'\n\tlist username 'a'\n`).member.read(), undefined);
});
logins('says when its sessions go on', async () => {
  const { router, member } = make(FILE + login('home', 'a'));
  router.program = () => ({ code: 4 });
  assert.is(await member.remove().then(String, errorText), 'ubus call session list: ended with 4');
  assert.is(member.read(), undefined);
});
logins.run();
