// What Yggdrasil says about a link that does not work, in words for people: what happened, and what to do.
// Source: yggdrasil-go, src/core/link*.go, and Go's net, tls and x509 packages; wording and case differ between releases.

/** Two sentences. */
export interface Trouble {
  what: string;
  fix: string;
}

/** Looked for in this order: texts of Go nest, and what is particular stands within what is general. */
function makeCauses(): readonly (readonly [RegExp, what: string, fix: string])[] {
  return [
    [
      /password does not match/i,
      _('The other side expects another password.'),
      _('Ask its owner for it, remove this peer and add it again.'),
    ],
    [
      /pinned/i,
      _('Somebody else answers there: the key is not the pinned one.'),
      _('Ask its owner whether the key has changed. Until then leave the pin: it protects you.'),
    ],
    [
      /allowed/i,
      _('Only certain keys are let in, and this one is not among them.'),
      _('Whoever keeps that list, here or there, has to add the key.'),
    ],
    [/to self/i, _('This address leads to this very router.'), _('Remove the peer: it can never work.')],
    [
      /incompatible/i,
      _('The other side runs a Yggdrasil that does not understand ours.'),
      _('The older of the two needs an update.'),
    ],
    [
      /suitable addr/i,
      _('None of its addresses can be dialled from here.'),
      _('If it has IPv6 only: does this router have IPv6?'),
    ],
    [/(missing|invalid|unknown) port/i, _('Its address has no usable port.'), addAnew()],
    [/schem[ae]/i, _('This Yggdrasil does not know this kind of address.'), addAnew()],
    [
      /interface ".*" not found|no such (network interface|device)/i,
      _('The network device that it is bound to is not there.'),
      _('See Network → Interfaces.'),
    ],
    [/dial unix/i, _('Nothing listens at this socket.'), _('Is the program running that should?')],
    [/socks|proxy/i, _('The proxy does not get through to it.'), _('Is the proxy running, and the address right?')],
    [
      /lookup|no such host/i,
      _('Its name was not found.'),
      _('Is it spelt right? If others have this too, the router’s DNS is the cause.'),
    ],
    [
      /refused/i,
      _('The machine is there, but nothing listens on this port.'),
      _('It may be down or have moved: ask its owner.'),
    ],
    [
      /no route|unreachable|network is down|cannot assign/i,
      _('There is no way to this address from here.'),
      _('Does the Internet work? If the address is IPv6: does this router have IPv6?'),
    ],
    [
      /tls|x509|certificate/i,
      _('The encrypted connection did not come about.'),
      _('Is this the right kind of address for its port?'),
    ],
    [
      /time(d )?-?out|deadline|no recent network/i,
      _('It does not answer.'),
      _('It may be down, or a firewall drops this. It is tried again by itself.'),
    ],
    [
      /eof|closed|reset|broken pipe|aborted/i,
      _('The connection was cut off.'),
      _('If this goes on, ask its owner whether it wants a password or your key.'),
    ],
  ];
}

function addAnew(): string {
  return _('Remove the peer and add it again as tls://host:port.');
}

/** Made once: translating all of it for each of many peers takes long. */
let causes: ReturnType<typeof makeCauses> | undefined;

/** Puts an error text of Yggdrasil into words; one that nobody knows is said to be so. */
export function describeTrouble(text: string): Trouble {
  causes ??= makeCauses();
  const [, what, fix] = causes.find(([pattern]) => pattern.test(text)) ?? [
    undefined,
    _('Yggdrasil reports an error that this page has no words for.'),
    _('It stands among the details.'),
  ];
  return { what, fix };
}
