package channel

import (
	"net/netip"
	"slices"
)

// special lists the networks that are not the public internet, by the two
// registries of special-purpose addresses at IANA, and the few public ones that
// clouds answer metadata on.
//
// https://www.iana.org/assignments/iana-ipv4-special-registry
// https://www.iana.org/assignments/iana-ipv6-special-registry
var special = prefixes(
	"0.0.0.0/8",         // this network
	"10.0.0.0/8",        // private
	"100.64.0.0/10",     // shared by carriers; metadata of one cloud
	"127.0.0.0/8",       // loopback
	"168.63.129.16/32",  // host agent of one cloud, on a public address
	"169.254.0.0/16",    // link-local: metadata and the runtime of functions
	"172.16.0.0/12",     // private
	"192.0.0.0/24",      // protocol assignments; metadata of one cloud
	"192.0.2.0/24",      // documentation
	"192.31.196.0/24",   // AS112
	"192.52.193.0/24",   // AMT
	"192.88.99.0/24",    // 6to4 relays
	"192.168.0.0/16",    // private
	"192.175.48.0/24",   // AS112
	"198.18.0.0/15",     // benchmarks
	"198.51.100.0/24",   // documentation
	"203.0.113.0/24",    // documentation
	"224.0.0.0/4",       // multicast
	"240.0.0.0/4",       // reserved, broadcast
	"2001::/23",         // protocol assignments, with Teredo and ORCHID
	"2001:db8::/32",     // documentation
	"2002::/16",         // 6to4: an IPv4 address in disguise
	"2620:4f:8000::/48", // AS112
	"3fff::/20",         // documentation
)

// unicast is all of IPv6 that is given out to the public. What embeds IPv4
// (mapped, compatible, NAT64), unique local, link-local, site-local and
// multicast addresses all lie outside.
var unicast = netip.MustParsePrefix("2000::/3")

func prefixes(ss ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(ss))
	for i, s := range ss {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

// public reports whether an address is one of the public internet, in the one
// form that says so plainly.
func public(a netip.Addr) bool {
	if !a.IsValid() || a.Zone() != "" || a.Is6() && !unicast.Contains(a) {
		return false
	}
	return !slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(a) })
}
