package notify

import (
	"net/url"
	"strings"

	"cordon/guard"
)

// Host is whose mails they are. The zero value works: they speak of "the host", and have no links.
type Host struct {
	Name       string // as customers know it
	Color      string // of the line above a mail, #rrggbb; no text is on it, so that every colour can be read by
	ConsoleURL string // of the web console, whose pages mails link to; empty: no links
}

// page returns the address of a page of the console; empty where there is no console.
func (h *Host) page(parts ...string) string {
	if h.ConsoleURL == "" {
		return ""
	}
	at := strings.TrimSuffix(h.ConsoleURL, "/")
	for _, part := range parts {
		at += "/" + url.PathEscape(part)
	}
	return at
}

// about returns the address of the product or user that an event is about.
func (h *Host) about(e *guard.Event) string {
	if e.Product != "" {
		return h.page("organizations", e.Organization, "products", e.Product)
	}
	return h.page("organizations", e.Organization, "users", e.User)
}
