package evidence

import (
	"strings"
	"testing"
	"time"
)

func TestIsUUIDv7(t *testing.T) {
	tests := []struct {
		name, id string
		want     bool
	}{
		{"version 7", "01890a5d-ac96-774b-bcce-b302099a8057", true},
		{"variants 8, 9, a, b", "01890a5d-ac96-774b-8cce-b302099a8057", true},
		{"all zero but version and variant", "00000000-0000-7000-8000-000000000000", true},
		{"version 4", "01890a5d-ac96-474b-bcce-b302099a8057", false},
		{"variant of another scheme", "01890a5d-ac96-774b-ccce-b302099a8057", false},
		{"variant between 9 and a in ASCII", "01890a5d-ac96-774b-:cce-b302099a8057", false},
		{"capitals", "01890A5D-ac96-774b-bcce-b302099a8057", false},
		{"no hyphens", "01890a5dac96774bbcceb302099a8057", false},
		{"a hyphen too many", "01890a5d-ac96-774b-bcce-b302099-8057", false},
		{"a hyphen elsewhere", "01890a5-dac96-774b-bcce-b302099a8057", false},
		{"braces", "{01890a5d-ac96-774b-bcce-b302099a8057}", false},
		{"not hexadecimal", "01890a5d-ac96-774b-bcce-b302099a805g", false},
		{"a line break after", "01890a5d-ac96-774b-bcce-b302099a8057\n", false},
		{"nothing", "", false},
	}
	for _, tt := range tests {
		if got := IsUUIDv7(tt.id); got != tt.want {
			t.Errorf("%s: IsUUIDv7(%q) = %v", tt.name, tt.id, got)
		}
	}
}

func TestTimeParse(t *testing.T) {
	want := time.Date(2026, 3, 1, 9, 0, 0, 1, time.UTC)
	if at, err := Time("2026-03-01T09:00:00.000000001Z").Parse(); err != nil || !at.Equal(want) {
		t.Errorf("%v, %v; want %v", at, err, want)
	}
	refused := map[string]Time{
		"nothing":               "",
		"no fraction":           "2026-03-01T09:00:00Z",
		"eight digits":          "2026-03-01T09:00:00.00000000Z",
		"ten digits":            "2026-03-01T09:00:00.0000000000Z",
		"a comma":               "2026-03-01T09:00:00,000000000Z",
		"an offset":             "2026-03-01T09:00:00.000000000+00:00",
		"a small z":             "2026-03-01T09:00:00.000000000z",
		"a small t":             "2026-03-01t09:00:00.000000000Z",
		"a space":               "2026-03-01 09:00:00.000000000Z",
		"no such day":           "2026-02-29T09:00:00.000000000Z",
		"hour 24":               "2026-03-01T24:00:00.000000000Z",
		"a leap second":         "2026-12-31T23:59:60.000000000Z",
		"one digit for an hour": "2026-03-01T9:00:00.000000000Z",
		"a year of five digits": "12026-03-01T09:00:00.000000000Z",
	}
	for name, at := range refused {
		if _, err := at.Parse(); err == nil {
			t.Errorf("%s passes: %s", name, at)
		}
	}
}

func TestTimeOf(t *testing.T) {
	zone := time.FixedZone("", 2*3600)
	if got := TimeOf(time.Date(2026, 3, 1, 1, 0, 0, 500, zone)); got != "2026-02-28T23:00:00.000000500Z" {
		t.Errorf("time in another zone is %s", got)
	}
	earlier, later := TimeOf(time.Unix(1, 9)), TimeOf(time.Unix(1, 10))
	if earlier >= later {
		t.Errorf("%s does not sort before %s", earlier, later)
	}
}

func TestDigest(t *testing.T) {
	// SHA-256 of no bytes at all, FIPS 180-4.
	const empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	if got := DigestOf(nil); got != empty || !got.Valid() {
		t.Errorf("digest of nothing is %s", got)
	}
	if !ZeroDigest.Valid() {
		t.Error("the zero digest has not the form of a digest")
	}
	refused := []string{"", "sha256:", empty[7:], empty[:70], empty + "0", "sha512:" + empty[7:],
		strings.ToUpper(empty), empty[:70] + "g", empty[:70] + "\n", "sha256-" + empty[7:]}
	for _, d := range refused {
		if Digest(d).Valid() {
			t.Errorf("%q passes for a digest", d)
		}
	}
}

func TestSaltedDigest(t *testing.T) {
	salt := make([]byte, SaltSize)
	v := mustParse(t, `{"b": 1, "a": "é"}`)
	got, err := SaltedDigest(salt, v)
	if want := DigestOf([]byte(string(salt) + `{"a":"é","b":1}`)); err != nil || got != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
	salt[0] = 1
	if other, _ := SaltedDigest(salt, v); other == got {
		t.Error("another salt gives the same digest")
	}
	for _, n := range []int{0, 15, 17, 32} {
		if _, err := SaltedDigest(make([]byte, n), v); err == nil {
			t.Errorf("a salt of %d bytes passes", n)
		}
	}
}

func TestParseTenant(t *testing.T) {
	for _, s := range []string{"a", "acme-2", "0", strings.Repeat("x", 63)} {
		if got, err := ParseTenant(s); err != nil || string(got) != s {
			t.Errorf("%q: %q, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "Acme", "a.b", "a_b", "a/b", "é", "a ", "..", strings.Repeat("x", 64)} {
		if _, err := ParseTenant(s); err == nil {
			t.Errorf("%q passes for a tenant", s)
		}
	}
}
