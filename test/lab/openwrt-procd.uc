// procd's object `service` as netifd and fw4 know it, on the router of openwrt-root.ts: data of services that run nothing.

let ubus = require("ubus"), uloop = require("uloop");
let services = {};

uloop.init();
let bus = ubus.connect();
bus.publish("service", {
	set: {
		args: { name: "", data: {} },
		call: (request) => {
			services[request.args.name] = request.args.data ?? {};
			return {};
		}
	},
	delete: {
		args: { name: "" },
		call: (request) => {
			if (!(request.args.name in services))
				return ubus.STATUS_NOT_FOUND;
			delete services[request.args.name];
			return {};
		}
	},
	get_data: {
		args: { name: "", type: "" },
		call: (request) => {
			let name = request.args.name, type = request.args.type, found = {};
			for (let one, data in services) {
				let fitting = {};
				for (let kind, content in data)
					if (!type || kind == type)
						fitting[kind] = content;
				if ((!name || one == name) && length(keys(fitting)) > 0)
					found[one] = { "*": fitting };
			}
			return found;
		}
	},
	event: { args: { type: "", data: {} }, call: () => ({}) },
	list: { args: { name: "" }, call: () => services }
});
uloop.run();
