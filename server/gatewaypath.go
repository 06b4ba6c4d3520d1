package server

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"unicode/utf8"
)

// readPath gives the segments of a path, decoded. One that is not in canonical form is refused: a gateway, we and the
// upstream might read it in different ways, and then a route would be decided that is not the one which is carried out.
func readPath(path string) ([]string, error) {
	if len(path) > longestForwardedPath {
		return nil, because(errCanonical, "the path is longer than 4 KiB")
	}
	rest, found := strings.CutPrefix(path, "/")
	if !found {
		return nil, because(errCanonical, "the path does not begin with a slash")
	}
	segments := strings.Split(rest, "/")
	for i, segment := range segments {
		switch {
		case segment == "" && i < len(segments)-1:
			return nil, because(errCanonical, "the path has two slashes in a row")
		case segment == ".", segment == "..":
			return nil, because(errCanonical, "the path has a segment of dots")
		}
		decoded, err := readSegment(segment)
		if err != nil {
			return nil, err
		}
		segments[i] = decoded
	}
	return segments, nil
}

// readSegment decodes a segment of a path, in which everything is written in the one way in which it must be.
func readSegment(segment string) (string, error) {
	decoded := make([]byte, 0, len(segment))
	for i := 0; i < len(segment); i++ {
		c := segment[i]
		if c != '%' {
			if !unreserved(c) && strings.IndexByte("!$&'()*+,=:@", c) < 0 {
				return "", because(errCanonical, fmt.Sprintf("the path has %q as it is", c))
			}
			decoded = append(decoded, c)
			continue
		}
		if i+2 >= len(segment) || !isHex(segment[i+1]) || !isHex(segment[i+2]) {
			return "", because(errCanonical, "the path has a percent sign without two digits of hex, in capitals")
		}
		c = unhex(segment[i+1])<<4 | unhex(segment[i+2])
		if unreserved(c) || c < ' ' || c == 0x7f || strings.IndexByte(`/\%;?#`, c) >= 0 {
			return "", because(errCanonical, fmt.Sprintf("the path has %%%02X, which some read as %q", c, c))
		}
		decoded = append(decoded, c)
		i += 2
	}
	if !utf8.Valid(decoded) {
		return "", because(errCanonical, "the path is no UTF-8")
	}
	return string(decoded), nil
}

func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'A' && c <= 'F' }

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c - 'A' + 10
}

// hostNames are names of hosts in canonical form: small letters, and no dot at the end.
var hostNames = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$`)

// isHost tells whether a host is a name, or an address of version 6 in brackets, in canonical form.
func isHost(name string) bool {
	inner, bracket := strings.CutPrefix(name, "[")
	if !bracket {
		return len(name) <= 255 && hostNames.MatchString(name)
	}
	inner, closed := strings.CutSuffix(inner, "]")
	address, err := netip.ParseAddr(inner)
	return closed && err == nil && address.Is6() && address.Zone() == "" && address.String() == inner
}

// readHost gives the host of a request without its port.
func readHost(host string) (string, error) {
	name := host
	if at := strings.LastIndexByte(host, ':'); at > strings.LastIndexByte(host, ']') {
		var port string
		var err error
		if name, port, err = net.SplitHostPort(host); err != nil || !ports.MatchString(port) {
			return "", because(errCanonical, "the port of the host is none")
		}
		if strings.HasPrefix(host, "[") {
			name = "[" + name + "]"
		}
	}
	if !isHost(name) {
		return "", because(errCanonical, "the host is not in small letters, or ends with a dot, or is no host")
	}
	return name, nil
}

var ports = regexp.MustCompile(`^[1-9][0-9]{0,4}$`)
