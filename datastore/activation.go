package datastore

import "time"

// Activation says which version of a policy set is in force. A set has one, which is replaced: as it is read and put
// in one transaction, it is a compare-and-set (see [Store.Update]).
type Activation struct {
	Set      string    `json:"set"`
	Number   int64     `json:"number"` // from 1 on; grows by one with each version that comes into force
	Digest   string    `json:"digest"`
	Previous string    `json:"previous,omitempty"` // the version that was in force before
	At       time.Time `json:"at"`
	By       string    `json:"by,omitempty"`     // who activated it
	Caller   string    `json:"caller,omitempty"` // the key or token that they used
	Message  string    `json:"message,omitempty"`

	// Until is when a version that broke the glass is over, and Previous comes back; zero: it is for good.
	Until  time.Time `json:"until,omitzero"`
	Reason string    `json:"reason,omitempty"` // why the glass was broken

	// Shadow is a version that is asked beside the one in force, and Sample of which share of the questions. To change
	// them is no other version in force, so it leaves Number as it is.
	Shadow string  `json:"shadow,omitempty"`
	Sample float64 `json:"sample,omitempty"`
}

func (Activation) noun() {}
