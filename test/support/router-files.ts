// The configuration of a home's router as it should be: OpenWrt's own, a mesh radio, Yggdrasil, and a firewall around it.

export const PRIVATE_KEY = `${'5ec7e7'.repeat(10)}5ec7${'ab'.repeat(32)}`;
export const PUBLIC_KEY = 'ab'.repeat(32);
/** Of the peer and of the multicast rule. */
export const PASSWORD = 'hunter2';

export const NETWORK = `
config interface 'loopback'
	option device 'lo'
	option proto 'static'
	option ipaddr '127.0.0.1'

config globals 'globals'
	option ula_prefix 'fd12:3456:789a::/48'

config device
	option name 'br-lan'
	option type 'bridge'
	list ports 'eth0'

config interface 'lan'
	option device 'br-lan'
	option proto 'static'
	option ipaddr '192.168.1.1/24'
	option ip6assign '60'
	list ip6class 'wan6'
	list ip6class 'local'

config interface 'wan'
	option device 'eth1'
	option proto 'dhcp'

config interface 'wan6'
	option device '@wan'
	option proto 'dhcpv6'

config interface 'radio'
	option device 'mesh0'
	option proto 'none'

config interface 'ygg0'
	option proto 'yggdrasil'
	option private_key '${PRIVATE_KEY}'
	option public_key '${PUBLIC_KEY}'
	option node_info '{"name":"home-12"}'
	list listen_address 'tls://[::]:9001'

config yggdrasil_ygg0_peer
	option address 'tls://ygg.example.org:443?key=${'cd'.repeat(32)}&password=${PASSWORD}'

config yggdrasil_ygg0_peer
	option address 'quic://192.0.2.7:9002'
	option interface 'eth1'

config yggdrasil_ygg0_interface
	list interface 'br-lan'
	list interface 'mesh0'
	option beacon '1'
	option listen '1'
	option port '0'
	option password '${PASSWORD}'
`;

export const FIREWALL = `
config defaults
	option syn_flood '1'
	option input 'REJECT'
	option output 'ACCEPT'
	option forward 'REJECT'

config zone
	option name 'lan'
	list network 'lan'
	option input 'ACCEPT'
	option output 'ACCEPT'
	option forward 'ACCEPT'

config zone
	option name 'wan'
	list network 'wan'
	list network 'wan6'
	option input 'REJECT'
	option output 'ACCEPT'
	option forward 'DROP'
	option masq '1'
	option mtu_fix '1'

config forwarding
	option src 'lan'
	option dest 'wan'

config rule
	option name 'Allow-ICMPv6-Input'
	option src 'wan'
	option proto 'icmp'
	list icmp_type 'echo-request'
	option limit '1000/sec'
	option family 'ipv6'
	option target 'ACCEPT'

config rule
	option name 'Yggdrasil-Peers'
	option src 'wan'
	option proto 'tcp'
	option dest_port '9001'
	option target 'ACCEPT'

config zone
	option name 'ygg'
	list network 'ygg0'
	option input 'REJECT'
	option output 'ACCEPT'
	option forward 'REJECT'

config forwarding
	option src 'lan'
	option dest 'ygg'

config rule
	option name 'Ping-ygg'
	option src 'ygg'
	option proto 'icmp'
	option family 'ipv6'
	option target 'ACCEPT'

config rule
	option name 'SSH-ygg'
	option enabled '0'
	option src 'ygg'
	option proto 'tcp'
	option dest_port '22'
	option target 'ACCEPT'
`;

export const MESHBRIDGE = `
config meshbridge 'main'
	option log_level 'info'

config interface 'ygg0'
	option socket 'unix:///tmp/yggdrasil/ygg0.sock'
`;

/** What netifd says of it, as JSON. */
export const DUMP = JSON.stringify({
  interface: [
    { interface: 'loopback', up: true, proto: 'static', device: 'lo', l3_device: 'lo', route: [] },
    {
      interface: 'lan',
      up: true,
      proto: 'static',
      device: 'br-lan',
      l3_device: 'br-lan',
      'ipv6-address': [],
      'ipv6-prefix-assignment': [{ address: 'fd12:3456:789a::', mask: 60 }],
      route: [],
    },
    { interface: 'wan', up: true, proto: 'dhcp', device: 'eth1', l3_device: 'eth1', route: [] },
    {
      interface: 'wan6',
      up: true,
      proto: 'dhcpv6',
      device: 'eth1',
      l3_device: 'eth1',
      'ipv6-address': [{ address: '2001:db8:7::2', mask: 128 }],
      route: [{ target: '::', mask: 0, nexthop: 'fe80::1', source: '2001:db8:7::2/128' }],
    },
    { interface: 'radio', up: true, proto: 'none', device: 'mesh0', l3_device: 'mesh0', route: [] },
    {
      interface: 'ygg0',
      up: true,
      proto: 'yggdrasil',
      l3_device: 'ygg0',
      'ipv6-address': [{ address: '201:1:2:3:4:5:6:7', mask: 7 }],
      'ipv6-prefix': [{ address: '301:1:2:3::', mask: 64 }],
      route: [],
    },
  ],
});
