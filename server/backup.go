package server

import (
	"bufio"
	"context"
	"io"
	"net/http"

	"cordon/guard"
)

// Backup writes a copy of all that a server keeps, as a tar archive whose last entry says what the others
// are. It writes nothing before it can tell that there will be one.
type Backup func(ctx context.Context, to io.Writer) error

// backUp streams a copy of an embedded store. One that breaks off ends without its last entry.
func backUp(c *call) error {
	if c.origin.Caller.Organization != "" {
		return guard.ErrOrganizationLimit
	}
	if c.server.config.Backup == nil {
		return errNotEmbedded
	}
	if err := c.server.config.Guard.RecordBackup(&c.origin); err != nil {
		return err
	}
	to := &archiveWriter{exportWriter{call: c, control: c.control()}}
	to.buffer = bufio.NewWriterSize(to, 256<<10)
	if err := c.server.config.Backup(c.context(), to.buffer); err != nil {
		return err
	}
	return to.flush()
}

// archiveWriter begins the answer with its first byte: until then a failure can be told.
type archiveWriter struct{ exportWriter }

func (w *archiveWriter) Write(p []byte) (int, error) {
	if c := w.call; !c.begun() {
		c.header().Set("Content-Type", "application/x-tar")
		c.header().Set("Content-Disposition", `attachment; filename="cordon-backup.tar"`)
		c.begin(http.StatusOK)
	}
	return w.exportWriter.Write(p)
}
