package witness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"cordon/ledger/tree"
)

// file is a witness that is a file: a line of JSON for each checkpoint, {time, size, checkpoint}, which is on disk when
// Show returns. Nothing in it is ever changed, so it may be one that can only be appended to.
type file struct {
	Config
	mu    sync.Mutex
	out   *os.File
	known tree.Head
	torn  bool  // its end may be a part of a line
	other error // its last checkpoint is not of the key
}

// maxTail is how much of the end of a file is read to find its last line.
const maxTail = 256 << 10

func openFile(config Config) (*file, error) {
	out, err := os.OpenFile(config.Place, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the witness: %w", err)
	}
	f := &file{Config: config, out: out}
	if f.known, err = f.last(); errors.Is(err, tree.ErrCorrupt) {
		f.other = err // the log is not kept from being written by it
	} else if err != nil {
		_ = out.Close()
		return nil, fmt.Errorf("read the witness %s: %w", config.Place, err)
	}
	return f, nil
}

// last reads the last checkpoint of the file. A line that a crash has cut is passed over.
func (f *file) last() (tree.Head, error) {
	size, err := f.out.Seek(0, io.SeekEnd)
	if err != nil || size == 0 {
		return tree.Empty(), err
	}
	data := make([]byte, min(size, maxTail))
	if _, err = f.out.ReadAt(data, size-int64(len(data))); err != nil {
		return tree.Head{}, err
	}
	f.torn = data[len(data)-1] != '\n'
	for len(data) > 0 {
		at := bytes.LastIndexByte(bytes.TrimSuffix(data, []byte{'\n'}), '\n') + 1
		var line struct {
			Checkpoint string `json:"checkpoint"`
		}
		if json.Unmarshal(data[at:], &line) == nil && line.Checkpoint != "" {
			return f.Key.Open([]byte(line.Checkpoint))
		}
		data = data[:at]
	}
	if size <= maxTail {
		return tree.Empty(), nil
	}
	return tree.Head{}, fmt.Errorf("no checkpoint is in its last %d bytes", maxTail)
}

func (f *file) Show(ctx context.Context, checkpoint []byte) error {
	head, err := f.Key.Open(checkpoint)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.other != nil {
		return fmt.Errorf("%w: %w", ErrOther, f.other)
	}
	if err = f.goesOn(ctx, f.known, head); err != nil || head == f.known {
		return err
	}
	line, err := json.Marshal(map[string]any{"time": time.Now().UTC(), "size": head.N, "checkpoint": string(checkpoint)})
	if err != nil {
		return err
	}
	line = append(line, '\n')
	if f.torn { // what was cut stays a line of its own
		line = append([]byte{'\n'}, line...)
	}
	f.torn = true
	if _, err = f.out.Write(line); err == nil {
		f.torn = false
		err = f.out.Sync()
	}
	if err != nil {
		return fmt.Errorf("write to the witness: %w", err)
	}
	f.known = head
	return nil
}

func (f *file) String() string { return f.Place }
func (f *file) Close() error   { return f.out.Close() }
