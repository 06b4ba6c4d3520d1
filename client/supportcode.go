package client

import "time"

// SupportCode is a one-time code with which an administrator or a legal representative proves who
// they are. It is shown once.
type SupportCode struct {
	Code      string    `json:"code"`
	ExpiresAt time.Time `json:"expires_at"`
}
