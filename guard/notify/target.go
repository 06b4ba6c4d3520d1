package notify

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
)

// longestURL bounds a webhook's URL.
const longestURL = 2000

// errPrivate: the address that a name was resolved to is not a public one.
var errPrivate = errors.New("the address is not a public one")

// CheckURL reports whether a webhook may have a URL: https with the name of a public host. What the
// name is resolved to is looked at whenever it is dialled, because it may change.
func CheckURL(raw string, allowPrivate bool) error {
	if len(raw) > longestURL {
		return fmt.Errorf("must have at most %d characters", longestURL)
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Opaque != "":
		return errors.New("must be a URL with a host")
	case !isPort(u.Port()):
		return errors.New("must have a port of 1 to 65535, or none")
	case u.Scheme != "https" && u.Scheme != "http":
		return errors.New("must begin with https://")
	case u.Scheme == "http" && !allowPrivate:
		return errors.New("must begin with https://, so that nobody on the way reads it")
	case u.User != nil:
		return errors.New("must not carry a user or password")
	case u.Fragment != "":
		return errors.New("must not have a fragment")
	case allowPrivate:
		return nil
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if ip, err := netip.ParseAddr(host); err == nil {
		if !isPublic(ip) {
			return errors.New("must not point into a private network or to this machine")
		}
		return nil
	}
	for _, local := range []string{"localhost", "local", "internal", "home.arpa"} {
		if host == local || strings.HasSuffix(host, "."+local) {
			return errors.New("must not point into a private network or to this machine")
		}
	}
	if !strings.Contains(host, ".") {
		return errors.New("must have the full name of a host")
	}
	return nil
}

// isPort reports whether a URL's port can be dialled; an empty one is that of its scheme.
func isPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}

// refusePrivate is asked before each connection, with the address that the name was resolved to: a
// name that is resolved otherwise the second time gets no further than one that was private at once.
func refusePrivate(_, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return errPrivate
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || !isPublic(ip) {
		return errPrivate
	}
	return nil
}

// isPublic reports whether an address is one of the public internet's: not this machine's, not a
// private network's, not of a protocol that carries another address, and not a cloud's own service.
func isPublic(ip netip.Addr) bool {
	ip = ip.Unmap()
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.Zone() != "" {
		return false
	}
	for _, special := range specialNetworks() {
		if special.Contains(ip) {
			return false
		}
	}
	return ip.Is4() || netip.MustParsePrefix("2000::/3").Contains(ip)
}

// specialNetworks are those that the standard library does not tell apart (IANA's registries of
// special-purpose addresses).
func specialNetworks() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"),        // this network
		netip.MustParsePrefix("100.64.0.0/10"),    // shared by carriers; also a metadata service
		netip.MustParsePrefix("168.63.129.16/32"), // a cloud's service to its machines
		netip.MustParsePrefix("192.0.0.0/24"),     // protocols; also a metadata service
		netip.MustParsePrefix("192.0.2.0/24"),     // documentation
		netip.MustParsePrefix("192.88.99.0/24"),   // relays to IPv6
		netip.MustParsePrefix("198.18.0.0/15"),    // benchmarks
		netip.MustParsePrefix("198.51.100.0/24"),  // documentation
		netip.MustParsePrefix("203.0.113.0/24"),   // documentation
		netip.MustParsePrefix("240.0.0.0/4"),      // reserved, and broadcast
		netip.MustParsePrefix("2001::/23"),        // protocols, Teredo among them
		netip.MustParsePrefix("2001:db8::/32"),    // documentation
		netip.MustParsePrefix("2002::/16"),        // 6to4: carries an IPv4 address
		netip.MustParsePrefix("3fff::/20"),        // documentation
	}
}
