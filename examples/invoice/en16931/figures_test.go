package en16931

import (
	"testing"

	"github.com/evidencefactory/evf/examples/invoice/ubl"
)

// Halves go towards positive infinity, as fn:round has it.
func TestRound(t *testing.T) {
	cases := []struct{ in, cents, whole string }{
		{"2.005", "2.01", "2"},
		{"2.0049999999999999999999999", "2.00", "2"},
		{"-2.005", "-2.00", "-2"},
		{"-2.0051", "-2.01", "-2"},
		{"0.5", "0.50", "1"},
		{"-0.5", "-0.50", "0"},
		{"-1.5", "-1.50", "-1"},
		{"123456789012345678901234567.125", "123456789012345678901234567.13", "123456789012345678901234567"},
	}
	for _, c := range cases {
		d, err := ubl.ParseDecimal(c.in)
		if err != nil {
			t.Fatal(err)
		}
		if got := round(d, 2).Text('f'); got != c.cents {
			t.Errorf("%s to cents: %s, want %s", c.in, got, c.cents)
		}
		if got := ubl.CanonicalDecimal(round(d, 0)); got != c.whole {
			t.Errorf("%s to a whole: %s, want %s", c.in, got, c.whole)
		}
	}
}
