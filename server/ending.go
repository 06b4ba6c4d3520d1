package server

import (
	"time"

	"cordon.example/client"
)

// Bodies with an end tell an absent one from the zero time, which is in the past like any other
// (docs/design.md 11, Statuses: an expires_at that is not in the future is 400). That of a key tells an
// absent organization, which makes it good for all, from an empty one, which is a mistake.
type (
	blockBody struct {
		client.BlockRequest
		ExpiresAt *time.Time `json:"expires_at"`
	}
	blockUserBody struct {
		client.BlockUserRequest
		ExpiresAt *time.Time `json:"expires_at"`
	}
	keyBody struct {
		client.KeyRequest
		Organization *string    `json:"organization"`
		ExpiresAt    *time.Time `json:"expires_at"`
	}
)

// endOf gives the end for the guard, to whom the zero time means none.
func endOf(given *time.Time) time.Time {
	switch {
	case given == nil:
		return time.Time{}
	case given.IsZero():
		return time.Unix(0, 0)
	}
	return *given
}
