package client

// IfMatch gives a client whose changes of the directory (PUT, PATCH and DELETE of an organization, a user or a
// product) are carried out only where the object is still the one with that ETag, over the same connections: so
// nobody's change is wiped unseen. Where it is not, nothing is changed and the error is [ErrPreconditionFailed];
// as a change is tried again when no answer came, that may also mean that the first try went through: read it.
// Other changes know no ETag and are refused ([ErrInvalid]).
func (c *Client) IfMatch(etag string) *Client {
	d := *c
	d.ifMatch, d.ifAbsent = etag, false
	return &d
}

// IfAbsent gives a client whose PUT makes an object and never changes one that exists, which is
// [ErrPreconditionFailed], over the same connections.
func (c *Client) IfAbsent() *Client {
	d := *c
	d.ifMatch, d.ifAbsent = "", true
	return &d
}

// tagged is an object whose answers have an ETag.
type tagged interface{ tag(etag string) }

func (o *Organization) tag(etag string) { o.ETag = etag }
func (u *User) tag(etag string)         { u.ETag = etag }
func (p *Product) tag(etag string)      { p.ETag = etag }
