package workflow

import (
	"os"
	"testing"
)

func TestExampleCompiles(t *testing.T) {
	source, err := os.ReadFile("../../examples/invoice/workflow.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Compile(source); err != nil {
		t.Fatal(err)
	}
}
