package server

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"cordon.example/client"
)

// Longest request ids that are taken from a caller: elsewhere they go into logs and answers; AuthZEN
// asks that any be given back.
const (
	longestRequestID       = 64
	longestAccessRequestID = 1024
)

// requestID gives the caller's own request id where it can be used, else a new one.
func requestID(header http.Header, access bool, now time.Time) string {
	given := header[client.HeaderRequestID]
	if len(given) > 0 {
		if id := given[0]; access && id != "" && len(id) <= longestAccessRequestID || plainRequestID(id) {
			return id
		}
	}
	return newRequestID(now)
}

func plainRequestID(id string) bool {
	if len(id) < 8 || len(id) > longestRequestID {
		return false
	}
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

// newRequestID makes a UUIDv7. It names a request and guards nothing, so it needs no secret
// randomness.
func newRequestID(now time.Time) string {
	var b [16]byte
	high, low := rand.Uint64(), rand.Uint64() //nolint:gosec // G404: see above
	binary.BigEndian.PutUint64(b[:8], uint64(now.UnixMilli())<<16|high&0x0fff|0x7000)
	binary.BigEndian.PutUint64(b[8:], low&^(3<<62)|2<<62)
	var text [36]byte
	hex.Encode(text[:8], b[:4])
	text[8] = '-'
	hex.Encode(text[9:13], b[4:6])
	text[13] = '-'
	hex.Encode(text[14:18], b[6:8])
	text[18] = '-'
	hex.Encode(text[19:23], b[8:10])
	text[23] = '-'
	hex.Encode(text[24:], b[10:])
	return string(text[:])
}

// traceID gives the trace id of a W3C traceparent header, or nothing.
func traceID(header http.Header) string {
	given := header["Traceparent"]
	if len(given) != 1 {
		return ""
	}
	// version "-" trace id "-" parent id "-" flags
	parts := strings.SplitN(given[0], "-", 4)
	if len(parts) != 4 || len(parts[0]) != 2 || parts[0] == "ff" || len(parts[1]) != 32 || len(parts[2]) != 16 {
		return ""
	}
	if strings.Trim(parts[1], "0") == "" || strings.Trim(parts[1], "0123456789abcdef") != "" {
		return ""
	}
	return parts[1]
}
