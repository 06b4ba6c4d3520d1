package witness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"cordon/ledger/tree"
)

// remote is a witness that is asked as C2SP's tlog-witness has it: a POST of the size that it knows, the proof from
// there on and the checkpoint. It answers 200, or 409 with the size that it does know.
type remote struct {
	Config
	at    *url.URL
	mu    sync.Mutex
	known int64
}

// mostAnswer is how much of an answer is read.
const mostAnswer = 64 << 10

func (r *remote) Show(ctx context.Context, checkpoint []byte) error {
	head, err := r.Key.Open(checkpoint)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for range 3 { // it says once what it knows; others may show it more meanwhile
		known, err := r.post(ctx, head, checkpoint)
		if !errors.Is(err, errKnows) {
			if err == nil {
				r.known = head.N
			}
			return err
		}
		if known > head.N {
			return fmt.Errorf("%w: it has %d leaves, and had %d", ErrOther, head.N, known)
		}
		r.known = known
	}
	return errors.New("the witness contradicts itself about the size that it knows")
}

var errKnows = errors.New("the witness knows another size")

// post shows the checkpoint, with the proof from the size that the witness is thought to know.
func (r *remote) post(ctx context.Context, head tree.Head, checkpoint []byte) (known int64, err error) {
	var body bytes.Buffer
	fmt.Fprintf(&body, "old %d\n", min(r.known, head.N))
	if r.known > 0 && r.known < head.N {
		hashes, err := r.Proof(ctx, r.known, head)
		if err != nil {
			return 0, err
		}
		for _, hash := range hashes {
			fmt.Fprintln(&body, hash)
		}
	}
	body.WriteByte('\n')
	body.Write(checkpoint)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.at.String(), &body)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	res, err := r.Client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("show the witness a checkpoint: %w", without(err))
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, mostAnswer))
	switch {
	case err != nil:
		return 0, fmt.Errorf("read what the witness answers: %w", err)
	case res.StatusCode/100 == 2:
		return 0, nil
	case res.StatusCode == http.StatusConflict:
		known, err := strconv.ParseInt(strings.TrimSpace(string(answer)), 10, 64)
		if err != nil || known < 0 {
			return 0, errors.New("the witness answers 409 and no size")
		}
		return known, errKnows
	case res.StatusCode == http.StatusUnprocessableEntity:
		return 0, fmt.Errorf("%w: it finds no proof that it goes on from its %d leaves", ErrOther, r.known)
	}
	return 0, fmt.Errorf("the witness answers %s", res.Status)
}

// without returns an error of a request without its URL, which may have a secret.
func without(err error) error {
	if of, ok := errors.AsType[*url.Error](err); ok {
		return of.Err
	}
	return err
}

func (r *remote) String() string {
	return r.at.Scheme + "://" + r.at.Host
}

func (r *remote) Close() error { return nil }
