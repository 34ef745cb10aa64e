package channel

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// maxURL is how long an address may be.
const maxURL = 2048

// errBarred is behind every refusal of the guard.
var errBarred = errors.New("barred")

// Resolver looks names up; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Guard says which addresses of strangers may be called. The zero Guard allows
// https on port 443 to public addresses only. What decides is the address a
// connection is really made to, judged for every connection; the spelling of
// the URL is refused early where it can only be a trick.
type Guard struct {
	// Networks are allowed though they are not public: for one machine, and tests.
	Networks []netip.Prefix
	// Ports are allowed beside 443.
	Ports []uint16
	// Plain allows http; its default port 80 is then allowed too.
	Plain bool
	// Bar lists host names that are refused with all below them, such as our own.
	Bar []string
	// Roots replaces the system's certificate authorities.
	Roots *x509.CertPool
	// Resolver replaces the system's.
	Resolver Resolver
	// Dial makes the connection once the address is judged; nil is the system's.
	// It must call control as [net.Dialer] does.
	Dial func(ctx context.Context, network, address string, control Control) (net.Conn, error)
}

// Control is the last look at an address before a connection is made.
type Control func(network, address string, c syscall.RawConn) error

// Loopback is a guard for a program on one machine, which may also call this
// machine, on any port and without TLS.
func Loopback() Guard {
	return Guard{
		Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
		Plain:    true,
	}
}

// NewGuarded makes a client for addresses that strangers give us.
func NewGuarded(g Guard) *Client {
	if g.Resolver == nil {
		g.Resolver = net.DefaultResolver
	}
	if g.Dial == nil {
		g.Dial = dial
	}
	return &Client{http: newHTTP(g.connect, g.Roots), check: g.Check}
}

func dial(ctx context.Context, network, address string, control Control) (net.Conn, error) {
	d := net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second, Control: control}
	return d.DialContext(ctx, network, address)
}

// Check refuses an URL that must never be called, by its spelling alone. It
// makes no look-up, so what passes may still be refused when it is called. Its
// errors never echo the URL.
func (g Guard) Check(u *url.URL) error {
	host := u.Hostname()
	switch {
	case len(u.String()) > maxURL:
		return barred("longer than %d characters", maxURL)
	case u.Scheme != "https" && (!g.Plain || u.Scheme != "http"):
		return barred("scheme must be https")
	case u.Opaque != "", host == "":
		return barred("no host")
	case u.User != nil:
		return barred("user name or password in the URL")
	case strings.ContainsAny(u.Host, `\@%`+"\t\r\n ") || strings.Contains(host, ".."):
		return barred("not a host name")
	}
	port, err := g.port(u)
	if err != nil {
		return err
	}
	if a, err := netip.ParseAddr(host); err == nil {
		if err := g.judge(a); err != nil {
			return err
		}
		if !g.allows(a) && !g.opens(u.Scheme, port) {
			return barred("port is not open to calls")
		}
		return nil
	}
	if err := hostname(host); err != nil {
		return err
	}
	if !g.opens(u.Scheme, port) && len(g.Networks) == 0 {
		return barred("port is not open to calls")
	}
	return g.named(host)
}

// port answers the port that an URL means.
func (g Guard) port(u *url.URL) (uint16, error) {
	s := u.Port()
	if s == "" {
		if strings.HasSuffix(u.Host, ":") {
			return 0, barred("port is empty")
		}
		if u.Scheme == "http" {
			return 80, nil
		}
		return 443, nil
	}
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 {
		return 0, barred("not a port")
	}
	return uint16(n), nil
}

func (g Guard) opens(scheme string, port uint16) bool {
	return port == 443 || g.Plain && scheme == "http" && port == 80 || slices.Contains(g.Ports, port)
}

// named refuses the names that the guard's owner bars.
func (g Guard) named(host string) error {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, b := range g.Bar {
		b = strings.ToLower(strings.TrimSuffix(b, "."))
		if host == b || strings.HasSuffix(host, "."+b) {
			return barred("this host is ours")
		}
	}
	return nil
}

// hostname refuses what resolvers may read as a number, and what no name may
// hold. Names beyond ASCII must come in their xn-- form.
func hostname(host string) error {
	host = strings.TrimSuffix(host, ".")
	if len(host) > 253 {
		return barred("host name is too long")
	}
	labels := strings.Split(host, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 {
			return barred("not a host name")
		}
		for _, c := range []byte(l) {
			if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return barred("not a host name")
			}
		}
	}
	last := strings.ToLower(labels[len(labels)-1])
	if strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x") {
		return barred("host is a number")
	}
	return nil
}

// connect looks a name up and connects to one of its addresses. A name with
// any address that is refused is refused whole: it is a trick, or a mistake.
func (g Guard) connect(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("split host and port: %w", err)
	}
	as, err := g.addresses(ctx, host)
	if err != nil {
		return nil, err
	}
	for _, a := range as {
		if err := g.final(a, port); err != nil {
			return nil, err
		}
	}
	var conn net.Conn
	err = &net.DNSError{Err: "no address", IsNotFound: true}
	for _, a := range as {
		if conn, err = g.Dial(ctx, network, net.JoinHostPort(a.String(), port), g.control); err == nil {
			return conn, nil
		}
	}
	return nil, fmt.Errorf("connect: %w", err)
}

func (g Guard) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	as, err := g.Resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("look up name: %w", err)
	}
	out := make([]netip.Addr, len(as))
	for i, a := range as {
		out[i] = a.Unmap() // resolvers may give IPv4 in its mapped form
	}
	return out, nil
}

// control is called for the socket itself, with the address it connects to:
// whatever happened before, this decides.
func (g Guard) control(_, address string, _ syscall.RawConn) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return barred("not an address")
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return barred("not an address")
	}
	return g.final(a, port)
}

// final judges an address with its port.
func (g Guard) final(a netip.Addr, port string) error {
	if err := g.judge(a); err != nil {
		return err
	}
	if g.allows(a) {
		return nil // any port: the networks are listed one by one
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || uint16(n) != 443 && (!g.Plain || n != 80) && !slices.Contains(g.Ports, uint16(n)) {
		return barred("port is not open to calls")
	}
	return nil
}

// judge refuses an address that is neither public nor allowed.
func (g Guard) judge(a netip.Addr) error {
	if g.allows(a) || public(a) {
		return nil
	}
	return barred("not a public address")
}

func (g Guard) allows(a netip.Addr) bool {
	return a.Zone() == "" && slices.ContainsFunc(g.Networks, func(p netip.Prefix) bool { return p.Contains(a) })
}

func barred(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), errBarred)
}
