package server

import (
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cordon/guard"
)

// mediaPatch is the one type of a patch (RFC 7396).
const mediaPatch = "application/merge-patch+json"

// patched is a member of a patch: absent it stays as it is, and null makes it what it is by default.
type patched[T any] struct {
	there bool
	value T
}

// UnmarshalJSONFrom is called where the member is there; null leaves the zero value, which is the default.
func (p *patched[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var value T
	if err := json.UnmarshalDecode(dec, &value); err != nil {
		return err
	}
	p.there, p.value = true, value
	return nil
}

// pointer returns nil for what stays.
func (p *patched[T]) pointer() *T {
	if !p.there {
		return nil
	}
	return &p.value
}

// namePatch changes an organization or a product.
type namePatch struct {
	Name patched[string] `json:"name"`
}

// userPatch changes a membership.
type userPatch struct {
	Name     patched[string]       `json:"name"`
	Email    patched[string]       `json:"email"`
	Language patched[string]       `json:"language"`
	Role     patched[string]       `json:"role"`
	Grants   patched[[]string]     `json:"grants"`
	Notify   patched[*notifyPatch] `json:"notify"`
}

type notifyPatch struct {
	ProductEvents patched[*bool] `json:"product_events"`
}

func (p *userPatch) member() guard.PatchMember {
	patch := guard.PatchMember{
		Name: p.Name.pointer(), Email: p.Email.pointer(), Language: p.Language.pointer(), Role: p.Role.pointer(), Grants: p.Grants.pointer(),
	}
	if notify := p.Notify; notify.there && (notify.value == nil || notify.value.ProductEvents.there) {
		on := true // by default (docs/domain.md B4)
		if notify.value != nil && notify.value.ProductEvents.value != nil {
			on = *notify.value.ProductEvents.value
		}
		patch.ProductEvents = &on
	}
	return patch
}

// decodePatch reads a merge patch strictly into v.
func (c *call) decodePatch(v any) error {
	data, err := c.readBody(mediaPatch)
	if err != nil {
		if errors.Is(err, errMediaType) {
			c.header().Set("Accept-Patch", mediaPatch)
		}
		return err
	}
	return decodeStrict(data, v)
}
