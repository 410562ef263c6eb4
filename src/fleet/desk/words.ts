// Sentences of the pages that say where to look on a router; on a machine with systemd that is another place. Texts by the English one.

/** What stands for them, by language. */
export const OTHER_WORDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  en: {
    'Start “meshbridge” under System → Startup. If it does not stay, the system log says why.':
      'Start it: systemctl start meshbridge. If it does not stay, journalctl -u meshbridge says why.',
    'It is asked again every few seconds. If this lasts, restart “meshbridge” under System → Startup.':
      'It is asked again every few seconds. If this lasts: systemctl restart meshbridge.',
    'It is older than this page: restart “meshbridge” under System → Startup.':
      'It is older than this page: install the same version, then systemctl restart meshbridge.',
    'One of them is older: restart “meshbridge” under System → Startup, and reload this page.':
      'One of them is older: install the same version, then systemctl restart meshbridge, and reload this page.',
    'The system log may say more.': 'journalctl -u meshbridge may say more.',
    'You are not allowed to see this.': 'You are not logged in any more.',
    'Log in as root, or ask for the right “luci-app-meshbridge” on this login.':
      'Reload this page, and log in: the password stands where meshctl desk runs.',
    'Is this device still connected to it? It is asked again every few seconds.':
      'Does meshctl desk still run, and the tunnel to it? It is asked again every few seconds.',
    'Save all of it under Log, compare it with the system log, and find out who can write on this machine.':
      'Save all of it under Log, compare it with journalctl -u meshbridge, and find out who can write on this machine.',
  },
  de: {
    'Start “meshbridge” under System → Startup. If it does not stay, the system log says why.':
      'Starte ihn: systemctl start meshbridge. Bleibt er nicht, sagt journalctl -u meshbridge, warum.',
    'It is asked again every few seconds. If this lasts, restart “meshbridge” under System → Startup.':
      'Er wird alle paar Sekunden wieder gefragt. Wenn das dauert: systemctl restart meshbridge.',
    'It is older than this page: restart “meshbridge” under System → Startup.':
      'Er ist älter als diese Seite: dieselbe Version installieren, dann systemctl restart meshbridge.',
    'One of them is older: restart “meshbridge” under System → Startup, and reload this page.':
      'Eins von beiden ist älter: dieselbe Version installieren, dann systemctl restart meshbridge, und diese Seite neu laden.',
    'The system log may say more.': 'journalctl -u meshbridge sagt vielleicht mehr.',
    'You are not allowed to see this.': 'Du bist nicht mehr angemeldet.',
    'Log in as root, or ask for the right “luci-app-meshbridge” on this login.':
      'Lade diese Seite neu, und melde dich an: Das Passwort steht dort, wo meshctl desk läuft.',
    'Is this device still connected to it? It is asked again every few seconds.':
      'Läuft meshctl desk noch, und der Tunnel dahin? Es wird alle paar Sekunden wieder gefragt.',
    'Save all of it under Log, compare it with the system log, and find out who can write on this machine.':
      'Sichere es ganz unter Protokoll, vergleiche es mit journalctl -u meshbridge, und finde heraus, wer auf dieser Maschine schreiben kann.',
  },
  es: {
    'Start “meshbridge” under System → Startup. If it does not stay, the system log says why.':
      'Inícialo: systemctl start meshbridge. Si no se queda, journalctl -u meshbridge dice por qué.',
    'It is asked again every few seconds. If this lasts, restart “meshbridge” under System → Startup.':
      'Se le vuelve a preguntar cada pocos segundos. Si dura: systemctl restart meshbridge.',
    'It is older than this page: restart “meshbridge” under System → Startup.':
      'Es más antiguo que esta página: instala la misma versión, y luego systemctl restart meshbridge.',
    'One of them is older: restart “meshbridge” under System → Startup, and reload this page.':
      'Uno de los dos es más antiguo: instala la misma versión, luego systemctl restart meshbridge, y recarga esta página.',
    'The system log may say more.': 'journalctl -u meshbridge puede decir más.',
    'You are not allowed to see this.': 'Ya no has iniciado sesión.',
    'Log in as root, or ask for the right “luci-app-meshbridge” on this login.':
      'Recarga esta página e inicia sesión: la contraseña está donde corre meshctl desk.',
    'Is this device still connected to it? It is asked again every few seconds.':
      '¿Corre aún meshctl desk, y el túnel hasta él? Se le vuelve a preguntar cada pocos segundos.',
    'Save all of it under Log, compare it with the system log, and find out who can write on this machine.':
      'Guárdalo entero en Registro, compáralo con journalctl -u meshbridge, y averigua quién puede escribir en esta máquina.',
  },
};
