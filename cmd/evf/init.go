package main

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"

	codingagent "github.com/evidencefactory/evf/examples/coding-agent"
	"github.com/evidencefactory/evf/examples/invoice"
)

type initCmd struct {
	Template string `required:"" enum:"blank,payments,invoice,coding-agent" help:"blank, payments, invoice or coding-agent."`
	Dir      string `arg:"" optional:"" default:"." help:"Folder to write into." type:"path"`
}

var (
	//go:embed templates/blank.yaml
	blankWorkflow []byte
	//go:embed templates/blank.test.yaml
	blankCases []byte
	//go:embed templates/payments.yaml
	paymentsWorkflow []byte
	//go:embed templates/payments.test.yaml
	paymentsCases []byte
)

// templates are a manifest and the cases that it is held against.
var templates = map[string][2][]byte{
	"blank":        {blankWorkflow, blankCases},
	"payments":     {paymentsWorkflow, paymentsCases},
	"invoice":      {invoice.Manifest, invoice.Cases},
	"coding-agent": {codingagent.Manifest, codingagent.Cases},
}

// Run never writes over a file.
func (c *initCmd) Run(std streams) error {
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return err
	}
	for i, name := range []string{"workflow.yaml", "workflow.test.yaml"} {
		path := filepath.Join(c.Dir, name)
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		if err != nil {
			return fmt.Errorf("%w: choose another folder, or move the file away", err)
		}
		if _, err := f.Write(templates[c.Template][i]); err != nil {
			f.Close()
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
		fmt.Fprintf(std.out, "wrote     %s\n", path)
	}
	fmt.Fprintln(std.out, "next      say who owns it, evf policy test "+c.Dir+", then evf workflow apply "+filepath.Join(c.Dir, "workflow.yaml"))
	return nil
}
