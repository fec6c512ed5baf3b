package manifest

import "testing"

func TestHolding(t *testing.T) {
	one, two, three := Approval{Name: "one", Quorum: 1}, Approval{Name: "two", Quorum: 2}, Approval{Name: "three", Quorum: 2}
	for _, tt := range []struct {
		name string
		m    Manifest
		tool Tool
		want string
	}{
		{"none", Manifest{}, Tool{}, ""},
		{"the tool's own", Manifest{Approvals: []Approval{one, two}}, Tool{Hold: "one"}, "one"},
		{"most people", Manifest{Approvals: []Approval{one, two}}, Tool{}, "two"},
		{"the first of several", Manifest{Approvals: []Approval{two, three}}, Tool{}, "two"},
	} {
		if got := tt.m.Holding(tt.tool); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
