package redact

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// check holds a text against what must be so of every text.
func check(t interface{ Fatalf(string, ...any) }, text string) {
	found := Scan(text)
	at := 0
	for _, f := range found {
		switch {
		case f.Start < at || f.End <= f.Start || f.End > len(text):
			t.Fatalf("%q: finding %v lies outside, or overlaps the one before", text, f)
		case !known()[f.Kind]:
			t.Fatalf("%q: %q is not one of Kinds", text, f.Kind)
		case utf8.ValidString(text) && !utf8.ValidString(text[f.Start:f.End]):
			t.Fatalf("%q: finding %v cuts a character", text, f)
		}
		at = f.End
	}
	clean, kinds := Mask(text)
	switch again, more := Mask(clean); {
	case len(found) == 0 && clean != text:
		t.Fatalf("%q has no finding and became %q", text, clean)
	case (len(found) == 0) != (len(kinds) == 0):
		t.Fatalf("%q: %d findings, and %v were masked", text, len(found), kinds)
	case again != clean || len(more) > 0:
		t.Fatalf("%q masks to %q, and that to %q", text, clean, again)
	case len(Scan(clean)) > 0:
		t.Fatalf("%q masks to %q, in which %v is found", text, clean, Scan(clean))
	}
	for _, most := range []int{20, 40, 100} {
		short, _ := MaskWithin(text, most)
		if len(kinds) > 0 && len(short) > most || len(kinds) > 0 && len(Scan(short)) > 0 || len(kinds) == 0 && short != text {
			t.Fatalf("%q within %d bytes is %q", text, most, short)
		}
	}
}

// pieces are what hostile texts are made of: everything that a rule looks for,
// whole and cut, and what stands around it.
func pieces(t testing.TB) (list []string) {
	for _, corpus := range [][]marked{settings(t), personal(t)} {
		for _, m := range corpus {
			list = append(list, m.text)
			for _, span := range m.spans {
				list = append(list, m.text[span[0]:span[1]], m.text[:span[0]], m.text[:(span[0]+span[1])/2])
			}
		}
	}
	for i, f := range forms {
		secret := drawn(f.form, i)
		list = append(list, secret, secret[:len(secret)/2], secret[len(secret)/3:])
	}
	for _, k := range []Kind{EMail, Password, "github-token", "no-kind"} {
		list = append(list, k.Marker())
	}
	return append(list, corpusLines(t, "plain.txt")...)
}

func TestLaws(t *testing.T) {
	list := pieces(t)
	glue := []string{"", " ", "\n", "=", ":", `"`, "'", "-", "_", ".", "@", "/", "://", "\u200b", "\u00a0", "é", "０", "\xff", markerStart, "]", "password=", "%3D", `\n`}
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		for range rapid.IntRange(1, 6).Draw(t, "n") {
			piece := rapid.SampledFrom(list).Draw(t, "piece")
			if rapid.Bool().Draw(t, "cut") {
				from := rapid.IntRange(0, len(piece)).Draw(t, "from")
				piece = piece[from:rapid.IntRange(from, len(piece)).Draw(t, "to")]
			}
			b.WriteString(piece + rapid.SampledFrom(glue).Draw(t, "glue"))
		}
		check(t, b.String())
	})
}

func TestLawsOfAnyText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { check(t, rapid.String().Draw(t, "text")) })
}

func FuzzScan(f *testing.F) {
	for _, p := range pieces(f) {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, text string) { check(t, text) })
}

// A marker that we did not write hides nothing.
func TestForgedMarkers(t *testing.T) {
	token := drawn("ghp_{a36}", 1)
	for _, text := range []string{"[removed: " + token + "]", "[removed: 4111111111111111]", "[removed: password" + token + "]", "[removed: e-mail]" + token} {
		if clean, found := Mask(text); len(found) == 0 || strings.Contains(clean, "4111") || strings.Contains(clean, token) {
			t.Errorf("%q becomes %q", text, clean)
		}
	}
}

// What is cut off to fit is said to be.
func TestMaskWithin(t *testing.T) {
	mails := strings.Repeat("a@b.co,", 20)
	for most, want := range map[int]string{
		400: strings.Repeat("[removed: e-mail],", 20),
		100: strings.Repeat("[removed: e-mail],", 4) + "[removed: text]",
		20:  "[removed: text]",
		5:   "",
	} {
		clean, found := MaskWithin(mails, most)
		if clean != want || len(found) < 20 || (found[len(found)-1] == Text) != (most < 400) {
			t.Errorf("within %d: %q, %d found", most, clean, len(found))
		}
	}
}

// What stands alone only once something beside it is gone goes too, and the
// rest of the text stays.
func TestSecondLook(t *testing.T) {
	text := "PuTTY-User-Key-File-2: x\nPrivate-Lines: 1\nAAAA\nPrivate-MAC: ab12" + drawn("AKIA{U16}", 1) + " and so on"
	if clean, _ := Mask(text); clean != "[removed: private-key][removed: aws-access-key] and so on" {
		t.Errorf("becomes %q", clean)
	}
}

// Of several findings at one place the most serious names it, and all of it
// goes.
func TestOverlaps(t *testing.T) {
	token := drawn("ghp_{a36}", 2)
	for text, want := range map[string]string{
		"token=" + token:                      "token=[removed: github-token]",
		"password=ana@example.org":            "password=[removed: password]",
		"https://ana:" + token + "@h.example": "https://ana:[removed: github-token]@h.example",
		"4111111111111111@example.org":        "[removed: e-mail]",
		"tel 457-55-5462":                     "tel [removed: us-ssn]",
		"+49 4111 1111 1111 1111 paid":        "[removed: card] paid",
	} {
		if clean, _ := Mask(text); clean != want {
			t.Errorf("%q becomes %q, want %q", text, clean, want)
		}
	}
}

func TestNamedSecret(t *testing.T) {
	for _, c := range []struct {
		name, value string
		want        Kind
	}{
		{"password", "hunter2", Password}, {"dbPassword", "sesame", Password}, {"api_key", "9944b09199c62bcf", SecretValue},
		{"secretAccessKey", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", AWSSecret}, {"cvv", "123", CardCode},
		{"password", "${DB}", ""}, {"password", "op://vault/x/y", ""}, {"token_count", "1234567890123456789", ""}, {"password_hint", "my first dog", ""},
		{"id", "9944b09199c62bcf", ""}, {"", "hunter2", ""}, {"token", "", ""}, {"key", "AbCdEfGh12345678AbCdEfGh12345678", ""},
	} {
		if kind, ok := NamedSecret(c.name, c.value); kind != c.want && ok || ok != (c.want != "") {
			t.Errorf("%s %q: %s %v, want %q", c.name, c.value, kind, ok, c.want)
		}
	}
}
