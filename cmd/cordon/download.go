package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"cordon.example/client"
)

// download is an export that is brought into a file. Until it is whole it is in FILE.part, with FILE.cursor beside it,
// which says what it is of; so it goes on where it broke off, or where the process ended.
type download struct {
	remote  *client.Client
	filter  client.RecordFilter
	options client.ExportOptions // the cursor that was asked for; empty: from the beginning
	path    string
	copy    func(to io.Writer, from io.Reader) error
}

// begun is what is known of a download that has begun.
type begun struct {
	Asked  string `json:"asked"` // all that it was asked for by: another export does not go on with it
	Cursor string `json:"cursor"`
	Next   string `json:"next"`
}

// brokenOff is a download that another try goes on with.
type brokenOff struct {
	path string
	err  error
}

func (e *brokenOff) Error() string {
	return fmt.Sprintf("the export broke off, and the same command goes on with %s.part: %v", e.path, e.err)
}

func (e *brokenOff) Unwrap() error { return e.err }

// stubborn is how many tries in succession may bring nothing.
const stubborn = 3

// run brings the file, and returns the cursor of what comes behind it.
func (d *download) run(ctx context.Context) (next string, err error) {
	asked, err := json.Marshal(struct {
		Filter  client.RecordFilter
		Options client.ExportOptions
	}{d.filter, d.options})
	if err != nil {
		return "", err
	}
	file, err := os.OpenFile(d.path+".part", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", err
	}
	defer file.Close()
	state := begun{Asked: string(asked)}
	if known, err := os.ReadFile(d.path + ".cursor"); err == nil {
		var earlier begun
		if json.Unmarshal(known, &earlier) == nil && earlier.Asked == state.Asked {
			state = earlier
		}
	}
	for failures := 0; ; {
		more, err := d.try(ctx, file, &state)
		if err == nil {
			break
		}
		if more {
			failures = 0
		}
		if failures++; failures >= stubborn || ctx.Err() != nil || state.Cursor == "" {
			if state.Cursor == "" {
				return "", err
			}
			return "", &brokenOff{d.path, err}
		}
	}
	if err := d.prove(ctx, &state); err != nil {
		return "", &brokenOff{d.path, err}
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return "", err
	}
	if err := os.Rename(d.path+".part", d.path); err != nil {
		return "", err
	}
	if err := os.Remove(d.path + ".cursor"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return state.Next, nil
}

// try brings what is missing, and reports whether anything came.
func (d *download) try(ctx context.Context, file *os.File, state *begun) (more bool, err error) {
	options := d.options
	end := int64(0)
	if state.Cursor != "" {
		options.Cursor = state.Cursor
		if end, options.After, err = complete(file, options.Format); err != nil {
			return false, err
		}
	}
	if err := file.Truncate(end); err != nil {
		return false, err
	}
	if _, err := file.Seek(end, io.SeekStart); err != nil {
		return false, err
	}
	export, err := d.remote.Export(ctx, d.filter, options)
	if err != nil {
		return false, err
	}
	defer export.Close()
	if state.Cursor == "" {
		state.Cursor, state.Next = export.Cursor, export.NextCursor
		kept, err := json.Marshal(state)
		if err == nil {
			err = os.WriteFile(d.path+".cursor", kept, 0o600)
		}
		if err != nil {
			return false, err
		}
	}
	err = d.copy(file, export)
	at, _ := file.Seek(0, io.SeekCurrent)
	return at > end, err
}

// prove brings the manifest beside a file that does not end with it.
func (d *download) prove(ctx context.Context, state *begun) error {
	if d.options.Format == client.FormatNDJSON {
		return nil
	}
	export, err := d.remote.Export(ctx, d.filter, client.ExportOptions{Format: client.FormatManifest, Cursor: state.Cursor})
	if err != nil {
		return err
	}
	text, err := io.ReadAll(export)
	if err = errors.Join(err, export.Close()); err != nil {
		return err
	}
	return os.WriteFile(d.path+".manifest", text, 0o600)
}

// complete returns the end of the last whole record in a file, and its id. Of a form in which that cannot be told
// nothing is whole.
func complete(file *os.File, format string) (end int64, id string, err error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return 0, "", err
	}
	switch format {
	case client.FormatNDJSON:
		return completeLines(file)
	case client.FormatCSV:
		return completeRows(file)
	}
	return 0, "", nil
}

func completeLines(file *os.File) (end int64, id string, err error) {
	lines := bufio.NewReaderSize(file, 64<<10)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return end, id, nil
		}
		if err != nil {
			return 0, "", err
		}
		var r struct{ ID string }
		if bytes.HasPrefix(line, []byte(`{"manifest":`)) || json.Unmarshal(line, &r) != nil || r.ID == "" {
			return end, id, nil //nolint:nilerr // what was cut off, and the manifest, come again behind what else comes
		}
		end, id = end+int64(len(line)), r.ID
	}
}

func completeRows(file *os.File) (end int64, id string, err error) {
	rows := csv.NewReader(file)
	rows.ReuseRecord = true
	for first := true; ; first = false {
		row, err := rows.Read()
		if err != nil {
			return end, id, nil //nolint:nilerr // a row that was cut off is no whole one
		}
		at := rows.InputOffset()
		last := make([]byte, 1)
		if _, err := file.ReadAt(last, at-1); err != nil || last[0] != '\n' {
			return end, id, err
		}
		if first && strings.HasSuffix(row[0], "id") {
			continue // the names of the columns: without a record they come again
		}
		end, id = at, row[0]
	}
}
