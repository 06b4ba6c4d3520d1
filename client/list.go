package client

// List is a page of a list.
type List[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"next_cursor"` // empty: this was the last page
}

// Revision is the answer to a deletion.
type Revision struct {
	Revision int64 `json:"revision"` // the organization's, after it
}
