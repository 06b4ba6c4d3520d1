package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"cordon.example/client"
	"cordon/policies"
	truth "cordon/policies/table"

	"github.com/spf13/cobra"
)

func (a *app) policyDiff() *cobra.Command {
	return a.make(command{
		use: "diff [VERSION]", short: "Say what a version or a folder changes: every question that is answered otherwise, and the files",
		long: `Say what VERSION changes against the one in force (while a glass is broken, the one that will be again), or against
another. Both are asked every question that can be asked;
what is answered otherwise is told in few groups, each with an example and the id that acknowledges it (cordon policy
activate --acknowledge). What opens comes first, and what is only denied for another reason last.

Of a folder, "." unless told, what is in it now is compared, pushed or not. -o html is a page that can be kept: it needs no
network. A reading of a version is noted for the gate diff_read; of a folder it is not.`,
		example: `  cordon policy diff policy
  cordon policy diff sha256:5a91c04d --as lena
  cordon policy diff sha256:5a91c04d --against sha256:77de10ab -o html > what-changes.html`,
		args: between(0, 1), ids: []string{argVersion}, settings: policySettings("against"), formats: []string{"table", "json", "html"},
		run: a.diffPolicy,
	})
}

func (a *app) diffPolicy(ctx context.Context, c config, args []string) error {
	remote, err := a.policies(c)
	if err != nil {
		return err
	}
	against := c.text("against")
	if against != "" {
		if against, err = a.versionOf(ctx, c, remote, against); err != nil {
			return err
		}
	}
	named := here(args)
	if info, err := os.Stat(named); err == nil && info.IsDir() {
		return a.diffFolder(ctx, c, remote, named, against)
	}
	digest, err := a.versionOf(ctx, c, remote, named)
	if err != nil {
		return err
	}
	media := map[string]string{"html": "text/html", "table": "text/plain"}[c.text("output")]
	if media == "" {
		d, err := remote.PolicyDiff(ctx, c.text("set"), digest, against)
		if err != nil {
			return a.failed(c, err)
		}
		return a.printJSON(d)
	}
	page, err := remote.PolicyDiffPage(ctx, c.text("set"), digest, against, media)
	if err != nil {
		return a.failed(c, err)
	}
	defer page.Close()
	if _, err := io.Copy(a.out, page); err != nil {
		return fmt.Errorf("print difference: %w", err)
	}
	return nil
}

// diffFolder compares what is in a folder here: it need not have been pushed.
func (a *app) diffFolder(ctx context.Context, c config, remote *client.Client, dir, against string) error {
	t, src, err := a.folder(dir)
	if err != nil {
		return err
	}
	defer t.close()
	name := t.set(c)
	if against == "" {
		set, err := remote.PolicySet(ctx, name)
		if err != nil {
			return a.failed(c, err)
		}
		if against = set.Active; !set.Until.IsZero() {
			against = set.Previous // that will be in force again
		}
	}
	files, err := remote.PolicyFiles(ctx, name, against)
	if err != nil {
		return a.failed(c, err)
	}
	before := policies.Source{Files: files}
	answers := &truth.Difference{From: against, To: src.Digest()} // of another set than the built-in one nobody knows what can be asked
	if name == client.SetCordon {
		if answers, err = compared(ctx, dir, against, before, src); err != nil {
			return err
		}
	}
	d := truth.Comparison{Files: truth.Files(before, src), Table: answers, At: time.Now()}
	switch c.text("output") {
	case "json":
		return a.printJSON(d)
	case "html":
		return d.WriteHTML(a.out)
	default:
		return d.WriteText(a.out)
	}
}

// compared asks two policies of the built-in set every question that can be asked.
func compared(ctx context.Context, dir, against string, before, after policies.Source) (*truth.Difference, error) {
	from, err := policies.Compile(ctx, before)
	if err != nil {
		return nil, fmt.Errorf("read version %s: %w", against, err)
	}
	to, err := policies.Compile(ctx, after)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be compared: %w", dir, err)
	}
	return truth.Compare(ctx, from, to)
}
